//! Telling a fresh start from a change.
//!
//! One-shot containers make what docker_puppet_tasks work on: a database, its tables. A task that
//! succeeded is not repeated, until such a container has to be made anew: then what it makes may
//! be new as well, and everything after it has to be done again. Each step therefore has a
//! generation, which changes when one of its one-shot containers was not there.

use std::path::PathBuf;

use anyhow::Context;
use slipway_runtime::converge::{Plan, PlannedAction};
use slipway_service::Step;

use super::deployment::Deployment;

/// Begins a new generation of a step when its plan makes a one-shot container anew. To be called
/// before the plan is carried out: whatever interrupts that, the tasks will not be skipped.
pub fn renew(deployment: &Deployment, step: Step, plan: &Plan) -> anyhow::Result<()> {
    let declared = deployment.containers(step);
    let is_one_shot = |name: &str| {
        declared
            .get(name)
            .is_some_and(|config| config.keys().is_one_shot())
    };
    let made_anew = plan
        .containers
        .iter()
        .any(|planned| planned.action == PlannedAction::Create && is_one_shot(&planned.container));
    if made_anew {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let text = format!("{}.{}\n", now.as_nanos(), std::process::id());
        slipway_files::write_private(&file(deployment, step), text.as_bytes())?;
    }
    Ok(())
}

/// What the tasks of a step depend on: the generations of all steps up to it.
pub fn up_to(deployment: &Deployment, step: Step) -> anyhow::Result<String> {
    let mut generations = String::new();
    for step in Step::all().take_while(|earlier| *earlier <= step) {
        let path = file(deployment, step);
        match std::fs::read_to_string(&path) {
            Ok(text) => generations.push_str(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        }
    }
    Ok(generations)
}

fn file(deployment: &Deployment, step: Step) -> PathBuf {
    deployment
        .settings
        .paths
        .state()
        .join(format!("generation-{step}"))
}
