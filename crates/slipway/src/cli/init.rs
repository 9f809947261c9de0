//! `slipway init`.

use std::path::PathBuf;

use clap::Args;

use super::heading;

#[derive(Args, Debug)]
pub struct Init {
    /// Directory of the new deployment; created when missing
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// Only this service. Repeatable [default: all that come with Slipway]
    #[arg(long = "service", value_name = "NAME", help_heading = heading::SELECTION)]
    pub services: Vec<String>,
    /// Directory of service definitions to choose from [default: those that come with Slipway]
    #[arg(long, value_name = "DIR", help_heading = heading::INPUT)]
    pub from: Option<PathBuf>,
    /// Root of the deployment, in front of every path
    #[arg(long, value_name = "DIR", default_value = "/", help_heading = heading::OUTPUT)]
    pub root: PathBuf,
    /// Value of a hiera key, such as internal_api_vip=192.0.2.10. Not for secrets, which are generated.
    /// Repeatable
    #[arg(long = "value", value_name = "KEY=VALUE", value_parser = super::label, help_heading = heading::INPUT)]
    pub values: Vec<(String, String)>,
}
