//! The result of a deployment.

use serde::Serialize;
use slipway_puppet::{Outcome, Report, RunReport};
use slipway_runtime::converge;

use crate::files::WrittenFiles;

/// The result of a deployment.
#[derive(Debug)]
pub struct Summary {
    /// Before the steps.
    pub pre: PreSummary,
    /// In each step.
    pub steps: Vec<StepSummary>,
}

/// The result of Pre, before the steps.
#[derive(Debug, Serialize)]
pub struct PreSummary {
    /// The config volumes.
    pub volumes: Report,
    /// The files.
    #[serde(flatten)]
    pub files: WrittenFiles,
}

/// The result of one step.
#[derive(Debug, Serialize)]
pub struct StepSummary {
    /// The step's number.
    pub step: u8,
    /// The host's manifest.
    pub host: RunReport,
    /// The containers.
    pub containers: converge::Outcome,
    /// The tasks, if the step has any and this node runs them.
    pub tasks: Option<Report>,
}

impl Summary {
    /// Returns true if anything was done.
    pub fn changed(&self) -> bool {
        self.pre.changed() || self.steps.iter().any(StepSummary::changed)
    }
}

impl PreSummary {
    /// Returns true if anything was done.
    pub fn changed(&self) -> bool {
        any_ran(&self.volumes) || self.files.changed()
    }
}

impl StepSummary {
    /// Returns true if anything was done.
    pub fn changed(&self) -> bool {
        self.host_applied() || !self.containers.is_unchanged() || self.tasks_ran() > 0
    }

    /// Returns true if the host's manifest was applied.
    pub fn host_applied(&self) -> bool {
        !matches!(self.host.outcome, Outcome::Skipped)
    }

    /// Returns the number of tasks that ran.
    pub fn tasks_ran(&self) -> usize {
        let runs = self.tasks.iter().flat_map(|report| &report.runs);
        runs.filter(|run| !matches!(run.outcome, Outcome::Skipped))
            .count()
    }
}

fn any_ran(report: &Report) -> bool {
    let mut runs = report.runs.iter();
    runs.any(|run| !matches!(run.outcome, Outcome::Skipped))
}
