//! One run at a time: locks that the kernel keeps.
//!
//! ```
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! use slipway_runtime::lock::{Lock, LockError};
//!
//! let dir = tempfile::tempdir()?;
//! let path = dir.path().join("lock");
//! let first = Lock::take(&path, |_| {}).await?;
//! let second = Lock::try_take(&path);
//! assert!(matches!(second, Err(LockError::Held { .. })));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

/// Held while it lives; the kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another run has it.
    #[error("another run ({holder}) holds {}: wait for it, or end it", path.display())]
    Held {
        /// The lock's file.
        path: PathBuf,
        /// Program and process of the other run.
        holder: String,
    },
    /// Its file cannot be used.
    #[error("cannot lock {}: {source}", path.display())]
    File {
        /// The lock's file.
        path: PathBuf,
        /// The system's own words.
        source: std::io::Error,
    },
}

/// Asked again and again rather than blocked upon, so that whoever waits can be stopped.
const PAUSE: Duration = Duration::from_millis(100);

/// The holder of a lock that nobody has signed.
const UNSIGNED: &str = "unnamed";

impl Lock {
    /// Takes the lock with this file, waiting for whoever has it; `waiting` is told once who that
    /// is. The file's folder is made when it is missing.
    ///
    /// # Errors
    /// [`LockError::File`].
    pub async fn take(path: &Path, waiting: impl FnOnce(&str)) -> Result<Lock, LockError> {
        let mut waiting = Some(waiting);
        loop {
            match Lock::try_take(path) {
                Err(LockError::Held { holder, .. }) => {
                    // Who has only just got it has not signed yet.
                    let waiting = waiting.take_if(|_| holder != UNSIGNED);
                    if let Some(waiting) = waiting {
                        waiting(&holder);
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                result => return result,
            }
        }
    }

    /// Takes the lock with this file, or says who has it.
    ///
    /// # Errors
    /// See [`LockError`].
    pub fn try_take(path: &Path) -> Result<Lock, LockError> {
        let fault = |source| LockError::File {
            path: path.to_owned(),
            source,
        };
        let mut file = open(path).map_err(fault)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(LockError::Held {
                    path: path.to_owned(),
                    holder: holder(&mut file),
                });
            }
            Err(error) => return Err(fault(error.into())),
        }
        sign(&mut file).map_err(fault)?;
        Ok(Lock { _file: file })
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => UNSIGNED.to_owned(),
    }
}

fn sign(file: &mut File) -> std::io::Result<()> {
    let program = std::env::current_exe().ok();
    let program = program.as_deref().and_then(Path::file_name);
    let program = program.map_or_else(|| "slipway".into(), |name| name.to_string_lossy());
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{program}, process {}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_second_waits_for_the_first_and_hears_who_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("made/when/missing");
        let first = Lock::take(&path, |_| panic!("nobody else holds it"))
            .await
            .unwrap();
        let us = format!("process {}", std::process::id());
        let refused = Lock::try_take(&path).unwrap_err().to_string();
        assert!(refused.contains(&us), "{refused}");
        let (told, hears) = tokio::sync::oneshot::channel();
        let second = tokio::spawn({
            let path = path.clone();
            async move { Lock::take(&path, |holder| told.send(holder.to_owned()).unwrap()).await }
        });
        assert!(hears.await.unwrap().contains(&us));
        assert!(!second.is_finished());
        drop(first);
        second.await.unwrap().unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = Lock::try_take(dir.path()).unwrap_err().to_string();
        let start = format!("cannot lock {}", dir.path().display());
        assert!(error.starts_with(&start), "{error}");
    }
}
