//! Builds of one namespace and tag on one machine take turns.
//!
//! A child names its parent by reference, and the fingerprint it is given says what that parent
//! was. Were two builds with different inputs to give the same reference to different parents at
//! once, a child could carry the fingerprint of the one and be built from the other. The lock is
//! the kernel's, so a killed build holds none.

use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use crate::error::{IoContext, Result};

/// Held while a build runs; its file is gone afterwards.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    _file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Still locked, so nobody else can be using it. Left behind, it would harm nobody.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// How often a waiting build looks again. Asking instead of blocking lets Ctrl-C end the wait.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Takes the lock for builds of these references on this engine; calls `waiting` first if
/// another holds it.
pub(super) async fn acquire(
    engine: &str,
    references: &str,
    waiting: impl FnOnce(),
) -> Result<Lock> {
    let path = path(engine, references);
    let mut waiting = Some(waiting);
    loop {
        if let Some(file) = try_lock(&path).at(&path)? {
            return Ok(Lock { path, _file: file });
        }
        if let Some(waiting) = waiting.take() {
            waiting();
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// The locked file, or `None` while another holds it.
fn try_lock(path: &Path) -> io::Result<Option<File>> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK | Errno::INTR) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    // The one before may have removed the file between our opening and our locking it.
    let is_current = std::fs::metadata(path).is_ok_and(|now| {
        file.metadata()
            .is_ok_and(|ours| (ours.dev(), ours.ino()) == (now.dev(), now.ino()))
    });
    Ok(is_current.then_some(file))
}

fn path(engine: &str, references: &str) -> PathBuf {
    let mut hasher = Sha256::new();
    hasher.update(engine.len().to_le_bytes());
    hasher.update(engine);
    hasher.update(references);
    let name = hex::encode(&hasher.finalize()[..8]);
    let user = rustix::process::getuid().as_raw();
    let run = Path::new("/run/lock");
    let folder = if user == 0 && run.is_dir() {
        run.to_owned()
    } else {
        std::env::temp_dir()
    };
    folder.join(format!("slipway-build-{user}-{name}.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_second_waits_for_the_first() {
        let references = format!("lock-test-{}", std::process::id());
        let first = acquire("e", &references, || panic!("nobody else holds it"))
            .await
            .unwrap();
        let (told, hears) = tokio::sync::oneshot::channel();
        let second = tokio::spawn({
            let references = references.clone();
            async move {
                acquire("e", &references, || told.send(()).unwrap())
                    .await
                    .unwrap()
            }
        });
        hears.await.unwrap();
        assert!(!second.is_finished());
        drop(first);
        second.await.unwrap();
        let other = format!("{references}-other");
        acquire("e", &other, || panic!("another build is no obstacle"))
            .await
            .unwrap();
        assert!(!path("e", &references).exists() && !path("e", &other).exists());
    }
}
