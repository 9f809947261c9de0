//! `slipway resolve`.

use std::path::PathBuf;

use clap::Args;

use super::{TemplateSources, heading, name};

/// The templates and their environment.
#[derive(Args, Debug, Clone)]
pub struct Templates {
    /// Directory of Heat templates, such as tripleo-heat-templates
    #[arg(long, value_name = "DIR", help_heading = heading::INPUT)]
    pub templates: PathBuf,
    #[command(flatten)]
    pub sources: TemplateSources,
}

#[derive(Args, Debug)]
pub struct Resolve {
    #[command(flatten)]
    pub templates: Templates,
    /// Templates to resolve, relative to the directory
    #[arg(value_name = "TEMPLATE", required_unless_present_any = ["service", "role", "process"])]
    pub template: Vec<String>,
    /// Resource type to resolve, as the resource registry maps it to a template. Repeatable
    #[arg(long, value_name = "TYPE", help_heading = heading::SELECTION)]
    pub service: Vec<String>,
    /// Role whose services are resolved and merged
    #[arg(long, value_name = "NAME", conflicts_with_all = ["template", "service"], value_parser = name(), help_heading = heading::SELECTION)]
    pub role: Option<String>,
    /// Write the role as config-download does, one file for each part of it, and print nothing
    #[arg(long, value_name = "DIR", requires = "role", conflicts_with_all = ["template", "service"], help_heading = heading::OUTPUT)]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub process: Process,
}

impl Resolve {
    /// Returns true if the command writes files.
    pub fn writes(&self) -> bool {
        self.out.is_some() || self.process.process.is_some()
    }
}

/// The directory before it is processed.
#[derive(Args, Debug)]
pub struct Process {
    /// Resolve nothing: write the templates that the directory's *.j2.yaml make for each role and
    /// network, with all its other files, to this directory, as TripleO's process-templates.py does
    #[arg(long, value_name = "OUT", conflicts_with_all = ["template", "service", "role", "environments", "environment_directories"], help_heading = heading::OUTPUT)]
    pub process: Option<PathBuf>,
    /// Do not overwrite existing templates
    #[arg(long, requires = "process", help_heading = heading::OUTPUT)]
    pub safe: bool,
}
