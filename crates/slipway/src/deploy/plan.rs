//! What a deployment would do.

use serde_json::json;
use slipway_runtime::converge;
use slipway_service::Step;

use super::deployment::Deployment;
use crate::converging::plan_table;

/// Prints, for each step, its containers and what would happen to them, and its tasks. Config
/// volumes are listed; whether Puppet must run for one, and so whether the containers that mount
/// it will be replaced, is known only when it has run.
pub async fn print(deployment: &Deployment, steps: &[Step]) -> anyhow::Result<()> {
    let output = &deployment.output;
    let role = &deployment.role;
    let volumes = deployment.config_volumes();
    let mut planned = Vec::new();
    for &step in steps {
        let (set, options) = deployment.set(step);
        let plan = converge::plan(deployment.engine()?.as_ref(), &set, &options).await?;
        let tasks: Vec<&str> = role
            .docker_puppet_tasks
            .get(&step)
            .into_iter()
            .flatten()
            .filter_map(|task| task.config_volume.as_ref())
            .map(|volume| volume.as_str())
            .collect();
        planned.push((step, plan, tasks));
    }
    if output.is_json() {
        let steps: Vec<_> = planned
            .iter()
            .map(|(step, plan, tasks)| json!({"step": step.number(), "containers": plan, "tasks": tasks}))
            .collect();
        return output.json(&json!({"volumes": volumes, "steps": steps}));
    }
    let names: Vec<&str> = volumes.into_iter().collect();
    output.result(&format!("Pre\nconfig volumes: {}", names.join(", ")));
    for (step, plan, tasks) in planned {
        output.result(&format!("\nStep {}", step.number()));
        if !plan.containers.is_empty() || !plan.removals.is_empty() {
            output.result(&plan_table(&plan));
        }
        if !tasks.is_empty() && deployment.bootstrap_node {
            output.result(&format!("tasks: {}", tasks.join(", ")));
        }
    }
    Ok(())
}
