//! `slipway export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Templates, heading, name};

#[derive(Args, Debug)]
pub struct Export {
    #[command(flatten)]
    pub templates: Templates,
    /// Form of the project
    #[arg(long = "as", value_name = "FORM", value_enum, help_heading = heading::OUTPUT)]
    pub form: ExportAs,
    /// Directory of the project; created when missing. Files that no export wrote stay
    #[arg(long, value_name = "DIR", help_heading = heading::OUTPUT)]
    pub out: PathBuf,
    /// Source or package of tripleo-common. Its release decides the form of the project, and its task
    /// files become a part of it
    #[arg(long, value_name = "DIR", help_heading = heading::INPUT)]
    pub tripleo_common: PathBuf,
    /// Name of the plan
    #[arg(long, value_name = "NAME", default_value = "overcloud", value_parser = name(), help_heading = heading::INPUT)]
    pub plan: String,
    /// User that Ansible logs in as
    #[arg(long, value_name = "NAME", default_value = "tripleo-admin", value_parser = name(), help_heading = heading::OUTPUT)]
    pub ansible_ssh_user: String,
    /// Most MiB that the plan's values may take
    #[arg(long, value_name = "MIB", default_value_t = 4096, help_heading = heading::INPUT)]
    pub memory: usize,
    /// Keystone of the host that runs Ansible
    #[arg(long, value_name = "URL", env = "OS_AUTH_URL", help_heading = heading::OUTPUT)]
    pub auth_url: Option<String>,
    /// Project of that Keystone
    #[arg(long, value_name = "NAME", env = "OS_PROJECT_NAME", help_heading = heading::OUTPUT)]
    pub project_name: Option<String>,
    /// User of that Keystone
    #[arg(long, value_name = "NAME", env = "OS_USERNAME", help_heading = heading::OUTPUT)]
    pub username: Option<String>,
    /// File of that Keystone's certificate authority
    #[arg(long, value_name = "FILE", env = "OS_CACERT", help_heading = heading::OUTPUT)]
    pub cacert: Option<String>,
}

/// The form of an exported project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportAs {
    /// What tripleo-common's config-download writes
    Tripleo,
}
