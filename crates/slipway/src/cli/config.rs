//! `slipway config`.

use clap::Args;

use super::shared::{Generating, Lock, Root, Services};

#[derive(Args, Debug)]
pub struct Config {
    #[command(flatten)]
    pub services: Services,
    #[command(flatten)]
    pub root: Root,
    #[command(flatten)]
    pub generating: Generating,
    #[command(flatten)]
    pub lock: Lock,
    /// Only this config volume
    #[arg(long, env = "CONFIG_VOLUME", value_name = "NAME", value_parser = config_volume)]
    pub config_volume: Option<service::ConfigVolume>,
    /// Generate also what has not changed
    #[arg(long)]
    pub force: bool,
}

fn config_volume(name: &str) -> Result<service::ConfigVolume, service::NotAConfigVolume> {
    service::ConfigVolume::new(name)
}
