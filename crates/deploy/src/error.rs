//! Errors of a deployment.

use std::path::PathBuf;

use slipway_engine::EngineError;
use slipway_files::LockError;
use slipway_files::WriteError;
use slipway_paths::PathError;
use slipway_puppet::PuppetError;
use slipway_runtime::converge::ConvergeError;
use slipway_service::{ConfigVolume, Step};

/// The result of an operation of this crate.
pub type Result<T, E = DeployError> = std::result::Result<T, E>;

/// Any error, with its causes.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// The reason why a deployment stopped or could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeployError {
    /// A declaration is invalid.
    #[error(transparent)]
    Declarations(Source),
    /// A path of the deployment cannot be used.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A path of a declaration cannot be under the deployment's root.
    #[error("{place}: {source}")]
    DeclaredPath {
        /// The key of the declaration.
        place: String,
        /// The cause.
        source: PathError,
    },
    /// A file or directory of declarations cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        source: Source,
    },
    /// A directory of a merged role has two files for one part.
    #[error("{} has {part} twice", directory.display())]
    DuplicatePart {
        /// The directory.
        directory: PathBuf,
        /// The part.
        part: String,
    },
    /// No service generates this config volume.
    #[error("nothing declares config volume {volume}; there are: {}", declared.join(", "))]
    UnknownVolume {
        /// The config volume.
        volume: ConfigVolume,
        /// The declared config volumes.
        declared: Vec<String>,
    },
    /// config.json declarations are invalid.
    #[error("{} in config.json declarations; nothing was written", slipway_suggest::count(*.count, "error"))]
    ConfigJson {
        /// The number of errors; each was sent as an event.
        count: usize,
    },
    /// An image to look into is missing.
    #[error("there is no image {image} here; build or pull it first")]
    NoImage {
        /// The image.
        image: String,
    },
    /// An image could not be looked into.
    #[error("cannot look into {image}")]
    Look {
        /// The image.
        image: String,
        /// The cause.
        source: Source,
    },
    /// Images are missing, and could not be pulled.
    #[error(
        "nothing was changed: these images are not in the engine, and could not be pulled; \
         build them (slipway build) or correct their names:\n{}", missing.join("\n")
    )]
    MissingImages {
        /// One line for each image: its name, its users, and the error of the pull.
        missing: Vec<String>,
    },
    /// A file that containers read could not be written.
    #[error("cannot write {what}")]
    Write {
        /// The kind of file.
        what: &'static str,
        /// The cause.
        source: WriteError,
    },
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] WriteError),
    /// The record of a step's generation could not be read or written.
    #[error("cannot keep the record of step {step}")]
    Generation {
        /// The step.
        step: u8,
        /// The cause.
        source: Source,
    },
    /// Another run works on the deployment.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Puppet failed, or could not start.
    #[error(transparent)]
    Puppet(#[from] PuppetError),
    /// Containers failed.
    #[error(transparent)]
    Containers(#[from] ConvergeError),
    /// There is no earlier deployment to go back to.
    #[error(
        "no earlier deployment to go back to: {} has no snapshot of other inputs than those of the \
         latest deployment; deployments with --keep above 0 make one when they succeed", directory.display()
    )]
    NoSnapshot {
        /// The directory of snapshots.
        directory: PathBuf,
    },
    /// The snapshot is that of another role.
    #[error("the last good deployment is of role {role}: give --role {role}")]
    SnapshotOfRole {
        /// The role.
        role: String,
    },
    /// Images of a snapshot are missing.
    #[error(
        "nothing was changed: these images of the last good deployment are no longer in the engine; \
         build or pull them, and deploy the declarations of that time:\n{}", missing.join("\n")
    )]
    SnapshotImages {
        /// One line for each image: its reference and its id.
        missing: Vec<String>,
    },
    /// A snapshot cannot be read or written.
    #[error("cannot use the snapshot {}", path.display())]
    Snapshot {
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        source: Source,
    },
    /// A step failed.
    #[error("step {} failed", step.number())]
    Step {
        /// The step.
        step: Step,
        /// The cause.
        source: Box<DeployError>,
    },
}

/// The kinds of errors that callers treat differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The input is invalid, and nothing was touched.
    InvalidInput,
    /// No container engine answers.
    NoEngine,
    /// Another run holds the lock.
    Locked,
    /// Anything else.
    Failed,
}

impl DeployError {
    /// Returns the kind of this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            DeployError::Declarations(_)
            | DeployError::Path(_)
            | DeployError::DeclaredPath { .. }
            | DeployError::Read { .. }
            | DeployError::DuplicatePart { .. }
            | DeployError::UnknownVolume { .. }
            | DeployError::ConfigJson { .. }
            | DeployError::NoSnapshot { .. }
            | DeployError::SnapshotOfRole { .. }
            | DeployError::NoImage { .. } => ErrorKind::InvalidInput,
            DeployError::Locked(LockError::Held { .. })
            | DeployError::Puppet(PuppetError::Locked(LockError::Held { .. })) => ErrorKind::Locked,
            DeployError::Engine(EngineError::NotFound { .. }) => ErrorKind::NoEngine,
            DeployError::Step { source, .. } => source.kind(),
            DeployError::Look { .. }
            | DeployError::MissingImages { .. }
            | DeployError::SnapshotImages { .. }
            | DeployError::Snapshot { .. }
            | DeployError::Write { .. }
            | DeployError::File(_)
            | DeployError::Generation { .. }
            | DeployError::Locked(_)
            | DeployError::Engine(_)
            | DeployError::Puppet(_)
            | DeployError::Containers(_) => ErrorKind::Failed,
        }
    }

    /// Adds the key of a declaration to the error of a path.
    pub(crate) fn declared_at(place: impl Into<String>) -> impl FnOnce(PathError) -> DeployError {
        let place = place.into();
        move |source| DeployError::DeclaredPath { place, source }
    }

    /// Wraps the error of a crate that reads declarations.
    pub(crate) fn declarations(error: impl Into<Source>) -> DeployError {
        DeployError::Declarations(error.into())
    }

    /// Adds the step in which the error happened.
    pub(crate) fn in_step(self, step: Step) -> DeployError {
        DeployError::Step {
            step,
            source: Box::new(self),
        }
    }
}
