//! A deployment: its events, its plan, its result.

use std::sync::Arc;

use serde_json::json;
use slipway_deploy::{DeploymentPlan, Event, Events, StepSummary, Summary, WrittenFiles};
use slipway_runtime::converge::PlannedAction;
use slipway_suggest::count;

use super::{containers, puppet};
use crate::output::{Level, Output};

const TOPIC: &str = "deploy";

/// Events that are shown on the output.
pub fn events(output: &Arc<Output>) -> Events<Event> {
    let output = Arc::clone(output);
    Events::new(move |event| show(&event, &output))
}

fn show(event: &Event, output: &Output) {
    match event {
        // They have topics of their own.
        Event::Puppet(_) | Event::Containers(_) => {}
        Event::PullLine { .. } => output.event(Level::Everything, TOPIC, event),
        _ => output.event(Level::Quiet, TOPIC, event),
    }
    match event {
        Event::Waiting { holder } => {
            let text = format!("another run on this deployment ({holder}) is under way: waiting");
            output.line(Level::Normal, &text);
        }
        Event::ConfigJson { path, finding } => {
            output.line(Level::Quiet, &format!("{path}: {finding}"));
        }
        Event::Wrote { path } => {
            output.line(Level::Verbose, &format!("wrote {}", path.display()));
        }
        Event::NoUnits { reason } => {
            let text =
                format!("no systemd units are written that start containers at boot: {reason}");
            output.line(Level::Verbose, &text);
        }
        Event::Pulling { image } => output.about(Level::Normal, TOPIC, image, "pulling"),
        Event::PullLine { image, line } => output.about(Level::Verbose, TOPIC, image, line),
        Event::ImageRestored { image, id } => {
            output.about(Level::Normal, TOPIC, image, &format!("means {id} again"));
        }
        Event::StepStarted { step } => {
            output.stage(&format!("step {}", step.number()));
        }
        Event::StepConverged { outcome, .. } => {
            output.advance(outcome.count(PlannedAction::Keep));
            output.line(Level::Verbose, &containers::summary_line(outcome));
        }
        Event::Puppet(event) => puppet::show(event, output),
        Event::Containers(event) => containers::show(event, output),
        _ => {}
    }
}

/// Prints, for each step, its containers and what would happen to them, and its tasks.
pub fn plan(plan: &DeploymentPlan, output: &Output) -> anyhow::Result<()> {
    if output.is_json() {
        return output.json(plan);
    }
    output.result(&format!("Pre\nconfig volumes: {}", plan.volumes.join(", ")));
    for step in &plan.steps {
        output.result(&format!("\nStep {}", step.step));
        if !step.containers.containers.is_empty() || !step.containers.removals.is_empty() {
            output.result(&containers::plan_table(&step.containers));
        }
        if !step.tasks.is_empty() && step.runs_tasks {
            output.result(&format!("tasks: {}", step.tasks.join(", ")));
        }
    }
    Ok(())
}

/// Prints the summary of a deployment.
pub fn summary(summary: &Summary, output: &Output) -> anyhow::Result<()> {
    if output.is_json() {
        output.json(&json!({
            "changed": summary.changed(),
            "pre": summary.pre,
            "steps": summary.steps,
        }))?;
    }
    output.line(Level::Normal, &summary_line(summary));
    Ok(())
}

/// The numbers of files that were written, in one line.
pub fn written_summary(written: WrittenFiles) -> String {
    let WrittenFiles {
        kolla_configs,
        scripts,
    } = written;
    let scripts = count(scripts, "script");
    format!("new or changed: {kolla_configs} config.json, {scripts}")
}

fn summary_line(summary: &Summary) -> String {
    if !summary.changed() {
        let containers: usize = summary
            .steps
            .iter()
            .map(|step| step.containers.containers.len())
            .sum();
        return format!(
            "nothing has changed: {} and {} as they were",
            count(summary.pre.volumes.runs.len(), "config volume"),
            count(containers, "container")
        );
    }
    let mut lines = vec![puppet::summary_line(&summary.pre.volumes, "config volume")];
    let changed = summary.steps.iter().filter(|step| step.changed());
    lines.extend(changed.map(|step| format!("step {}: {}", step.step, step_summary(step))));
    lines.join("\n")
}

fn step_summary(step: &StepSummary) -> String {
    let mut parts = Vec::new();
    if step.host_applied() {
        parts.push("host manifest applied".to_owned());
    }
    if !step.containers.is_unchanged() {
        parts.push(format!(
            "containers: {}",
            containers::summary_line(&step.containers)
        ));
    }
    match step.tasks_ran() {
        0 => {}
        tasks => parts.push(format!("{} run", count(tasks, "task"))),
    }
    parts.join("; ")
}
