//! The images that references mean.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};

use super::ContainerSet;
use slipway_engine::{ContainerSummary, Engine, ImageSummary, Result};

/// The number of images that are looked up at once.
const AT_ONCE: usize = 8;

/// Ids of the images a set uses, by reference.
#[derive(Debug, Default)]
pub(super) struct Images {
    ids: BTreeMap<String, String>,
    missing: BTreeSet<String>,
}

impl Images {
    /// Looks up the images of a set. Where the list of containers shows current references, it tells
    /// most of them.
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
        if engine.info().capabilities().lists_current_references {
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

    /// Looks up images. Where a list of all is fast, it tells most of them, and only those that are
    /// no tag (an id, a digest) or are missing are looked up one by one.
    async fn look_up(engine: &dyn Engine, references: BTreeSet<&str>) -> Result<Images> {
        let mut images = Images::default();
        if references.is_empty() {
            return Ok(images);
        }
        let info = engine.info();
        let tags = match info.capabilities().lists_images_fast {
            true => by_tag(&engine.list_images(&[]).await?),
            false => BTreeMap::new(),
        };
        let tags = &tags;
        let mut looked_up = stream::iter(references)
            .map(|reference| async move {
                let listed = info.listed_names(reference);
                let id = match listed.iter().find_map(|name| tags.get(name)) {
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

/// Returns those of these images that the engine does not have.
pub async fn missing_images<'r>(
    engine: &dyn Engine,
    references: impl IntoIterator<Item = &'r str>,
) -> Result<BTreeSet<String>> {
    let references = references.into_iter().collect();
    Ok(Images::look_up(engine, references).await?.missing)
}

/// Returns the ids of these images, by reference. Images that the engine does not have are left out.
pub async fn image_ids<'r>(
    engine: &dyn Engine,
    references: impl IntoIterator<Item = &'r str>,
) -> Result<BTreeMap<String, String>> {
    let references = references.into_iter().collect();
    Ok(Images::look_up(engine, references).await?.ids)
}

fn by_tag(listed: &[ImageSummary]) -> BTreeMap<String, String> {
    let pairs = listed
        .iter()
        .flat_map(|image| image.tags.iter().map(|tag| (tag.clone(), image.id.clone())));
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::missing_images;
    use slipway_test_support::FakeEngine;

    #[tokio::test]
    async fn images_are_listed_where_a_list_is_fast_and_looked_up_elsewhere() {
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
}
