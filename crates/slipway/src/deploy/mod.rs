//! Bringing a node up: Pre, then steps 1 to 5.
//!
//! Pre generates the config volumes, writes every `config.json`, the scripts that containers mount,
//! and the containers' configs by step. Each step then applies the host's manifest, converges the step's containers, waits until
//! they are healthy, and, on the bootstrap node, runs the step's docker_puppet_tasks. What is
//! already as declared is left alone, so an interrupted deployment is finished by running it again.

mod deployment;
mod files;
mod generation;
mod plan;
mod preflight;
pub mod progress;
mod startup;
mod steps;
mod summary;

use std::sync::Arc;

use slipway_service::Step;

use crate::cli;
use crate::lock;
use crate::output::{Level, Output};
use crate::systemd;
pub use deployment::Deployment;
use summary::{Pre, Summary};

/// The config id of a step's containers, as in t-h-t.
const CONFIG_ID: &str = "tripleo_step";

/// The step that a config id stands for.
pub fn step_of(config_id: &str) -> Option<u8> {
    config_id.strip_prefix(CONFIG_ID)?.parse().ok()
}

fn config_id(step: Step) -> String {
    format!("{CONFIG_ID}{}", step.number())
}

/// `slipway deploy`.
pub async fn deploy(
    asked: cli::Deploy,
    global: &cli::Global,
    output: &Arc<Output>,
) -> anyhow::Result<()> {
    let mut deployment =
        Deployment::declared(&asked.services, &asked.root, &asked.generating, output)?;
    deployment.settings.wait = !asked.lock.no_wait;
    deployment.bootstrap_node = asked.bootstrap_node;
    deployment.health_timeout = std::time::Duration::from_secs(asked.waiting.wait);
    if let Some(name) = asked.managed_by.clone() {
        deployment.managed_by = name;
    }
    let steps = steps::asked_for(asked.step, asked.from, asked.to)?;
    let _lock = match asked.plan {
        true => None,
        false => Some(
            lock::take(
                &deployment.settings.paths.state(),
                asked.lock.no_wait,
                output,
            )
            .await?,
        ),
    };
    if asked.write_only {
        let files = files::write(&deployment)?;
        startup::write(&deployment)?;
        if output.is_json() {
            output.json(&files)?;
        }
        output.line(Level::Normal, &files.in_short());
        return Ok(());
    }
    deployment.connect(global).await?;
    deployment.units = systemd::units(
        &asked.systemd,
        deployment.settings.paths.root(),
        deployment.engine()?.as_ref(),
        output,
    );
    if asked.plan {
        return plan::print(&deployment, &steps).await;
    }
    preflight::images(&deployment).await?;
    let mut summary = Summary {
        pre: pre(&deployment).await?,
        steps: Vec::new(),
    };
    for step in steps {
        summary.steps.push(deployment.step(step).await?);
    }
    if output.is_json() {
        output.json(&summary.as_json())?;
    }
    output.line(Level::Normal, &summary.in_short());
    Ok(())
}

/// Everything that comes before the steps.
async fn pre(deployment: &Deployment) -> anyhow::Result<Pre> {
    let files = files::write(deployment)?;
    let volumes = deployment.generate().await?.into_result()?;
    startup::write(deployment)?;
    Ok(Pre { volumes, files })
}
