//! The containers' configs by step, on disk: as declared, and as they are started.

use anyhow::Context;
use indexmap::IndexMap;
use slipway_puppet::{CONFIG_HASH, Hashes};
use slipway_service::{ContainerConfig, Step};

use super::deployment::Deployment;

/// A step's containers, with the hashes of the config volumes they mount.
pub fn hashed(deployment: &Deployment, step: Step) -> IndexMap<String, ContainerConfig> {
    let hashes = Hashes::of(&deployment.settings.paths);
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

/// Writes `docker-container-startup-config-step_N.json` and `hashed-…` for every step, readable
/// for root only, where their content has changed.
pub fn write(deployment: &Deployment) -> anyhow::Result<()> {
    let folder = deployment.settings.paths.tripleo_config();
    for step in Step::all() {
        let name = format!("docker-container-startup-config-{step}.json");
        for (name, containers) in [
            (format!("hashed-{name}"), hashed(deployment, step)),
            (name, deployment.containers(step)),
        ] {
            let path = folder.join(name);
            let text = slipway_kolla_config::nice_json(serde_json::to_value(&containers)?);
            slipway_files::write_private(&path, text.as_bytes())
                .context("cannot write the containers' configs")?;
        }
    }
    Ok(())
}
