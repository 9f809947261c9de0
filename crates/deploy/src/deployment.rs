//! A deployment: its declarations, and once it is connected, its engine.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use slipway_engine::Engine;
use slipway_events::Events;
use slipway_paths::Paths;
use slipway_puppet::{Hieradata, Puppet, Report, Settings};
use slipway_redact::Redactor;
use slipway_runtime::spec::{Host, secrets};
use slipway_runtime::systemd::Units;
use slipway_service::{ConfigVolume, ContainerConfig, PuppetConfig, RoleData, Step};

use crate::error::{DeployError, Result};
use crate::event::Event;
use crate::files::{self, WrittenFiles};
use crate::role::{RoleSource, merge_role};
use crate::startup;
use crate::systemd::{UnitFiles, units};

/// The options of a deployment.
#[derive(Clone, Debug)]
pub struct Options {
    /// The root, in front of every path of the deployment.
    pub root: PathBuf,
    /// The `managed_by` label of the containers; derived from role and root when `None`.
    pub managed_by: Option<String>,
    /// Runs docker_puppet_tasks, which one node of a role does.
    pub bootstrap_node: bool,
    /// The time that containers have to become healthy.
    pub health_timeout: Duration,
    /// The number of Puppet runs at once; the number of processors when `None`.
    pub process_count: Option<usize>,
    /// The time that a Puppet run may take.
    pub puppet_timeout: Duration,
    /// Keeps the container of a failed Puppet run.
    pub keep_failed: bool,
    /// Restarts containers whose config.json changed after they were started.
    pub restart_changed: bool,
    /// Waits for another run on the same deployment, instead of failing.
    pub wait: bool,
    /// The systemd units that start containers at boot.
    pub units: UnitFiles,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            root: "/".into(),
            managed_by: None,
            bootstrap_node: true,
            health_timeout: Duration::from_secs(300),
            process_count: None,
            puppet_timeout: Duration::from_secs(900),
            keep_failed: false,
            restart_changed: false,
            wait: true,
            units: UnitFiles::default(),
        }
    }
}

/// A role's declarations, moved under a root. No engine is needed for it.
pub struct Deployment {
    /// The settings of Puppet runs.
    pub settings: Settings,
    /// The hiera data.
    pub hiera: Hieradata,
    pub(crate) role: RoleData,
    /// The role before its paths were moved under the root.
    pub(crate) declared: RoleData,
    pub(crate) redactor: Redactor,
    pub(crate) managed_by: String,
    pub(crate) bootstrap_node: bool,
    pub(crate) health_timeout: Duration,
    pub(crate) restart_changed: bool,
    unit_files: UnitFiles,
    pub(crate) events: Events<Event>,
}

/// A deployment with its engine: what [`Deployment::connect`] returns.
pub struct ConnectedDeployment {
    pub(crate) deployment: Deployment,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) puppet: Puppet,
    pub(crate) units: Option<Units>,
    /// The number of the snapshot that this deployment goes back to.
    pub(crate) rollback: Option<u64>,
}

impl Deployment {
    /// Reads the declarations and the hiera data. Nothing on the host is touched.
    ///
    /// # Errors
    /// The declarations, the hiera data or the root are invalid.
    pub fn of_services(
        source: &RoleSource,
        options: &Options,
        events: Events<Event>,
    ) -> Result<Deployment> {
        let role = merge_role(source)?;
        let mut hiera = Hieradata::new(role.hiera());
        let keys = source.keys.read().map_err(DeployError::declarations)?;
        for file in &source.hiera {
            hiera
                .add_file(file, &keys)
                .map_err(DeployError::declarations)?;
        }
        let paths = Paths::new(&options.root)?;
        let managed_by = options.managed_by.clone();
        let managed_by = managed_by.unwrap_or_else(|| paths.managed_by(&source.role));
        Ok(Deployment {
            managed_by,
            ..Deployment::new(paths, role, hiera, options, events)?
        })
    }

