//! Files that are written beside their place and put there when they are whole.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, OFlags, flock};
use tempfile::NamedTempFile;

use crate::lock::{is_at, try_flock};

/// Begins the name of every staged file.
const PREFIX: &str = ".slipway-";

/// The number of random characters after [`PREFIX`].
const RANDOM: usize = 8;

/// A file that gets its name when it is whole.
///
/// It is removed when it is dropped before that. When the process is killed before that, the next
/// [`remove_unfinished`] in the same directory removes it.
#[derive(Debug)]
pub struct StagedFile {
    file: NamedTempFile,
}

impl StagedFile {
    /// Makes an empty file with mode 0600 in `directory`.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn new_in(directory: &Path) -> io::Result<StagedFile> {
        StagedFile::with_mode(directory, 0o600)
    }

    /// Makes an empty file in `directory` with the mode that the umask leaves of 0666.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn public_in(directory: &Path) -> io::Result<StagedFile> {
        StagedFile::with_mode(directory, 0o666)
    }

    fn with_mode(directory: &Path, mode: u32) -> io::Result<StagedFile> {
        loop {
            let file = tempfile::Builder::new()
                .prefix(PREFIX)
                .rand_bytes(RANDOM)
                .permissions(Permissions::from_mode(mode))
                .tempfile_in(directory)?;
            // The lock tells a file that is being written from one that a killed process left.
            // File systems without locks have no clean-up.
            let _ = flock(file.as_file(), FlockOperation::LockExclusive);
            if is_at(file.as_file(), file.path()) {
                return Ok(StagedFile { file });
            }
        }
    }

    /// Returns the open file.
    pub fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Sets the mode of the file.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.file().set_permissions(Permissions::from_mode(mode))
    }

    /// Moves the file to its path, where it replaces an existing file.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn persist(self, path: &Path) -> io::Result<()> {
        self.file.persist(path)?;
        Ok(())
    }
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Removes the staged files that killed processes left in a directory. Those of running processes
/// stay.
///
/// # Errors
/// Those of the file system, when the directory cannot be read or a file cannot be removed.
pub fn remove_unfinished(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if is_staged_name(&entry.file_name()) && entry.file_type()?.is_file() {
            remove_if_unfinished(&entry.path())?;
        }
    }
    Ok(())
}

fn is_staged_name(name: &OsStr) -> bool {
    name.as_encoded_bytes()
        .strip_prefix(PREFIX.as_bytes())
        .is_some_and(|random| {
            random.len() == RANDOM && random.iter().all(u8::is_ascii_alphanumeric)
        })
}

fn remove_if_unfinished(path: &Path) -> io::Result<()> {
    let opened = File::options()
        .read(true)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path);
    let file = match opened {
        Ok(file) => file,
        // Its process has put it in its place by now, or it is another user's.
        Err(_) => return Ok(()),
    };
    let is_ours = file.metadata()?.uid() == rustix::process::geteuid().as_raw();
    if is_ours && try_flock(&file).unwrap_or(false) && is_at(&file, path) {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn files_of_killed_processes_are_removed_and_those_in_use_stay() {
        let dir = tempfile::tempdir().unwrap();
        for name in [".slipway-Ab3dEf9x", ".slipway-config", ".slipway-Ab3dEf9x2"] {
            fs::write(dir.path().join(name), "half").unwrap();
        }
        let mut staged = StagedFile::new_in(dir.path()).unwrap();
        staged.write_all(b"whole").unwrap();
        remove_unfinished(dir.path()).unwrap();
        assert!(!dir.path().join(".slipway-Ab3dEf9x").exists());
        staged.persist(&dir.path().join("file")).unwrap();
        assert_eq!(
            names(dir.path()),
            [".slipway-Ab3dEf9x2", ".slipway-config", "file"]
        );
    }

    #[test]
    fn a_file_that_is_dropped_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        drop(StagedFile::new_in(dir.path()).unwrap());
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn files_can_be_staged_while_another_thread_cleans_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let end = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !end.load(std::sync::atomic::Ordering::Relaxed) {
                    remove_unfinished(dir.path()).unwrap();
                }
            });
            for _ in 0..500 {
                let mut staged = StagedFile::new_in(dir.path()).unwrap();
                staged.write_all(b"text").unwrap();
                staged.persist(&path).unwrap();
            }
            end.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        assert_eq!(names(dir.path()), ["file"]);
    }
}
