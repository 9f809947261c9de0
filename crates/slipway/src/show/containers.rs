//! A set of containers: its plan, its events, its result.

use slipway_runtime::converge::{Event, Outcome, Plan, PlannedAction, Reason, UnitAction};
use slipway_suggest::count;

use crate::output::{Level, Output, table};

/// Returns a plan as a table.
pub fn plan_table(plan: &Plan) -> String {
    let mut rows = vec![["CONTAINER", "ACTION", "WHY"].map(str::to_owned).to_vec()];
    rows.extend(plan.pulls.iter().map(|image| {
        let row = [image.as_str(), "pull", "not there"];
        row.map(str::to_owned).to_vec()
    }));
    rows.extend(plan.containers.iter().map(|planned| {
        vec![
            planned.container.clone(),
            planned.action.verb().to_owned(),
            why(&planned.reasons),
        ]
    }));
    rows.extend(plan.removals.iter().map(|removal| {
        vec![
            removal.name.clone(),
            "delete".to_owned(),
            removal.reason.to_string(),
        ]
    }));
    rows.extend(plan.renames.iter().map(|rename| {
        vec![
            rename.from.clone(),
            "rename".to_owned(),
            format!("to {}", rename.to),
        ]
    }));
    rows.extend(plan.units.iter().map(|planned| {
        let (action, why) = match planned.action {
            UnitAction::Write => ("write", "starts its container at boot"),
            UnitAction::Remove => ("delete", "no container is to be started by it"),
        };
        [&planned.unit, action, why].map(str::to_owned).to_vec()
    }));
    table(&rows)
}

/// Returns the outcome in one line.
pub fn summary_line(outcome: &Outcome) -> String {
    if outcome.is_unchanged() {
        return format!(
            "nothing has changed: {} as they were",
            count(outcome.containers.len(), "container")
        );
    }
    let mut parts = Vec::new();
    for action in [
        PlannedAction::Create,
        PlannedAction::Replace,
        PlannedAction::Start,
        PlannedAction::Restart,
        PlannedAction::Exec,
        PlannedAction::Keep,
    ] {
        let count = outcome.count(action);
        if count > 0 {
            parts.push(format!("{count} {}", past(action)));
        }
    }
    if !outcome.removed.is_empty() {
        parts.push(format!("{} removed", outcome.removed.len()));
    }
    if !outcome.units.is_empty() {
        parts.push(format!("{} systemd units changed", outcome.units.len()));
    }
    parts.join(", ")
}

/// Shows an event.
pub fn show(event: &Event, output: &Output) {
    const TOPIC: &str = "run";
    let level = match event {
        Event::Pulling { .. } | Event::Output { .. } => Level::Everything,
        _ => Level::Quiet,
    };
    output.event(level, "containers", event);
    match event {
        Event::Waiting { holder } => output.line(
            Level::Normal,
            &format!("waiting for another run ({holder})"),
        ),
        Event::Pulling { image, line } => output.about(Level::Verbose, TOPIC, image, line),
        Event::Removed { name, reason } => {
            output.about(Level::Normal, TOPIC, name, &format!("removed: {reason}"))
        }
        Event::Renamed(rename) => output.about(
            Level::Normal,
            TOPIC,
            &rename.from,
            &format!("renamed to {}", rename.to),
        ),
        Event::Beginning {
            container,
            action,
            reasons,
        } => {
            output.started(
                TOPIC,
                container,
                &format!("{}: {}", action.verb(), why(reasons)),
            );
        }
        Event::Started { container, .. } => output.finished(TOPIC, container, "up"),
        Event::Ended {
            container,
            exit_code,
        } => {
            output.finished(
                TOPIC,
                container,
                &format!("ended with exit code {exit_code}"),
            );
        }
        Event::RolledBack { container } => {
            output.failed(TOPIC, container, "did not start; the old one is back");
        }
        Event::Unit(planned) => {
            let done = match planned.action {
                UnitAction::Write => "written and enabled",
                UnitAction::Remove => "removed",
            };
            output.about(Level::Normal, TOPIC, &planned.unit, done);
        }
        Event::HealthChanged {
            container,
            health: Some(health),
        } => {
            output.about(
                Level::Verbose,
                TOPIC,
                container,
                &format!("{health:?}").to_lowercase(),
            );
        }
        _ => {}
    }
}

fn why(reasons: &[Reason]) -> String {
    let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
    reasons.join(", ")
}

fn past(action: PlannedAction) -> &'static str {
    match action {
        PlannedAction::Keep => "kept",
        PlannedAction::Create => "created",
        PlannedAction::Replace => "replaced",
        PlannedAction::Start => "started",
        PlannedAction::Restart => "restarted",
        PlannedAction::Wait => "waited for",
        PlannedAction::Exec => "executed",
    }
}
