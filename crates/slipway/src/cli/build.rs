//! `slipway build`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::kolla_build::KollaBuild;

const EXAMPLES: &str = "\
Examples:
  slipway build keystone
      Build keystone and its parents, where they have changed
  slipway build --plan
      Print for each image whether it would be built, and why
  slipway build --template-override puppet.j2 --namespace registry.example.org/team --push '^nova'
      Change the templates from outside, and push the results
  slipway build --kolla /opt/kolla-venv --base ubuntu --template-only --work-dir rendered
      Render the Dockerfiles of an upstream Kolla into rendered/docker
  slipway build --bake out keystone && cd out && docker buildx bake
      Build keystone and its parents on a builder of docker buildx";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Build {
    #[command(flatten)]
    pub options: KollaBuild,
    /// Upstream Kolla to build from: a checkout, or the prefix it is installed under, such as a
    /// virtualenv [default: the images that come with Slipway]
    #[arg(
        long,
        value_name = "DIR",
        env = "SLIPWAY_KOLLA",
        help_heading = "Inputs"
    )]
    pub kolla: Option<PathBuf>,
    /// Fail on configuration that nothing reads, and on patterns that match no image [default]
    #[arg(long, overrides_with = "no_strict", help_heading = "Inputs")]
    pub strict: bool,
    /// Warn of configuration that nothing reads, and go on
    #[arg(long, overrides_with = "strict", help_heading = "Inputs")]
    pub no_strict: bool,
    /// Also build images that have not changed
    #[arg(long, visible_alias = "force", help_heading = "Selection")]
    pub rebuild: bool,
    /// Build only the images that match; pull their parents, or take them from the engine
    #[arg(long, conflicts_with = "bake", help_heading = "Selection")]
    pub no_parents: bool,
    /// Print what would be built and why, and build nothing
    #[arg(long, help_heading = "Output")]
    pub plan: bool,
    /// Write the contexts of the images and a docker-bake.json for docker buildx bake, and build nothing.
    /// Needs no engine
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with = "plan",
        help_heading = "Output"
    )]
    pub bake: Option<PathBuf>,
    /// Print a CI pipeline with one job for each image that would be built, and build nothing
    #[arg(
        long,
        value_name = "CI",
        conflicts_with_all = ["plan", "bake", "no_parents"],
        help_heading = "Output"
    )]
    pub export_pipeline: Option<PipelineFormat>,
    /// Write a page that shows the build over time: one HTML file
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub timeline: Option<PathBuf>,
    /// Behave as kolla-build: its log, its summary, its tolerance.
    #[arg(skip)]
    pub as_kolla_build: bool,
}

/// A CI system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PipelineFormat {
    /// A pipeline of GitLab CI
    Gitlab,
    /// A workflow of GitHub Actions
    Github,
}

impl Build {
    /// Returns whether configuration that nothing reads is an error. kolla-build goes on.
    pub fn is_strict(&self) -> bool {
        !self.no_strict && !self.as_kolla_build
    }
}
