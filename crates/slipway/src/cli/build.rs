//! `slipway build`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::name;

#[derive(Args, Debug)]
pub struct Build {
    /// Images to build: regular expressions on image names; parents are built too. All when none
    /// is given
    #[arg(value_name = "REGEX")]
    pub regex: Vec<String>,
    /// The distribution the images are built on
    #[arg(short, long, default_value = "debian")]
    pub base: String,
    /// The image the base image starts from; the distribution's own when not given
    #[arg(long, value_name = "IMAGE")]
    pub base_image: Option<String>,
    /// Its tag; the distribution's current one when not given
    #[arg(long, value_name = "TAG")]
    pub base_tag: Option<String>,
    /// Namespace of the images built
    #[arg(short, long, default_value = "slipway", value_parser = name())]
    pub namespace: String,
    /// Put in front of every image's name
    #[arg(long, value_name = "PREFIX", default_value = "")]
    pub image_name_prefix: String,
    /// Tag of the images built
    #[arg(long, default_value = "latest", value_parser = name())]
    pub tag: String,
    /// Template override: rendered in place of each Dockerfile.j2, which it extends. Repeatable
    #[arg(long, value_name = "FILE")]
    pub template_override: Vec<PathBuf>,
    /// Folder with more images; one of the same name wins over the bundled. Repeatable
    #[arg(long, value_name = "DIR")]
    pub docker_dir: Vec<PathBuf>,
    /// How many images are built at once
    #[arg(short = 'T', long, default_value = "8")]
    pub threads: NonZeroUsize,
    /// Render only; the tree is left in DIR/docker (see --work-dir)
    #[arg(long)]
    pub template_only: bool,
    /// Where the rendered tree is left
    #[arg(long, value_name = "DIR")]
    pub work_dir: Option<PathBuf>,
    /// List the images, and build nothing
    #[arg(long, conflicts_with_all = ["plan", "template_only"])]
    pub list_images: bool,
    /// Print the images as a tree of parents and children, and build nothing
    #[arg(long, conflicts_with_all = ["plan", "template_only"])]
    pub list_dependencies: bool,
    /// Say what would be built and why, and build nothing
    #[arg(long)]
    pub plan: bool,
    /// Build also what has not changed
    #[arg(long, visible_alias = "force")]
    pub rebuild: bool,
    /// Do not use the engine's layer cache
    #[arg(long)]
    pub nocache: bool,
    /// Network of the RUN steps, such as host
    #[arg(
        long = "network_mode",
        visible_alias = "network-mode",
        value_name = "MODE"
    )]
    pub network_mode: Option<String>,
    /// Folder for one log file per image built
    #[arg(long, value_name = "DIR")]
    pub logs_dir: Option<PathBuf>,
}
