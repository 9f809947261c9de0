//! Builds of one namespace and tag on one machine take turns.
//!
//! A child names its parent by reference, and the fingerprint it is given says what that parent
//! was. Were two builds with different inputs to give the same reference to different parents at
//! once, a child could carry the fingerprint of the one and be built from the other. The lock is
//! the kernel's, so a killed build holds none.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use slipway_files::{Lock, LockError};

/// Takes the lock for builds of these references on this engine; calls `waiting` first if
/// another build holds it. The lock's file goes with it.
pub(super) async fn acquire(
    engine: &str,
    references: &str,
    waiting: impl FnOnce(),
) -> Result<Lock, LockError> {
    let path = path(engine, references);
    let lock = Lock::take(&path, |_| waiting()).await?;
    Ok(lock.temporary(&path))
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
