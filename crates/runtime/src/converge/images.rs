//! Which image a reference means.

use std::collections::{BTreeMap, BTreeSet};

use super::ContainerSet;
use crate::engine::{ContainerSummary, Engine, EngineKind, ImageSummary, Result};

/// Ids of the images a set uses, by reference.
#[derive(Debug, Default)]
pub(super) struct Images {
    ids: BTreeMap<String, String>,
    missing: BTreeSet<String>,
}

impl Images {
    /// Looks up the images of a set. Docker's list of containers tells most; where it does not,
    /// one call lists all images, and one more looks up each reference (an id, a digest) that is
    /// no tag, or that is missing.
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
        let tags = by_tag(&engine.list_images(&[]).await?);
        for reference in references {
            let listed = tags.get(&normal(reference)).cloned();
            let id = match listed {
                Some(id) => Some(id),
                None => engine.find_image(reference).await?.map(|image| image.id),
            };
            match id {
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
