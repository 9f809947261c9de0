//! The engine's images, by the references that a build asks for.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use slipway_engine::{Engine, EngineKind, ImageSummary};

use crate::error::{Error, Result};

/// How many images are asked for by name. For its list of images Docker reads every one that it
/// has, whatever the filter: a fifth of a second where builds have left a thousand.
const ASKED_BY_NAME: usize = 32;

/// How many are asked for at once.
const ASKED_AT_ONCE: usize = 8;

/// The engine's images by reference.
#[derive(Clone, Debug)]
pub(crate) struct EngineImages {
    by_reference: BTreeMap<String, ImageSummary>,
    kind: EngineKind,
}

impl EngineImages {
    /// Asks the engine for the images that a tree's are to be, or, where there are many, for its
    /// list; and for those that the tree starts from, which may be named by id or digest.
    pub(crate) async fn read(
        engine: &dyn Engine,
        own: BTreeSet<&str>,
        bases: BTreeSet<&str>,
    ) -> Result<Self> {
        let mut asked = bases;
        let mut by_reference = BTreeMap::new();
        if own.len() > ASKED_BY_NAME {
            for image in engine.list_images(&[]).await? {
                let tags = image.tags.iter();
                by_reference.extend(tags.map(|tag| (tag.clone(), image.clone())));
            }
        } else {
            asked.extend(own);
        }
        let found: Vec<_> = stream::iter(asked)
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
            kind: engine.info().kind,
        })
    }

    /// An image by the reference a Dockerfile would use, which may be another than the engine lists
    /// it under.
    pub(crate) fn find(&self, reference: &str) -> Option<&ImageSummary> {
        let listed = || listed_names(reference, self.kind).into_iter();
        let by_reference = &self.by_reference;
        by_reference
            .get(reference)
            .or_else(|| listed().find_map(|name| by_reference.get(&name)))
    }

    /// Notes an image that has been pulled.
    pub(crate) fn add(&mut self, reference: &str, image: ImageSummary) {
        self.by_reference.insert(reference.to_owned(), image);
    }
}

/// What a kind of engine may list an image as that was built by this name: Docker leaves its own
/// registry out, and Podman puts it, or its own host, in front of a name without one.
fn listed_names(reference: &str, kind: EngineKind) -> Vec<String> {
    let last = reference.rsplit('/').next().unwrap_or(reference);
    let full = match last.contains([':', '@']) {
        true => reference.to_owned(),
        false => format!("{reference}:latest"),
    };
    let plain = full.strip_prefix("docker.io/").unwrap_or(&full);
    let plain = plain.strip_prefix("library/").unwrap_or(plain);
    if kind == EngineKind::Docker {
        return vec![plain.to_owned()];
    }
    let hub = match plain.contains('/') {
        true => format!("docker.io/{plain}"),
        false => format!("docker.io/library/{plain}"),
    };
    let first = full.split_once('/').map(|(first, _)| first);
    match first.filter(|first| first.contains(['.', ':']) || *first == "localhost") {
        Some("docker.io") => vec![hub],
        Some(_) => vec![full],
        None => vec![hub, format!("localhost/{full}")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_list_images_under_other_names_than_they_were_built_by() {
        let docker = |reference| listed_names(reference, EngineKind::Docker).join(" ");
        assert_eq!(docker("ns/base:1"), "ns/base:1");
        assert_eq!(docker("docker.io/ns/base:1"), "ns/base:1");
        assert_eq!(docker("docker.io/library/debian"), "debian:latest");
        assert_eq!(docker("localhost/ns/base:1"), "localhost/ns/base:1");
        assert_eq!(docker("registry:5000/a"), "registry:5000/a:latest");
        let podman = |reference| listed_names(reference, EngineKind::Podman).join(" ");
        assert_eq!(
            podman("ns/base:1"),
            "docker.io/ns/base:1 localhost/ns/base:1"
        );
        assert_eq!(podman("localhost/ns/base:1"), "localhost/ns/base:1");
        assert_eq!(podman("docker.io/ns/base:1"), "docker.io/ns/base:1");
        assert_eq!(podman("docker.io/base:1"), "docker.io/library/base:1");
        assert_eq!(podman("registry:5000/a"), "registry:5000/a:latest");
    }
}
