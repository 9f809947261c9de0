//! What can go wrong.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Serialize, Serializer};
use slipway_engine::EngineError;
use slipway_files::LockError;

/// The result of a job of this crate.
pub type Result<T, E = PuppetError> = std::result::Result<T, E>;

/// Why a job could not begin, or had to stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PuppetError {
    /// A path of the deployment cannot be used.
    #[error(transparent)]
    Path(#[from] slipway_paths::PathError),
    /// A file or folder could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// The system's own words.
        source: std::io::Error,
    },
    /// A file could not be replaced.
    #[error(transparent)]
    Write(#[from] slipway_files::WriteError),
    /// Hiera data or a list of configs that is not what it should be.
    #[error("{}{}: {message}", path.display(), position.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default())]
    Input {
        /// The file.
        path: PathBuf,
        /// Line and column, counted from 1.
        position: Option<(usize, usize)>,
        /// What is wrong.
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
        /// What failed (a config volume, a task, a step's host manifest), and why.
        failed: Vec<(String, Failure)>,
    },
}

/// Why one run failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// Its image is not there, and could not be pulled.
    #[error(
        "image {image} is not here and could not be pulled ({reason}): build it, or correct config_image"
    )]
    NoImage {
        /// The image.
        image: String,
        /// What the pull said.
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
        /// Everything it said.
        log: PathBuf,
    },
    /// Puppet was killed.
    #[error("Puppet was ended by signal {signal}{}; last it said: {last}\n  full log: {}", if *signal == 9 { " (is there too little memory?)" } else { "" }, log.display())]
    Killed {
        /// The signal's number.
        signal: i64,
        /// The last line it said.
        last: String,
        /// Everything it said.
        log: PathBuf,
    },
    /// What Puppet wrote could not be copied out of the container.
    #[error("the result could not be copied out: {last}\n  full log: {}", log.display())]
    NotCopied {
        /// The last line that was said.
        last: String,
        /// Everything that was said.
        log: PathBuf,
    },
    /// It did not end in time.
    #[error("Puppet did not end within {} s and was stopped; last it said: {last}\n  full log: {}", limit.as_secs(), log.display())]
    TimedOut {
        /// The time it had.
        limit: Duration,
        /// The last line it said.
        last: String,
        /// Everything it said.
        log: PathBuf,
    },
    /// The engine failed.
    #[error("{0}")]
    Engine(#[from] EngineError),
    /// Its result could not be taken over.
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

/// Says what was being done to a path when the system said no.
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
