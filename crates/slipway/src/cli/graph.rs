//! `slipway graph`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::build::Build;
use super::heading;
use super::kolla_build::KollaBuild;
use super::shared::Services;

#[derive(Debug, Subcommand)]
pub enum Graph {
    /// Draw services by step: config volumes, containers, commands and Puppet tasks
    Services(GraphServices),
    /// Draw images by parent. Takes the options of `slipway build` that select and render images
    Images(GraphImages),
}

#[derive(Args, Debug)]
pub struct GraphServices {
    #[command(flatten)]
    pub services: Services,
    #[command(flatten)]
    pub drawing: Drawing,
}

#[derive(Args, Debug)]
pub struct GraphImages {
    #[command(flatten)]
    pub options: KollaBuild,
    /// Upstream Kolla to draw: a checkout, or the prefix it is installed under [default: the images that
    /// come with Slipway]
    #[arg(long, value_name = "DIR", env = "SLIPWAY_KOLLA", help_heading = heading::INPUT)]
    pub kolla: Option<PathBuf>,
    #[command(flatten)]
    pub drawing: Drawing,
}

/// The form of a drawing, and its file.
#[derive(Args, Debug)]
pub struct Drawing {
    /// Language of the drawing; --format json prints nodes and edges
    #[arg(long = "as", value_name = "LANGUAGE", value_enum, default_value_t = Language::Svg, help_heading = heading::OUTPUT)]
    pub language: Language,
    /// File of the drawing [default: standard output]
    #[arg(long, value_name = "FILE", help_heading = heading::OUTPUT)]
    pub out: Option<PathBuf>,
}

/// The language of a drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// An image that a browser shows
    Svg,
    /// Input of Graphviz
    Dot,
}

impl GraphImages {
    /// Returns the command line of the build whose images are drawn.
    pub fn build(&self) -> Build {
        Build {
            options: self.options.clone(),
            kolla: self.kolla.clone(),
            strict: false,
            no_strict: false,
            rebuild: false,
            no_parents: false,
            plan: true,
            bake: None,
            export_pipeline: None,
            timeline: None,
            as_kolla_build: false,
        }
    }
}
