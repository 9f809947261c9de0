//! The plan of a build: an action and its reasons for each image.

use std::fmt;

use serde::Serialize;

/// The reason why an image is built, or is not.
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
    /// A file of its context is new, or an empty directory, with a slash behind its name.
    FileAdded(String),
    /// A file or an empty directory of its context was removed.
    FileRemoved(String),
    /// `--build-args` are others: these.
    BuildArgsChanged(Vec<String>),
    /// It was built with build arguments under another host's key.
    OtherKey,
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
    /// `--no-parents`.
    LeftOutParent,
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
            Reason::OtherKey => f.write_str(
                "build arguments cannot be compared: the image was built with another key",
            ),
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
            Reason::LeftOutParent => f.write_str("--no-parents"),
            Reason::SkippedExisting => f.write_str("--skip-existing"),
        }
    }
}

/// A path of a context. The path of a directory ends in a slash.
fn path(name: &str) -> String {
    match name.strip_suffix('/') {
        Some(directory) => format!("empty directory {directory}"),
        None => format!("file {name}"),
    }
}

impl Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The action for an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is built.
    Build,
    /// The engine's is kept: it is what would be built.
    Keep,
    /// An option excludes it.
    Skip,
}

/// The action for one image, with its reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The image's name in the tree.
    pub image: String,
    /// Its full reference.
    pub reference: String,
    /// The action.
    pub action: Action,
    /// The reasons; never empty.
    pub reasons: Vec<Reason>,
}

impl Decision {
    /// The reasons in one line.
    pub fn why(&self) -> String {
        let reasons: Vec<String> = self.reasons.iter().map(Reason::to_string).collect();
        reasons.join(", ")
    }
}

/// The decisions of a build, parents before children.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// One decision for each requested image that can be built.
    pub decisions: Vec<Decision>,
    /// The requested images that cannot be built.
    pub failed: Vec<PlanFailure>,
}

/// An image that cannot be built, as far as a plan can see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanFailure {
    /// The image's name in the tree.
    pub image: String,
    /// The reason, with its place.
    pub reason: String,
    /// The parent that cannot be built, where that is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

impl PlanFailure {
    pub(crate) fn of_itself(image: &str, reason: &str) -> PlanFailure {
        PlanFailure {
            image: image.to_owned(),
            reason: reason.to_owned(),
            parent: None,
        }
    }

    pub(crate) fn of_parent(image: &str, parent: &str) -> PlanFailure {
        PlanFailure {
            image: image.to_owned(),
            reason: format!("its parent {parent} cannot be built"),
            parent: Some(parent.to_owned()),
        }
    }
}

impl Plan {
    /// The images that would be built.
    pub fn to_build(&self) -> impl Iterator<Item = &Decision> {
        self.decisions
            .iter()
            .filter(|decision| decision.action == Action::Build)
    }
}
