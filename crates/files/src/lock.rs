//! Locks that the kernel keeps: they end with the process that holds them, however it ends.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags, fcntl_getfl, fcntl_setfl, flock};
use rustix::io::Errno;

use crate::private_directory;

/// A held lock, which is released when it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    /// Removed with the lock.
    path: Option<PathBuf>,
}

/// The reason why a lock was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process holds it.
    #[error("another run ({holder}) holds {}: wait for it, or end it", path.display())]
    Held {
        /// The lock's file.
        path: PathBuf,
        /// Program and process ID of the other run.
        holder: String,
    },
    /// Its file cannot be used.
    #[error("cannot lock {}: {source}", path.display())]
    File {
        /// The lock's file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl LockError {
    /// Returns the reason alone, for an error that names the path itself.
    pub fn into_reason(self) -> io::Error {
        match self {
            LockError::Held { holder, .. } => io::Error::new(
                io::ErrorKind::WouldBlock,
                format!("another run ({holder}) holds it"),
            ),
            LockError::File { source, .. } => source,
        }
    }
}

/// Time between two attempts. A blocking call could not be interrupted.
const PAUSE: Duration = Duration::from_millis(100);

/// Stands for a holder that has not written its name yet.
const UNSIGNED: &str = "unnamed";

impl Lock {
    /// Takes the lock with this file, or returns its holder as an error.
    ///
    /// A missing directory is made, for this user alone; an existing one stays as it is, so close it
    /// with [`private_directory`](crate::private_directory) first if others could write there. The
    /// file is not followed if it is a symlink. It stays when the lock ends: see [`Lock::temporary`].
    ///
    /// # Errors
    /// [`LockError::Held`] while another process holds it, [`LockError::File`] otherwise.
    pub fn try_take(path: &Path) -> Result<Lock, LockError> {
        let fault = |source| LockError::File {
            path: path.to_owned(),
            source,
        };
        loop {
            let mut file = open(path).map_err(fault)?;
            if !try_flock(&file).map_err(fault)? {
                return Err(LockError::Held {
                    path: path.to_owned(),
                    holder: holder(&mut file),
                });
            }
            // The holder before may have removed the file between our opening and our locking it.
            if is_at(&file, path) {
                sign(&mut file).map_err(fault)?;
                return Ok(Lock { file, path: None });
            }
        }
    }

