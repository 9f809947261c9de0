//! A Kolla tree and its overrides, rendered, ordered into a build graph, and built.
//!
//! A *tree* is a directory of image directories, each with a `Dockerfile.j2` and the files it copies.
//! The name of the directory is the name of the image. The image's parent is the one in its
//! `FROM {{ namespace }}/{{ image_prefix }}parent:{{ tag }}`. A *template override* is a file outside of
//! the tree that changes all images: `{% set keystone_packages_append = ['puppet'] %}`.
//!
//! [`ImageSet::load`] reads and renders a tree. Then [`ImageSet::write_templates`] writes the
//! Dockerfiles, [`ImageSet::plan`] lists the images that would be built, with reasons, and
//! [`ImageSet::build`] builds them through [`slipway_engine::Engine`]. [`ImageSet::bake`] writes the same
//! images for docker buildx bake.
//!
//! An image is built only when one of its inputs changed. Its *fingerprint* covers the rendered
//! Dockerfile, the files beside it, build arguments, options and its parents' fingerprints. A label of
//! the image in the engine holds the fingerprint; there is no other state.
//!
//! ```
//! # let dir = tempfile::tempdir()?;
//! # let tree = dir.path().join("images");
//! # for (path, text) in [
//! #     ("base/Dockerfile.j2", "FROM {{ base_image }}:{{ base_distro_tag }}\n"),
//! #     ("cron/Dockerfile.j2", "FROM {{ namespace }}/{{ image_prefix }}base:{{ tag }}\n\
//! #         {% set cron_packages = ['cron'] %}\n\
//! #         RUN {{ debian_package_install(cron_packages | customizable('packages')) }}\n"),
//! # ] {
//! #     std::fs::create_dir_all(tree.join(path).parent().unwrap())?;
//! #     std::fs::write(tree.join(path), text)?;
//! # }
//! # let file = dir.path().join("override.j2");
//! std::fs::write(&file, "{% extends parent_template %}\n{% set cron_packages_append = ['puppet'] %}\n")?;
//!
//! let mut options = slipway_image::BuildConfig::new(tree)?;
//! options.template_overrides = vec![file];
//! options.regex = vec!["^cron$".to_owned()];
//! let images = slipway_image::ImageSet::load(options)?;
//!
//! assert_eq!(images.names(), ["base", "cron"]);
//! assert!(images.dockerfile("cron").unwrap().contains("--no-install-recommends cron puppet"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod build;
pub mod config;
mod context;
mod decide;
mod error;
mod export;
mod graph;
mod labels;
mod push;
mod render;
mod set;
mod sources;
mod tree;
mod write;

pub use build::{
    Built, Event, Failed, FailedInstruction, FailedStatus, Failure, ImageName, NotBuilt, Summary,
};
pub use config::BuildConfig;
pub use decide::{
    Action, Decision, FINGERPRINT_LABEL, INPUTS_LABEL, PARENTS_LABEL, Plan, PlanFailure, Reason,
};
pub use error::{BaseImageFault, Error, ImageError, Result, TemplateError};
pub use export::{Bake, Ci};
pub use render::{render, render_image};
pub use set::ImageSet;
pub use slipway_events::Events;
pub use sources::{ImageSources, Source, SourceError, SourceKind, merge as merge_archives};
pub use tree::Tree;
