//! The record of one file of an image.

use serde::Serialize;

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// A directory.
    Directory,
    /// A file, or a further name of one.
    File,
    /// A symbolic link.
    Symlink,
    /// A device or a pipe.
    Special,
}

/// A file without its name and contents. Times are left out: two builds always differ in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// Its kind.
    pub kind: FileKind,
    /// Its permission bits.
    pub mode: u32,
    /// The ids of its user and group.
    pub owner: (u64, u64),
    /// Its size in bytes; 0 where it is not a file.
    pub size: u64,
    /// SHA-256 of its contents, or of a link's target.
    pub digest: [u8; 32],
}
