//! Converges the containers of a host to a set of configurations.
//!
//! The behaviour is that of paunch 7.0.4 with docker. Labels record a container's configuration.
//! Missing images are pulled. Containers that are no longer configured are deleted, changed ones are
//! replaced, unchanged ones are kept. Then containers start, and commands run in them, by
//! `start_order`. A set that paunch started under the same `managed_by` is recognised and kept. The
//! differences:
//!
//! * A set owns only containers with its own `managed_by`, also for exec actions. paunch falls back to
//!   those of the manager `paunch`, and for exec to any container of the name.
//! * Containers of one `start_order` start together.
//! * Images, mount sources and env files of all containers are checked before any is touched.
//! * The old container is kept until its replacement has started, and restored if it does not start
//!   ([`ApplyOptions::rollback`]). paunch removes the old one first.
//! * A one-shot container (`detach: false`) that failed runs again. paunch counts it as done.
//! * A stopped container is started if its restart policy asks for it or its exit code is not one of
//!   success. paunch leaves it stopped.
//! * With [`ApplyOptions::state_dir`], exec actions and one-shot containers that are removed
//!   afterwards are not repeated while nothing changed. paunch repeats them.
//! * After a failure, later `start_order`s do not begin: they depend on the earlier ones.
//! * Only containers of the set are renamed to their preferred names. paunch renames any that
//!   have the same `managed_by`.
//! * With [`ApplyOptions::units`], systemd restarts Podman's containers that have a restart policy:
//!   see [`crate::systemd`].
//! * If a killed run left two containers for one name, one of them is kept.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use slipway_service::{ContainerConfig, Healthcheck};

use crate::systemd::{self, Units};
use slipway_engine::{ContainerSpec, Engine};

mod apply;
mod config_file;
mod container;
mod diff;
mod digest;
mod error;
mod event;
mod exec;
mod health;
mod images;
mod plan;
mod precheck;
mod record;
mod survey;
mod units;

pub mod labels;

pub(crate) use apply::rename_to_preferred;
pub use apply::{Prepared, apply, prepare};
pub use container::longer_name;
pub(crate) use container::retire;
pub use error::{ContainerFailure, ConvergeError, Problem, Result};
pub use event::{ContainerOutcome, Event, Outcome};
pub use health::wait_healthy;
pub use images::{image_ids, missing_images};
pub use plan::{Existing, Plan, Planned, PlannedAction, Reason, Removal, Rename};
pub(crate) use record::forget;
pub(crate) use survey::state_drift;
pub use survey::{check, plan};
pub(crate) use units::with as units_with;
pub use units::{PlannedUnit, UnitAction};

/// Containers that belong together, such as those of one step.
#[derive(Clone, Debug)]
pub struct ContainerSet {
    /// The name of the set. It owns every container with this `config_id` label.
    pub config_id: String,
    /// The manager of the set. Containers of other managers are not touched.
    pub managed_by: String,
    /// Configurations by container name.
    pub containers: IndexMap<String, ContainerConfig>,
}

/// Masks secrets in the output of a container.
pub type Redact = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// The form in which a container's labels record its configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LabelData {
    /// All of it, as paunch does.
    #[default]
    Config,
    /// A keyed digest of each key, which shows only that the key changed.
    Digest,
}

/// Options of converging.
#[derive(Clone)]
pub struct ApplyOptions {
    /// Labels put on every container made, beside the recording ones.
    pub labels: BTreeMap<String, String>,
    /// The form in which labels record configurations. A change of this option replaces no existing
    /// container.
    pub label_data: LabelData,
    /// Make containers without their healthchecks.
    pub no_healthchecks: bool,
    /// A directory on the host for one log file per container, where the engine has a log driver for
    /// that.
    pub log_dir: Option<PathBuf>,
    /// Delete containers that are no longer configured.
    pub cleanup: bool,
    /// Put the old container back when its replacement does not start.
    pub rollback: bool,
    /// The directory of the record of what succeeded, and of the lock that keeps two runs on one set
    /// apart. Without it there is neither.
    pub state_dir: Option<PathBuf>,
    /// The systemd units that start containers at boot; none are kept without it. They are Podman's
    /// alone: Docker's daemon starts its containers itself.
    pub units: Option<Units>,
    /// Restart containers whose config.json changed after they were started.
    pub restart_changed: bool,
    /// The number of containers that are worked on at once.
    pub concurrency: usize,
    /// The time that a container must stay up to count as started.
    pub settle: Duration,
    /// The time that exec waits for its container to run.
    pub exec_patience: Duration,
    /// The number of last output lines that a failed container is reported with.
    pub log_lines: usize,
    /// Masks secrets in these lines.
    pub redact: Redact,
    /// Send the output of one-shot containers and of commands as [`Event::Output`].
    pub send_output: bool,
}

impl Default for ApplyOptions {
    fn default() -> Self {
        ApplyOptions {
            labels: BTreeMap::new(),
            label_data: LabelData::Config,
            no_healthchecks: false,
            log_dir: None,
            cleanup: true,
            rollback: true,
            state_dir: None,
            units: None,
            restart_changed: false,
            concurrency: 8,
            settle: Duration::from_millis(600),
            exec_patience: Duration::from_secs(60),
            log_lines: 15,
            redact: Arc::new(str::to_owned),
            send_output: false,
        }
    }
}

impl ApplyOptions {
    /// Applies the options to the specification of a container.
    fn adjust(
        &self,
        name: &str,
        config: &ContainerConfig,
        spec: &mut ContainerSpec,
        engine: &dyn Engine,
    ) {
        if self.units_with(engine).is_some() && systemd::is_wanted(config.keys()) {
            // Of two that start it again, each would undo what the other does.
            spec.restart = None;
        }
        if self.no_healthchecks {
            spec.healthcheck = Some(Healthcheck {
                test: vec!["NONE".to_owned()],
                ..Healthcheck::default()
            });
        }
        let driver = engine.info().capabilities().file_log_driver;
        if let Some((dir, driver)) = self.log_dir.as_ref().zip(driver) {
            let file = dir.join(format!("{name}.log")).display().to_string();
            spec.log_driver = Some(driver.to_owned());
            spec.log_options.insert("path".to_owned(), file);
        }
    }
}

impl fmt::Debug for ApplyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplyOptions")
            .field("cleanup", &self.cleanup)
            .field("rollback", &self.rollback)
            .field("state_dir", &self.state_dir)
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod systemd_tests;
#[cfg(test)]
mod tests;
