//! Directories that go with the process that made them.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, OFlags, flock};
use tempfile::TempDir;

use crate::lock::{is_at, try_flock};

/// The number of random characters after the prefix of a name.
const RANDOM: usize = 8;

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
        loop {
            let directory = tempfile::Builder::new()
                .prefix(prefix)
                .rand_bytes(RANDOM)
                .tempdir_in(parent)?;
            // Another process may take it for an abandoned one until it is locked.
            let lock = match open(directory.path()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            flock(&lock, FlockOperation::LockExclusive)?;
            if is_at(&lock, directory.path()) {
                return Ok(ScratchDirectory {
                    directory,
                    _lock: lock,
                });
            }
        }
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
        let random = name.as_encoded_bytes().strip_prefix(prefix.as_bytes());
        let is_scratch = random.is_some_and(|random| {
            random.len() == RANDOM && random.iter().all(u8::is_ascii_alphanumeric)
        });
        if !is_scratch {
            continue;
        }
        let Ok(lock) = open(&entry.path()) else {
            continue;
        };
        let is_ours = lock.metadata().is_ok_and(|found| found.uid() == user);
        if is_ours && try_flock(&lock).unwrap_or(false) {
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
    use super::*;

    #[test]
    fn directories_of_killed_processes_are_removed_and_those_in_use_stay() {
        let parent = tempfile::tempdir().unwrap();
        let used = ScratchDirectory::new_in(parent.path(), "scratch-").unwrap();
        fs::write(used.path().join("archive"), "").unwrap();
        let make = |name: &str| {
            let directory = parent.path().join(name);
            fs::create_dir(&directory).unwrap();
            fs::write(directory.join("archive"), "").unwrap();
            directory
        };
        let abandoned = make("scratch-Ab3dEf9x");
        let others = ["scratch-notes", "other-Ab3dEf9x"].map(make);
        let next = ScratchDirectory::new_in(parent.path(), "scratch-").unwrap();
        assert!(!abandoned.exists());
        assert!(others.iter().all(|other| other.exists()));
        assert!(used.path().join("archive").exists());
        let path = next.path().to_owned();
        drop(next);
        assert!(!path.exists() && used.path().exists());
    }

    #[test]
    fn many_can_be_made_at_once() {
        let parent = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let made = ScratchDirectory::new_in(parent.path(), "scratch-").unwrap();
                        fs::write(made.path().join("file"), "").unwrap();
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
