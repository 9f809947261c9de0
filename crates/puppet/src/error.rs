//! Errors.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Serialize, Serializer};
use slipway_engine::EngineError;
use slipway_files::LockError;

/// The result of a function of this crate.
pub type Result<T, E = PuppetError> = std::result::Result<T, E>;

/// The reason why no run could begin, or all had to stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PuppetError {
    /// A path of the deployment cannot be used.
    #[error(transparent)]
    Path(#[from] slipway_paths::PathError),
    /// A file or directory could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The action.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A tree of files is not accepted.
    #[error("{path:?}: {reason}")]
    Tree {
        /// The tree, or a path in it.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A file could not be replaced.
    #[error(transparent)]
    Write(#[from] slipway_files::WriteError),
    /// Invalid hiera data, or an invalid list of configs.
    #[error("{}{}: {message}", path.display(), position.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default())]
    Input {
        /// The file.
        path: PathBuf,
        /// Line and column, counted from 1.
        position: Option<(usize, usize)>,
        /// The reason.
        message: String,
    },
    /// An entry with a manifest but no config volume.
    #[error(
        "a puppet_config for image {image} has no config_volume: name the volume its result goes to"
    )]
    NoVolume {
        /// The entry's image.
        image: String,
    },
    /// Another run works on the same deployment.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The engine failed outside of any single volume's run.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The host has no Puppet.
    #[error(
        "the host manifest for {step} needs Puppet, and this host has no `puppet` in its PATH: \
         install it (Debian: apt-get install puppet), or leave step_config out of the services"
    )]
    NoHostPuppet {
        /// The step.
        step: slipway_service::Step,
    },
    /// Runs that failed; the others went on.
    #[error("{}", failed.iter().map(|(subject, failure)| format!("{subject}: {failure}")).collect::<Vec<_>>().join("\n"))]
    Failed {
        /// The config volume, task or step's host manifest, and its failure.
        failed: Vec<(String, Failure)>,
    },
}

/// The reason why one run failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// Its image is missing, and could not be pulled.
    #[error(
        "image {image} is not here and could not be pulled ({reason}): build it, or correct config_image"
    )]
    NoImage {
        /// The image.
        image: String,
        /// The pull's error.
        reason: String,
    },
    /// Its image has no Puppet in it.
    #[error(
        "image {image} has no Puppet in it: build it with the template override that adds Puppet \
         (--template-override overrides/puppet.j2)"
    )]
    NoPuppet {
        /// The image.
        image: String,
    },
    /// Puppet failed.
    #[error("Puppet failed (exit code {exit}):\n{}\n  full log: {}", errors.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"), log.display())]
    Puppet {
        /// Puppet's exit code.
        exit: i64,
        /// Puppet's own error lines.
        errors: Vec<String>,
        /// Its whole output.
        log: PathBuf,
    },
    /// Puppet was killed.
    #[error("Puppet was killed by signal {signal}{}; last it said: {last}\n  full log: {}", if *signal == 9 { " (is there too little memory?)" } else { "" }, log.display())]
    Killed {
        /// The signal's number.
        signal: i64,
        /// Its last line.
        last: String,
        /// Its whole output.
        log: PathBuf,
    },
    /// The result could not be copied out of the container.
    #[error("the result could not be copied out: {last}\n  full log: {}", log.display())]
    NotCopied {
        /// The last line of output.
        last: String,
        /// The whole output.
        log: PathBuf,
    },
    /// It did not end in time.
    #[error("Puppet did not end within {} s and was stopped; last it said: {last}\n  full log: {}", limit.as_secs(), log.display())]
    TimedOut {
        /// The time it had.
        limit: Duration,
        /// Its last line.
        last: String,
        /// Its whole output.
        log: PathBuf,
    },
    /// The engine failed.
    #[error("{0}")]
    Engine(#[from] EngineError),
    /// Its result is not accepted.
    #[error("{0}")]
    Result(Box<PuppetError>),
}

impl From<PuppetError> for Failure {
    fn from(error: PuppetError) -> Failure {
        Failure::Result(Box::new(error))
    }
}

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Adds the action and the path to an error of the system.
pub(crate) trait At<T> {
    fn at(self, action: &'static str, path: impl Into<PathBuf>) -> Result<T>;
}

impl<T, E: Into<std::io::Error>> At<T> for Result<T, E> {
    fn at(self, action: &'static str, path: impl Into<PathBuf>) -> Result<T> {
        self.map_err(|source| PuppetError::Io {
            action,
            path: path.into(),
            source: source.into(),
        })
    }
}
