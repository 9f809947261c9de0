//! The nodes of a project: a run, its plan, its result, their state.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Value, json};
use slipway_conduct::{Answer, Event, Events, NodeStatus, Outcome, SitePlan, Summary};

use crate::output::{Level, Output, table};

const TOPIC: &str = "site";

/// Events that are shown on the output.
pub fn events(output: &Arc<Output>) -> Events<Event> {
    let output = Arc::clone(output);
    Events::new(move |event| show(&event, &output))
}

fn show(event: &Event, output: &Output) {
    let level = match event {
        Event::Task { .. } => Level::Verbose,
        _ => Level::Quiet,
    };
    output.event(level, TOPIC, event);
    match event {
        Event::Waiting { holder } => {
            let text = format!("another run on this site ({holder}) is under way: waiting");
            output.line(Level::Normal, &text);
        }
        Event::Unreachable { node, message } => {
            output.warning(&format!("{node} does not answer: {message}"));
        }
        Event::Skipped { part, nodes } => {
            let text = format!("{part}: done before on {}", nodes.join(", "));
            output.line(Level::Verbose, &text);
        }
        Event::Started { part, nodes } => {
            for node in nodes {
                output.started(TOPIC, node, part);
            }
        }
        Event::Task { node, task } => {
            output.progress(TOPIC, node, task);
            output.about(Level::Verbose, TOPIC, node, task);
        }
        Event::Ended {
            node,
            part,
            outcome,
            seconds,
        } => ended(output, node, part, outcome, *seconds),
        Event::Stopped { failed } => {
            let text = format!("stopped: {} failed", failed.join(", "));
            output.warning(&text);
        }
        _ => {}
    }
}

fn ended(output: &Output, node: &str, part: &str, outcome: &Outcome, seconds: f64) {
    let text = format!("{part}: {} ({seconds:.1}s)", outcome.word());
    match outcome.message() {
        None => output.finished(TOPIC, node, &text),
        Some(message) => output.failed(TOPIC, node, &format!("{text}\n{message}")),
    }
}

/// Prints, for each node, what would change.
pub fn plan(plan: &SitePlan, output: &Output) -> anyhow::Result<()> {
    if output.is_json() {
        return output.json(plan);
    }
    for (node, changes) in &plan.nodes {
        output.result(node);
        match (plan.failed.get(node), changes.as_slice()) {
            (Some(message), _) => output.result(&format!("  error: {message}")),
            (None, []) => output.result("  unchanged"),
            (None, changes) => changes
                .iter()
                .for_each(|change| output.result(&format!("  {change}"))),
        }
    }
    Ok(())
}

/// Prints the result of a run.
pub fn summary(summary: &Summary, output: &Output) -> anyhow::Result<()> {
    if output.is_json() {
        output.json(summary)?;
    }
    output.line(Level::Normal, &summary.line());
    Ok(())
}

/// Prints the state of each node.
pub fn status(nodes: &IndexMap<String, NodeStatus>, output: &Output) -> anyhow::Result<()> {
    if output.is_json() {
        return output.json(&json!({"nodes": nodes}));
    }
    let head = [
        "NODE",
        "ROLE",
        "STEP",
        "CONTAINERS",
        "UNHEALTHY",
        "DRIFT",
        "DUE",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (name, node) in nodes {
        let mut row = vec![name.clone(), node.role.clone()];
        row.extend(match &node.answer {
            Answer::State(state) => state_cells(state),
            Answer::Error(message) => vec![format!("error: {}", first_line(message))],
        });
        rows.push(row);
    }
    output.result(&table(&rows));
    Ok(())
}

fn state_cells(state: &Value) -> Vec<String> {
    if state["deployed"] != json!(true) {
        return vec!["not deployed".to_owned()];
    }
    let number = |key: &str| state[key].as_u64().unwrap_or(0).to_string();
    let list = |key: &str| {
        let items = state[key].as_array().into_iter().flatten();
        let items: Vec<&str> = items.filter_map(Value::as_str).collect();
        match items.is_empty() {
            true => "-".to_owned(),
            false => items.join(", "),
        }
    };
    vec![
        number("step"),
        number("containers"),
        list("unhealthy"),
        list("drift"),
        list("due"),
    ]
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
