//! The images of a tree, loaded: the way in.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use slipway_engine::Engine;
use slipway_events::Events;

use crate::build::{self, Event, Summary};
use crate::config::BuildConfig;
use crate::decide::{self, EngineImages, Plan};
use crate::error::Result;
use crate::export::{self, Bake, Ci};
use crate::graph::{Images, Selection};
use crate::tree::Tree;
use crate::write;

/// The images of a tree: rendered, ordered, and those that were asked for marked.
///
/// Loading reads the tree and renders all of it, which is CPU work: call it before, or beside,
/// asynchronous code. Clones are cheap.
#[derive(Clone, Debug)]
pub struct ImageSet(Arc<Images>);

impl ImageSet {
    /// Reads and renders a tree, and finds each image's parent and the requested images.
    pub fn load(options: BuildConfig) -> Result<ImageSet> {
        Images::load(options).map(|images| ImageSet(Arc::new(images)))
    }

    /// The options it was loaded with.
    pub fn options(&self) -> &BuildConfig {
        &self.0.options
    }

    /// The tree it was loaded from.
    pub fn tree(&self) -> &Tree {
        &self.0.tree
    }

    /// Names of the images that were asked for (`--list-images`), sorted.
    pub fn names(&self) -> Vec<&str> {
        self.0.graph.names(Selection::Matched)
    }

    /// Names of the images that cannot be built according to the Kolla, and of their children.
    pub fn unbuildable(&self) -> Vec<&str> {
        self.0.graph.names(Selection::Unbuildable)
    }

    /// The rendered Dockerfile of an image.
    pub fn dockerfile(&self, image: &str) -> Option<&str> {
        let node = self.0.graph.node(image)?;
        node.fault.is_none().then_some(&node.dockerfile)
    }

    /// Fails when a template does not render. A build and a plan go on with the other images; a list or
    /// a rendered tree would be wrong without it.
    pub fn all_rendered(&self) -> Result<()> {
        let mut nodes = self.0.graph.nodes.iter();
        match nodes.find_map(|node| node.fault.clone()) {
            Some(fault) => Err(fault.into()),
            None => Ok(()),
        }
    }

    /// The images that are built from each image (`--list-dependencies`): each image that has
    /// children is an object of its name and its children, any other its name. Only images asked
    /// for, and the one that all others stand on.
    pub fn dependencies(&self) -> Value {
        self.0.graph.dependencies()
    }

    /// Each image that was asked for, with the images it is built from.
    pub fn edges(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        self.0.graph.edges()
    }

    /// Returns the requested images and their parents as a diagram.
    pub fn diagram(&self) -> slipway_diagram::Tree {
        self.0.graph.diagram()
    }

    /// Returns a warning for each requested pattern that matches no image, with the nearest name.
    pub fn unmatched_patterns(&self) -> Vec<String> {
        self.0.graph.unmatched(&self.options().requested)
    }

    /// Sets whether BuildKit builds, which depends on the engine.
    pub fn with_buildkit(self, buildkit: bool) -> ImageSet {
        let mut images = self.0;
        if images.options.buildkit != buildkit {
            Arc::make_mut(&mut images).options.buildkit = buildkit;
        }
        ImageSet(images)
    }

    /// Leaves out the selected images whose reference the engine has (`--skip-existing`), for lists
    /// and rendered trees. A build decides that by itself.
    pub async fn without_existing(self, engine: &dyn Engine) -> Result<ImageSet> {
        let mut images = Arc::unwrap_or_clone(self.0);
        let matched: Vec<usize> = images.graph.matched().collect();
        let references = matched
            .iter()
            .map(|&index| &images.graph.nodes[index].reference);
        let references: BTreeSet<&str> = references.map(String::as_str).collect();
        let existing = EngineImages::read(engine, references, BTreeSet::new()).await?;
        for index in matched {
            let node = &mut images.graph.nodes[index];
            if existing.find(&node.reference).is_some() {
                node.selection = Selection::Unmatched;
            }
        }
        Ok(ImageSet(Arc::new(images)))
    }

    /// Writes the rendered tree to `<work_dir>/docker` (`--template-only`): every file of the
    /// tree, with a Dockerfile in each image's directory. The directories of images that were not
    /// asked for are left out, unless the tree is of a Kolla before release 10. Returns that path.
    pub fn write_templates(&self, work_dir: &Path) -> Result<PathBuf> {
        let kolla = self.options().kolla.as_ref();
        let keeps_all = kolla.is_some_and(|kolla| !kolla.release().drops_unmatched);
        write::templates(&self.0, work_dir, keeps_all)
    }

    /// Writes the rendered tree of all images, also of those not requested, to `<work_dir>/docker`.
    /// Returns that path.
    pub fn write_all(&self, work_dir: &Path) -> Result<PathBuf> {
        write::templates(&self.0, work_dir, true)
    }

    /// Writes the contexts of the requested images and a `docker-bake.json` into a directory, for docker
    /// buildx bake. Needs no engine.
    pub async fn bake(&self, directory: &Path) -> Result<Bake> {
        export::bake(&self.0, directory).await
    }

    /// Returns a CI pipeline, as YAML, that builds the images that a plan builds: a job for each, which
    /// needs its parents' jobs. A job runs the command with a pattern for its image.
    pub fn pipeline(&self, plan: &Plan, ci: Ci, command: &str) -> String {
        export::pipeline(&self.0, plan, ci, command)
    }

    /// Plans a build, with reasons. Changes nothing.
    pub async fn plan(&self, engine: &dyn Engine) -> Result<Plan> {
        decide::plan(&self.0, engine).await
    }

    /// Builds the requested images that are not up to date: parents first, each child as soon as its
    /// parents are built, up to `threads` at once. The summary has the result of each image. An error
    /// means that no image could be built.
    ///
    /// Dropping the future cancels the running builds. An image gets its name only when it is
    /// complete, so a build that ends early leaves whole images or none. Builds of the same
    /// namespace and tag on one machine take turns.
    pub async fn build(&self, engine: Arc<dyn Engine>, events: Events<Event>) -> Result<Summary> {
        build::run(&self.0, engine, events).await
    }
}
