//! Plans: actions, each with its reasons.

use serde::Serialize;

use super::units::PlannedUnit;

/// The actions that [`apply`](super::apply) will take.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The set.
    pub config_id: String,
    /// Images that are not there and will be pulled.
    pub pulls: Vec<String>,
    /// Containers that will be removed and not made again.
    pub removals: Vec<Removal>,
    /// Containers that will get their preferred name.
    pub renames: Vec<Rename>,
    /// The containers of the set, in the order in which they are worked on.
    pub containers: Vec<Planned>,
    /// Systemd units that will be written or removed: Podman's alone.
    pub units: Vec<PlannedUnit>,
}

impl Plan {
    /// Returns `true` when there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.pulls.is_empty()
            && self.removals.is_empty()
            && self.renames.is_empty()
            && self.units.is_empty()
            && self
                .containers
                .iter()
                .all(|c| c.action == PlannedAction::Keep)
    }
}

/// A container to be removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Removal {
    /// Its id.
    pub id: String,
    /// Its name in the engine.
    pub name: String,
    /// The reasons.
    pub reason: Reason,
}

/// A container to be renamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rename {
    /// Its id.
    pub id: String,
    /// Its name in the engine.
    pub from: String,
    /// The name it gets.
    pub to: String,
}

/// The action on one container of the set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Planned {
    /// Its name in the set.
    pub container: String,
    /// Its place in the order.
    pub start_order: i64,
    /// The action.
    pub action: PlannedAction,
    /// The reasons.
    pub reasons: Vec<Reason>,
    /// The container that exists for it now.
    pub existing: Option<Existing>,
}

/// An existing container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Existing {
    /// Its id.
    pub id: String,
    /// Its name in the engine.
    pub name: String,
    /// It is up, or was up before an interruption.
    pub was_up: bool,
}

/// The action on a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlannedAction {
    /// It is as configured.
    Keep,
    /// It is missing: create and start it.
    Create,
    /// It is not as configured: replace it.
    Replace,
    /// It is as configured and stopped: start it.
    Start,
    /// It is up as configured, and its config.json changed: restart it.
    Restart,
    /// A one-shot container that still runs: wait for its end.
    Wait,
    /// Run a command in another container.
    Exec,
}

impl PlannedAction {
    /// Returns the action as a verb, such as `replace`.
    pub fn verb(self) -> &'static str {
        match self {
            PlannedAction::Keep => "keep",
            PlannedAction::Create => "create",
            PlannedAction::Replace => "replace",
            PlannedAction::Start => "start",
            PlannedAction::Restart => "restart",
            PlannedAction::Wait => "wait",
            PlannedAction::Exec => "exec",
        }
    }
}

/// The reason of an action. Names the keys that changed, never their values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Reason {
    /// There is no such container.
    NotThere,
    /// A container of another set has its name, so it gets a longer one.
    NameTaken,
    /// These keys of its configuration changed.
    Changed {
        /// The keys, variables of the environment one by one.
        keys: Vec<String>,
    },
    /// Its image's reference now means another image.
    ImageChanged,
    /// Its labels do not record its configuration.
    Unrecorded,
    /// It ran to its end and failed.
    Failed {
        /// Its exit code.
        exit_code: i64,
    },
    /// It is stopped, and should be up.
    Stopped,
    /// It was interrupted before it was started.
    HalfMade,
    /// A run was interrupted while it was being replaced.
    Interrupted,
    /// Another container has its name in the set.
    Double,
    /// It is no longer configured.
    NotConfigured,
    /// It did not run yet, or something that it depends on has changed since.
    Due,
    /// It has not ended yet.
    Running,
    /// The config.json that it mounts changed after it was started. It is kept, as TripleO keeps it,
    /// unless [`ApplyOptions::restart_changed`](super::ApplyOptions::restart_changed) is set.
    ConfigFileChanged {
        /// The file on the host.
        file: String,
    },
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Reason::NotThere => f.write_str("not there"),
            Reason::NameTaken => f.write_str("another has its name: it gets a longer one"),
            Reason::Changed { keys } => write!(f, "{} changed", keys.join(", ")),
            Reason::ImageChanged => f.write_str("image changed"),
            Reason::Unrecorded => f.write_str("its labels do not tell what it was made from"),
            Reason::Failed { exit_code } => write!(f, "failed with exit code {exit_code}"),
            Reason::Stopped => f.write_str("stopped"),
            Reason::HalfMade => f.write_str("interrupted before it was started"),
            Reason::Interrupted => f.write_str("about to make way when a run was interrupted"),
            Reason::Double => f.write_str("another container has its name in the set"),
            Reason::NotConfigured => f.write_str("no longer configured"),
            Reason::Due => f.write_str("due"),
            Reason::Running => f.write_str("not ended yet"),
            Reason::ConfigFileChanged { file } => {
                write!(f, "restart wanted: {file} changed after it was started")
            }
        }
    }
}
