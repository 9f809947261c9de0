//! Errors of fetching sources.

use std::io;
use std::path::{Path, PathBuf};

use slipway_files::FileError;

/// The reason why a source cannot be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// A file or directory could not be read or written.
    #[error(transparent)]
    Io(#[from] FileError),
    /// A section of the configuration that describes no usable source.
    #[error("source {source_name}: {reason}")]
    Section {
        /// The section.
        source_name: String,
        /// The reason, with its place.
        reason: String,
    },
    /// A local source that is not there.
    #[error("source {source_name}: there is no {}", path.display())]
    NoSuchFile {
        /// The section.
        source_name: String,
        /// The path where it should be.
        path: PathBuf,
    },
    /// An address that did not give it.
    #[error("source {source_name}: {address}: {reason}")]
    Download {
        /// The section.
        source_name: String,
        /// The address, without what might be a password in it.
        address: String,
        /// The reason.
        reason: String,
    },
    /// An archive that is another than the configuration says.
    #[error(
        "source {source_name}: {address} has the sha256 {found}, and the configuration says {expected}"
    )]
    Digest {
        /// The section.
        source_name: String,
        /// The address.
        address: String,
        /// The expected digest.
        expected: String,
        /// The digest found.
        found: String,
    },
    /// git could not do it.
    #[error("source {source_name}: {message}")]
    Git {
        /// The section.
        source_name: String,
        /// The command, and git's message.
        message: String,
    },
    /// A file that is no archive.
    #[error("{}: {reason}", path.display())]
    NotAnArchive {
        /// The file.
        path: PathBuf,
        /// The reason why it is invalid.
        reason: String,
    },
    /// A member that would be written outside of the directory the archive is unpacked in.
    #[error("{}: its member {member:?} leads out of the directory it is unpacked in", path.display())]
    Escapes {
        /// The archive.
        path: PathBuf,
        /// The member.
        member: String,
    },
}

impl SourceError {
    pub(super) fn io(path: &Path, source: io::Error) -> SourceError {
        SourceError::Io(FileError::new(path, source))
    }

    /// Names the file that was being written when the disk was full.
    pub(super) fn writing(self, to: &Path) -> SourceError {
        match self {
            SourceError::Io(error) if is_full(error.reason()) => {
                SourceError::io(to, error.into_reason())
            }
            other => other,
        }
    }
}

/// True when the disk, the quota or the file is full.
pub(super) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), FileTooLarge | QuotaExceeded | StorageFull)
}
