//! Running commands in containers of the set.

use tokio::time::{Duration, Instant};

use super::apply::{Halt, Run};
use super::container::{ended_badly, readable};
use super::plan::Planned;
use super::record::Done;
use super::survey::{exec_target, find_by_name};
use super::{ContainerFailure, Event, labels};
use crate::spec::exec_spec;
use slipway_engine::{ContainerState, ContainerSummary};

const GLANCE: Duration = Duration::from_millis(100);

impl Run<'_> {
    /// Runs a command in the container its first word names, once that runs.
    pub(super) async fn exec(&self, planned: &Planned) -> Result<Option<i64>, Halt> {
        let name = &planned.container;
        let config = &self.set.containers[name];
        let target = exec_target(config);
        let Some(id) = self.target_id(target) else {
            return Err(self.cannot(
                name,
                format!("there is no container named {target} to run it in"),
            ));
        };
        self.until_running(name, target, &id).await?;
        let ran = self.engine.exec(&id, &exec_spec(config, &self.host)).await;
        let result = ran.map_err(|error| self.refused(name, error))?;
        let exit_code = result.exit_code;
        self.tell(Event::Ended {
            container: name.clone(),
            exit_code,
        });
        if self.options.send_output {
            self.send_output(name, result.output.clone());
        }
        if !config.keys().accepts_exit_code(exit_code) {
            let redact = &self.options.redact;
            return Err(Halt::Failure(Box::new(ContainerFailure {
                container: name.clone(),
                what: format!(
                    "{} in container {target}",
                    ended_badly(config.keys(), exit_code)
                ),
                exit_code: Some(exit_code),
                output: readable(result.output, self.options.log_lines, redact),
                ..ContainerFailure::default()
            })));
        }
        let mut shared = self.shared();
        if shared.record.is_kept() {
            shared.record.remember(name, Done::new(config, &id))?;
        }
        Ok(Some(exit_code))
    }

    /// Returns the id of the container of that name: one of this set, else of another set of its
    /// manager, else one without a manager.
    fn target_id(&self, target: &str) -> Option<String> {
        if let Some(id) = self.shared().ids.get(target) {
            return Some(id.clone());
        }
        let manager = &self.set.managed_by;
        let set = labels::managed(self.all, manager, Some(&self.set.config_id));
        let managed = labels::managed(self.all, manager, None);
        let unmanaged: Vec<&ContainerSummary> = self
            .all
            .iter()
            .filter(|container| labels::label(container, labels::MANAGED_BY).is_none())
            .collect();
        let found = [set, managed, unmanaged]
            .iter()
            .find_map(|containers| find_by_name(target, containers));
        found.map(|container| container.id.clone())
    }

    async fn until_running(&self, name: &str, target: &str, id: &str) -> Result<(), Halt> {
        let end = Instant::now() + self.options.exec_patience;
        loop {
            let found = self.engine.find_container(id).await?;
            let what = match found.map(|container| (container.state, container.exit_code())) {
                Some((ContainerState::Running, _)) => return Ok(()),
                None => format!("container {target}, in which to run it, is gone"),
                Some((ContainerState::Exited, code)) => format!(
                    "container {target}, in which to run it, has stopped with exit code {}",
                    code.unwrap_or(-1)
                ),
                Some(_) if Instant::now() < end => {
                    tokio::time::sleep(GLANCE).await;
                    continue;
                }
                Some(_) => format!("container {target}, in which to run it, does not run"),
            };
            return Err(self.failure(name, id, what.into()).await);
        }
    }

    fn cannot(&self, name: &str, what: String) -> Halt {
        Halt::Failure(Box::new(ContainerFailure {
            container: name.to_owned(),
            what,
            ..ContainerFailure::default()
        }))
    }
}
