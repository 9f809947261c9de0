//! Errors of new deployments.

use std::path::{Path, PathBuf};

use slipway_files::WriteError;
use slipway_service::ServiceError;

/// The result of making a deployment.
pub type Result<T> = std::result::Result<T, InitError>;

/// A deployment that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// The directory has a deployment already.
    #[error("{}: exists; name another directory, or edit the deployment that is there", .0.display())]
    Exists(PathBuf),
    /// A service is not in the library.
    #[error("unknown service {name}{hint}; known: {known}")]
    UnknownService {
        /// The name.
        name: String,
        /// The names of the library's services.
        known: String,
        /// The nearest name.
        hint: String,
    },
    /// No chosen service has the hiera key.
    #[error("no chosen service has the hiera key {0}")]
    UnknownKey(String),
    /// A file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A service definition is invalid.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The settings cannot be written as YAML.
    #[error(transparent)]
    Yaml(#[from] slipway_yaml::Error),
}

impl InitError {
    pub(crate) fn read(path: &Path) -> impl FnOnce(std::io::Error) -> InitError {
        let path = path.to_owned();
        move |source| InitError::Read { path, source }
    }
}