    /// Takes the lock on the directory itself, without a file in it.
    ///
    /// # Errors
    /// As for [`Lock::try_take`].
    pub fn try_take_directory(path: &Path) -> Result<Lock, LockError> {
        let fault = |source| LockError::File {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(fault)?;
        match try_flock(&file).map_err(fault)? {
            true => Ok(Lock { file, path: None }),
            false => Err(LockError::Held {
                path: path.to_owned(),
                holder: UNSIGNED.to_owned(),
            }),
        }
    }

    /// Returns a standard input for a child process. The lock then lasts until both this process and the
    /// child have ended, so a child that outlives a killed parent is not disturbed. The child reads an
    /// empty file.
    ///
    /// # Errors
    /// The system has no file descriptor left.
    pub fn share(&self) -> io::Result<Stdio> {
        let mut file = self.file.try_clone()?;
        // Some programs refuse a standard input that does not block.
        let flags = fcntl_getfl(&file)?;
        fcntl_setfl(&file, flags.difference(OFlags::NONBLOCK))?;
        file.seek(io::SeekFrom::End(0))?;
        Ok(Stdio::from(file))
    }

    /// Removes the lock's file when the lock ends.
    #[must_use]
    pub fn temporary(mut self, path: &Path) -> Lock {
        self.path = Some(path.to_owned());
        self
    }

    /// Waits for a lock that `attempt` takes; `waiting` hears once who holds it.
    ///
    /// ```
    /// # let directory = tempfile::tempdir()?;
    /// use slipway_files::Lock;
    ///
    /// let lock = Lock::wait(
    ///     || Lock::try_take_directory(directory.path()),
    ///     |holder| eprintln!("waiting for {holder}"),
    /// )?;
    /// # drop(lock);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of `attempt`, except for [`LockError::Held`].
    pub fn wait(
        attempt: impl Fn() -> Result<Lock, LockError>,
        waiting: impl FnOnce(&str),
    ) -> Result<Lock, LockError> {
        let mut waiting = Announcement::new(waiting);
        loop {
            match attempt() {
                Err(LockError::Held { holder, .. }) => waiting.announce(&holder),
                result => return result,
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Takes the lock with this file, waiting for whoever holds it; `waiting` hears once who that
    /// is.
    ///
    /// # Errors
    /// [`LockError::File`].
    #[cfg(feature = "tokio")]
    pub async fn take(path: &Path, waiting: impl FnOnce(&str)) -> Result<Lock, LockError> {
        let mut waiting = Announcement::new(waiting);
        loop {
            match Lock::try_take(path) {
                Err(LockError::Held { holder, .. }) => waiting.announce(&holder),
                result => return result,
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Removed while it is still locked, so nobody else can hold it. A file that stays does no
        // harm.
        if let Some(path) = self.path.take()
            && is_at(&self.file, &path)
        {
            let _ = fs::remove_file(path);
        }
    }
}

/// Reports the holder of a lock once.
struct Announcement<F> {
    waiting: Option<F>,
    attempts: u32,
}

impl<F: FnOnce(&str)> Announcement<F> {
    fn new(waiting: F) -> Announcement<F> {
        Announcement {
            waiting: Some(waiting),
            attempts: 0,
        }
    }

    fn announce(&mut self, holder: &str) {
        self.attempts += 1;
        // Who has only just got the lock has not signed it yet; a directory is never signed.
        if (holder != UNSIGNED || self.attempts > 1)
            && let Some(waiting) = self.waiting.take()
        {
            waiting(holder);
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent().filter(|directory| !directory.exists()) {
        private_directory(directory)?;
    }
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is not a regular file")),
    }
}

/// Returns whether the lock was free.
pub(crate) fn try_flock(file: &File) -> io::Result<bool> {
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Tells whether an open file is the one that this path leads to now.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(ours), Ok(found)) => identity(ours) == identity(found),
        _ => false,
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(256).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => UNSIGNED.to_owned(),
    }
}

fn sign(file: &mut File) -> io::Result<()> {
    let program = std::env::current_exe().ok();
    let program = program.as_deref().and_then(Path::file_name);
    let program = program.map_or_else(|| "slipway".into(), |name| name.to_string_lossy());
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{program}, process {}", std::process::id())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[tokio::test]
    #[cfg(feature = "tokio")]
    async fn the_second_waits_for_the_first_and_hears_who_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("made/when/missing");
        let first = Lock::take(&path, |_| panic!("nobody else holds it"))
            .await
            .unwrap();
        let us = format!("process {}", std::process::id());
        let refused = Lock::try_take(&path).unwrap_err().to_string();
        assert!(refused.contains(&us), "{refused}");
        let (announce, announced) = tokio::sync::oneshot::channel();
        let second = tokio::spawn({
            let path = path.clone();
            async move { Lock::take(&path, |holder| announce.send(holder.to_owned()).unwrap()).await }
        });
        assert!(announced.await.unwrap().contains(&us));
        assert!(!second.is_finished());
        drop(first);
        second.await.unwrap().unwrap();
    }

    #[test]
    fn a_new_directory_is_private_and_an_existing_one_is_unchanged() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        Lock::try_take(&dir.path().join("new/lock")).unwrap();
        assert_eq!(mode(&dir.path().join("new")), 0o700);
        let shared = dir.path().join("shared");
        fs::create_dir(&shared).unwrap();
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o1777)).unwrap();
        Lock::try_take(&shared.join("lock")).unwrap();
        assert_eq!(mode(&shared), 0o1777);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = Lock::try_take(dir.path()).unwrap_err().to_string();
        let start = format!("cannot lock {}", dir.path().display());
        assert!(error.starts_with(&start), "{error}");
    }

    #[test]
    fn links_and_pipes_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let [victim, link, pipe] = ["victim", "link", "pipe"].map(|name| dir.path().join(name));
        fs::write(&victim, "theirs").unwrap();
        symlink(&victim, &link).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        for path in [&link, &pipe] {
            assert!(matches!(Lock::try_take(path), Err(LockError::File { .. })));
        }
        assert_eq!(fs::read_to_string(&victim).unwrap(), "theirs");
    }

    #[test]
    fn a_temporary_lock_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let lock = Lock::try_take(&path).unwrap().temporary(&path);
        assert!(path.exists());
        drop(lock);
        assert!(!path.exists());
    }

    #[test]
    fn a_child_keeps_the_lock_until_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let lock = Lock::try_take(&path).unwrap();
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .stdin(lock.share().unwrap())
            .spawn()
            .unwrap();
        drop(lock);
        assert!(matches!(Lock::try_take(&path), Err(LockError::Held { .. })));
        child.kill().unwrap();
        child.wait().unwrap();
        Lock::wait(|| Lock::try_take(&path), |_| {}).unwrap();
    }

    #[test]
    fn a_directory_is_locked_without_a_file_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::try_take_directory(dir.path()).unwrap();
        assert!(Lock::try_take_directory(dir.path()).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        std::thread::scope(|scope| {
            let (announce, announced) = std::sync::mpsc::channel();
            let attempt = || Lock::try_take_directory(dir.path());
            let second = scope.spawn(move || {
                Lock::wait(attempt, |_| announce.send(()).unwrap()).unwrap();
            });
            announced.recv().unwrap();
            drop(lock);
            second.join().unwrap();
        });
    }
}
