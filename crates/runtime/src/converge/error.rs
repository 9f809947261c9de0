//! Errors of converging.

use std::path::PathBuf;

use serde::Serialize;

use super::Outcome;
use slipway_engine::EngineError;

/// The result of converging.
pub type Result<T, E = ConvergeError> = std::result::Result<T, E>;

/// Converging failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvergeError {
    /// The engine failed, not a container.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Something that containers need is not there, or is wrong. Nothing was touched.
    #[error("nothing was changed, because:\n{}", listed(problems))]
    Missing {
        /// The missing things, and the containers that need them.
        problems: Vec<Problem>,
    },
    /// Some containers failed; others may have been dealt with.
    #[error("{}", failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Containers {
        /// The failures.
        failures: Vec<ContainerFailure>,
        /// The work that was done.
        outcome: Box<Outcome>,
    },
    /// Labels are to have digests, and there is nowhere to keep their key.
    #[error("digests in labels need a state directory for their key")]
    NoKey,
    /// The set's lock cannot be taken.
    #[error(transparent)]
    Lock(#[from] slipway_files::LockError),
    /// A container's systemd unit cannot be seen to.
    #[error(transparent)]
    Systemd(#[from] crate::systemd::SystemdError),
    /// The record of earlier actions cannot be read or written.
    #[error("cannot use {}: {source}", path.display())]
    State {
        /// The file or directory.
        path: PathBuf,
        /// The system's own words.
        source: std::io::Error,
    },
    /// It cannot be written.
    #[error(transparent)]
    Remember(#[from] slipway_files::WriteError),
}

/// Something that a container needs and that is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("container {container}: {what}")]
pub struct Problem {
    /// The container's name in its set.
    pub container: String,
    /// The problem, and the advice.
    pub what: String,
}

/// A container that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ContainerFailure {
    /// The container's name in its set.
    pub container: String,
    /// The failure.
    pub what: String,
    /// The exit code of what ran to its end.
    pub exit_code: Option<i64>,
    /// Its last lines of output, secrets taken out.
    pub output: Vec<String>,
    /// The last results of its healthcheck, without secrets.
    pub health: Vec<String>,
    /// The fate of the container that it was to replace, if any.
    pub rollback: Option<String>,
}

impl std::fmt::Display for ContainerFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "container {}: {}", self.container, self.what)?;
        if let Some(rollback) = &self.rollback {
            write!(f, "; {rollback}")?;
        }
        for (what, lines) in [("output", &self.output), ("healthchecks", &self.health)] {
            if !lines.is_empty() {
                write!(f, "; its last {what}:")?;
                for line in lines {
                    write!(f, "\n  | {line}")?;
                }
            }
        }
        Ok(())
    }
}

fn listed(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(|p| format!("  {p}")).collect();
    lines.join("\n")
}
