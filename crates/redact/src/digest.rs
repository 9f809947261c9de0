//! Keyed digests. They show that a secret changed, and do not help to guess it.

use std::fmt;
use std::io;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use slipway_files::Lock;

/// The bytes of a key.
const LENGTH: usize = 32;

/// Makes digests that only this host can compare.
///
/// A plain hash of a password that is easy to guess can be found by trying, wherever it travels. A
/// digest under a key that stays on the host cannot.
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// use slipway_redact::DigestKey;
///
/// let key = DigestKey::open(&directory.path().join("key"))?;
/// assert_eq!(key.digest(["name", "secret"]), key.digest(["name", "secret"]));
/// assert_ne!(key.digest(["name", "secret"]), key.digest(["names", "ecret"]));
/// let other = DigestKey::open(&directory.path().join("other"))?;
/// assert_ne!(key.digest(["name", "secret"]), other.digest(["name", "secret"]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct DigestKey([u8; LENGTH]);

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestKey").finish_non_exhaustive()
    }
}

impl DigestKey {
    /// Reads the key in this file, and makes it first where it is missing. Of two processes that
    /// make it at once, one makes it for both.
    ///
    /// # Errors
    /// When the file is not a key, or cannot be read or written.
    pub fn open(path: &Path) -> io::Result<DigestKey> {
        if let Some(key) = DigestKey::existing(path)? {
            return Ok(key);
        }
        let lock = path.with_extension("lock");
        let attempt = || Lock::try_take(&lock).map(|held| held.temporary(&lock));
        let _lock = Lock::wait(attempt, |_| {}).map_err(|error| error.into_reason())?;
        if let Some(key) = DigestKey::existing(path)? {
            return Ok(key);
        }
        let key = DigestKey::random()?;
        slipway_files::write_private(path, &key.0).map_err(io::Error::other)?;
        Ok(key)
    }

    /// Reads the key in this file; `None` where it is missing.
    ///
    /// # Errors
    /// When the file is not a key, or cannot be read.
    pub fn existing(path: &Path) -> io::Result<Option<DigestKey>> {
        match slipway_files::read(path, LENGTH as u64) {
            Ok(bytes) => DigestKey::from_bytes(&bytes).map(Some),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error.into_reason()),
        }
    }

    /// Makes a new random key.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn random() -> io::Result<DigestKey> {
        slipway_files::random_bytes().map(DigestKey)
    }

    fn from_bytes(bytes: &[u8]) -> io::Result<DigestKey> {
        bytes.try_into().map(DigestKey).map_err(|_| {
            let message = format!("it is not a key of {LENGTH} bytes; remove it to make a new one");
            io::Error::new(io::ErrorKind::InvalidData, message)
        })
    }

    /// Returns the digest of these parts, in hexadecimal (64 characters). It also depends on where one
    /// part ends and the next begins.
    pub fn digest<T: AsRef<[u8]>>(&self, parts: impl IntoIterator<Item = T>) -> String {
        let mut bytes = Vec::new();
        for part in parts {
            let part = part.as_ref();
            bytes.extend((part.len() as u64).to_le_bytes());
            bytes.extend(part);
        }
        self.digest_bytes(&bytes)
    }

    /// Returns the digest of these bytes, in hexadecimal (64 characters).
    pub fn digest_bytes(&self, bytes: &[u8]) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            // HMAC takes keys of any length.
            return String::new();
        };
        mac.update(bytes);
        hex::encode(mac.finalize().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_however_many_want_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let digests: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| DigestKey::open(&path).unwrap().digest(["x"])))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert!(digests.iter().all(|digest| *digest == digests[0]));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_invalid_key_is_an_error_with_advice() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, "short").unwrap();
        let error = DigestKey::open(&path).unwrap_err().to_string();
        assert!(error.contains("remove it to make a new one"), "{error}");
    }

    #[test]
    fn debug_shows_nothing() {
        let key = DigestKey([7; LENGTH]);
        assert!(!format!("{key:?}").contains('7'));
    }
}
