//! `slipway kolla-config`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::heading;
use super::shared::{Root, Services};

#[derive(Debug, Subcommand)]
pub enum KollaConfig {
    /// Write each service's config.json to its path, 0600, where its content has changed
    Write {
        #[command(flatten)]
        services: Services,
        #[command(flatten)]
        root: Root,
    },
    /// Check config.json files, or those that service definitions declare
    Check(KollaConfigCheck),
    /// Print the JSON Schema of a config.json
    Schema,
}

#[derive(Args, Debug)]
pub struct KollaConfigCheck {
    /// config.json files
    #[arg(value_name = "FILE", required_unless_present_any = ["services", "schema"])]
    pub files: Vec<PathBuf>,
    /// Service definitions: a file, or a directory of *.yaml. Repeatable. Their config.json files are
    /// also checked against the mounts of the containers that read them
    #[arg(long, value_name = "PATH", help_heading = heading::INPUT)]
    pub services: Vec<PathBuf>,
    /// Look into this image for users, groups, the command and sources
    #[arg(long, value_name = "IMAGE", conflicts_with = "images", help_heading = heading::ENGINE)]
    pub image: Option<String>,
    /// Look into the image that each container declares
    #[arg(long, requires = "services", help_heading = heading::ENGINE)]
    pub images: bool,
    #[command(flatten)]
    pub root: Root,
    /// Print the JSON Schema of a config.json, and check nothing
    #[arg(long, help_heading = heading::OUTPUT)]
    pub schema: bool,
}
