//! What came of the runs.

use serde::Serialize;

use crate::error::{Failure, PuppetError, Result};
use crate::volume::changes::FileChange;

/// What came of several runs. Serialises for `--format json`.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Each run, in the order they were declared.
    pub runs: Vec<RunReport>,
}

/// What came of one run.
#[derive(Debug, Serialize)]
pub struct RunReport {
    /// The config volume, the task, or `host step_N`.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it ran, or why not.
    pub why: String,
    /// The hash of the generated files, where there are any.
    pub hash: Option<String>,
    /// Time it took.
    pub seconds: f64,
    /// What is not as it was in a config volume: of a new one, what Puppet wrote.
    pub changed_files: Vec<FileChange>,
    /// The same as a unified diff, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

/// What a run would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// The config volume.
    pub name: String,
    /// Why Puppet would run for it; `None` where it would not.
    pub why: Option<String>,
}

/// How a run ended.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did not have to take place.
    Skipped,
    /// It took place, and its result is as it was before.
    Same,
    /// It took place, and something is new.
    Changed,
    /// It failed; what was there before is still there.
    Failed(Failure),
}

impl Report {
    /// Whether any result is new.
    pub fn changed(&self) -> bool {
        self.runs
            .iter()
            .any(|run| matches!(run.outcome, Outcome::Changed))
    }

    /// Whether any run failed.
    pub fn failed(&self) -> bool {
        self.runs
            .iter()
            .any(|run| matches!(run.outcome, Outcome::Failed(_)))
    }

    /// The report, or every failure in it as one error.
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
