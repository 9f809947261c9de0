//! Directories that go with the process that made them.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rustix::fs::OFlags;
use tempfile::TempDir;

use crate::lock::try_flock;

/// A directory younger than this may belong to a process that has not locked it yet.
const NEW: Duration = Duration::from_secs(60);

/// A private directory that is removed when it is dropped, or by the next process that makes one
/// with the same prefix, where this one was killed.
#[derive(Debug)]
pub struct ScratchDirectory {
    directory: TempDir,
    _lock: File,
}

impl ScratchDirectory {
    /// Makes one in `parent`, its name beginning with `prefix`, and removes those that killed
    /// processes left there.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn new_in(parent: &Path, prefix: &str) -> io::Result<ScratchDirectory> {
        remove_abandoned(parent, prefix);
        let directory = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
        let lock = open(directory.path())?;
        try_flock(&lock)?;
        Ok(ScratchDirectory {
            directory,
            _lock: lock,
        })
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Removes the directories of ended processes. One that cannot be removed does no harm.
fn remove_abandoned(parent: &Path, prefix: &str) {
    let user = rustix::process::geteuid().as_raw();
    let entries = fs::read_dir(parent).into_iter().flatten();
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        if !name.as_encoded_bytes().starts_with(prefix.as_bytes()) {
            continue;
        }
        let Ok(lock) = open(&entry.path()) else {
            continue;
        };
        let is_old = lock.metadata().is_ok_and(|metadata| {
            let age = metadata.modified().ok().and_then(|at| at.elapsed().ok());
            metadata.uid() == user && age.is_some_and(|age| age > NEW)
        });
        if is_old && try_flock(&lock).unwrap_or(false) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Opens a directory, not the one that a symlink leads to.
fn open(directory: &Path) -> io::Result<File> {
    File::options()
        .read(true)
        .custom_flags((OFlags::DIRECTORY | OFlags::NOFOLLOW).bits().cast_signed())
        .open(directory)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn what_a_killed_process_left_goes_and_what_another_uses_stays() {
        let parent = tempfile::tempdir().unwrap();
        let used = ScratchDirectory::new_in(parent.path(), "scratch-").unwrap();
        fs::write(used.path().join("archive"), "").unwrap();
        let make = |name: &str| {
            let directory = parent.path().join(name);
            fs::create_dir(&directory).unwrap();
            fs::write(directory.join("archive"), "").unwrap();
            directory
        };
        let (abandoned, new, other) = (make("scratch-old"), make("scratch-new"), make("other"));
        let long_ago = SystemTime::now() - 2 * NEW;
        for directory in [&abandoned, &other, &used.path().to_owned()] {
            open(directory).unwrap().set_modified(long_ago).unwrap();
        }
        let next = ScratchDirectory::new_in(parent.path(), "scratch-").unwrap();
        assert!(!abandoned.exists());
        assert!(new.exists() && other.exists() && used.path().join("archive").exists());
        let path = next.path().to_owned();
        drop(next);
        assert!(!path.exists() && used.path().exists());
    }
}
