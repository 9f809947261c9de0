//! What a deployment did.

use serde::Serialize;
use serde_json::{Value, json};
use slipway_puppet::{Outcome, Report, RunReport};
use slipway_runtime::converge;

use super::files::Files;
use super::progress;
use crate::converging;

/// What was done before the steps.
#[derive(Serialize)]
pub struct Pre {
    /// The config volumes.
    pub volumes: Report,
    /// The files.
    #[serde(flatten)]
    pub files: Files,
}

/// What was done in one step.
#[derive(Serialize)]
pub struct StepSummary {
    pub step: u8,
    pub host: RunReport,
    pub containers: converge::Outcome,
    /// `None` where there were none to run.
    pub tasks: Option<Report>,
}

/// What was done.
pub struct Summary {
    pub pre: Pre,
    pub steps: Vec<StepSummary>,
}

impl Summary {
    /// Whether anything was done at all.
    pub fn changed(&self) -> bool {
        ran(&self.pre.volumes)
            || self.pre.files.changed()
            || self.steps.iter().any(StepSummary::changed)
    }

    /// For scripts.
    pub fn as_json(&self) -> Value {
        json!({"changed": self.changed(), "pre": self.pre, "steps": self.steps})
    }

    /// For people.
    pub fn in_short(&self) -> String {
        if !self.changed() {
            let containers: usize = self
                .steps
                .iter()
                .map(|step| step.containers.containers.len())
                .sum();
            return format!(
                "nothing has changed: {} config volumes and {containers} containers as they were",
                self.pre.volumes.runs.len()
            );
        }
        let mut lines = vec![progress::in_short(&self.pre.volumes, "config volumes")];
        let changed = self.steps.iter().filter(|step| step.changed());
        lines.extend(changed.map(|step| format!("step {}: {}", step.step, step.in_short())));
        lines.join("\n")
    }
}

impl StepSummary {
    fn changed(&self) -> bool {
        !matches!(self.host.outcome, Outcome::Skipped)
            || !self.containers.is_unchanged()
            || self.tasks.as_ref().is_some_and(ran)
    }

    fn in_short(&self) -> String {
        let mut parts = Vec::new();
        if !matches!(self.host.outcome, Outcome::Skipped) {
            parts.push("host manifest applied".to_owned());
        }
        if !self.containers.is_unchanged() {
            parts.push(format!(
                "containers: {}",
                converging::in_short(&self.containers)
            ));
        }
        if let Some(tasks) = self.tasks.as_ref().filter(|tasks| ran(tasks)) {
            let count = tasks
                .runs
                .iter()
                .filter(|run| !matches!(run.outcome, Outcome::Skipped))
                .count();
            parts.push(format!("{count} tasks run"));
        }
        parts.join("; ")
    }
}

/// Whether anything in a report had to be done.
pub fn ran(report: &Report) -> bool {
    report
        .runs
        .iter()
        .any(|run| !matches!(run.outcome, Outcome::Skipped))
}
