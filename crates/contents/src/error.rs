//! Errors, each with the image that it is about.

use slipway_archive::ArchiveError;
use slipway_engine::EngineError;

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason why the contents of an image cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The engine does not have the image.
    #[error("{0}: the engine has no such image; pull it first")]
    NoImage(String),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The archive of the image's files cannot be read.
    #[error("cannot read the files of the image: {0}")]
    Archive(#[from] ArchiveError),
    /// The names of files and packages are beyond all limits.
    #[error("the names of its files and packages have more than {limit} bytes")]
    Names {
        /// The most bytes.
        limit: usize,
    },
    /// A package database is invalid.
    #[error("/{path}: {reason}")]
    Database {
        /// Its path in the image.
        path: String,
        /// The fault.
        reason: String,
    },
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Error::Archive(ArchiveError::Io(error))
    }
}
