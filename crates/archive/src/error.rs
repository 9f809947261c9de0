//! Errors of reading an archive.

use std::io;

use crate::path::MemberPath;

/// The reason why an archive is not read to its end. None names the archive: the caller knows it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The archive's file cannot be read.
    #[error(transparent)]
    Io(io::Error),
    /// The bytes are no tar archive, or a broken one.
    #[error("{0}")]
    Invalid(String),
    /// A member's path leads out of the archive.
    #[error("its member {member:?} leads out of the directory it is unpacked in")]
    LeadsOut {
        /// The path as the archive has it.
        member: String,
    },
    /// The archive passes a limit.
    #[error("{message}")]
    TooLarge {
        /// The limit, and what passes it.
        message: String,
    },
}

/// The bounds that an archive may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// All contents together.
    Total,
    /// The contents of one member.
    Member {
        /// The size that it would have.
        size: u64,
    },
    /// The number of members.
    Entries,
    /// The nesting of directories.
    Depth,
    /// The length of a path.
    Path,
    /// The headers before one member.
    Headers,
    /// The paths of all members, and of the directories around them.
    Paths,
}

impl Bound {
    /// The error of passing this bound.
    pub fn error(self, member: Option<&MemberPath>, limit: u64) -> ArchiveError {
        let member = member.map(|path| format!(" with its member {:?}", path.shortened()));
        let member = member.unwrap_or_default();
        let message = match self {
            Bound::Total => format!(
                "it unpacks to more than {limit} bytes{member}, far more than its size justifies"
            ),
            Bound::Member { size } => {
                format!("it would have {size} bytes{member}; none may be larger than {limit}")
            }
            Bound::Entries => format!("it has more than {limit} members"),
            Bound::Depth => format!("it nests more than {limit} directories{member}"),
            Bound::Path => format!("it has a path of more than {limit} bytes{member}"),
            Bound::Headers => format!("the headers of a member have more than {limit} bytes"),
            Bound::Paths => {
                format!("the paths of its members have more than {limit} bytes together")
            }
        };
        ArchiveError::TooLarge { message }
    }
}

impl ArchiveError {
    /// The error that reading through the bounds ended with.
    pub fn from_reading(error: io::Error) -> ArchiveError {
        // `tar` wraps errors of the reader in its own.
        let mut inner = Some(&error as &(dyn std::error::Error + 'static));
        while let Some(found) = inner {
            if let Some(ArchiveError::TooLarge { message }) = found.downcast_ref() {
                return ArchiveError::TooLarge {
                    message: message.clone(),
                };
            }
            inner = match found.downcast_ref::<io::Error>().and_then(|e| e.get_ref()) {
                Some(wrapped) => Some(wrapped),
                None => found.source(),
            };
        }
        match error.kind() {
            io::ErrorKind::OutOfMemory => ArchiveError::TooLarge {
                message: "unpacking it would take more memory than is allowed".to_owned(),
            },
            _ => ArchiveError::Invalid(error.to_string()),
        }
    }
}
