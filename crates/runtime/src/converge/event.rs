//! Events of converging, and its outcome.

use indexmap::IndexMap;
use serde::Serialize;

use super::{Plan, PlannedAction, PlannedUnit, Reason, Rename};
use slipway_engine::Health;

/// Something that has happened or is about to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// Another run works on this set; this one waits for it.
    Waiting {
        /// The holder of the lock.
        holder: String,
    },
    /// The plan is made.
    Planned {
        /// The plan.
        plan: Plan,
    },
    /// An image is pulled.
    Pulling {
        /// Its reference.
        image: String,
        /// The engine's words.
        line: String,
    },
    /// A container was removed.
    Removed {
        /// Its name in the engine.
        name: String,
        /// The reasons.
        reason: Reason,
    },
    /// A container got its preferred name.
    Renamed(Rename),
    /// Work on a container begins.
    Beginning {
        /// Its name in the set.
        container: String,
        /// The action.
        action: PlannedAction,
        /// The reasons.
        reasons: Vec<Reason>,
    },
    /// A container is up.
    Started {
        /// Its name in the set.
        container: String,
        /// Its id in the engine.
        id: String,
    },
    /// The output of a one-shot container or of a command inside a container, secrets masked. Sent
    /// only with [`ApplyOptions::send_output`](super::ApplyOptions::send_output).
    Output {
        /// Its name in the set.
        container: String,
        /// The lines of standard output.
        stdout: Vec<String>,
        /// The lines of standard error.
        stderr: Vec<String>,
    },
    /// A one-shot container or a command inside a container has ended.
    Ended {
        /// Its name in the set.
        container: String,
        /// Its exit code.
        exit_code: i64,
    },
    /// A replacement failed, and the old container is back.
    RolledBack {
        /// Its name in the set.
        container: String,
    },
    /// A systemd unit was written or removed.
    Unit(PlannedUnit),
    /// A container's health changed while it was waited for.
    HealthChanged {
        /// Its name in the set.
        container: String,
        /// Its health; `None` for a container without a healthcheck that is up.
        health: Option<Health>,
    },
}

impl slipway_events::Event for Event {
    fn record(&self) {
        match self {
            Event::Waiting { holder } => tracing::info!(holder, "waiting for another run"),
            Event::Planned { plan } => tracing::debug!(
                pulls = plan.pulls.len(),
                containers = plan.containers.len(),
                removals = plan.removals.len(),
                "planned"
            ),
            Event::Pulling { image, line } => tracing::trace!(image, line, "pull"),
            Event::Removed { name, reason } => tracing::info!(name, %reason, "removed"),
            Event::Renamed(rename) => {
                tracing::info!(from = rename.from, to = rename.to, "renamed");
            }
            Event::Beginning {
                container, action, ..
            } => tracing::info!(container, ?action, "started"),
            Event::Started { container, id } => tracing::info!(container, id, "up"),
            Event::Output {
                container,
                stdout,
                stderr,
            } => tracing::trace!(container, ?stdout, ?stderr, "output"),
            Event::Ended {
                container,
                exit_code,
            } => tracing::info!(container, exit_code, "ended"),
            Event::RolledBack { container } => tracing::warn!(container, "rolled back"),
            Event::Unit(planned) => {
                tracing::info!(unit = planned.unit, action = ?planned.action, "unit changed");
            }
            Event::HealthChanged { container, health } => {
                tracing::debug!(container, ?health, "health changed");
            }
        }
    }
}

/// The result of converging a set.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Outcome {
    /// The set.
    pub config_id: String,
    /// Images pulled.
    pub pulled: Vec<String>,
    /// Containers removed, by their names in the engine.
    pub removed: Vec<String>,
    /// Containers renamed.
    pub renamed: Vec<Rename>,
    /// Systemd units written or removed.
    pub units: Vec<PlannedUnit>,
    /// The outcome for each container of the set.
    pub containers: IndexMap<String, ContainerOutcome>,
}

impl Outcome {
    /// Returns `true` when everything was already as configured.
    pub fn is_unchanged(&self) -> bool {
        self.pulled.is_empty()
            && self.removed.is_empty()
            && self.renamed.is_empty()
            && self.units.is_empty()
            && self
                .containers
                .values()
                .all(|container| container.action == PlannedAction::Keep)
    }

    /// Returns the number of containers with this action.
    pub fn count(&self, action: PlannedAction) -> usize {
        let done = self.containers.values();
        done.filter(|container| container.action == action).count()
    }
}

/// The outcome for one container.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContainerOutcome {
    /// The action.
    pub action: PlannedAction,
    /// The reasons.
    pub reasons: Vec<Reason>,
    /// The exit code of what ran to its end.
    pub exit_code: Option<i64>,
}
