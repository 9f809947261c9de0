//! Errors of settings.

use std::path::PathBuf;

/// The result of reading settings.
pub type Result<T> = std::result::Result<T, SettingsError>;

/// A setting that cannot be read. No message shows a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The file is not valid.
    #[error("{}:{line}:{column}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u32,
        /// The column, from 1.
        column: u32,
        /// The key and the reason.
        problem: String,
    },
    /// A variable is not valid.
    #[error("{name}: {problem}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// The reason.
        problem: String,
    },
}
