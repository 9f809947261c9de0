//! One step.

use std::sync::Arc;

use anyhow::Context;
use slipway_events::Events;
use slipway_runtime::converge::{self, ApplyOptions, ContainerSet};
use slipway_runtime::spec::{Host, secrets};
use slipway_service::Step;

use super::deployment::Deployment;
use super::summary::StepSummary;
use super::{config_id, generation, startup};
use crate::converging::{in_short, show};
use crate::exit::bad_input;
use crate::output::Level;

/// The steps that the options ask for.
pub fn asked_for(only: Option<u8>, from: u8, to: u8) -> anyhow::Result<Vec<Step>> {
    let (from, to) = only.map_or((from, to), |step| (step, step));
    if from > to {
        return Err(bad_input(anyhow::anyhow!(
            "--from {from} is after --to {to}"
        )));
    }
    Ok(Step::all()
        .filter(|step| (from..=to).contains(&step.number()))
        .collect())
}

impl Deployment {
    /// Brings the node to a step: its host manifest, its containers, its tasks.
    pub async fn step(&self, step: Step) -> anyhow::Result<StepSummary> {
        self.output
            .line(Level::Normal, &format!("step {}", step.number()));
        let while_at = || format!("step {} failed", step.number());
        let host = self
            .puppet()?
            .apply_host_manifest(step, &self.role.step_config)
            .await
            .with_context(while_at)?;

        let engine = self.engine()?.as_ref();
        let (set, options) = self.set(step);
        let output = Arc::clone(&self.output);
        let progress = Events::new(move |event| show(&event, &output));
        let prepared = converge::prepare(engine, &set, &options, &progress)
            .await
            .with_context(while_at)?;
        generation::renew(self, step, prepared.plan())?;
        let containers = prepared.carry_out().await.with_context(while_at)?;
        converge::wait_healthy(engine, &set, self.health_timeout, &options, &progress)
            .await
            .with_context(while_at)?;
        self.output.line(Level::Verbose, &in_short(&containers));

        let tasks = match self
            .role
            .docker_puppet_tasks
            .get(&step)
            .filter(|_| self.bootstrap_node)
        {
            Some(tasks) => {
                let depends_on = generation::up_to(self, step)?;
                let report = self
                    .puppet()?
                    .run_tasks(step, tasks.clone(), &depends_on)
                    .await;
                Some(
                    report
                        .and_then(slipway_puppet::Report::into_result)
                        .with_context(while_at)?,
                )
            }
            None => None,
        };
        Ok(StepSummary {
            step: step.number(),
            host,
            containers,
            tasks,
        })
    }

    /// The containers of a step, and how they are converged.
    pub fn set(&self, step: Step) -> (ContainerSet, ApplyOptions) {
        let set = ContainerSet {
            config_id: config_id(step),
            managed_by: self.managed_by.clone(),
            containers: startup::hashed(self, step),
        };
        let (of_hiera, of_set) = (
            self.redactor.clone(),
            secrets(set.containers.values(), &Host::current()).redactor(),
        );
        let options = ApplyOptions {
            state_dir: Some(self.settings.paths.state()),
            units: self.units.clone(),
            redact: Arc::new(move |text| of_set.redact(&of_hiera.redact(text))),
            ..ApplyOptions::default()
        };
        (set, options)
    }
}
