//! Errors of configurations, with their places.

use std::fmt;
use std::path::PathBuf;

use slipway_suggest::hint;

/// The place where a value was set.
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
    /// The default of this option.
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

/// An error in a configuration, with its place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file or directory cannot be read.
    #[error("configuration {}: {source}", path.display())]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A line of a file is invalid.
    #[error("{place}: {message}")]
    Syntax {
        /// Its place.
        place: Place,
        /// The reason.
        message: String,
    },
    /// A key that no option has.
    #[error("{place}: unknown option {key} in section [{section}]{}", hint(.nearest.as_ref()))]
    UnknownKey {
        /// Its place.
        place: Place,
        /// The section.
        section: String,
        /// The key.
        key: String,
        /// The most similar key there is.
        nearest: Option<String>,
    },
    /// A section that nothing reads.
    #[error(
        "{place}: unknown section [{section}]{}",
        hint(.nearest.as_ref().map(|name| format!("[{name}]")))
    )]
    UnknownSection {
        /// Its place.
        place: Place,
        /// The section.
        section: String,
        /// The most similar section there is.
        nearest: Option<String>,
    },
    /// A value of the wrong kind.
    #[error("{place}: {key} = {value:?} {message}")]
    BadValue {
        /// Its place.
        place: Place,
        /// The option's key.
        key: String,
        /// Its value, references filled in; `***` where it may hold a secret.
        value: String,
        /// The valid values.
        message: String,
    },
    /// A value that the program does not accept.
    #[error("{place}: {key}: {message}")]
    Rejected {
        /// Its place.
        place: Place,
        /// The option's key.
        key: String,
        /// The reason, and what to do.
        message: String,
    },
    /// A value that a struct's field does not accept, before its place is known.
    #[error("{message}")]
    Unplaced {
        /// The reason.
        message: String,
    },
    /// A struct that does not have one field for each option: a mistake in the program.
    #[error("the options and their fields differ: {message}")]
    Fields {
        /// The difference.
        message: String,
    },
    /// A `$name` that is no option.
    #[error(
        "{place}: {key} refers to ${name}, which is not an option{}; write $$ for a dollar sign",
        hint(.nearest.as_ref())
    )]
    UnknownReference {
        /// Its place.
        place: Place,
        /// The option's key.
        key: String,
        /// The reference.
        name: String,
        /// The most similar option there is.
        nearest: Option<String>,
    },
    /// References to references that fill in too much.
    #[error("{place}: {key} becomes longer than 1 MB, or has more than 65,536 references")]
    Endless {
        /// Its place.
        place: Place,
        /// The option's key.
        key: String,
    },
    /// A `$name` that leads back to itself.
    #[error("{place}: {key} refers to itself through ${name}")]
    CircularReference {
        /// Its place.
        place: Place,
        /// The option's key.
        key: String,
        /// The reference.
        name: String,
    },
}
