//! The generation of a step: tells a fresh start from a change.
//!
//! One-shot containers create what docker_puppet_tasks work on: a database, its tables. A task that
//! succeeded is not repeated until such a container is created anew. Then its result may be new as
//! well, and every later task must run again. Each step therefore has a generation, which changes
//! when one of its one-shot containers is created.

use std::path::PathBuf;

use slipway_runtime::converge::{Plan, PlannedAction};
use slipway_service::Step;

use crate::deployment::Deployment;
use crate::error::{DeployError, Result, Source};

/// Starts a new generation of a step if its plan creates a one-shot container. The caller does this
/// before it carries out the plan, so an interrupted run does not skip the tasks.
pub(crate) fn renew(deployment: &Deployment, step: Step, plan: &Plan) -> Result<()> {
    let declared = deployment.containers(step);
    let is_one_shot = |name: &str| {
        declared
            .get(name)
            .is_some_and(|config| config.keys().is_one_shot())
    };
    let is_created = plan
        .containers
        .iter()
        .any(|planned| planned.action == PlannedAction::Create && is_one_shot(&planned.container));
    if is_created {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let nanoseconds = since.map_or(0, |since| since.as_nanos());
        let text = format!("{nanoseconds}.{}\n", std::process::id());
        slipway_files::write_private(&file(deployment, step), text.as_bytes())
            .map_err(|error| failure(step, error))?;
    }
    Ok(())
}

/// Returns the generations of all steps up to `step`: the tasks of that step depend on them.
pub(crate) fn up_to(deployment: &Deployment, step: Step) -> Result<String> {
    let mut generations = String::new();
    for step in Step::all().take_while(|earlier| *earlier <= step) {
        match std::fs::read_to_string(file(deployment, step)) {
            Ok(text) => generations.push_str(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failure(step, error)),
        }
    }
    Ok(generations)
}

fn failure(step: Step, error: impl Into<Source>) -> DeployError {
    DeployError::Generation {
        step: step.number(),
        source: error.into(),
    }
}

fn file(deployment: &Deployment, step: Step) -> PathBuf {
    deployment
        .paths()
        .state()
        .join(format!("generation-{step}"))
}
