//! The playbooks of a project, and their parts.

use std::fmt;

use slipway_service::{Step, TaskList};

/// A playbook of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Playbook {
    /// Brings all nodes to each step.
    Deploy,
    /// Updates one node after the other.
    Update,
    /// Upgrades all nodes.
    Upgrade,
    /// Upgrades all nodes over several releases.
    FastForward,
    /// Asks each node for an answer.
    Ping,
    /// Asks each node for its state.
    Status,
}

impl Playbook {
    /// Returns the name of the file.
    pub fn file(self) -> &'static str {
        match self {
            Playbook::Deploy => "deploy.yaml",
            Playbook::Update => "update.yaml",
            Playbook::Upgrade => "upgrade.yaml",
            Playbook::FastForward => "ffu.yaml",
            Playbook::Ping => "ping.yaml",
            Playbook::Status => "status.yaml",
        }
    }
}

/// A part of a playbook that can run alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Puts slipway, the definitions and the hiera data on a node.
    Prepare,
    /// Runs a list of the definitions' tasks in a step.
    Tasks {
        /// The list.
        list: TaskList,
        /// The release that a fast-forward upgrade passes through.
        release: Option<String>,
        /// The step.
        step: u8,
    },
    /// Brings a node to a step, and waits until its containers are healthy.
    Step(Step),
    /// Runs the `docker_puppet_tasks` of a step.
    PuppetTasks(Step),
    /// Checks that all containers of a node are up and healthy.
    Health,
}

/// The last prep step of a fast-forward upgrade. The steps after it run on the bootstrap node of each role
/// alone.
pub const LAST_PREP_STEP: u8 = 3;

impl Part {
    /// Returns the part that runs a list in a step, in a fast-forward upgrade for a release.
    pub fn tasks(list: TaskList, release: Option<&String>, step: u8) -> Part {
        Part::Tasks {
            list,
            release: release.cloned(),
            step,
        }
    }

    /// Returns the tag of the part's tasks.
    pub fn tag(&self) -> String {
        match self {
            Part::Prepare => "slipway_prepare".to_owned(),
            Part::Tasks {
                list,
                release: Some(release),
                step,
            } => format!("{}_{release}_{step}", list.key()),
            Part::Tasks {
                list,
                release: None,
                step,
            } => format!("{}_{step}", list.key()),
            Part::Step(step) => step.to_string(),
            Part::PuppetTasks(step) => format!("docker_puppet_tasks_{}", step.number()),
            Part::Health => "slipway_health".to_owned(),
        }
    }

    /// Returns the step, if the part has one.
    pub fn step(&self) -> Option<u8> {
        match self {
            Part::Tasks { step, .. } => Some(*step),
            Part::Step(step) | Part::PuppetTasks(step) => Some(step.number()),
            Part::Prepare | Part::Health => None,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Prepare => f.write_str("prepare"),
            Part::Tasks {
                list,
                release,
                step,
            } => {
                f.write_str(list.key())?;
                if let Some(release) = release {
                    write!(f, " {release}")?;
                }
                match list.steps().count() {
                    1 => Ok(()),
                    _ => write!(f, " step {step}"),
                }
            }
            Part::Step(step) => write!(f, "step {}", step.number()),
            Part::PuppetTasks(step) => write!(f, "docker_puppet_tasks step {}", step.number()),
            Part::Health => f.write_str("health"),
        }
    }
}
