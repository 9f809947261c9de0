//! Making the containers of a host what a set of configurations says.
//!
//! The behaviour is that of paunch 7.0.4 with docker: labels record what a container was made
//! from; what is missing is pulled, what is no longer configured deleted, what changed made again,
//! and what is there left alone; then containers run, or commands run in them, by `start_order`.
//! A set that paunch started under the same `managed_by` is recognised and not touched. Where this
//! differs:
//!
//! * Only containers with the set's own `managed_by` are taken for its own, also by exec actions.
//!   paunch falls back to those of the manager `paunch`, and for exec to any container of the name.
//! * Containers of one `start_order` start together.
//! * Images, mount sources and env files of all containers are checked before any is touched.
//! * A container is replaced with the old one kept aside until the new one has started, and put
//!   back when it has not ([`ApplyOptions::rollback`]). paunch removes the old one first.
//! * A one-shot container (`detach: false`) that failed is run again. paunch takes its remains
//!   for done.
//! * A container that has stopped is started, where its restart policy would have it running or
//!   its exit code is none of those that mean success.
//!   paunch leaves it stopped.
//! * Exec actions, and one-shot containers that are removed afterwards, are not repeated while
//!   nothing changed, where there is a [`ApplyOptions::state_dir`] to remember them in. paunch
//!   repeats them.
//! * After a failure, later `start_order`s do not begin: they build upon the earlier ones.
//! * Only containers of the set are renamed to their preferred names. paunch renames any that
//!   have the same `managed_by`.
//! * Podman's containers with a restart policy are started again by systemd, where there are
//!   [`ApplyOptions::units`]: see [`crate::systemd`].
//! * Of two containers for one name, which a killed run may leave, one is kept.

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
pub use images::missing_images;
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

/// Takes secrets out of text that came from a container.
pub type Redact = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// The form in which a container's labels record its configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LabelData {
    /// All of it, as paunch does.
    #[default]
    Config,
    /// A keyed digest of each key, which tells what changed and nothing else.
    Digest,
}

/// Options of converging.
#[derive(Clone)]
pub struct ApplyOptions {
    /// Labels put on every container made, beside the recording ones.
    pub labels: BTreeMap<String, String>,
    /// The form in which labels record configurations. A container that exists is not replaced for a
    /// change of this.
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
    /// Takes secrets out of those lines.
    pub redact: Redact,
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
