//! Errors of a run.

use std::path::PathBuf;

use slipway_files::{LockError, WriteError};

/// The result of work on a site.
pub type Result<T, E = ConductError> = std::result::Result<T, E>;

/// The reason why a site cannot be worked on. A node that fails is no error: see
/// [`Summary`](crate::Summary).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConductError {
    /// The directory is no project, or has no list of its parts.
    #[error("{}: {source}; expected a project of slipway export --nodes", path.display())]
    NoSite {
        /// The list of parts.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The command line names a node or role that the site does not have.
    #[error("--limit {name}: no such node or role; nodes: {}", known.join(", "))]
    UnknownNode {
        /// The name.
        name: String,
        /// The nodes.
        known: Vec<String>,
    },
    /// The site has no releases.
    #[error(
        "the site has no fast-forward upgrade: name the releases in nodes.yaml, as \
         `releases: [ocata, pike, queens]`, and export again"
    )]
    NoReleases,
    /// Another run works on the site, or its lock cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A file of the site cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file of the site cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A private file cannot be written.
    #[error(transparent)]
    Private(#[from] WriteError),
    /// A file of the site is invalid.
    #[error(transparent)]
    Invalid(#[from] slipway_yaml::FileError),
    /// `ansible-playbook` cannot be started.
    #[error(
        "cannot start {}: {source}; install ansible-core 2.15 to 2.19, or name the program with \
         --ansible-playbook", program.display()
    )]
    NoAnsible {
        /// The program.
        program: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// `ansible-playbook` ended without a result.
    #[error("{playbook}: ansible-playbook ended with {status}:\n{output}")]
    Ansible {
        /// The playbook.
        playbook: &'static str,
        /// Its exit status.
        status: String,
        /// Its last lines.
        output: String,
    },
}

impl ConductError {
    /// Returns true if the command line or the site is wrong, and nothing was touched.
    pub fn is_invalid_input(&self) -> bool {
        match self {
            ConductError::NoSite { .. }
            | ConductError::UnknownNode { .. }
            | ConductError::NoReleases
            | ConductError::Invalid(_)
            | ConductError::NoAnsible { .. } => true,
            ConductError::Lock(_)
            | ConductError::Read { .. }
            | ConductError::Write { .. }
            | ConductError::Private(_)
            | ConductError::Ansible { .. } => false,
        }
    }
}
