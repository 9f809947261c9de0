//! Errors with their place.

use std::fmt;
use std::path::{Path, PathBuf};

/// A place in a document. The position of a map's value is that of its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// One step of the path to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The value of this key.
    Key(String),
    /// The item of this index.
    Item(usize),
}

/// The reason why a document cannot be read, or does not have the expected content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub(crate) position: Option<Position>,
    /// The innermost step first.
    pub(crate) path: Vec<Step>,
    pub(crate) problem: Problem,
}

/// The reason for an [`Error`]. No reason shows a value of the document: it may be a password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The document is not YAML.
    Syntax(String),
    /// The document exceeds a limit.
    Limit(String),
    /// A map has a key that is unknown there.
    UnknownKey {
        /// The key.
        key: String,
        /// The keys that are known there.
        known: Vec<String>,
    },
    /// A value is invalid.
    Value(String),
}

/// An [`Error`], and the file it is about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {error}", path.display())]
pub struct FileError {
    path: PathBuf,
    error: Box<Error>,
}

impl Error {
    /// Names the file that the document was read from.
    pub fn in_file(self, path: &Path) -> FileError {
        FileError {
            path: path.to_owned(),
            error: Box::new(self),
        }
    }

    pub(crate) fn syntax(position: Option<Position>, message: impl Into<String>) -> Error {
        Error {
            position,
            path: Vec::new(),
            problem: Problem::Syntax(message.into()),
        }
    }

    pub(crate) fn limit(position: Option<Position>, message: impl Into<String>) -> Error {
        Error {
            position,
            path: Vec::new(),
            problem: Problem::Limit(message.into()),
        }
    }

    /// Returns the line and the column, where they are known.
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// Returns the path to the value, from the outermost step on.
    pub fn path(&self) -> impl DoubleEndedIterator<Item = &Step> {
        self.path.iter().rev()
    }

    /// Returns the key and the reason, for an error that names line and column itself.
    pub fn message(&self) -> String {
        if self.path.is_empty() {
            return self.problem.to_string();
        }
        let path: Vec<Step> = self.path().cloned().collect();
        format!("{}: {}", path_text(&path), self.problem)
    }

    /// Returns the reason.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

/// Returns a path as text, such as `docker_config.step_1.keystone.volumes[0]`.
///
/// ```
/// use slipway_yaml::{Step, path_text};
/// assert_eq!(path_text(&[Step::Key("volumes".to_owned()), Step::Item(0)]), "volumes[0]");
/// ```
pub fn path_text(path: &[Step]) -> String {
    let mut text = String::new();
    for (index, step) in path.iter().enumerate() {
        match step {
            Step::Key(key) if index == 0 => text.push_str(key),
            Step::Key(key) => text.extend([".", key]),
            Step::Item(item) => text.push_str(&format!("[{item}]")),
        }
    }
    text
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Syntax(message) | Problem::Limit(message) | Problem::Value(message) => {
                f.write_str(message)
            }
            Problem::UnknownKey { known, .. } if known.is_empty() => f.write_str("unknown key"),
            Problem::UnknownKey { known, .. } => {
                write!(f, "unknown key; known here: {}", known.join(", "))
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Position { line, column }) = self.position {
            write!(f, "line {line}, column {column}: ")?;
        }
        f.write_str(&self.message())
    }
}

impl std::error::Error for Error {}
