//! `slipway doctor`.

use std::path::PathBuf;

use clap::Args;
use slipway_deploy::{Declarations, RoleSource};

use super::shared::{KeyOptions, Root};
use super::{heading, name};

#[derive(Args, Debug)]
pub struct Doctor {
    /// Service definitions whose images and ports are checked: a file, or a directory of *.yaml.
    /// Repeatable
    #[arg(long, value_name = "PATH", help_heading = heading::INPUT)]
    pub services: Vec<PathBuf>,
    /// Name of the role that the services make up
    #[arg(long, value_name = "NAME", default_value = "Standalone", value_parser = name(), help_heading = heading::INPUT)]
    pub role: String,
    /// Hiera data (YAML or JSON) over that of the services; later files win. Repeatable
    #[arg(long, value_name = "FILE", help_heading = heading::INPUT)]
    pub hiera: Vec<PathBuf>,
    #[command(flatten)]
    pub keys: KeyOptions,
    #[command(flatten)]
    pub root: Root,
}

impl Doctor {
    /// The source of the role, if services were named.
    pub fn source(&self) -> Option<RoleSource> {
        let services = self.services.clone();
        (!services.is_empty()).then(|| RoleSource {
            declarations: Declarations::Services(services),
            role: self.role.clone(),
            hiera: self.hiera.clone(),
            keys: self.keys.files(),
        })
    }
}
