//! Finds the paths that match a glob, as Python's `glob.glob` does.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{FsError, Last, Links, Node, Result, Root};
use crate::glob::{has_magic, matches};

impl Root {
    /// Returns the paths that match `pattern`, sorted. An existing plain path matches itself.
    ///
    /// An unreadable directory matches nothing. A directory behind a symlink that must not be
    /// followed is an error.
    pub(crate) fn glob(&self, pattern: &str, links: Links) -> Result<Vec<PathBuf>> {
        let (dir, name) = split(pattern);
        let dirs = match dir {
            dir if dir != pattern && has_magic(dir) => self.glob(dir, links)?,
            dir => vec![PathBuf::from(dir)],
        };
        let mut paths = Vec::new();
        for dir in dirs {
            if has_magic(name) {
                paths.extend(self.matching(&dir, name, links)?);
            } else if self.look(&dir.join(name), links)?.is_some() {
                paths.push(dir.join(name));
            }
        }
        Ok(paths)
    }

    /// Returns `path` alone if it exists, without reading it as a glob.
    pub(crate) fn literal(&self, path: &str, links: Links) -> Result<Vec<PathBuf>> {
        Ok(self
            .look(Path::new(path), links)?
            .map(|_| PathBuf::from(path))
            .into_iter()
            .collect())
    }

    fn matching(&self, dir: &Path, pattern: &str, links: Links) -> Result<Vec<PathBuf>> {
        // A trailing slash means that a symlink as the last component is followed.
        let searched = if dir.as_os_str().is_empty() {
            PathBuf::from("./")
        } else {
            dir.join("")
        };
        let node = self.look(&searched, links)?;
        let entries = node
            .and_then(|node| node.list(dir).ok())
            .unwrap_or_default();
        let matching = entries
            .into_iter()
            .filter(|entry| matches(pattern, entry.name.as_bytes()));
        Ok(matching.map(|entry| dir.join(entry.name)).collect())
    }

    fn look(&self, path: &Path, links: Links) -> Result<Option<Node>> {
        if path.as_os_str().is_empty() {
            return Ok(None);
        }
        match self.find(path, links, Last::Keep) {
            Ok(found) => Ok(found.node),
            Err(error) if FsError::is_untrusted(&error) => Err(error),
            Err(_) => Ok(None),
        }
    }
}

/// Python's `os.path.split`.
fn split(path: &str) -> (&str, &str) {
    let (head, tail) = path.split_at(path.rfind('/').map_or(0, |at| at + 1));
    match head.trim_end_matches('/') {
        "" => (head, tail),
        dir => (dir, tail),
    }
}
