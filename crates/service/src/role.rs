//! The merge of services into a role.

use std::collections::HashMap;
use std::fmt;

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;

use crate::{
    ByStep, Containers, Hiera, Places, PuppetConfig, Result, Scripts, Service, ServiceError, Step,
    TaskList, Tasks,
};

/// A role: services merged, ready to be deployed to a node.
///
/// `Debug` shows only names: the rest may hold passwords.
#[derive(Clone, Default, PartialEq, Serialize)]
pub struct RoleData {
    /// The role's name.
    pub name: String,
    /// Its services, in the order they were given.
    pub service_names: Vec<String>,
    /// Every service's hiera data; a later service wins.
    pub config_settings: Hiera,
    /// Hiera data for services by name, of all services together.
    pub service_config_settings: IndexMap<String, Hiera>,
    /// The config volumes' declarations, in the services' order.
    pub puppet_config: Vec<PuppetConfig>,
    /// `config.json` files by path.
    pub kolla_config: IndexMap<String, slipway_kolla_config::Config>,
    /// Containers by step and name.
    pub docker_config: ByStep<Containers>,
    /// Scripts for `/var/lib/docker-config-scripts`.
    pub docker_config_scripts: Scripts,
    /// Scripts for `/var/lib/container-config-scripts`.
    pub container_config_scripts: Scripts,
    /// The host's manifest.
    pub step_config: String,
    /// Puppet runs on the bootstrap node by step.
    pub docker_puppet_tasks: ByStep<Vec<PuppetConfig>>,
    /// Tasks that prepare the host, the same one only once.
    pub host_prep_tasks: Tasks,
    /// Tasks on the host that runs Ansible, in each step of a deployment, the same one only once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub external_deploy_tasks: Tasks,
    /// Tasks of a minor update, the same one only once.
    pub update_tasks: Tasks,
    /// Tasks after a minor update, the same one only once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_update_tasks: Tasks,
    /// Tasks on the host that runs Ansible, after a minor update, the same one only once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub external_update_tasks: Tasks,
    /// Tasks before an upgrade, on one node after the other, the same one only once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pre_upgrade_rolling_tasks: Tasks,
    /// Tasks of an upgrade, on one node after the other, the same one only once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub upgrade_batch_tasks: Tasks,
    /// Tasks of an upgrade, the same one only once.
    pub upgrade_tasks: Tasks,
    /// Tasks after an upgrade, the same one only once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_upgrade_tasks: Tasks,
    /// Tasks on the host that runs Ansible, after an upgrade, the same one only once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub external_upgrade_tasks: Tasks,
    /// Tasks of an upgrade over several releases, the same one only once.
    pub fast_forward_upgrade_tasks: Tasks,
    /// Tasks after an upgrade over several releases, the same one only once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fast_forward_post_upgrade_tasks: Tasks,
    /// Each service's metadata, by its name.
    pub metadata: IndexMap<String, Value>,
    /// The places of `config.json` files and containers in the services' files, for errors.
    #[serde(skip)]
    pub places: Places,
}

/// The merge of services.
pub struct Role;

impl Role {
    /// Merges services into a role.
    ///
    /// Of hiera data the later service wins, as it does in TripleO. What would make two services
    /// conflict (a container of the same name in the same step, a `config.json` with
    /// different content, a service twice) is an error that names both.
    pub fn merge(name: &str, services: Vec<Service>) -> Result<RoleData> {
        let mut merge = Merge::default();
        merge.role.name = name.to_owned();
        for service in services {
            merge.add(service)?;
        }
        Ok(merge.role)
    }
}

#[derive(Default)]
struct Merge {
    role: RoleData,
    /// The service that first declared each container.
    container_owner: HashMap<(Step, String), String>,
    kolla_owner: HashMap<String, String>,
    script_owner: HashMap<String, String>,
}

impl Merge {
    fn add(&mut self, service: Service) -> Result<()> {
        let role = &mut self.role;
        let name = service.service_name;
        role.places.add(service.places);
        if role.service_names.contains(&name) {
            return Err(ServiceError::SameService { name });
        }
        role.service_names.push(name.clone());
        role.config_settings.extend(service.config_settings);
        for (target, settings) in service.service_config_settings {
            deep_merge(
                role.service_config_settings.entry(target).or_default(),
                settings,
            );
        }
        role.puppet_config.extend(service.puppet_config);
        if !service.step_config.trim().is_empty() {
            if !role.step_config.is_empty() {
                role.step_config.push('\n');
            }
            role.step_config.push_str(&service.step_config);
        }
        for (step, tasks) in service.docker_puppet_tasks {
            role.docker_puppet_tasks
                .entry(step)
                .or_default()
                .extend(tasks);
        }
        extend_distinct(&mut role.host_prep_tasks, service.host_prep_tasks);
        extend_distinct(
            &mut role.external_deploy_tasks,
            service.external_deploy_tasks,
        );
        extend_distinct(&mut role.update_tasks, service.update_tasks);
        extend_distinct(&mut role.post_update_tasks, service.post_update_tasks);
        extend_distinct(
            &mut role.external_update_tasks,
            service.external_update_tasks,
        );
        extend_distinct(
            &mut role.pre_upgrade_rolling_tasks,
            service.pre_upgrade_rolling_tasks,
        );
        extend_distinct(&mut role.upgrade_batch_tasks, service.upgrade_batch_tasks);
        extend_distinct(&mut role.upgrade_tasks, service.upgrade_tasks);
        extend_distinct(&mut role.post_upgrade_tasks, service.post_upgrade_tasks);
        extend_distinct(
            &mut role.external_upgrade_tasks,
            service.external_upgrade_tasks,
        );
        extend_distinct(
            &mut role.fast_forward_upgrade_tasks,
            service.fast_forward_upgrade_tasks,
        );
        extend_distinct(
            &mut role.fast_forward_post_upgrade_tasks,
            service.fast_forward_post_upgrade_tasks,
        );
        if !service.metadata.is_null() {
            role.metadata.insert(name.clone(), service.metadata);
        }
        self.add_scripts(&name, service.docker_config_scripts, |role| {
            &mut role.docker_config_scripts
        })?;
        self.add_scripts(&name, service.container_config_scripts, |role| {
            &mut role.container_config_scripts
        })?;
        self.add_kolla_config(&name, service.kolla_config)?;
        self.add_containers(&name, service.docker_config)
    }

