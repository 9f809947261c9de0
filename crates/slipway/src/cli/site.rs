//! The options of the commands that work on the nodes of an exported project.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use slipway_conduct::{Action, Ansible, Options};

use super::heading;
use super::shared::Lock;

/// The nodes, and the program that reaches them.
#[derive(Args, Debug, Clone, Default)]
pub struct SiteOptions {
    /// Only these nodes, or the nodes of these roles. Other nodes are not asked for anything. Repeatable
    #[arg(long, value_name = "NODE", requires = "site", help_heading = heading::SELECTION)]
    pub limit: Vec<String>,
    /// The ansible-playbook of ansible-core 2.15 to 2.19 [default: that of PATH]
    #[arg(long, value_name = "PROGRAM", env = "SLIPWAY_ANSIBLE_PLAYBOOK", help_heading = heading::ENGINE)]
    pub ansible_playbook: Option<PathBuf>,
    /// Number of nodes that Ansible works on at once [default: Ansible's own]
    #[arg(long, value_name = "N", requires = "site", help_heading = heading::ENGINE)]
    pub forks: Option<NonZeroUsize>,
}

/// The way of a run over nodes.
#[derive(Args, Debug, Clone, Default)]
pub struct RunOptions {
    #[command(flatten)]
    pub nodes: SiteOptions,
    /// Skip what the last run did, where the inputs are equal
    #[arg(long, requires = "site", conflicts_with = "plan", help_heading = heading::SELECTION)]
    pub resume: bool,
    /// Number of nodes that may fail before the run stops
    #[arg(long, value_name = "N", default_value_t = 0, requires = "site", help_heading = heading::SELECTION)]
    pub max_fail: usize,
}

/// Work on the nodes of an exported project.
#[derive(Args, Debug)]
pub struct OnSite {
    /// Directory of the project that `slipway export --nodes` wrote
    #[arg(long, value_name = "DIR", help_heading = heading::INPUT)]
    pub site: PathBuf,
    #[command(flatten)]
    pub run: RunOptions,
    /// Ask every node and print what would change, by node and step; change nothing
    #[arg(long, help_heading = heading::OUTPUT)]
    pub plan: bool,
    /// Write a page that shows the nodes and their steps over time: one HTML file
    #[arg(long, value_name = "FILE", conflicts_with = "plan", help_heading = heading::OUTPUT)]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub lock: Lock,
}

/// `slipway status`.
#[derive(Args, Debug)]
pub struct Status {
    /// Directory of the project that `slipway export --nodes` wrote
    #[arg(long, value_name = "DIR", help_heading = heading::INPUT)]
    pub site: PathBuf,
    #[command(flatten)]
    pub nodes: SiteOptions,
    #[command(flatten)]
    pub lock: Lock,
}

impl SiteOptions {
    /// Returns the program that distributes the work.
    pub fn ansible(&self) -> Ansible {
        let program = self.ansible_playbook.clone();
        Ansible {
            program: program.unwrap_or_else(|| "ansible-playbook".into()),
            forks: self.forks,
        }
    }
}

impl RunOptions {
    /// Returns an option that was given and has a meaning on a site alone. clap does not demand --site where
    /// another option excludes it.
    pub fn needing_site(&self) -> Option<&'static str> {
        let given = [
            ("--limit", !self.nodes.limit.is_empty()),
            ("--forks", self.nodes.forks.is_some()),
            ("--resume", self.resume),
            ("--max-fail", self.max_fail > 0),
        ];
        let mut given = given.into_iter().filter(|(_, is_given)| *is_given);
        given.next().map(|(name, _)| name)
    }

    /// Returns the options of an action.
    pub fn options(&self, action: Action) -> Options {
        Options {
            action,
            limit: self.nodes.limit.clone(),
            resume: self.resume,
            max_fail: self.max_fail,
            ansible: self.nodes.ansible(),
        }
    }
}
