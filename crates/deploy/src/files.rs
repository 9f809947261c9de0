//! The files that a deployment writes before it starts anything: config.json files, and scripts.

use serde::Serialize;
use slipway_files::Written;
use slipway_paths::{CONTAINER_SCRIPTS, DOCKER_SCRIPTS};

use crate::config_json;
use crate::deployment::Deployment;
use crate::error::{DeployError, Result};
use crate::event::Event;

/// The numbers of files that were created or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WrittenFiles {
    /// config.json files.
    pub kolla_configs: usize,
    /// Scripts.
    pub scripts: usize,
}

impl WrittenFiles {
    /// Returns true if any file was created or replaced.
    pub fn changed(&self) -> bool {
        self.kolla_configs + self.scripts > 0
    }
}

/// Writes every config.json and every script whose content has changed.
pub(crate) fn write(deployment: &Deployment) -> Result<WrittenFiles> {
    Ok(WrittenFiles {
        kolla_configs: config_json::write(
            &deployment.role,
            deployment.paths(),
            &deployment.events,
        )?,
        scripts: write_scripts(deployment)?,
    })
}

fn write_scripts(deployment: &Deployment) -> Result<usize> {
    let role = &deployment.role;
    let docker = role.docker_config_scripts.iter();
    let container = role.container_config_scripts.iter();
    let all = docker
        .map(|script| (DOCKER_SCRIPTS, script))
        .chain(container.map(|script| (CONTAINER_SCRIPTS, script)));
    let mut count = 0;
    for (directory, (name, script)) in all {
        let path = deployment.paths().path(directory).join(name.as_str());
        let written = slipway_files::write_with_mode(&path, script.content.as_bytes(), script.mode)
            .map_err(|source| DeployError::Write {
                what: "a script that containers mount",
                source,
            })?;
        if written != Written::Unchanged {
            count += 1;
            deployment.events.send(Event::Wrote { path });
        }
    }
    Ok(count)
}