    fn add_kolla_config(
        &mut self,
        service: &str,
        configs: IndexMap<String, slipway_kolla_config::Config>,
    ) -> Result<()> {
        for (path, config) in configs {
            match self.role.kolla_config.get(&path) {
                Some(present) if *present == config => {}
                Some(_) => {
                    return Err(ServiceError::SameKollaConfig {
                        first: self.kolla_owner.remove(&path).unwrap_or_default(),
                        second: service.to_owned(),
                        path,
                    });
                }
                None => {
                    self.kolla_owner.insert(path.clone(), service.to_owned());
                    self.role.kolla_config.insert(path, config);
                }
            }
        }
        Ok(())
    }

    fn add_scripts(
        &mut self,
        service: &str,
        scripts: Scripts,
        of: fn(&mut RoleData) -> &mut Scripts,
    ) -> Result<()> {
        for (name, script) in scripts {
            let all = of(&mut self.role);
            match all.get(&name) {
                Some(present) if *present == script => {}
                Some(_) => {
                    let first = self.script_owner.remove(name.as_str());
                    return Err(ServiceError::SameScript {
                        first: first.unwrap_or_default(),
                        second: service.to_owned(),
                        name: name.as_str().to_owned(),
                    });
                }
                None => {
                    self.script_owner
                        .insert(name.as_str().to_owned(), service.to_owned());
                    all.insert(name, script);
                }
            }
        }
        Ok(())
    }

    fn add_containers(&mut self, service: &str, steps: ByStep<Containers>) -> Result<()> {
        for (step, containers) in steps {
            let all = self.role.docker_config.entry(step).or_default();
            for (container, config) in containers.0 {
                let place = (step, container.clone());
                if let Some(first) = self.container_owner.insert(place, service.to_owned()) {
                    return Err(ServiceError::SameContainer {
                        step,
                        container,
                        first,
                        second: service.to_owned(),
                    });
                }
                all.0.insert(container, config);
            }
        }
        Ok(())
    }
}

impl RoleData {
    /// The hiera data of this role's services: their own settings, then what services give to
    /// those services that are in this role, which wins.
    pub fn hiera(&self) -> Hiera {
        let mut for_services = Hiera::new();
        for (_, settings) in self
            .service_config_settings
            .iter()
            .filter(|(service, _)| self.service_names.contains(service))
        {
            deep_merge(&mut for_services, settings.clone());
        }
        let mut all = self.config_settings.clone();
        all.extend(for_services);
        all
    }

    /// Returns the tasks of a list.
    pub fn tasks(&self, list: TaskList) -> &Tasks {
        match list {
            TaskList::HostPrep => &self.host_prep_tasks,
            TaskList::ExternalDeploy => &self.external_deploy_tasks,
            TaskList::Update => &self.update_tasks,
            TaskList::PostUpdate => &self.post_update_tasks,
            TaskList::ExternalUpdate => &self.external_update_tasks,
            TaskList::PreUpgradeRolling => &self.pre_upgrade_rolling_tasks,
            TaskList::UpgradeBatch => &self.upgrade_batch_tasks,
            TaskList::Upgrade => &self.upgrade_tasks,
            TaskList::PostUpgrade => &self.post_upgrade_tasks,
            TaskList::ExternalUpgrade => &self.external_upgrade_tasks,
            TaskList::FastForwardUpgrade => &self.fast_forward_upgrade_tasks,
            TaskList::FastForwardPostUpgrade => &self.fast_forward_post_upgrade_tasks,
        }
    }
}

impl fmt::Debug for RoleData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleData")
            .field("name", &self.name)
            .field("service_names", &self.service_names)
            .finish_non_exhaustive()
    }
}

/// Mappings merge key by key, lists join without repeating, of anything else the later wins.
fn deep_merge(into: &mut Hiera, from: Hiera) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(present)), Value::Object(more)) => deep_merge(present, more),
            (Some(Value::Array(present)), Value::Array(more)) => extend_distinct(present, more),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

fn extend_distinct<T: PartialEq>(into: &mut Vec<T>, from: Vec<T>) {
    for item in from {
        if !into.contains(&item) {
            into.push(item);
        }
    }
}
