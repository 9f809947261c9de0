//! `slipway apply`, `ps`, `logs`, `debug`, `delete` and `cleanup`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use slipway_service::UnknownKeys;

use super::shared::{Lock, Root, Systemd, absolute};
use super::{heading, name};

#[derive(Args, Debug)]
pub struct Apply {
    /// Containers by name, {NAME: CONFIG}, in JSON or YAML; a directory of hashed-NAME.json files; or -
    /// for standard input
    #[arg(long, value_name = "PATH", help_heading = heading::INPUT)]
    pub file: PathBuf,
    /// Id of this set of containers. Containers with this id that are not in the file are deleted
    #[arg(long, value_name = "ID", value_parser = name(), help_heading = heading::SELECTION)]
    pub config_id: String,
    /// The containers' managed_by label. The default is paunch's, so a set that paunch started is
    /// recognised
    #[arg(long, value_name = "NAME", default_value = "paunch", value_parser = name(), help_heading = heading::SELECTION)]
    pub managed_by: String,
    /// Wait until the containers are healthy, at most this many seconds [default with the bare option:
    /// 300]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "300", help_heading = heading::ENGINE)]
    pub wait: Option<u64>,
    /// Keep containers with this id that are not in the file
    #[arg(long, help_heading = heading::SELECTION)]
    pub no_cleanup: bool,
    /// Do not restore the old container when its replacement does not start
    #[arg(long, help_heading = heading::ENGINE)]
    pub no_rollback: bool,
    /// Restart containers whose config.json changed after they were started
    #[arg(long, help_heading = heading::ENGINE)]
    pub restart_changed: bool,
    /// Label of every container that is created. Repeatable
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label, help_heading = heading::ENGINE)]
    pub labels: Vec<(String, String)>,
    /// Form of a container's config in its labels. Existing containers are not replaced for a change
    /// of this option
    #[arg(long, value_enum, default_value_t = LabelData::Config, help_heading = heading::ENGINE)]
    pub label_data: LabelData,
    /// Create containers without their healthchecks
    #[arg(long, help_heading = heading::ENGINE)]
    pub healthcheck_disabled: bool,
    /// Directory of one log file for each container (Podman)
    #[arg(long, value_name = "DIR", value_parser = absolute, help_heading = heading::OUTPUT)]
    pub container_log_path: Option<PathBuf>,
    /// Print what would be done and why, and do nothing
    #[arg(long, help_heading = heading::OUTPUT)]
    pub plan: bool,
    #[command(flatten)]
    pub systemd: Systemd,
    #[command(flatten)]
    pub root: Root,
    #[command(flatten)]
    pub lock: Lock,
    /// The treatment of unknown keys; paunch passes over them.
    #[arg(skip)]
    pub unknown_keys: UnknownKeys,
}

/// The form of a container's config in its labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LabelData {
    /// The whole config, as paunch does
    #[default]
    Config,
    /// A keyed digest of each key
    Digest,
}

/// Parses `NAME=VALUE`.
pub fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

#[derive(Args, Debug)]
pub struct Logs {
    /// Container, by its name in its set or in the engine
    #[arg(value_name = "CONTAINER")]
    pub container: String,
    #[command(flatten)]
    pub select: Select,
    /// Print new output until the container stops
    #[arg(short, long, help_heading = heading::OUTPUT)]
    pub follow: bool,
    /// Print only the last lines
    #[arg(short = 'n', long, value_name = "LINES", help_heading = heading::OUTPUT)]
    pub tail: Option<usize>,
}

/// The action on one container's config.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DebugAction {
    /// Print the engine's command line for it, secrets masked
    #[default]
    PrintCmd,
    /// Run it here
    Run,
    /// Print the config as JSON
    DumpJson,
    /// Print the config as YAML
    DumpYaml,
}

