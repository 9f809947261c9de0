//! `slipway resolve`.

use std::path::PathBuf;

use clap::Args;

use super::name;

/// Which templates, and with which environment.
#[derive(Args, Debug, Clone)]
pub struct Templates {
    /// Folder of Heat templates, such as processed tripleo-heat-templates
    #[arg(long, value_name = "DIR")]
    pub templates: PathBuf,
    /// Environment file, over those that the folder comes with; later files win. Repeatable
    #[arg(short = 'e', long = "environment-file", value_name = "FILE")]
    pub environments: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Resolve {
    #[command(flatten)]
    pub templates: Templates,
    /// Templates to resolve, relative to the folder
    #[arg(value_name = "TEMPLATE", required_unless_present_any = ["service", "role", "process"])]
    pub template: Vec<String>,
    /// Resource type to resolve, as the resource registry maps it to a template. Repeatable
    #[arg(long, value_name = "TYPE")]
    pub service: Vec<String>,
    /// Role whose services are resolved and merged
    #[arg(long, value_name = "NAME", conflicts_with_all = ["template", "service"], value_parser = name())]
    pub role: Option<String>,
    /// Write the role as config-download does, one file for each part of it, and print nothing
    #[arg(long, value_name = "DIR", requires = "role", conflicts_with_all = ["template", "service"])]
    pub out: Option<PathBuf>,
    /// The roles, instead of the folder's roles_data.yaml
    #[arg(long, value_name = "FILE", conflicts_with_all = ["template", "service"])]
    pub roles: Option<PathBuf>,
    #[command(flatten)]
    pub process: Process,
}

impl Resolve {
    /// Whether there is anything to write but what is printed.
    pub fn writes(&self) -> bool {
        self.out.is_some() || self.process.process.is_some()
    }
}

/// The folder as it is before it is processed.
#[derive(Args, Debug)]
pub struct Process {
    /// Resolve nothing: make templates of the folder's *.j2.yaml, for each role and network, and write
    /// them into this folder with all its other files, as TripleO's process-templates.py does
    #[arg(long, value_name = "OUT", conflicts_with_all = ["template", "service", "role", "environments"])]
    pub process: Option<PathBuf>,
    /// The networks, instead of the folder's network_data.yaml
    #[arg(long, value_name = "FILE", requires = "process")]
    pub networks: Option<PathBuf>,
    /// Overwrite no template that is there already
    #[arg(long, requires = "process")]
    pub safe: bool,
}
