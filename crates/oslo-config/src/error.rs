//! What can be wrong with a configuration.

use std::fmt;
use std::path::PathBuf;

use slipway_suggest::hint;

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the command line, by this option.
    CommandLine(String),
    /// In this environment variable.
    Environment(String),
    /// In a file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// Nowhere: it is the default of this option.
    Default(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::CommandLine(option) => write!(f, "--{option}"),
            Place::Environment(name) => write!(f, "environment variable {name}"),
            Place::File { path, line } => write!(f, "{}:{line}", path.display()),
            Place::Default(option) => write!(f, "the default of {option}"),
        }
    }
}

/// What is wrong with a configuration, and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file or folder that was named cannot be read.
    #[error("configuration {}: {source}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is not written as one is.
    #[error("{place}: {message}")]
    Syntax {
        /// Where.
        place: Place,
        /// What is wrong.
        message: String,
    },
    /// A key that no option has.
    #[error("{place}: unknown option {key} in section [{section}]{}", hint(.nearest.as_ref()))]
    UnknownKey {
        /// Where.
        place: Place,
        /// The section.
        section: String,
        /// The key.
        key: String,
        /// The most similar key there is.
        nearest: Option<String>,
    },
    /// A section that belongs to nothing.
    #[error(
        "{place}: unknown section [{section}]{}",
        hint(.nearest.as_ref().map(|name| format!("[{name}]")))
    )]
    UnknownSection {
        /// Where.
        place: Place,
        /// The section.
        section: String,
        /// The most similar section there is.
        nearest: Option<String>,
    },
    /// A value of the wrong kind.
    #[error("{place}: {key} = {value:?} {message}")]
    BadValue {
        /// Where.
        place: Place,
        /// The option's key.
        key: String,
        /// Its value, references filled in.
        value: String,
        /// What it should be.
        message: String,
    },
    /// A `$name` that stands for nothing.
    #[error(
        "{place}: {key} refers to ${name}, which is no option{}; a dollar sign itself is $$",
        hint(.nearest.as_ref())
    )]
    UnknownReference {
        /// Where.
        place: Place,
        /// The option's key.
        key: String,
        /// What is referred to.
        name: String,
        /// The most similar option there is.
        nearest: Option<String>,
    },
    /// References to what has references, many times over.
    #[error(
        "{place}: {key} fills in more than 1 MB of text, or 65,536 references, by way of others"
    )]
    Endless {
        /// Where.
        place: Place,
        /// The option's key.
        key: String,
    },
    /// A `$name` that leads back to itself.
    #[error("{place}: {key} refers to itself, by way of ${name}")]
    CircularReference {
        /// Where.
        place: Place,
        /// The option's key.
        key: String,
        /// What is referred to.
        name: String,
    },
}
