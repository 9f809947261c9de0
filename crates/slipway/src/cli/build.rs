//! `slipway build`.

use std::path::PathBuf;

use clap::Args;

use super::kolla_build::KollaBuild;

#[derive(Args, Debug)]
pub struct Build {
    #[command(flatten)]
    pub options: KollaBuild,
    /// An upstream Kolla to build from: a checkout of its source, or the prefix it is installed
    /// under, such as a virtualenv [default: the images that come with Slipway]
    #[arg(long, value_name = "DIR", env = "SLIPWAY_KOLLA")]
    pub kolla: Option<PathBuf>,
    /// Say what would be built and why, and build nothing
    #[arg(long)]
    pub plan: bool,
    /// Build also what has not changed
    #[arg(long, visible_alias = "force")]
    pub rebuild: bool,
    /// Write a page that shows the build over time: one HTML file
    #[arg(long, value_name = "FILE")]
    pub timeline: Option<PathBuf>,
    /// Whether this is kolla-build, as far as anybody can tell.
    #[arg(skip)]
    pub as_kolla_build: bool,
}
