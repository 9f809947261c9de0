//! A tree's images, rendered and ordered: the data that the later stages work on.

use std::collections::BTreeMap;

use super::Graph;
use crate::config::BuildConfig;
use crate::error::Result;
use crate::render;
use crate::tree::{self, Tree};

/// A tree, rendered and ordered, with the options that it was loaded with.
#[derive(Clone, Debug)]
pub(crate) struct Images {
    pub options: BuildConfig,
    pub tree: Tree,
    pub graph: Graph,
    /// The texts that all Dockerfiles are rendered from, by name: variables and shared files.
    pub rendered_from: BTreeMap<String, String>,
}

impl Images {
    /// Reads the tree, renders it, and finds parents, order and selection.
    pub(crate) fn load(options: BuildConfig) -> Result<Images> {
        if let (Some(kolla), Some(install_type)) = (&options.kolla, &options.install_type) {
            kolla.check_type(install_type, options.base.name())?;
        }
        let tree = tree::open(&options)?;
        let rendered = render::render_tree(&tree, &options)?;
        let graph = Graph::new(rendered.dockerfiles, &options)?;
        Ok(Images {
            options,
            tree,
            graph,
            rendered_from: rendered.sources,
        })
    }
}