    /// Reads docker-puppet.py's entries, and the hiera data that `/etc/puppet` already holds, or
    /// `/etc/puppet/check-mode` with `check_mode`. There are no containers in it.
    ///
    /// # Errors
    /// The hiera data or the root are invalid.
    pub fn of_entries(
        entries: Vec<PuppetConfig>,
        check_mode: bool,
        options: &Options,
        events: Events<Event>,
    ) -> Result<Deployment> {
        let paths = Paths::new(&options.root)?;
        let directory = paths.path(match check_mode {
            true => "/etc/puppet/check-mode",
            false => "/etc/puppet",
        });
        let hiera = Hieradata::present(&directory).map_err(DeployError::declarations)?;
        let role = RoleData {
            puppet_config: entries,
            ..RoleData::default()
        };
        Deployment::new(paths, role, hiera, options, events)
    }

    pub(crate) fn new(
        paths: Paths,
        mut role: RoleData,
        hiera: Hieradata,
        options: &Options,
        events: Events<Event>,
    ) -> Result<Deployment> {
        let declared = role.clone();
        relocate(&mut role, &paths)?;
        let mut settings = Settings::new(paths);
        if let Some(count) = options.process_count {
            settings.process_count = count;
        }
        settings.timeout = options.puppet_timeout;
        settings.keep_failed = options.keep_failed;
        settings.wait = options.wait;
        Ok(Deployment {
            managed_by: String::new(),
            redactor: hiera.redactor(),
            role,
            declared,
            hiera,
            settings,
            bootstrap_node: options.bootstrap_node,
            health_timeout: options.health_timeout,
            restart_changed: options.restart_changed,
            unit_files: options.units.clone(),
            events,
        })
    }

    /// Returns the deployment's paths.
    pub fn paths(&self) -> &Paths {
        &self.settings.paths
    }

    /// Returns the config volumes that the services generate.
    pub fn config_volumes(&self) -> BTreeSet<&str> {
        let volumes = self.role.puppet_config.iter();
        volumes
            .filter_map(|entry| entry.config_volume.as_ref())
            .map(ConfigVolume::as_str)
            .collect()
    }

    /// Limits generation to one config volume.
    ///
    /// # Errors
    /// No service generates it.
    pub fn select_volume(&mut self, volume: ConfigVolume) -> Result<()> {
        let declared = self.config_volumes();
        if !declared.contains(volume.as_str()) {
            let declared = declared.into_iter().map(str::to_owned).collect();
            return Err(DeployError::UnknownVolume { volume, declared });
        }
        self.settings.config_volume = Some(volume);
        Ok(())
    }

    /// Writes the files that containers read: config.json files, scripts, and the containers'
    /// configs by step. Starts nothing.
    ///
    /// # Errors
    /// A config.json declaration is invalid, or a file cannot be written.
    pub fn write_files(&self) -> Result<WrittenFiles> {
        let written = files::write(self)?;
        startup::write(self)?;
        Ok(written)
    }

    /// Adds the engine. The settings are final from here on.
    ///
    /// # Errors
    /// The host's name cannot be read.
    pub fn connect(self, engine: Arc<dyn Engine>) -> Result<ConnectedDeployment> {
        let mut hiera = self.hiera.clone();
        if self.bootstrap_node {
            hiera = hiera.bootstrap_node(&slipway_puppet::hostname()?);
        }
        let puppet = Puppet::new(
            Arc::clone(&engine),
            self.settings.clone(),
            hiera,
            self.events.nest(Event::Puppet),
        );
        let units = units(
            &self.unit_files,
            self.paths().root(),
            engine.as_ref(),
            &self.events,
        );
        Ok(ConnectedDeployment {
            deployment: self,
            engine,
            puppet,
            units,
            rollback: None,
        })
    }

    /// A step's containers, by name.
    pub(crate) fn containers(&self, step: Step) -> IndexMap<String, ContainerConfig> {
        self.role
            .docker_config
            .get(&step)
            .map(|containers| containers.0.clone())
            .unwrap_or_default()
    }

