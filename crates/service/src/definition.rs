//! The role_data of one service.

use std::collections::BTreeMap;
use std::fmt;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{ConfigVolume, ContainerConfig, Places, Scripts, Step, lenient};

/// Hiera data by key.
pub type Hiera = serde_json::Map<String, serde_json::Value>;

/// Values by step.
pub type ByStep<T> = BTreeMap<Step, T>;

/// Ansible tasks, which Slipway does not run itself, as they are written.
pub type Tasks = Vec<serde_json::Value>;

/// The role_data of one service.
///
/// `Debug` shows only the service's name: the rest may hold passwords.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, expecting = "a service definition (a mapping)")]
pub struct Service {
    /// The service's name, unique in a role.
    pub service_name: String,
    /// Hiera data of this service.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub config_settings: Hiera,
    /// Hiera data for other services, by their names. It counts in roles that have them.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub service_config_settings: IndexMap<String, Hiera>,
    /// The config volume of this service.
    #[serde(default)]
    pub puppet_config: Option<PuppetConfig>,
    /// `config.json` files by their path on the host.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub kolla_config: IndexMap<String, slipway_kolla_config::Config>,
    /// Containers by step and name.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub docker_config: ByStep<Containers>,
    /// Scripts for the containers to mount from `/var/lib/docker-config-scripts`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub docker_config_scripts: Scripts,
    /// Scripts for the containers to mount from `/var/lib/container-config-scripts`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub container_config_scripts: Scripts,
    /// Puppet manifest for the host itself.
    #[serde(default, deserialize_with = "lenient::lines")]
    pub step_config: String,
    /// Puppet runs on the bootstrap node after a step's containers.
    #[serde(default, deserialize_with = "lenient::tasks")]
    pub docker_puppet_tasks: ByStep<Vec<PuppetConfig>>,
    /// Tasks that prepare the host.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub host_prep_tasks: Tasks,
    /// Tasks on the host that runs Ansible, in each step of a deployment.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub external_deploy_tasks: Tasks,
    /// Tasks of a minor update.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub update_tasks: Tasks,
    /// Tasks after a minor update.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub post_update_tasks: Tasks,
    /// Tasks on the host that runs Ansible, after a minor update.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub external_update_tasks: Tasks,
    /// Tasks before an upgrade, on one node after the other.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub pre_upgrade_rolling_tasks: Tasks,
    /// Tasks of an upgrade on one node after the other.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub upgrade_batch_tasks: Tasks,
    /// Tasks of an upgrade.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub upgrade_tasks: Tasks,
    /// Tasks after an upgrade.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub post_upgrade_tasks: Tasks,
    /// Tasks on the host that runs Ansible, after an upgrade.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub external_upgrade_tasks: Tasks,
    /// Tasks of an upgrade over several releases.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub fast_forward_upgrade_tasks: Tasks,
    /// Tasks after an upgrade over several releases.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub fast_forward_post_upgrade_tasks: Tasks,
    /// Free-form data about the service.
    #[serde(default)]
    pub metadata: serde_json::Value,
    /// The places of its `config.json` files and containers, for errors.
    #[serde(skip)]
    pub places: Places,
}

/// The containers of one step, by name.
#[derive(Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Containers(
    #[serde(deserialize_with = "lenient::or_default")] pub IndexMap<String, ContainerConfig>,
);

/// One Puppet run in a container: it makes a part of a config volume, or is a task.
///
/// `Debug` shows neither the manifest nor volumes: a manifest may hold passwords.
#[derive(Clone, Default, Deserialize, PartialEq, Serialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a config volume's declaration (a mapping)"
)]
pub struct PuppetConfig {
    /// The config volume for the result; services that generate nothing have none.
    #[serde(default, deserialize_with = "lenient::volume")]
    pub config_volume: Option<ConfigVolume>,
    /// Puppet tags besides the usual ones, joined by commas.
    #[serde(default, deserialize_with = "lenient::tags")]
    pub puppet_tags: String,
    /// The manifest.
    #[serde(default, deserialize_with = "lenient::lines")]
    pub step_config: String,
    /// The image Puppet runs in.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub config_image: String,
    /// Volumes mounted for the run, `source:target[:options]`.
    #[serde(default, deserialize_with = "lenient::list")]
    pub volumes: Vec<String>,
    /// The run needs all privileges of the host.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub privileged: bool,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("service_name", &self.service_name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Containers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl fmt::Debug for PuppetConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PuppetConfig")
            .field("config_volume", &self.config_volume)
            .field("puppet_tags", &self.puppet_tags)
            .field("config_image", &self.config_image)
            .finish_non_exhaustive()
    }
}
