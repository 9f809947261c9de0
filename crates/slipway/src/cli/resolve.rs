//! `slipway resolve`.

use std::path::PathBuf;

use clap::Args;

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
    #[arg(value_name = "TEMPLATE", required_unless_present = "service")]
    pub template: Vec<String>,
    /// Resource type to resolve, as the resource registry maps it to a template. Repeatable
    #[arg(long, value_name = "TYPE")]
    pub service: Vec<String>,
}
