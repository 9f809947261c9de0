//! Which image a reference means.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};

use super::ContainerSet;
use slipway_engine::{ContainerSummary, Engine, EngineKind, ImageSummary, Result};

/// How many images are looked up at once.
const AT_ONCE: usize = 8;

/// Ids of the images a set uses, by reference.
#[derive(Debug, Default)]
pub(super) struct Images {
    ids: BTreeMap<String, String>,
    missing: BTreeSet<String>,
}

impl Images {
    /// Looks up the images of a set. Docker's list of containers tells most of them.
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
        let mut known = BTreeMap::new();
        if engine.info().kind == EngineKind::Docker {
            for container in containers {
                if references.remove(container.image.as_str()) {
                    known.insert(container.image.clone(), container.image_id.clone());
                }
            }
        }
        let mut images = Images::look_up(engine, references).await?;
        images.ids.append(&mut known);
        Ok(images)
    }

    /// Looks up each of these. To list all images takes Docker longer than some fifty of these
    /// calls. Podman lists them, and what is no tag (an id, a digest), or is missing, is looked up.
    async fn look_up(engine: &dyn Engine, references: BTreeSet<&str>) -> Result<Images> {
        let mut images = Images::default();
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

/// Those of some images that the engine does not have.
pub async fn missing_images<'r>(
    engine: &dyn Engine,
    references: impl IntoIterator<Item = &'r str>,
) -> Result<BTreeSet<String>> {
    let references = references.into_iter().collect();
    Ok(Images::look_up(engine, references).await?.missing)
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
    use super::{missing_images, normal};
    use slipway_test_support::FakeEngine;

    #[tokio::test]
    async fn docker_is_asked_for_what_is_wanted_and_podman_for_all() {
        let docker = FakeEngine::with_image("i:1");
        let podman = FakeEngine::with_image("i:1").into_podman();
        let calls = [
            (&docker, ["find image", "find image"]),
            (&podman, ["list images", "find image"]),
        ];
        for (engine, expected) in calls {
            let missing = missing_images(engine, ["i:1", "gone"]).await.unwrap();
            assert_eq!(missing.into_iter().collect::<Vec<_>>(), ["gone"]);
            assert_eq!(engine.take_calls(), expected);
            let none = missing_images(engine, []).await.unwrap();
            assert!(none.is_empty() && engine.take_calls().is_empty());
        }
    }

    #[test]
    fn one_image_has_one_normal_reference() {
        assert_eq!(normal("docker.io/library/debian:trixie"), "debian:trixie");
        assert_eq!(normal("localhost/kolla/base"), "kolla/base:latest");
        assert_eq!(normal("reg:5000/a/b"), "reg:5000/a/b:latest");
        assert_eq!(normal("a@sha256:12"), "a@sha256:12");
    }
}
