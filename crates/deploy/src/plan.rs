//! The plan of a deployment.

use std::fmt;

use serde::Serialize;
use slipway_runtime::converge::{self, Plan};
use slipway_service::Step;

use crate::deployment::ConnectedDeployment;
use crate::error::Result;

/// The actions that a deployment would take.
///
/// Config volumes are only listed. Whether Puppet must run for one, and so whether the containers
/// that mount it are replaced, is known after Puppet has run.
#[derive(Debug, Serialize)]
pub struct DeploymentPlan {
    /// The config volumes.
    pub volumes: Vec<String>,
    /// The steps.
    pub steps: Vec<StepPlan>,
}

/// The actions that one step would take.
#[derive(Debug, Serialize)]
pub struct StepPlan {
    /// The step's number.
    pub step: u8,
    /// The containers.
    pub containers: Plan,
    /// The config volumes of the step's tasks.
    pub tasks: Vec<String>,
    /// True if this node runs the tasks.
    #[serde(skip)]
    pub runs_tasks: bool,
}

/// The config volumes and steps that are not as declared.
#[derive(Debug, Default)]
pub struct Drift {
    volumes: Vec<String>,
    steps: Vec<u8>,
}

impl Drift {
    /// Returns true if everything is as declared.
    pub fn is_empty(&self) -> bool {
        self.volumes.is_empty() && self.steps.is_empty()
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let volumes = self
            .volumes
            .iter()
            .map(|volume| format!("config volume {volume}"));
        let steps = self
            .steps
            .iter()
            .map(|step| format!("containers of step {step}"));
        f.write_str(&volumes.chain(steps).collect::<Vec<_>>().join(", "))
    }
}

impl ConnectedDeployment {
    /// Returns what is not as declared: config volumes that Puppet would generate, and the steps of a
    /// plan that would do something. The host's manifests are not looked at.
    ///
    /// # Errors
    /// The engine or the records of earlier runs cannot be read.
    pub async fn drift(&self, plan: &DeploymentPlan) -> Result<Drift> {
        let volumes = self.plan_volumes().await?.into_iter();
        let steps = plan.steps.iter();
        Ok(Drift {
            volumes: volumes
                .filter(|planned| planned.why.is_some())
                .map(|planned| planned.name)
                .collect(),
            steps: steps
                .filter(|step| !step.containers.is_empty())
                .map(|step| step.step)
                .collect(),
        })
    }

    /// Returns what [`ConnectedDeployment::deploy`] would do. Nothing is touched.
    ///
    /// # Errors
    /// The engine fails.
    pub async fn plan(&self, steps: &[Step]) -> Result<DeploymentPlan> {
        let deployment = &self.deployment;
        let mut planned = Vec::new();
        for &step in steps {
            let (set, options) = self.container_set(step);
            let tasks = deployment.role.docker_puppet_tasks.get(&step);
            planned.push(StepPlan {
                step: step.number(),
                containers: converge::plan(self.engine.as_ref(), &set, &options).await?,
                tasks: tasks
                    .into_iter()
                    .flatten()
                    .filter_map(|task| task.config_volume.as_ref())
                    .map(|volume| volume.as_str().to_owned())
                    .collect(),
                runs_tasks: deployment.bootstrap_node,
            });
        }
        let volumes = deployment.config_volumes().into_iter();
        Ok(DeploymentPlan {
            volumes: volumes.map(str::to_owned).collect(),
            steps: planned,
        })
    }
}
