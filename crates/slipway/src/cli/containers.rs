//! `slipway apply`, `ps`, `logs`, `debug`, `delete` and `cleanup`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::name;
use super::shared::{Lock, Root, Systemd, absolute};

#[derive(Args, Debug)]
pub struct Apply {
    /// {name: config} in JSON or YAML, a folder of hashed-NAME.json files, or - for standard input
    #[arg(long, value_name = "PATH")]
    pub file: PathBuf,
    /// Id of this set of containers: those of the same id that are not in the file are deleted
    #[arg(long, value_name = "ID", value_parser = name())]
    pub config_id: String,
    /// Who manages these containers (a label). The default is paunch's, so that a set it started
    /// is recognised and left alone
    #[arg(long, value_name = "NAME", default_value = "paunch", value_parser = name())]
    pub managed_by: String,
    /// Wait until the containers are healthy, this many seconds; 300 when not said
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "300")]
    pub wait: Option<u64>,
    /// Leave containers of this id that are not in the file where they are
    #[arg(long)]
    pub no_cleanup: bool,
    /// Do not put the old container back where its replacement does not start
    #[arg(long)]
    pub no_rollback: bool,
    /// A label for every container that is made. Repeatable
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    pub labels: Vec<(String, String)>,
    /// What labels tell of a container's config: all of it, as paunch does, or a keyed digest of
    /// each of its keys. Containers that are there are not made anew for this
    #[arg(long, value_enum, default_value_t = LabelData::Config)]
    pub label_data: LabelData,
    /// Make containers without their healthchecks
    #[arg(long)]
    pub healthcheck_disabled: bool,
    /// Folder for one log file per container (Podman)
    #[arg(long, value_name = "DIR", value_parser = absolute)]
    pub container_log_path: Option<PathBuf>,
    /// Say what would be done and why, and do nothing
    #[arg(long)]
    pub plan: bool,
    #[command(flatten)]
    pub systemd: Systemd,
    #[command(flatten)]
    pub root: Root,
    #[command(flatten)]
    pub lock: Lock,
}

/// What labels tell of a container's config.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LabelData {
    /// All of it
    #[default]
    Config,
    /// A keyed digest of each key
    Digest,
}

/// `NAME=VALUE`.
pub fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

#[derive(Args, Debug)]
pub struct Logs {
    /// The container: its name in its set, or in the engine
    #[arg(value_name = "CONTAINER")]
    pub container: String,
    #[command(flatten)]
    pub select: Select,
    /// Go on until the container stops
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last lines
    #[arg(short = 'n', long, value_name = "LINES")]
    pub tail: Option<usize>,
}

/// What to do with one container's config.
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
    /// {name: config} in JSON or YAML, a folder of hashed-NAME.json files, or - for standard input
    #[arg(long, value_name = "PATH")]
    pub file: PathBuf,
    /// The container's name in the file
    #[arg(long = "container", value_name = "NAME")]
    pub container_name: String,
    /// What to do
    #[arg(long, value_enum, default_value_t = DebugAction::PrintCmd)]
    pub action: DebugAction,
    /// In the foreground, with a terminal, and removed afterwards
    #[arg(long)]
    pub interactive: bool,
    /// The same, with a shell in place of its command
    #[arg(long)]
    pub shell: bool,
    /// Run it as this user
    #[arg(long, value_name = "NAME", default_value = "")]
    pub user: String,
    /// More keys of the config, as JSON: they win
    #[arg(long, value_name = "JSON", default_value = "")]
    pub overrides: String,
    /// With print-cmd: write the environment to this file, 0600, and let the command read it there
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// A label for the container. Repeatable
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    pub labels: Vec<(String, String)>,
    /// Id of the set it is counted to
    #[arg(long, value_name = "ID", default_value = "debug", value_parser = name())]
    pub config_id: String,
    /// Who manages it (a label)
    #[arg(long, value_name = "NAME", default_value = "paunch", value_parser = name())]
    pub managed_by: String,
    #[command(flatten)]
    pub root: Root,
}

/// Which containers.
#[derive(Args, Debug)]
pub struct Select {
    /// Only containers with this managed_by label
    #[arg(long, value_name = "NAME", value_parser = name())]
    pub managed_by: Option<String>,
    /// Only containers of the deployment under this root
    #[arg(long, value_name = "DIR", conflicts_with = "managed_by")]
    pub root: Option<PathBuf>,
    /// Name of the role, with --root
    #[arg(long, value_name = "NAME", default_value = "Standalone", value_parser = name())]
    pub role: String,
    /// Only containers of this config id. Repeatable
    #[arg(long, value_name = "ID", value_parser = name())]
    pub config_id: Vec<String>,
}

#[derive(Args, Debug)]
pub struct Delete {
    /// The containers of this config id are deleted. Repeatable
    #[arg(long, value_name = "ID", required_unless_present = "all", value_parser = name())]
    pub config_id: Vec<String>,
    /// Only containers with this managed_by label
    #[arg(long, value_name = "NAME", required_unless_present = "root", value_parser = name())]
    pub managed_by: Option<String>,
    /// Only containers of the deployment under this root; with --managed-by, of those that were
    /// applied with this root
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Name of the role, with --root alone
    #[arg(long, value_name = "NAME", default_value = "Standalone", value_parser = name())]
    pub role: String,
    /// All config ids
    #[arg(long, conflicts_with = "config_id")]
    pub all: bool,
    #[command(flatten)]
    pub systemd: Systemd,
}

#[derive(Args, Debug)]
pub struct Cleanup {
    /// Config ids that stay. Repeatable
    #[arg(long, value_name = "ID", required = true, value_parser = name())]
    pub config_id: Vec<String>,
    /// Only containers with this managed_by label
    #[arg(long, value_name = "NAME", default_value = "paunch", value_parser = name())]
    pub managed_by: String,
    /// The root that they were applied with
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    #[command(flatten)]
    pub systemd: Systemd,
}
