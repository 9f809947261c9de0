//! The one shape of an I/O error that names its file.

use std::io;
use std::path::{Path, PathBuf};

/// An I/O error, and the file or directory it is about.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct FileError {
    path: PathBuf,
    source: io::Error,
}

impl FileError {
    /// Names the file or directory that an I/O error is about.
    pub fn new(path: &Path, source: io::Error) -> FileError {
        FileError {
            path: path.to_owned(),
            source,
        }
    }

    /// The system's error.
    pub fn reason(&self) -> &io::Error {
        &self.source
    }

    /// The system's error, without the path.
    pub fn into_reason(self) -> io::Error {
        self.source
    }
}

/// Adds the path to an I/O error.
pub trait AtPath<T> {
    /// Names the file or directory that a failed call was about.
    ///
    /// # Errors
    /// The same error, with its path.
    fn at(self, path: &Path) -> Result<T, FileError>;
}

impl<T> AtPath<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T, FileError> {
        self.map_err(|source| FileError::new(path, source))
    }
}
