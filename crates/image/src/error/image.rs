//! Errors of one image.

use std::path::PathBuf;

use slipway_files::FileError;
use slipway_suggest::hint;

use super::{Error, TemplateError};
use crate::sources::SourceError;

/// The reason why one image cannot be built. It concerns no other image, except those that are
/// built from it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// Its template does not render.
    #[error("{}", .0.explanation())]
    Template(Box<TemplateError>),
    /// The rendered Dockerfile has no `FROM`.
    #[error("the Dockerfile rendered from {} has no FROM line", template.display())]
    NoFrom {
        /// Its template.
        template: PathBuf,
    },
    /// The directory's name cannot be an image's.
    #[error(
        "the name of its directory is not a valid image name: lower-case letters and digits, with \
         . _ - between them"
    )]
    NoImageName,
    /// A supplied file is missing.
    #[error(
        "its Dockerfile copies {name}, and {} is missing; run scripts/build first, which makes it",
        path.display()
    )]
    NotSupplied {
        /// The file's name in its context.
        name: String,
        /// The path where it should be.
        path: PathBuf,
    },
    /// `COPY` of a file that the context does not have.
    #[error("its Dockerfile copies {name}, which is not in {}{}", directory.display(), hint(.nearest.as_ref()))]
    NotInContext {
        /// The file.
        name: String,
        /// The image's directory.
        directory: PathBuf,
        /// The most similar file.
        nearest: Option<String>,
    },
    /// `ADD` of an archive that no section of the configuration describes.
    #[error(
        "its Dockerfile adds {name}, and the configuration has no enabled source [{section}] with a type"
    )]
    NoSource {
        /// The archive.
        name: String,
        /// The section.
        section: String,
    },
    /// `COPY` of a file that the `.dockerignore` beside it excludes.
    #[error("its Dockerfile copies {name}, which {} excludes", path.display())]
    KeptOut {
        /// The file or directory.
        name: String,
        /// The `.dockerignore`.
        path: PathBuf,
    },
    /// A source or a patch cannot be fetched.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The image that it starts from cannot be had.
    #[error("{}", .fault.of(.reference, .nearest.as_ref()))]
    BaseImage {
        /// The image.
        reference: String,
        /// The reason.
        fault: BaseImageFault,
        /// The most similar image of the tree, where the reference is named like one of the tree.
        nearest: Option<String>,
    },
    /// `--skip-parents` or `--skip-existing` left out the parent.
    #[error("{}", skipped_parent(.parent, .unpulled.as_deref()))]
    SkippedParent {
        /// The parent.
        parent: String,
        /// The reason why it could not be pulled, where that was tried.
        unpulled: Option<String>,
    },
    /// One of its files cannot be read.
    #[error(transparent)]
    Input(Box<Error>),
}

impl From<FileError> for ImageError {
    fn from(error: FileError) -> Self {
        Error::from(error).into()
    }
}

impl From<Error> for ImageError {
    fn from(error: Error) -> Self {
        ImageError::Input(Box::new(error))
    }
}

/// The reason why an image to start from cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaseImageFault {
    /// The engine does not have it, and pulling it failed.
    NotPulled(String),
    /// It was to be pulled although the engine has it, and that failed.
    NotPulledAgain(String),
    /// The engine does not have it, and it must not be pulled.
    Missing,
}

impl BaseImageFault {
    fn of(&self, reference: &str, nearest: Option<&String>) -> String {
        match self {
            BaseImageFault::NotPulled(reason) => format!(
                "the engine has no image {reference} to start from, and pulling it failed: {reason}{}; \
                 scripts/base-image makes debian:trixie from Debian's packages",
                hint(nearest)
            ),
            BaseImageFault::NotPulledAgain(reason) => format!(
                "--pull: cannot pull {reference}: {reason}; --nopull goes on from the one that is there"
            ),
            BaseImageFault::Missing => format!(
                "the engine has no image {reference} to start from{}; pull it, or make \
                 debian:trixie with scripts/base-image",
                hint(nearest)
            ),
        }
    }
}

fn skipped_parent(parent: &str, unpulled: Option<&str>) -> String {
    let reason = unpulled.map(|reason| format!(", and pulling it failed: {reason}"));
    format!(
        "it needs its parent {parent}, which is skipped and not in the engine{}; build it first",
        reason.unwrap_or_default()
    )
}
