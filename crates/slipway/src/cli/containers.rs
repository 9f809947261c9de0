//! `slipway apply`, `ps`, `delete` and `cleanup`.

use std::path::PathBuf;

use clap::Args;

use super::name;
use super::shared::{Lock, Root};

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
    /// Wait until the containers are healthy, this many seconds
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "300")]
    pub wait: Option<u64>,
    /// Leave containers of this id that are not in the file where they are
    #[arg(long)]
    pub no_cleanup: bool,
    /// Say what would be done and why, and do nothing
    #[arg(long)]
    pub plan: bool,
    #[command(flatten)]
    pub root: Root,
    #[command(flatten)]
    pub lock: Lock,
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
    /// Only containers of the deployment under this root
    #[arg(long, value_name = "DIR", conflicts_with = "managed_by")]
    pub root: Option<PathBuf>,
    /// Name of the role, with --root
    #[arg(long, value_name = "NAME", default_value = "Standalone", value_parser = name())]
    pub role: String,
    /// All config ids
    #[arg(long, conflicts_with = "config_id")]
    pub all: bool,
}

#[derive(Args, Debug)]
pub struct Cleanup {
    /// Config ids that stay. Repeatable
    #[arg(long, value_name = "ID", required = true, value_parser = name())]
    pub config_id: Vec<String>,
    /// Only containers with this managed_by label
    #[arg(long, value_name = "NAME", default_value = "paunch", value_parser = name())]
    pub managed_by: String,
}
