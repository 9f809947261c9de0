//! What would be built, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::Serialize;
use slipway_runtime::engine::{Engine, EngineKind, ImageSummary};

use crate::error::{Error, Result};

/// Why an image is built, or is not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The engine has it, made of the same inputs.
    Unchanged,
    /// The engine has no image of that name.
    NotInEngine,
    /// The engine's image of that name was not built by Slipway.
    NotBuiltHere,
    /// The rendered Dockerfile is another, and so are these variables and files that it is
    /// rendered from.
    DockerfileChanged(Vec<String>),
    /// A file of its context has other bytes or another mode.
    FileChanged(String),
    /// A file of its context is new, or an empty folder, with a slash behind its name.
    FileAdded(String),
    /// A file of its context is gone, or an empty folder.
    FileRemoved(String),
    /// `--build-args` are others: these.
    BuildArgsChanged(Vec<String>),
    /// The platform, or whether layers are squashed.
    OptionsChanged,
    /// A parent is built in this run.
    ParentRebuilt(String),
    /// A parent is another image than the one it was built from.
    ParentChanged(String),
    /// The distribution's image is another.
    BaseImageChanged(String),
    /// The distribution's image is not in the engine yet.
    BaseImageMissing(String),
    /// `--rebuild`.
    Forced,
    /// `--nocache`.
    NoCache,
    /// `--skip-parents`.
    SkippedParent,
    /// `--skip-existing`.
    SkippedExisting,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Unchanged => f.write_str("unchanged"),
            Reason::NotInEngine => f.write_str("not in the engine"),
            Reason::NotBuiltHere => f.write_str("the engine's image was not built by slipway"),
            Reason::DockerfileChanged(from) if from.is_empty() => f.write_str("Dockerfile changed"),
            Reason::DockerfileChanged(from) => {
                write!(f, "Dockerfile changed ({})", from.join(", "))
            }
            Reason::FileChanged(name) => write!(f, "{} in context changed", path(name)),
            Reason::FileAdded(name) => write!(f, "{} in context is new", path(name)),
            Reason::FileRemoved(name) => write!(f, "{} in context is gone", path(name)),
            Reason::BuildArgsChanged(names) => {
                write!(f, "build arguments changed ({})", names.join(", "))
            }
            Reason::OptionsChanged => f.write_str("build options changed"),
            Reason::ParentRebuilt(parent) => write!(f, "parent {parent} rebuilt"),
            Reason::ParentChanged(parent) => write!(f, "parent {parent} changed"),
            Reason::BaseImageChanged(image) => write!(f, "base image {image} changed"),
            Reason::BaseImageMissing(image) => {
                write!(f, "base image {image} is not in the engine yet")
            }
            Reason::Forced => f.write_str("--rebuild"),
            Reason::NoCache => f.write_str("--nocache"),
            Reason::SkippedParent => f.write_str("--skip-parents"),
            Reason::SkippedExisting => f.write_str("--skip-existing"),
        }
    }
}

/// A path of a context with what it is: a folder's ends in a slash.
fn path(name: &str) -> String {
    match name.strip_suffix('/') {
        Some(folder) => format!("empty folder {folder}"),
        None => format!("file {name}"),
    }
}

impl Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What happens to an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is built.
    Build,
    /// The engine's is kept: it is what would be built.
    Keep,
    /// It is left alone, because an option says so.
    Skip,
}

/// What would happen to one image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The image's name in the tree.
    pub image: String,
    /// Its full reference.
    pub reference: String,
    /// What happens to it.
    pub action: Action,
    /// Why; never empty.
    pub reasons: Vec<Reason>,
}

impl Decision {
    /// The reasons in one line.
    pub fn why(&self) -> String {
        let reasons: Vec<String> = self.reasons.iter().map(Reason::to_string).collect();
        reasons.join(", ")
    }
}

/// What a build would do, parents before children.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// One decision for each image that was asked for.
    pub decisions: Vec<Decision>,
}

impl Plan {
    /// The images that would be built.
    pub fn to_build(&self) -> impl Iterator<Item = &Decision> {
        self.decisions
            .iter()
            .filter(|decision| decision.action == Action::Build)
    }
}

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
