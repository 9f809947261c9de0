//! Errors of an export.

use std::path::PathBuf;

use slipway_files::{LockError, WriteError};
use slipway_service::ServiceError;

/// The result of an export.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason why a project cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The templates cannot be resolved.
    #[error(transparent)]
    Templates(#[from] slipway_heat::Error),
    /// A file of tripleo-common or of an earlier export cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A directory or file cannot be made or removed.
    #[error("cannot change {}: {source}", path.display())]
    Change {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Another export writes into the directory.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The directory has files that no export wrote.
    #[error("{} is not empty, and no export wrote it; name another directory", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
    },
    /// An output of the plan has another form than config-download expects.
    #[error("{template}: output {output}: {reason}")]
    Output {
        /// The template.
        template: String,
        /// The output.
        output: String,
        /// The reason.
        reason: String,
    },
    /// The directory is no tripleo-common of a known release.
    #[error("{}: {reason}; expected the source or the package of tripleo-common 8 to 10", path.display())]
    NoTripleoCommon {
        /// The directory.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A template of tripleo-common cannot be rendered.
    #[error("{}: {reason}", path.display())]
    Render {
        /// The template.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A name would put a file outside the project.
    #[error("{name}: a role, server or deployment must be named like a file, without / and not ..")]
    Name {
        /// The name.
        name: String,
    },
    /// A service definition is invalid, or the services of a role conflict.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// A service definition cannot be a file of the project.
    #[error("{}: {reason}", path.display())]
    Definition {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A role names a service that no definition declares.
    #[error("roles.{role}.services: {service}: no service definition has this name")]
    UnknownService {
        /// The role.
        role: String,
        /// The service.
        service: String,
    },
    /// The file of nodes is invalid.
    #[error("{}: {reason}", path.display())]
    Nodes {
        /// The file.
        path: PathBuf,
        /// The key and the reason.
        reason: String,
    },
    /// A file is no valid YAML, or has an unknown key.
    #[error(transparent)]
    Invalid(#[from] slipway_yaml::FileError),
    /// A value cannot be written as YAML.
    #[error("{path}: {source}")]
    Yaml {
        /// The file of the project.
        path: String,
        /// The reason.
        source: slipway_yaml::Error,
    },
}
