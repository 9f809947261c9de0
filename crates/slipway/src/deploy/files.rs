//! What a deployment writes before it starts anything: config.json files, and scripts.

use anyhow::Context;
use serde::Serialize;
use slipway_files::Written;

use super::deployment::Deployment;
use crate::kolla_files;
use crate::output::Level;

/// Where containers mount the scripts of `docker_config_scripts` from, as in t-h-t.
const DOCKER_SCRIPTS: &str = "/var/lib/docker-config-scripts";
/// Where they mount those of `container_config_scripts` from: later releases have that name.
const CONTAINER_SCRIPTS: &str = "/var/lib/container-config-scripts";

/// How many files were new or had changed.
#[derive(Serialize)]
pub struct Files {
    pub kolla_configs: usize,
    pub scripts: usize,
}

impl Files {
    /// Whether there was any.
    pub fn changed(&self) -> bool {
        self.kolla_configs + self.scripts > 0
    }

    /// For people.
    pub fn in_short(&self) -> String {
        let Files {
            kolla_configs,
            scripts,
        } = self;
        format!("new or changed: {kolla_configs} config.json, {scripts} scripts")
    }
}

/// Writes every `config.json` and every script where it has changed.
pub fn write(deployment: &Deployment) -> anyhow::Result<Files> {
    let configs: Vec<_> = deployment
        .role
        .kolla_config
        .iter()
        .map(|(path, config)| (path.as_str(), config))
        .collect();
    Ok(Files {
        kolla_configs: kolla_files::write(
            &configs,
            &deployment.settings.paths,
            &deployment.output,
        )?,
        scripts: scripts(deployment)?,
    })
}

fn scripts(deployment: &Deployment) -> anyhow::Result<usize> {
    let role = &deployment.role;
    let of_docker = role.docker_config_scripts.iter();
    let of_any = role.container_config_scripts.iter();
    let all = of_docker
        .map(|script| (DOCKER_SCRIPTS, script))
        .chain(of_any.map(|script| (CONTAINER_SCRIPTS, script)));
    let mut count = 0;
    for (folder, (name, script)) in all {
        let path = deployment.settings.paths.path(folder).join(name.as_str());
        let written = slipway_files::write_with_mode(&path, script.content.as_bytes(), script.mode)
            .context("cannot write a script that containers mount")?;
        if written != Written::Unchanged {
            count += 1;
            let text = format!("wrote {}", path.display());
            deployment.output.line(Level::Verbose, &text);
        }
    }
    Ok(count)
}
