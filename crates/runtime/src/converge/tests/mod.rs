//! Tests of converging, on the fake engine.

mod failures;
mod interruption;
mod plans;

use std::path::Path;

use super::*;
use slipway_events::Events;
use slipway_test_support::FakeEngine;

fn set(text: &str) -> ContainerSet {
    ContainerSet {
        config_id: "s".to_owned(),
        managed_by: "m".to_owned(),
        containers: crate::step::parse(Path::new("s.yaml"), text).unwrap(),
    }
}

async fn converge(engine: &FakeEngine, text: &str, options: &ApplyOptions) -> Result<Outcome> {
    apply(engine, &set(text), options, &Events::ignore()).await
}

fn with_state(dir: &tempfile::TempDir) -> ApplyOptions {
    ApplyOptions {
        state_dir: Some(dir.path().join("state")),
        ..ApplyOptions::default()
    }
}

fn failures(result: Result<Outcome>) -> Vec<ContainerFailure> {
    match result.unwrap_err() {
        ConvergeError::Containers { failures, .. } => failures,
        other => panic!("not a container's failure: {other}"),
    }
}

fn changes(calls: &[String]) -> usize {
    let looks = [
        "list",
        "find",
        "list images",
        "find image",
        "volumes",
        "wait",
        "logs",
    ];
    calls
        .iter()
        .filter(|call| !looks.contains(&call.as_str()))
        .count()
}

const STEP: &str = "
db: {image: i, command: up, start_order: 1}
sync: {image: i, command: exit 0, detach: false, start_order: 2}
web: {image: i, command: up, start_order: 3}
bootstrap: {action: exec, command: [web, exit, '0'], start_order: 4}
tidy: {image: i, command: exit 0, detach: false, remove: true, start_order: 5}
";
