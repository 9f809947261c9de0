//! Errors of reading a Kolla, and what to do about each.

use std::io;
use std::path::{Path, PathBuf};

use slipway_suggest::hint;

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason why a Kolla cannot be read or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A directory that is no Kolla.
    #[error("{}: this is no Kolla: {reason}", directory.display())]
    NoKolla {
        /// The directory.
        directory: PathBuf,
        /// The missing part.
        reason: String,
    },
    /// A value that this release of Kolla does not know.
    #[error("{option} {value}: Kolla {version} has {known}{}", hint(.nearest.as_ref()))]
    NotInKolla {
        /// The release.
        version: String,
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
        /// The values there are.
        known: String,
        /// The most similar of them.
        nearest: Option<String>,
    },
    /// A distribution that is not known here.
    #[error(transparent)]
    UnknownBase(#[from] crate::UnknownBase),
    /// A file could not be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A YAML file does not hold what it should.
    #[error("{}: {message}", path.display())]
    Yaml {
        /// The file.
        path: PathBuf,
        /// The message, with the place.
        message: String,
    },
}

/// Says which file an I/O error is about.
pub(crate) trait IoContext<T> {
    fn at(self, path: &Path) -> Result<T>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io {
            path: path.to_owned(),
            source,
        })
    }
}
