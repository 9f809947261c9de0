//! What one run of `slipway deploy` or `slipway config` works on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, ensure};
use slipway_engine::Engine;
use slipway_puppet::{Hieradata, Isolation, Puppet, Report, Settings};
use slipway_redact::Redactor;
use slipway_runtime::systemd::Units;
use slipway_service::{ConfigVolume, ContainerConfig, PuppetConfig, RoleData, Step};

use slipway_events::Events;

use super::progress;
use crate::cli;
use crate::declared;
use crate::exit::bad_input;
use crate::output::Output;
use slipway_paths::Paths;

/// A role's declarations, moved under a root, and the engine that runs them.
pub struct Deployment {
    pub role: RoleData,
    pub hiera: Hieradata,
    pub settings: Settings,
    pub redactor: Redactor,
    pub managed_by: String,
    pub bootstrap_node: bool,
    pub health_timeout: Duration,
    /// The systemd units of its containers, where they are kept.
    pub units: Option<Units>,
    pub output: Arc<Output>,
    connected: Option<(Arc<dyn Engine>, Puppet)>,
}

impl Deployment {
    /// Reads all that is declared. Every error here is bad input, and nothing has been touched.
    pub fn declared(
        services: &cli::Services,
        root: &cli::Root,
        generating: &cli::Generating,
        output: &Arc<Output>,
    ) -> anyhow::Result<Deployment> {
        let role = declared::role(services)?;
        let mut hiera = Hieradata::new(role.hiera());
        for file in &services.hiera {
            hiera.add_file(file).map_err(bad_input)?;
        }
        let paths = Paths::new(&root.root).map_err(bad_input)?;
        let managed_by = paths.managed_by(&services.role);
        let mut deployment = Deployment::of(paths, role, hiera, generating, output)?;
        deployment.managed_by = managed_by;
        Ok(deployment)
    }

    /// What docker-puppet.py works on: entries, and the hiera data that somebody else has put into
    /// `/etc/puppet`. Every error here is bad input, and nothing has been touched.
    pub fn of_entries(
        entries: Vec<PuppetConfig>,
        root: &cli::Root,
        generating: &cli::Generating,
        check_mode: bool,
        output: &Arc<Output>,
    ) -> anyhow::Result<Deployment> {
        let paths = Paths::new(&root.root).map_err(bad_input)?;
        let folder = paths.path(match check_mode {
            true => "/etc/puppet/check-mode",
            false => "/etc/puppet",
        });
        let hiera = Hieradata::present(&folder).map_err(bad_input)?;
        let role = RoleData {
            puppet_config: entries,
            ..RoleData::default()
        };
        Deployment::of(paths, role, hiera, generating, output)
    }

    fn of(
        paths: Paths,
        mut role: RoleData,
        hiera: Hieradata,
        generating: &cli::Generating,
        output: &Arc<Output>,
    ) -> anyhow::Result<Deployment> {
        relocate(&mut role, &paths);
        let mut settings = Settings::new(paths);
        settings.process_count = generating.process_count.get();
        settings.timeout = Duration::from_secs(generating.puppet_timeout);
        settings.keep_failed = generating.keep_failed;
        settings.isolation = match generating.isolation {
            cli::Isolation::Fork => Isolation::Fork,
            cli::Isolation::Container => Isolation::Container,
        };
        Ok(Deployment {
            managed_by: String::new(),
            redactor: hiera.redactor(),
            role,
            hiera,
            settings,
            bootstrap_node: true,
            health_timeout: Duration::from_secs(300),
            units: None,
            output: Arc::clone(output),
            connected: None,
        })
    }

    /// Makes sure that some service generates this config volume.
    pub fn declares(&self, volume: &ConfigVolume) -> anyhow::Result<()> {
        let declared = self.config_volumes();
        ensure!(
            declared.contains(volume.as_str()),
            "nothing declares config volume {volume}; there are: {}",
            declared.into_iter().collect::<Vec<_>>().join(", ")
        );
        Ok(())
    }

    /// The config volumes that the services generate.
    pub fn config_volumes(&self) -> BTreeSet<&str> {
        let volumes = self.role.puppet_config.iter();
        volumes
            .filter_map(|entry| entry.config_volume.as_ref())
            .map(ConfigVolume::as_str)
            .collect()
    }

    /// Finds the engine. Settings count as they are now.
    pub async fn connect(&mut self, global: &cli::Global) -> anyhow::Result<()> {
        let engine = crate::engine::connect(global).await?;
        let mut hiera = self.hiera.clone();
        if self.bootstrap_node {
            hiera = hiera.bootstrap_node(&slipway_puppet::hostname()?);
        }
        let output = Arc::clone(&self.output);
        let events = Events::new(move |event| progress::show(&event, &output));
        let puppet = Puppet::new(Arc::clone(&engine), self.settings.clone(), hiera, events);
        self.connected = Some((engine, puppet));
        Ok(())
    }

    /// The engine.
    pub fn engine(&self) -> anyhow::Result<&Arc<dyn Engine>> {
        let connected = self.connected.as_ref();
        Ok(&connected
            .ok_or_else(|| anyhow!("no engine is connected"))?
            .0)
    }

    /// Puppet for this deployment.
    pub fn puppet(&self) -> anyhow::Result<&Puppet> {
        let connected = self.connected.as_ref();
        Ok(&connected
            .ok_or_else(|| anyhow!("no engine is connected"))?
            .1)
    }

    /// Generates the config volumes that have to be.
    pub async fn generate(&self) -> anyhow::Result<Report> {
        Ok(self
            .puppet()?
            .generate(self.role.puppet_config.clone())
            .await?)
    }

    /// A step's containers, by name.
    pub fn containers(&self, step: Step) -> indexmap::IndexMap<String, ContainerConfig> {
        self.role
            .docker_config
            .get(&step)
            .map(|containers| containers.0.clone())
            .unwrap_or_default()
    }
}

/// Moves every host path that the role names under the root.
fn relocate(role: &mut RoleData, paths: &Paths) {
    let configs = role
        .docker_config
        .values_mut()
        .flat_map(|containers| containers.0.values_mut());
    for config in configs {
        config.relocate(|path| paths.bind_source(path));
    }
    let tasks = role.docker_puppet_tasks.values_mut().flatten();
    for entry in role.puppet_config.iter_mut().chain(tasks) {
        relocate_volumes(entry, paths);
    }
}

fn relocate_volumes(entry: &mut PuppetConfig, paths: &Paths) {
    for volume in &mut entry.volumes {
        if let Some((source, rest)) = volume.split_once(':') {
            *volume = format!("{}:{rest}", paths.bind_source(source));
        }
    }
}
