//! The images of a tree, loaded: the way in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use slipway_runtime::engine::Engine;

use crate::build::{self, Observer, Summary};
use crate::context::DOCKERFILE;
use crate::decide::RunState;
use crate::error::{Error, Result};
use crate::extras;
use crate::graph::{Graph, Selection};
use crate::options::Options;
use crate::plan::Plan;
use crate::render::render;
use crate::tree::Tree;
use crate::write;

/// The images of a tree: rendered, ordered, and those that were asked for marked.
///
/// Loading reads the tree and renders all of it, which is CPU work: call it before, or beside,
/// asynchronous code. Clones are cheap.
#[derive(Clone, Debug)]
pub struct ImageSet(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: Options,
    tree: Tree,
    graph: Graph,
}

impl ImageSet {
    /// Reads a tree, renders it, finds every image's parents and what was asked for.
    pub fn load(options: Options) -> Result<ImageSet> {
        if let (Some(kolla), Some(install_type)) = (&options.kolla, &options.install_type) {
            kolla.check_type(install_type, options.base.name())?;
        }
        let tree = extras::tree(&options)?;
        let dockerfiles = render(&tree, &options)?;
        let graph = Graph::new(&tree, dockerfiles, &options)?;
        Ok(ImageSet(Arc::new(Inner {
            options,
            tree,
            graph,
        })))
    }

    /// The options it was loaded with.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// The tree it was loaded from.
    pub fn tree(&self) -> &Tree {
        &self.0.tree
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.0.graph
    }

    /// Names of the images that were asked for (`--list-images`), sorted.
    pub fn names(&self) -> Vec<&str> {
        let nodes = self.0.graph.nodes.iter();
        nodes
            .filter(|node| node.selection == Selection::Matched)
            .map(|node| node.name.as_str())
            .collect()
    }

    /// Names of the images that cannot be built, by what the Kolla says of them and their parents.
    pub fn unbuildable(&self) -> Vec<&str> {
        let nodes = self.0.graph.nodes.iter();
        nodes
            .filter(|node| node.selection == Selection::Unbuildable)
            .map(|node| node.name.as_str())
            .collect()
    }

    /// The rendered Dockerfile of an image.
    pub fn dockerfile(&self, image: &str) -> Option<&str> {
        let node = self.0.graph.nodes.iter().find(|node| node.name == image)?;
        Some(&node.dockerfile)
    }

    /// Which image is built from which (`--list-dependencies`): each image that has children is
    /// an object of its name and its children, any other its name. Only images asked for, and the
    /// one that all others stand on.
    pub fn dependencies(&self) -> Value {
        let nodes = self.0.graph.nodes.iter().enumerate();
        let roots = nodes.filter(|(_, node)| node.parents.is_empty());
        let roots: Vec<usize> = roots.map(|(index, _)| index).collect();
        if let [only] = roots[..] {
            return self.tree_of(only);
        }
        let trees: Vec<Value> = roots
            .into_iter()
            .filter_map(|index| self.descendants(index))
            .collect();
        match <[Value; 1]>::try_from(trees) {
            Ok([only]) => only,
            Err(trees) => Value::Array(trees),
        }
    }

    fn descendants(&self, index: usize) -> Option<Value> {
        let node = &self.0.graph.nodes[index];
        if node.selection != Selection::Matched {
            return None;
        }
        let is_leaf = node.children.is_empty() && !node.parents.is_empty();
        Some(match is_leaf {
            true => json!(node.name),
            false => self.tree_of(index),
        })
    }

    fn tree_of(&self, index: usize) -> Value {
        let node = &self.0.graph.nodes[index];
        let children: Vec<Value> = node
            .children
            .iter()
            .filter_map(|&child| self.descendants(child))
            .collect();
        json!({ node.name.as_str(): children })
    }

    /// Each image that was asked for, with the images it is built from.
    pub fn edges(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        let nodes = &self.0.graph.nodes;
        let matched = nodes
            .iter()
            .filter(|node| node.selection == Selection::Matched);
        matched.map(|node| {
            let parents = node.parents.iter();
            let parents = parents.map(|&parent| nodes[parent].name.as_str());
            (node.name.as_str(), parents.collect())
        })
    }

    /// Writes the rendered tree to `<work_dir>/docker` (`--template-only`): every file of the
    /// tree, with a Dockerfile in each image's folder. The folders of images that were not asked
    /// for are left out, unless the tree is of a Kolla before release 10. Gives that path.
    pub fn write_templates(&self, work_dir: &Path) -> Result<PathBuf> {
        let options = self.options();
        let keeps_all = options
            .kolla
            .as_ref()
            .is_some_and(|k| !k.release().drops_unmatched);
        self.write(work_dir, keeps_all)
    }

    /// Writes the rendered tree to `<work_dir>/docker`, of all images, those included that were not
    /// asked for. Gives that path.
    pub fn write_all(&self, work_dir: &Path) -> Result<PathBuf> {
        self.write(work_dir, true)
    }

    fn write(&self, work_dir: &Path, keeps_all: bool) -> Result<PathBuf> {
        let Inner {
            tree,
            graph,
            options,
        } = &*self.0;
        let out = work_dir.join("docker");
        let folders = options.docker_dirs.iter().chain([&options.tree]);
        if let Some(folder) = folders
            .into_iter()
            .find(|folder| write::is_in(&out, folder))
        {
            return Err(Error::WorkDirInTree {
                work_dir: work_dir.to_owned(),
                folder: folder.clone(),
            });
        }
        let nodes = || {
            let nodes = graph.nodes.iter();
            nodes.map(|node| (node, keeps_all || node.selection == Selection::Matched))
        };
        let dropped: Vec<&str> = nodes()
            .filter(|(_, is_kept)| !is_kept)
            .filter_map(|(node, _)| tree.folder(&node.name))
            .collect();
        let dockerfiles: Vec<(String, &str)> = nodes()
            .filter(|(_, is_kept)| *is_kept)
            .filter_map(|(node, _)| {
                let folder = tree.folder(&node.name)?;
                Some((format!("{folder}/{DOCKERFILE}"), node.dockerfile.as_str()))
            })
            .collect();
        write::tree(tree, &dropped, &dockerfiles, &out)
    }

    /// What a build would do, and why. Changes nothing.
    pub async fn plan(&self, engine: &dyn Engine) -> Result<Plan> {
        let prepared = self.prepare().await?.all()?;
        let mut state = RunState::read(self, engine).await?;
        let mut plan = Plan::default();
        for &index in &self.0.graph.order {
            if let Some(decision) = state.decide(self, &prepared, index)? {
                state.assume(self, &prepared, index, decision.action);
                plan.decisions.push(decision);
            }
        }
        Ok(plan)
    }

    /// Builds what was asked for and the engine does not already have: parents first, each child
    /// as soon as its parents are there, up to `threads` at once. The result says what became of
    /// each image; an error means that nothing could be built at all.
    ///
    /// Dropping the future cancels the running builds. An image gets its name only when it is
    /// complete, so whatever ends a build, the next one finds whole images or none. Builds of the
    /// same namespace and tag on one machine take turns.
    pub async fn build(
        &self,
        engine: Arc<dyn Engine>,
        observer: Arc<dyn Observer>,
    ) -> Result<Summary> {
        build::run(self, engine, observer).await
    }
}
