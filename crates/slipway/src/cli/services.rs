//! `slipway services`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::heading;

#[derive(Args, Debug)]
pub struct Services {
    /// Services to describe, with their hiera keys [default: list all]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Service definitions: a file, or a directory of *.yaml. Repeatable [default: those that come with
    /// Slipway]
    #[arg(long, value_name = "PATH", help_heading = heading::INPUT)]
    pub services: Vec<PathBuf>,
    /// Print the JSON Schema of a kind of file, for editors
    #[arg(long, value_name = "KIND", value_enum, conflicts_with_all = ["names", "services"], help_heading = heading::OUTPUT)]
    pub schema: Option<SchemaName>,
}

/// A kind of file that has a JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaName {
    /// A service definition
    Service,
    /// Containers by name, which apply reads
    Containers,
    /// A list of entries of docker-puppet.py
    DockerPuppet,
    /// A config.json of a Kolla container
    ConfigJson,
}
