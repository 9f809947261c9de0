//! `slipway deploy`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use slipway_deploy::Options;

use super::shared::{Generating, Lock, Root, Services, Systemd};
use super::site::RunOptions;
use super::{heading, name};

/// The time to wait for containers.
#[derive(Args, Debug, Clone)]
pub struct Waiting {
    /// Seconds that containers have to become healthy
    #[arg(long, value_name = "SECONDS", default_value_t = 300, help_heading = heading::ENGINE)]
    pub wait: u64,
}

/// The options that say how one node is deployed.
const OF_ONE_NODE: [&str; 17] = [
    "services",
    "templates",
    "environments",
    "environment_directories",
    "roles",
    "networks",
    "hiera",
    "role",
    "root",
    "step",
    "from",
    "to",
    "bootstrap_node",
    "managed_by",
    "check",
    "write_only",
    "rollback",
];

#[derive(Args, Debug)]
pub struct Deploy {
    /// Directory of the project that `slipway export --nodes` wrote: bring up its nodes with Ansible
    #[arg(long, value_name = "DIR", conflicts_with_all = OF_ONE_NODE, help_heading = heading::INPUT)]
    pub site: Option<PathBuf>,
    #[command(flatten)]
    pub nodes: RunOptions,
    #[command(flatten)]
    pub services: Services,
    #[command(flatten)]
    pub root: Root,
    /// Only this step (1 to 5); config volumes are generated before it
    #[arg(long, value_name = "N", conflicts_with_all = ["from", "to"], value_parser = step(), help_heading = heading::SELECTION)]
    pub step: Option<u8>,
    /// The first step
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = step(), help_heading = heading::SELECTION)]
    pub from: u8,
    /// The last step
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = step(), help_heading = heading::SELECTION)]
    pub to: u8,
    /// Run docker_puppet_tasks, which only the bootstrap node does
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set, help_heading = heading::SELECTION)]
    pub bootstrap_node: bool,
    /// The containers' managed_by label [default: derived from role and root]
    #[arg(long, value_name = "NAME", value_parser = name(), help_heading = heading::ENGINE)]
    pub managed_by: Option<String>,
    /// Restart containers whose config.json changed after they were started
    #[arg(long, help_heading = heading::ENGINE)]
    pub restart_changed: bool,
    /// Print what would be done and why, and do nothing
    #[arg(long, help_heading = heading::OUTPUT)]
    pub plan: bool,
    /// Like --plan, and fail if a config volume or a container is not as declared
    #[arg(long, conflicts_with = "write_only", help_heading = heading::OUTPUT)]
    pub check: bool,
    /// Write the files that containers read (config.json files, scripts, the containers' configs by
    /// step), and start nothing; no engine is needed
    #[arg(long, conflicts_with_all = ["plan", "step", "from", "to"], help_heading = heading::OUTPUT)]
    pub write_only: bool,
    /// Deploy what the last good deployment was made from: its services and hiera data, and its images.
    /// --services and --hiera do not count
    #[arg(long, conflicts_with_all = ["plan", "check", "write_only", "step", "from", "to"], help_heading = heading::SELECTION)]
    pub rollback: bool,
    /// Number of good deployments that --rollback can go back to; 0 keeps none
    #[arg(long, value_name = "N", default_value_t = 3, help_heading = heading::OUTPUT)]
    pub keep: usize,
    /// Write a page that shows the deployment over time, with reasons, changes and failures: one HTML file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["plan", "check", "write_only"], help_heading = heading::OUTPUT)]
    pub report: Option<PathBuf>,
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
            restart_changed: self.restart_changed,
            wait: !self.lock.no_wait,
            units: self.systemd.unit_files(),
            ..self.generating.options(&self.root)
        }
    }
}

fn step() -> clap::builder::RangedI64ValueParser<u8> {
    clap::value_parser!(u8).range(1..=5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        deploy: Deploy,
    }

    fn parse(arguments: &str) -> Result<Deploy, clap::Error> {
        let all = ["deploy"].into_iter().chain(arguments.split_whitespace());
        Cli::try_parse_from(all).map(|cli| cli.deploy)
    }

    #[test]
    fn options_of_one_node_and_of_a_site_exclude_each_other() {
        let deploy = parse("--site s --limit a --limit b --max-fail 2 --resume").unwrap();
        assert_eq!(deploy.nodes.nodes.limit, ["a", "b"]);
        assert_eq!(deploy.nodes.max_fail, 2);
        assert!(parse("--site s --plan --no-wait --forks 9").is_ok());
        for wrong in [
            "--site s --services x",
            "--site s --step 3",
            "--site s --role R",
            "--site s --rollback",
            "--site s --check",
            "--site s --plan --resume",
            "--limit a",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        for option in ["--limit a", "--forks 2", "--resume", "--max-fail 1"] {
            let deploy = parse(&format!("--services x {option}")).unwrap();
            let name = deploy.nodes.needing_site().unwrap();
            assert!(option.starts_with(name), "{option}");
        }
    }

    #[test]
    fn the_names_of_options_of_one_node_are_known() {
        use clap::CommandFactory;
        let command = Cli::command();
        for id in OF_ONE_NODE {
            let mut known = command.get_arguments();
            assert!(known.any(|known| known.get_id() == id), "{id}");
        }
    }
}