#[derive(Args, Debug)]
pub struct Debug {
    /// Containers by name, {NAME: CONFIG}, in JSON or YAML; a directory of hashed-NAME.json files; or -
    /// for standard input
    #[arg(long, value_name = "PATH", help_heading = heading::INPUT)]
    pub file: PathBuf,
    /// The container's name in the file
    #[arg(long = "container", value_name = "NAME", help_heading = heading::SELECTION)]
    pub container_name: String,
    /// Action on the config
    #[arg(long, value_enum, default_value_t = DebugAction::PrintCmd, help_heading = heading::OUTPUT)]
    pub action: DebugAction,
    /// Run in the foreground, with a terminal, and remove the container afterwards
    #[arg(long, help_heading = heading::ENGINE)]
    pub interactive: bool,
    /// Like --interactive, with a shell instead of the container's command
    #[arg(long, help_heading = heading::ENGINE)]
    pub shell: bool,
    /// User to run as
    #[arg(long, value_name = "NAME", default_value = "", help_heading = heading::ENGINE)]
    pub user: String,
    /// Keys over those of the config, as a JSON object
    #[arg(long, value_name = "JSON", default_value = "", help_heading = heading::INPUT)]
    pub overrides: String,
    /// With print-cmd: write the environment to this file, with mode 0600, and let the command read it
    #[arg(long, value_name = "FILE", help_heading = heading::OUTPUT)]
    pub env_file: Option<PathBuf>,
    /// Label of the container. Repeatable
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label, help_heading = heading::ENGINE)]
    pub labels: Vec<(String, String)>,
    /// Id of the container's set
    #[arg(long, value_name = "ID", default_value = "debug", value_parser = name(), help_heading = heading::ENGINE)]
    pub config_id: String,
    /// The container's managed_by label
    #[arg(long, value_name = "NAME", default_value = "paunch", value_parser = name(), help_heading = heading::ENGINE)]
    pub managed_by: String,
    #[command(flatten)]
    pub root: Root,
    /// The treatment of unknown keys; paunch passes over them.
    #[arg(skip)]
    pub unknown_keys: UnknownKeys,
}

/// A selection of containers.
#[derive(Args, Debug)]
pub struct Select {
    /// Only containers with this managed_by label
    #[arg(long, value_name = "NAME", value_parser = name(), help_heading = heading::SELECTION)]
    pub managed_by: Option<String>,
    /// Only containers of the deployment under this root
    #[arg(long, value_name = "DIR", conflicts_with = "managed_by", help_heading = heading::SELECTION)]
    pub root: Option<PathBuf>,
    /// Name of the role, with --root
    #[arg(long, value_name = "NAME", default_value = "Standalone", value_parser = name(), help_heading = heading::SELECTION)]
    pub role: String,
    /// Only containers of this config id. Repeatable
    #[arg(long, value_name = "ID", value_parser = name(), help_heading = heading::SELECTION)]
    pub config_id: Vec<String>,
}

#[derive(Args, Debug)]
pub struct Delete {
    /// Delete the containers of this config id. Repeatable
    #[arg(long, value_name = "ID", required_unless_present = "all", value_parser = name(), help_heading = heading::SELECTION)]
    pub config_id: Vec<String>,
    /// Only containers with this managed_by label
    #[arg(long, value_name = "NAME", value_parser = name(), help_heading = heading::SELECTION)]
    pub managed_by: Option<String>,
    /// Only containers of the deployment under this root; with --managed-by, containers that were
    /// applied with this root
    #[arg(long, value_name = "DIR", help_heading = heading::SELECTION)]
    pub root: Option<PathBuf>,
    /// Name of the role, with --root alone
    #[arg(long, value_name = "NAME", default_value = "Standalone", value_parser = name(), help_heading = heading::SELECTION)]
    pub role: String,
    /// Delete the containers of all config ids
    #[arg(long, conflicts_with = "config_id", help_heading = heading::SELECTION)]
    pub all: bool,
    #[command(flatten)]
    pub systemd: Systemd,
}

#[derive(Args, Debug)]
pub struct Cleanup {
    /// Config id whose containers stay. Repeatable
    #[arg(long, value_name = "ID", required = true, value_parser = name(), help_heading = heading::SELECTION)]
    pub config_id: Vec<String>,
    /// Only containers with this managed_by label
    #[arg(long, value_name = "NAME", default_value = "paunch", value_parser = name(), help_heading = heading::SELECTION)]
    pub managed_by: String,
    /// Root that the containers were applied with
    #[arg(long, value_name = "DIR", help_heading = heading::SELECTION)]
    pub root: Option<PathBuf>,
    #[command(flatten)]
    pub systemd: Systemd,
}
