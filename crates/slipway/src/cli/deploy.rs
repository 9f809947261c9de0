//! `slipway deploy`.

use std::time::Duration;

use clap::Args;
use slipway_deploy::Options;

use super::name;
use super::shared::{Generating, Lock, Root, Services, Systemd};

/// Which containers wait for what.
#[derive(Args, Debug, Clone)]
pub struct Waiting {
    /// Seconds to wait for containers to be healthy
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub wait: u64,
}

#[derive(Args, Debug)]
pub struct Deploy {
    #[command(flatten)]
    pub services: Services,
    #[command(flatten)]
    pub root: Root,
    /// Only this step (1 to 5); config volumes are generated before it
    #[arg(long, value_name = "N", conflicts_with_all = ["from", "to"], value_parser = step())]
    pub step: Option<u8>,
    /// The first step
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = step())]
    pub from: u8,
    /// The last step
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = step())]
    pub to: u8,
    /// Whether this is the bootstrap node, the one that runs docker_puppet_tasks
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub bootstrap_node: bool,
    /// Who manages the containers (a label); derived from role and root when not given
    #[arg(long, value_name = "NAME", value_parser = name())]
    pub managed_by: Option<String>,
    /// Say what would be done and why, and do nothing
    #[arg(long)]
    pub plan: bool,
    /// Write what containers read (config.json files, scripts, the containers' configs by step), and
    /// start nothing; no engine is needed
    #[arg(long, conflicts_with_all = ["plan", "step", "from", "to"])]
    pub write_only: bool,
    #[command(flatten)]
    pub generating: Generating,
    #[command(flatten)]
    pub waiting: Waiting,
    #[command(flatten)]
    pub systemd: Systemd,
    #[command(flatten)]
    pub lock: Lock,
}

impl Deploy {
    /// The options of the deployment.
    pub fn options(&self) -> Options {
        Options {
            managed_by: self.managed_by.clone(),
            bootstrap_node: self.bootstrap_node,
            health_timeout: Duration::from_secs(self.waiting.wait),
            wait: !self.lock.no_wait,
            units: self.systemd.unit_files(),
            ..self.generating.options(&self.root)
        }
    }
}

fn step() -> clap::builder::RangedI64ValueParser<u8> {
    clap::value_parser!(u8).range(1..=5)
}