    /// A step's tasks, if this node runs them.
    pub(crate) fn tasks(&self, step: Step) -> Option<&Vec<PuppetConfig>> {
        let tasks = self.role.docker_puppet_tasks.get(&step);
        tasks.filter(|_| self.bootstrap_node)
    }
}

impl ConnectedDeployment {
    /// Returns the deployment's paths.
    pub fn paths(&self) -> &Paths {
        self.deployment.paths()
    }

    /// Returns a text with the secrets of the hiera data and of the containers masked.
    pub fn redact(&self, text: &str) -> String {
        let containers = self.deployment.role.docker_config.values();
        let containers = containers.flat_map(|containers| containers.0.values());
        let containers = secrets(containers, &Host::current()).redactor();
        containers.redact(&self.deployment.redactor.redact(text))
    }

    /// Returns the number of config volumes that [`ConnectedDeployment::generate`] checks.
    pub fn volumes_to_check(&self) -> usize {
        match self.deployment.settings.config_volume {
            Some(_) => 1,
            None => self.deployment.config_volumes().len(),
        }
    }

    /// Returns the number of config volumes, host manifests, containers and tasks of Pre and these steps.
    pub fn items(&self, steps: &[Step]) -> usize {
        let of_step = |step: &Step| {
            let tasks = self.deployment.tasks(*step).map_or(0, Vec::len);
            1 + self.deployment.containers(*step).len() + tasks
        };
        self.volumes_to_check() + steps.iter().map(of_step).sum::<usize>()
    }

    /// Generates the config volumes that are not as declared.
    ///
    /// # Errors
    /// Nothing could start. A single volume's failure is in the report.
    pub async fn generate(&self) -> Result<Report> {
        let entries = self.deployment.role.puppet_config.clone();
        Ok(self.puppet.generate(entries).await?)
    }

    /// Returns which config volumes would be generated, and why.
    ///
    /// # Errors
    /// The engine or the records of earlier runs cannot be read.
    pub async fn plan_volumes(&self) -> Result<Vec<slipway_puppet::Planned>> {
        let entries = self.deployment.role.puppet_config.clone();
        Ok(self.puppet.plan(entries).await?)
    }
}

/// Moves every host path of the role under the root.
fn relocate(role: &mut RoleData, paths: &Paths) -> Result<()> {
    for (step, containers) in &mut role.docker_config {
        for (name, config) in &mut containers.0 {
            let key = format!("docker_config.step_{}.{name}", step.number());
            let place = role.places.of(&key);
            relocate_container(&place, config, paths)?;
        }
    }
    for entry in &mut role.puppet_config {
        relocate_volumes("puppet_config", entry, paths)?;
    }
    for (step, entries) in &mut role.docker_puppet_tasks {
        let place = format!("docker_puppet_tasks.step_{}", step.number());
        for entry in entries {
            relocate_volumes(&place, entry, paths)?;
        }
    }
    Ok(())
}

/// Moves every host path of a container under the root. `place` is the container's key, for errors.
///
/// # Errors
/// A path leads out of the root.
pub fn relocate_container(place: &str, config: &mut ContainerConfig, paths: &Paths) -> Result<()> {
    config
        .relocate(|path| paths.bind_source(path))
        .map_err(DeployError::declared_at(place))
}

fn relocate_volumes(place: &str, entry: &mut PuppetConfig, paths: &Paths) -> Result<()> {
    let name = entry.config_volume.as_ref().map(ToString::to_string);
    for volume in &mut entry.volumes {
        if let Some((source, rest)) = volume.split_once(':') {
            let place = format!("{place}.{}.volumes", name.as_deref().unwrap_or_default());
            let source = paths
                .bind_source(source)
                .map_err(DeployError::declared_at(place))?;
            *volume = format!("{source}:{rest}");
        }
    }
    Ok(())
}
