//! The steps of a deployment.

use std::sync::Arc;

use slipway_events::Events;
use slipway_runtime::converge::{self, ApplyOptions, ContainerSet};
use slipway_runtime::spec::{Host, secrets};
use slipway_service::Step;

use crate::deployment::ConnectedDeployment;
use crate::error::Result;
use crate::event::Event;
use crate::summary::{PreSummary, StepSummary, Summary};
use crate::{files, generation, preflight, startup};

/// The config id of a step's containers, without its number, as in tripleo-heat-templates.
const CONFIG_ID: &str = "tripleo_step";

/// Returns the number of the step whose containers have this config id.
pub fn step_of(config_id: &str) -> Option<u8> {
    config_id.strip_prefix(CONFIG_ID)?.parse().ok()
}

impl ConnectedDeployment {
    /// Does everything that comes before the steps, then these steps in order.
    ///
    /// # Errors
    /// The first failure ends the deployment. The same call resumes it.
    pub async fn deploy(&self, steps: &[Step]) -> Result<Summary> {
        preflight::images(self).await?;
        self.begin_attempt().await?;
        let mut summary = Summary {
            pre: self.pre().await?,
            steps: Vec::new(),
        };
        for &step in steps {
            let done = self.step(step).await;
            summary
                .steps
                .push(done.map_err(|error| error.in_step(step))?);
        }
        Ok(summary)
    }

    async fn pre(&self) -> Result<PreSummary> {
        let files = files::write(&self.deployment)?;
        let volumes = self.generate().await?.into_result()?;
        startup::write(&self.deployment)?;
        Ok(PreSummary { volumes, files })
    }

    /// Brings the node to a step: its host manifest, its containers, its tasks.
    async fn step(&self, step: Step) -> Result<StepSummary> {
        let deployment = &self.deployment;
        deployment.events.send(Event::StepStarted { step });
        let manifests = &deployment.role.step_config;
        let host = self.puppet.apply_host_manifest(step, manifests).await?;

        let engine = self.engine.as_ref();
        let (set, options) = self.container_set(step);
        let events: Events<converge::Event> = deployment.events.nest(Event::Containers);
        let prepared = converge::prepare(engine, &set, &options, &events).await?;
        generation::renew(deployment, step, prepared.plan())?;
        let containers = prepared.carry_out().await?;
        let timeout = deployment.health_timeout;
        converge::wait_healthy(engine, &set, timeout, &options, &events).await?;
        deployment.events.send(Event::StepConverged {
            step,
            outcome: containers.clone(),
        });

        let tasks = match deployment.tasks(step) {
            Some(tasks) => {
                let depends_on = generation::up_to(deployment, step)?;
                let report = self.puppet.run_tasks(step, tasks.clone(), &depends_on);
                Some(report.await?.into_result()?)
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

    /// The containers of a step, and the options to converge them with.
    pub(crate) fn container_set(&self, step: Step) -> (ContainerSet, ApplyOptions) {
        let deployment = &self.deployment;
        let set = ContainerSet {
            config_id: format!("{CONFIG_ID}{}", step.number()),
            managed_by: deployment.managed_by.clone(),
            containers: startup::hashed(deployment, step),
        };
        let hiera = deployment.redactor.clone();
        let containers = secrets(set.containers.values(), &Host::current()).redactor();
        let options = ApplyOptions {
            state_dir: Some(deployment.paths().state()),
            units: self.units.clone(),
            restart_changed: deployment.restart_changed,
            redact: Arc::new(move |text| containers.redact(&hiera.redact(text))),
            ..ApplyOptions::default()
        };
        (set, options)
    }
}

#[cfg(test)]
mod tests {
    use slipway_test_support::FakeEngine;

    use super::*;
    use crate::{Declarations, Deployment, KeyFiles, Options, RoleSource};

    #[test]
    fn containers_are_restarted_for_their_config_json_when_asked() {
        let directory = tempfile::tempdir().unwrap();
        let service = directory.path().join("a.yaml");
        let text = "service_name: a\ndocker_config:\n  step_1:\n    a: {image: i}\n";
        std::fs::write(&service, text).unwrap();
        let source = RoleSource {
            declarations: Declarations::Services(vec![service]),
            role: "R".to_owned(),
            hiera: Vec::new(),
            keys: KeyFiles::default(),
        };
        for restart_changed in [false, true] {
            let options = Options {
                root: directory.path().join("root"),
                restart_changed,
                ..Options::default()
            };
            let deployment = Deployment::of_services(&source, &options, Events::ignore()).unwrap();
            let engine = Arc::new(FakeEngine::with_image("i"));
            let deployment = deployment.connect(engine).unwrap();
            let step = Step::all().next().unwrap();
            let (set, options) = deployment.container_set(step);
            assert_eq!(set.containers.len(), 1);
            assert_eq!(options.restart_changed, restart_changed);
        }
    }
}
