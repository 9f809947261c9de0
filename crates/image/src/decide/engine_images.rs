//! The engine's images, by the references that a build asks for.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use slipway_engine::{Engine, EngineInfo, ImageSummary};

use crate::error::{Error, Result};

/// Images that are asked for by name. For its list of images Docker reads every one that it
/// has, whatever the filter: a fifth of a second where builds have left a thousand.
const ASKED_BY_NAME: usize = 32;

/// Images that are asked for at once.
const ASKED_AT_ONCE: usize = 8;

/// The engine's images by reference.
#[derive(Clone, Debug)]
pub(crate) struct EngineImages {
    by_reference: BTreeMap<String, ImageSummary>,
    info: EngineInfo,
}

impl EngineImages {
    /// Asks the engine for the images that a tree's are to be, or, where there are many, for its
    /// list; and for those that the tree starts from, which may be named by id or digest.
    pub(crate) async fn read(
        engine: &dyn Engine,
        own: BTreeSet<&str>,
        bases: BTreeSet<&str>,
    ) -> Result<Self> {
        let mut requested = bases;
        let mut by_reference = BTreeMap::new();
        if own.len() > ASKED_BY_NAME {
            for image in engine.list_images(&[]).await? {
                let tags = image.tags.iter();
                by_reference.extend(tags.map(|tag| (tag.clone(), image.clone())));
            }
        } else {
            requested.extend(own);
        }
        let found: Vec<_> = stream::iter(requested)
            .map(|reference| async move {
                let image = engine.find_image(reference).await?;
                Ok::<_, Error>(image.map(|image| (reference.to_owned(), image)))
            })
            .buffer_unordered(ASKED_AT_ONCE)
            .try_collect()
            .await?;
        by_reference.extend(found.into_iter().flatten());
        Ok(EngineImages {
            by_reference,
            info: engine.info().clone(),
        })
    }

    /// An image by the reference a Dockerfile would use, which may be another than the engine lists
    /// it under.
    pub(crate) fn find(&self, reference: &str) -> Option<&ImageSummary> {
        let listed = || self.info.listed_names(reference).into_iter();
        let by_reference = &self.by_reference;
        by_reference
            .get(reference)
            .or_else(|| listed().find_map(|name| by_reference.get(&name)))
    }

    /// Removes an image that must not be used.
    pub(crate) fn forget(&mut self, reference: &str) {
        self.by_reference.remove(reference);
        for name in self.info.listed_names(reference) {
            self.by_reference.remove(&name);
        }
    }

    /// Records a pulled image.
    pub(crate) fn add(&mut self, reference: &str, image: ImageSummary) {
        self.by_reference.insert(reference.to_owned(), image);
    }
}
