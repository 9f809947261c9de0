//! The files of a tree.

use std::fs;
use std::path::{Path, PathBuf};

use super::Error;

/// A file that was found.
#[derive(Debug)]
pub(super) struct Found {
    /// Its path, relative to the tree.
    pub path: PathBuf,
    /// Its path on disk.
    pub place: PathBuf,
}

/// Returns all directories and files except hidden ones, by path. A symlink to a file is a file; a symlink to a directory is skipped.
pub(super) fn walk(root: &Path) -> Result<(Vec<PathBuf>, Vec<Found>), Error> {
    let mut files = Vec::new();
    let mut directories = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(directory) = open.pop() {
        let place = root.join(&directory);
        let unreadable = |error| Error::file("cannot read", &place, error);
        for entry in fs::read_dir(&place).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = directory.join(entry.file_name());
            let place = entry.path();
            let unreadable = |error| Error::file("cannot read", &place, error);
            let is_link = entry.file_type().map_err(unreadable)?.is_symlink();
            let found = fs::metadata(&place).map_err(unreadable)?;
            if found.is_file() {
                files.push(Found { path, place });
            } else if found.is_dir() && !is_link {
                open.push(path);
            } else if !found.is_dir() {
                return Err(Error::file(
                    "cannot copy",
                    &place,
                    std::io::Error::other("it is no regular file"),
                ));
            }
        }
        directories.push(directory);
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    directories.sort();
    Ok((directories, files))
}
