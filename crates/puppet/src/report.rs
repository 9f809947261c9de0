//! Results of runs.

use serde::Serialize;

use crate::error::{Failure, PuppetError, Result};
use crate::volume::changes::FileChange;

/// The results of several runs. Serialises for `--format json`.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Each run, in declared order.
    pub runs: Vec<RunReport>,
}

/// The result of one run.
#[derive(Debug, Serialize)]
pub struct RunReport {
    /// The config volume, the task, or `host step_N`.
    pub name: String,
    /// Its end.
    pub outcome: Outcome,
    /// The reason why it ran or did not run.
    pub why: String,
    /// The hash of the generated files, if there are any.
    pub hash: Option<String>,
    /// The time it took.
    pub seconds: f64,
    /// The changes in a config volume; of a new one, what Puppet wrote.
    pub changed_files: Vec<FileChange>,
    /// The same as a unified diff, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

/// A decision about a run, ahead of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// The config volume.
    pub name: String,
    /// The reason why Puppet would run for it; `None` if it would not.
    pub why: Option<String>,
}

/// The end of a run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was not due.
    Skipped,
    /// It took place; its result is unchanged.
    Same,
    /// It took place; its result changed.
    Changed,
    /// It failed; the present result stays.
    Failed(Failure),
}

impl Report {
    /// Returns true if any result changed.
    pub fn changed(&self) -> bool {
        self.runs
            .iter()
            .any(|run| matches!(run.outcome, Outcome::Changed))
    }

    /// Returns true if any run failed.
    pub fn failed(&self) -> bool {
        self.runs
            .iter()
            .any(|run| matches!(run.outcome, Outcome::Failed(_)))
    }

    /// Returns the report, or every failure in it as one error.
    ///
    /// # Errors
    /// When any run failed.
    pub fn into_result(self) -> Result<Report> {
        if !self.failed() {
            return Ok(self);
        }
        let failed = self.runs.into_iter().filter_map(|run| match run.outcome {
            Outcome::Failed(failure) => Some((run.name, failure)),
            _ => None,
        });
        Err(PuppetError::Failed {
            failed: failed.collect(),
        })
    }
}
