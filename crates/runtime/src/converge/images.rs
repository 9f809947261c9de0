//! Which image a reference means.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};

use super::ContainerSet;
use crate::engine::{ContainerSummary, Engine, EngineKind, ImageSummary, Result};

/// How many images are looked up at once.
const AT_ONCE: usize = 8;

/// Ids of the images a set uses, by reference.
#[derive(Debug, Default)]
pub(super) struct Images {
    ids: BTreeMap<String, String>,
    missing: BTreeSet<String>,
}

impl Images {
    /// Looks up the images of a set. Docker's list of containers tells most, and each of the rest
    /// is looked up: to list all images takes Docker longer than some fifty of these calls. Podman
    /// lists them, and what is no tag (an id, a digest), or is missing, is looked up.
    pub(super) async fn of(
        set: &ContainerSet,
        engine: &dyn Engine,
        containers: &[ContainerSummary],
    ) -> Result<Images> {
        let mut references: BTreeSet<&str> = set
            .containers
            .values()
            .filter_map(|config| config.keys().image.as_deref())
            .collect();
        let mut images = Images::default();
        if engine.info().kind == EngineKind::Docker {
            for container in containers {
                if references.remove(container.image.as_str()) {
                    let id = container.image_id.clone();
                    images.ids.insert(container.image.clone(), id);
                }
            }
        }
        if references.is_empty() {
            return Ok(images);
        }
        let tags = match engine.info().kind {
            EngineKind::Docker => BTreeMap::new(),
            EngineKind::Podman => by_tag(&engine.list_images(&[]).await?),
        };
        let tags = &tags;
        let mut looked_up = stream::iter(references)
            .map(|reference| async move {
                let id = match tags.get(&normal(reference)) {
                    Some(id) => Ok(Some(id.clone())),
                    None => engine
                        .find_image(reference)
                        .await
                        .map(|image| Some(image?.id)),
                };
                (reference, id)
            })
            .buffer_unordered(AT_ONCE);
        while let Some((reference, id)) = looked_up.next().await {
            match id? {
                Some(id) => {
                    images.ids.insert(reference.to_owned(), id);
                }
                None => {
                    images.missing.insert(reference.to_owned());
                }
            }
        }
        Ok(images)
    }

    pub(super) fn id(&self, reference: &str) -> Option<&str> {
        self.ids.get(reference).map(String::as_str)
    }

    pub(super) fn missing(&self) -> impl Iterator<Item = &str> {
        self.missing.iter().map(String::as_str)
    }
}

fn by_tag(listed: &[ImageSummary]) -> BTreeMap<String, String> {
    let pairs = listed
        .iter()
        .flat_map(|image| image.tags.iter().map(|tag| (normal(tag), image.id.clone())));
    pairs.collect()
}

/// A reference in the form in which docker lists it. Podman writes the registry out, `localhost`
/// for images made here.
fn normal(reference: &str) -> String {
    let mut name = reference;
    for prefix in ["docker.io/", "library/", "localhost/"] {
        name = name.strip_prefix(prefix).unwrap_or(name);
    }
    let has_tag = name
        .rsplit_once(':')
        .is_some_and(|(_, tag)| !tag.contains('/'));
    if has_tag || name.contains('@') {
        name.to_owned()
    } else {
        format!("{name}:latest")
    }
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn one_image_has_one_normal_reference() {
        assert_eq!(normal("docker.io/library/debian:trixie"), "debian:trixie");
        assert_eq!(normal("localhost/kolla/base"), "kolla/base:latest");
        assert_eq!(normal("reg:5000/a/b"), "reg:5000/a/b:latest");
        assert_eq!(normal("a@sha256:12"), "a@sha256:12");
    }
}
