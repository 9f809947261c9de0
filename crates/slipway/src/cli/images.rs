//! `slipway images`.

use clap::{Args, Subcommand};

use super::heading;

#[derive(Debug, Subcommand)]
pub enum Images {
    /// Print the packages and files that differ between two images
    Diff(ImagesDiff),
    /// Print the packages of an image; with --format spdx or cyclonedx, a bill of materials
    Sbom(ImagesSbom),
}

#[derive(Args, Debug)]
pub struct ImagesDiff {
    /// The first image: a reference or an id that the engine has
    #[arg(value_name = "IMAGE")]
    pub before: String,
    /// The second image
    #[arg(value_name = "OTHER")]
    pub after: String,
    /// Leave out files
    #[arg(long, help_heading = heading::OUTPUT)]
    pub packages_only: bool,
}

#[derive(Args, Debug)]
pub struct ImagesSbom {
    /// The image: a reference or an id that the engine has
    pub image: String,
}
