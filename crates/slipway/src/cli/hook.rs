//! `slipway hook`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::heading;
use super::shared::{Root, Systemd};

/// The hooks.
#[derive(Debug, Subcommand)]
pub enum Hook {
    /// Apply one deployment of Heat's group docker-cmd, as hook-docker-cmd.py does: read it as JSON
    /// from standard input, and print the response as JSON
    DockerCmd(DockerCmd),
    /// Delete the containers of deployments that heat-config no longer names, as
    /// 50-heat-config-docker-cmd does
    DockerCmdCleanup(DockerCmdCleanup),
}

/// The options of `slipway hook docker-cmd`.
#[derive(Args, Debug)]
pub struct DockerCmd {
    #[command(flatten)]
    pub root: Root,
    #[command(flatten)]
    pub systemd: Systemd,
}

/// The options of `slipway hook docker-cmd-cleanup`.
#[derive(Args, Debug)]
pub struct DockerCmdCleanup {
    /// File of the deployments that heat-config knows, a JSON list of {id, group}. A missing file
    /// deletes nothing
    #[arg(
        long, value_name = "FILE", env = "HEAT_SHELL_CONFIG", help_heading = heading::INPUT,
        default_value = "/var/run/heat-config/heat-config"
    )]
    pub config: PathBuf,
    #[command(flatten)]
    pub root: Root,
    #[command(flatten)]
    pub systemd: Systemd,
}
