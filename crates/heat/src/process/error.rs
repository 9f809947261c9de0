use std::io;
use std::path::{Path, PathBuf};

/// The reason why a tree cannot be processed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory cannot be read or written.
    #[error("{what} {place}: {source}")]
    File {
        /// The operation.
        what: &'static str,
        /// The file or directory.
        place: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A template is not UTF-8.
    #[error("{place} is not UTF-8 text")]
    NotText {
        /// The template.
        place: PathBuf,
    },
    /// A file is not YAML.
    #[error("{place}: {message}")]
    Yaml {
        /// The file.
        place: PathBuf,
        /// The place and the reason.
        message: String,
    },
    /// roles_data, network_data or j2_excludes has a wrong form.
    #[error("{place}: {message}")]
    Data {
        /// The file.
        place: PathBuf,
        /// The reason.
        message: String,
    },
    /// A template cannot be rendered.
    #[error("{template}{}: {message}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Template {
        /// The template, relative to the tree.
        template: String,
        /// The line in it.
        line: Option<usize>,
        /// The reason.
        message: String,
    },
    /// The output directory is inside the templates' directory.
    #[error("{out} is inside the templates' own directory; the result needs a directory elsewhere")]
    Inside {
        /// The directory of the result.
        out: PathBuf,
    },
    /// A file exists and must not be overwritten.
    #[error("{place} exists already; choose another directory")]
    Exists {
        /// The file.
        place: PathBuf,
    },
}

impl Error {
    pub(super) fn file(what: &'static str, place: &Path, source: io::Error) -> Self {
        Error::File {
            what,
            place: place.to_owned(),
            source,
        }
    }

    pub(super) fn data(place: &Path, message: impl Into<String>) -> Self {
        Error::Data {
            place: place.to_owned(),
            message: message.into(),
        }
    }
}
