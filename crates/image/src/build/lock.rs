//! Builds of one namespace and tag on one engine take turns.
//!
//! A child names its parent by reference, and its fingerprint says what that parent was. If two
//! builds with different inputs gave the same reference to different parents at once, a child could
//! carry the fingerprint of one and be built from the other.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use slipway_files::{Lock, LockError, lock_directory};

/// Takes the lock for builds of these references on this engine; calls `waiting` first if
/// another build holds it. The lock's file goes with it.
pub(super) async fn acquire(
    engine: &str,
    references: &str,
    waiting: impl FnOnce(),
) -> Result<Lock, LockError> {
    let path = path(&lock_directory()?, engine, references);
    let lock = Lock::take(&path, |_| waiting()).await?;
    Ok(lock.temporary(&path))
}

fn path(directory: &Path, engine: &str, references: &str) -> PathBuf {
    let mut hasher = Sha256::new();
    hasher.update(engine.len().to_le_bytes());
    hasher.update(engine);
    hasher.update(references);
    let name = hex::encode(&hasher.finalize()[..8]);
    directory.join(format!("build-{name}.lock"))
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
        let (announce, announced) = tokio::sync::oneshot::channel();
        let second = tokio::spawn({
            let references = references.clone();
            async move {
                acquire("e", &references, || announce.send(()).unwrap())
                    .await
                    .unwrap()
            }
        });
        announced.await.unwrap();
        assert!(!second.is_finished());
        drop(first);
        second.await.unwrap();
        let other = format!("{references}-other");
        acquire("e", &other, || panic!("another build is no obstacle"))
            .await
            .unwrap();
        let directory = lock_directory().unwrap();
        assert!(!path(&directory, "e", &references).exists());
        assert!(!path(&directory, "e", &other).exists());
    }
}
