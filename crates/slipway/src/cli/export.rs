//! `slipway export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{TemplateSources, heading, name};

#[derive(Args, Debug)]
pub struct Export {
    /// Directory of the project; created when missing. Files that no export wrote stay
    #[arg(long, value_name = "DIR", help_heading = heading::OUTPUT)]
    pub out: PathBuf,
    /// Form of the project [default: plays that bring the nodes of --nodes up with --services]
    #[arg(long = "as", value_name = "FORM", value_enum, help_heading = heading::OUTPUT)]
    pub form: Option<ExportAs>,
    #[command(flatten)]
    pub services: ExportServices,
    #[command(flatten)]
    pub plan: ExportPlan,
}

/// The form of an exported project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportAs {
    /// The directory that tripleo-common's config-download writes for a plan of --templates
    Tripleo,
}

/// A project of service definitions.
#[derive(Args, Debug)]
pub struct ExportServices {
    /// File of the nodes: their roles, addresses, hiera data and variables of Ansible
    #[arg(long, value_name = "FILE", required_unless_present = "form", conflicts_with = "form", help_heading = heading::INPUT)]
    pub nodes: Option<PathBuf>,
    /// Service definitions: a file, or a directory of *.yaml. Repeatable
    #[arg(long, value_name = "PATH", required_unless_present = "form", conflicts_with = "form", help_heading = heading::INPUT)]
    pub services: Vec<PathBuf>,
    /// Hiera data (YAML or JSON) of all nodes, over that of the services; later files win. Repeatable
    #[arg(long, value_name = "FILE", conflicts_with = "form", help_heading = heading::INPUT)]
    pub hiera: Vec<PathBuf>,
    /// The slipway that the plays put on the nodes [default: this one]
    #[arg(long, value_name = "FILE", conflicts_with = "form", help_heading = heading::INPUT)]
    pub binary: Option<PathBuf>,
}

/// A plan of TripleO's templates.
#[derive(Args, Debug)]
pub struct ExportPlan {
    /// Directory of Heat templates, such as tripleo-heat-templates
    #[arg(long, value_name = "DIR", requires = "form", required_if_eq("form", "tripleo"), help_heading = heading::INPUT)]
    pub templates: Option<PathBuf>,
    #[command(flatten)]
    pub sources: TemplateSources,
    /// Source or package of tripleo-common. Its release decides the form of the project, and its task
    /// files become a part of it
    #[arg(long, value_name = "DIR", requires = "form", required_if_eq("form", "tripleo"), help_heading = heading::INPUT)]
    pub tripleo_common: Option<PathBuf>,
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
