//! Where sources are put before they are sent: a folder that goes with the run, or with the next
//! one where the run was killed.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags, flock};
use tempfile::TempDir;

/// What the folders' names begin with.
const PREFIX: &str = "slipway-build-";

/// A folder that is not locked may be about to be, while it is younger than this.
const NEW: Duration = Duration::from_secs(60);

/// A folder of one run, removed with it.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: TempDir,
    /// The kernel's, so a killed run holds none.
    _lock: File,
}

impl Scratch {
    /// Makes one in this folder, and removes what killed runs left there.
    pub(crate) fn new_in(above: &Path) -> io::Result<Scratch> {
        sweep(above);
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(above)?;
        let lock = open(folder.path())?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Scratch {
            folder,
            _lock: lock,
        })
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders of runs that are no more. What cannot be removed harms nobody.
fn sweep(above: &Path) {
    let mine = rustix::process::geteuid().as_raw();
    let entries = fs::read_dir(above).into_iter().flatten();
    for entry in entries.filter_map(Result::ok) {
        if !entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(PREFIX.as_bytes())
        {
            continue;
        }
        let Ok(lock) = open(&entry.path()) else {
            continue;
        };
        let is_old = lock.metadata().is_ok_and(|metadata| {
            let age = metadata.modified().ok().and_then(|at| at.elapsed().ok());
            metadata.uid() == mine && age.is_some_and(|age| age > NEW)
        });
        if is_old && flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A folder itself, and nothing that a link leads to.
fn open(folder: &Path) -> io::Result<File> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    File::options().read(true).custom_flags(flags).open(folder)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn what_a_killed_run_left_goes_and_what_another_uses_stays() {
        let above = tempfile::tempdir().unwrap();
        let used = Scratch::new_in(above.path()).unwrap();
        fs::write(used.path().join("archive"), "").unwrap();
        let make = |name: &str| {
            let folder = above.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("archive"), "").unwrap();
            folder
        };
        let (left, new, other) = (
            make("slipway-build-left"),
            make("slipway-build-new"),
            make("other"),
        );
        let long_ago = SystemTime::now() - 2 * NEW;
        for folder in [&left, &other, &used.path().to_owned()] {
            open(folder).unwrap().set_modified(long_ago).unwrap();
        }
        let next = Scratch::new_in(above.path()).unwrap();
        assert!(!left.exists());
        assert!(new.exists() && other.exists() && used.path().join("archive").exists());
        let path = next.path().to_owned();
        drop(next);
        assert!(!path.exists() && used.path().exists());
    }
}
