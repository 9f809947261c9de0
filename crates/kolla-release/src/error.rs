//! Errors of reading a Kolla, and what to do about each.

use std::path::PathBuf;

use slipway_suggest::hint;

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason why a Kolla cannot be read or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A directory that is no Kolla.
    #[error("{}: this is not a Kolla release: {reason}", directory.display())]
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
    #[error(transparent)]
    Io(#[from] slipway_files::FileError),
    /// A YAML file is invalid.
    #[error(transparent)]
    Yaml(#[from] slipway_yaml::FileError),
}
