//! Errors, each with its place and what to do about it.

mod image;
mod template;

use std::path::PathBuf;

use slipway_engine::EngineError;
use slipway_suggest::hint;

pub use image::{BaseImageFault, ImageError};
pub use template::TemplateError;

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason why images cannot be rendered, ordered or built. The failed build of one image is not
/// such an error: it is in the [`Summary`](crate::Summary).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The directory of a tree is missing.
    #[error("{}: there is no such directory of image templates", .0.display())]
    NoTree(PathBuf),
    /// A tree without any `Dockerfile.j2`.
    #[error("{}: no directory in it has a Dockerfile.j2, so it is not a tree of image templates", .0.display())]
    EmptyTree(PathBuf),
    /// Directories nest too deeply, usually through a symlink.
    #[error("{}: directories nest too deeply; is there a link to a directory above?", .0.display())]
    TooDeep(PathBuf),
    /// A pipe, a socket or a device.
    #[error("{}: neither a file nor a directory; an image can contain only these", .0.display())]
    NotAFile(PathBuf),
    /// A file that is not a valid template.
    #[error("{}: the template has {size} bytes; the limit is {} MiB", path.display(), .limit >> 20)]
    LargeTemplate {
        /// Its path.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// The largest allowed size.
        limit: u64,
    },
    /// A file name that cannot be written into a Dockerfile.
    #[error("{}: the name is not UTF-8", .0.display())]
    NotUtf8(PathBuf),
    /// The upstream Kolla cannot be read, or does not support an option.
    #[error(transparent)]
    Kolla(#[from] slipway_kolla_release::Error),
    /// The configuration is invalid.
    #[error(transparent)]
    Config(#[from] slipway_oslo_config::ConfigError),
    /// `rpm_setup_config` names something that is neither.
    #[error("rpm_setup_config: '{0}' must end in .rpm or .repo")]
    RpmSetup(String),
    /// Two directories give an image of the same name.
    #[error(
        "image {image} exists twice, in {first} and in {second}; rename one of the directories"
    )]
    TwoImages {
        /// The image.
        image: String,
        /// Its first directory.
        first: String,
        /// Its second directory.
        second: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] slipway_files::FileError),
    /// A file could not be replaced.
    #[error(transparent)]
    Write(#[from] slipway_files::WriteError),
    /// A YAML file is invalid.
    #[error(transparent)]
    Yaml(#[from] slipway_yaml::FileError),
    /// One image cannot be built.
    #[error("image {image}: {source}")]
    Image {
        /// The image.
        image: String,
        /// The reason.
        source: ImageError,
    },
    /// A template or an override is wrong.
    #[error(transparent)]
    Template(#[from] Box<TemplateError>),
    /// Images that are parents of each other.
    #[error("these images are parents of each other: {}", .0.join(" -> "))]
    Cycle(Vec<String>),
    /// An invalid regular expression.
    #[error("'{pattern}' is not a regular expression: {message}")]
    BadRegex {
        /// The expression.
        pattern: String,
        /// The reason why it is invalid.
        message: String,
    },
    /// Nothing to do.
    #[error("no image matches {}{}", .patterns.join(" "), hint(.nearest.as_ref()))]
    NothingMatches {
        /// The request.
        patterns: Vec<String>,
        /// The most similar image.
        nearest: Option<String>,
    },
    /// A line of a `.dockerignore` is no pattern.
    #[error(
        "{}:{line}: {pattern} is not a valid pattern: it has a [ without a ], or a range that runs \
         backwards",
        path.display()
    )]
    NoPattern {
        /// The `.dockerignore`.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The text of the line.
        pattern: String,
    },
    /// The distribution's image is for another platform than the one that was asked for.
    #[error(
        "--platform {wanted}: the engine's {reference} is for {found}, and the classic builder would \
         use that; docker pull --platform {wanted} {reference} replaces it, and --buildkit \
         looks for the right one"
    )]
    Platform {
        /// The request.
        wanted: String,
        /// The image.
        reference: String,
        /// Its platform.
        found: String,
    },
    /// The rendered tree would be written over the templates.
    #[error(
        "--work-dir {work_dir}: its subdirectory docker is in {directory}, the directory of templates; choose another"
    )]
    WorkDirInTree {
        /// The directory that it was to be written to.
        work_dir: PathBuf,
        /// The directory of templates.
        directory: PathBuf,
    },
    /// The directory of exported images is in use for something else.
    #[error("--bake {}: {reason}; choose another directory", directory.display())]
    BakeDirectory {
        /// The directory.
        directory: PathBuf,
        /// The reason.
        reason: String,
    },
    /// An option that another builder does not have.
    #[error("{option}: {builder} has no such option; leave it out")]
    NotExported {
        /// The option.
        option: &'static str,
        /// The builder.
        builder: &'static str,
    },
    /// The lock that keeps other builds out cannot be taken.
    #[error(transparent)]
    Lock(#[from] slipway_files::LockError),
    /// The engine failed outside of a build.
    #[error(transparent)]
    Engine(#[from] EngineError),
}
