//! The outcome of a build for each image.

use serde::Serialize;

use super::failure::Failure;
use crate::decide::Reason;

/// The result of a build. Serialised, it has the shape of kolla-build's `--summary-json-file`,
/// with `unchanged` beside it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// Images that were built.
    pub built: Vec<Built>,
    /// Images that failed, and those not built because a parent failed.
    pub failed: Vec<Failed>,
    /// Images that were not asked for.
    pub not_matched: Vec<ImageName>,
    /// Images left out by an option.
    pub skipped: Vec<NotBuilt>,
    /// Images that cannot be built on this distribution.
    pub unbuildable: Vec<ImageName>,
    /// Images that the engine already had.
    pub unchanged: Vec<NotBuilt>,
    /// Images that were pushed.
    pub pushed: Vec<Pushed>,
    /// Duration of the whole build in seconds.
    pub seconds: f64,
    /// The failure of each image that failed itself.
    #[serde(skip)]
    pub failures: Vec<Failure>,
}

impl Summary {
    /// True when no image failed.
    pub fn is_success(&self) -> bool {
        self.failed.is_empty()
    }

    /// Records the digest of a pushed image.
    pub(crate) fn note_digest(&mut self, image: &str, digest: &str) {
        let built = self.built.iter_mut().map(|b| (&b.name, &mut b.digest));
        let unchanged = self.unchanged.iter_mut().map(|u| (&u.name, &mut u.digest));
        for (_, noted) in built.chain(unchanged).filter(|(name, _)| *name == image) {
            *noted = Some(digest.to_owned());
        }
    }

    /// Removes an image that failed later from the successful ones.
    pub(crate) fn forget(&mut self, image: &str) {
        self.built.retain(|built| built.name != image);
        self.unchanged.retain(|kept| kept.name != image);
    }

    pub(crate) fn sort(&mut self) {
        self.built.sort_by(|a, b| a.name.cmp(&b.name));
        self.failed.sort_by(|a, b| a.name.cmp(&b.name));
        self.skipped.sort_by(|a, b| a.name.cmp(&b.name));
        self.unchanged.sort_by(|a, b| a.name.cmp(&b.name));
        self.pushed.sort_by(|a, b| a.name.cmp(&b.name));
        self.failures.sort_by(|a, b| a.image.cmp(&b.image));
    }
}

/// An image that was built.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Built {
    /// Its name in the tree.
    pub name: String,
    /// Its full reference.
    pub reference: String,
    /// Its id in the engine.
    pub id: String,
    /// The start of its build, in seconds after the start of the run.
    pub started: f64,
    /// Duration in seconds.
    pub seconds: f64,
    /// Its size in the engine, in bytes, its parents' included.
    pub size: u64,
    /// The images of the tree that it is built from.
    pub parents: Vec<String>,
    /// The reasons why it was built.
    pub reasons: Vec<Reason>,
    /// Its digest in the registry, where it was pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// An image that was not built and need not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotBuilt {
    /// Its name in the tree.
    pub name: String,
    /// The reasons.
    pub reasons: Vec<Reason>,
    /// Its digest in the registry, where it was pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// An image that is not there after the build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// Its name in the tree.
    pub name: String,
    /// Its own failure or a parent's.
    pub status: FailedStatus,
    /// The parent that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

/// The cause of a missing image: its own build, a parent, or the push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailedStatus {
    /// Its own.
    Error,
    /// A parent's.
    ParentError,
    /// It was built, and could not be pushed.
    PushError,
}

/// An image that was pushed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pushed {
    /// Its name in the tree.
    pub name: String,
    /// Its full reference.
    pub reference: String,
    /// Its digest in the registry.
    pub digest: String,
    /// The start of its push, in seconds after the start of the run.
    pub started: f64,
    /// Duration in seconds.
    pub seconds: f64,
}

/// An image's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageName {
    /// Its name in the tree.
    pub name: String,
}
