//! The containers' configs by step, on disk: as declared, and as they are started.

use indexmap::IndexMap;
use slipway_puppet::{CONFIG_HASH, Hashes};
use slipway_service::{ContainerConfig, Step};

use crate::deployment::Deployment;
use crate::error::{DeployError, Result};

/// Returns a step's containers, with the hashes of the config volumes that they mount.
pub(crate) fn hashed(deployment: &Deployment, step: Step) -> IndexMap<String, ContainerConfig> {
    let hashes = Hashes::of(deployment.paths());
    let mut containers = deployment.containers(step);
    for config in containers.values_mut() {
        let sources: Vec<String> = config
            .keys()
            .volumes
            .iter()
            .filter_map(|volume| volume.source.clone())
            .collect();
        if let Some(hash) = hashes.for_mounts(sources.iter().map(String::as_str)) {
            config.set_env(CONFIG_HASH, &hash);
        }
    }
    containers
}

/// Writes `docker-container-startup-config-step_N.json` and `hashed-…` for every step, with mode
/// 0600, where their content has changed.
pub(crate) fn write(deployment: &Deployment) -> Result<()> {
    let directory = deployment.paths().tripleo_config();
    for step in Step::all() {
        let name = format!("docker-container-startup-config-{step}.json");
        for (name, containers) in [
            (format!("hashed-{name}"), hashed(deployment, step)),
            (name, deployment.containers(step)),
        ] {
            let declared = containers
                .into_iter()
                .map(|(name, config)| (name, serde_json::Value::Object(config.declared().clone())))
                .collect();
            let text = slipway_kolla_config::nice_json(serde_json::Value::Object(declared));
            slipway_files::write_private(&directory.join(name), text.as_bytes()).map_err(
                |source| DeployError::Write {
                    what: "the containers' configs",
                    source,
                },
            )?;
        }
    }
    Ok(())
}
