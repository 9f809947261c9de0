//! Files read and written safely.
//!
//! - [`write_private`] and [`write_with_mode`] replace a file atomically; [`StagedFile`] does the same
//!   for a file that is written piece by piece.
//! - [`Lock`] is a lock file that one process at a time can hold.
//! - [`private_directory`] makes a directory that only its owner can enter.
//! - [`replace_directory`] puts a whole tree in place of another, safe against a power cut.
//! - [`state_directory`] and [`lock_directory`] are Slipway's own, for root and for other users.
//! - [`ScratchDirectory`] is removed when the process that made it ends, even when it is killed.
//! - [`FileError`] names the file that an I/O error is about.
//! - [`random_bytes`] reads the system's source of random bytes.
//! - [`read_input`], [`read_text`] and [`read`] read an untrusted file: they check its size and type.
//!
//! ```
//! use slipway_files::{Lock, Written, private_directory, read_text, write_private};
//!
//! # let root = tempfile::tempdir()?;
//! let state = root.path().join("state");
//! private_directory(&state)?;
//! let _lock = Lock::try_take(&state.join("lock"))?;
//!
//! let path = state.join("key");
//! assert_eq!(write_private(&path, b"secret")?, Written::Created);
//! assert_eq!(write_private(&path, b"secret")?, Written::Unchanged);
//! assert_eq!(read_text(&path, 1024)?, "secret");
//! assert!(read_text("/dev/zero".as_ref(), 1024).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod directory;
mod error;
mod lock;
mod random;
mod read;
mod scratch;
mod stage;
mod swap;
mod user;
mod write;

pub use directory::private_directory;
pub use error::{AtPath, FileError};
pub use lock::{Lock, LockError};
pub use random::{RANDOM_SOURCE, random_bytes};
pub use read::{MAX_TEXT, ReadError, read, read_input, read_input_bytes, read_stream, read_text};
pub use scratch::ScratchDirectory;
pub use stage::{StagedFile, remove_unfinished};
pub use swap::{replace_directory, sync_file_system, sync_parent};
pub use user::{lock_directory, state_directory};
pub use write::{WriteError, Written, write_private, write_with_mode};
