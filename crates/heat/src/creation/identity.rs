//! Ids and random strings that stay the same from one creation to the next.

use std::fmt;

use sha2::{Digest, Sha256};

/// A secret from which ids and random strings are derived.
#[derive(Clone)]
pub struct Seed(Vec<u8>);

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(…)")
    }
}

const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl Seed {
    /// Returns the seed of these bytes. They should be random, and at least 16.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Returns the id of a thing, as text of a UUID.
    pub(super) fn uuid(&self, of: &[&str]) -> String {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.digest(of, 0)[..16]);
        let id = uuid::Builder::from_custom_bytes(bytes).into_uuid();
        id.to_string()
    }

    /// Returns letters and digits.
    pub(super) fn letters(&self, of: &[&str], length: usize) -> String {
        let mut letters = String::with_capacity(length);
        let mut block = 0;
        while letters.len() < length {
            // Bytes above the last multiple of 62 would make some letters likelier.
            let bytes = self.digest(of, block);
            let usable = bytes.iter().filter(|byte| **byte < 248);
            let more = usable.map(|byte| char::from(LETTERS[usize::from(byte % 62)]));
            letters.extend(more.take(length - letters.len()));
            block += 1;
        }
        letters
    }

    fn digest(&self, of: &[&str], block: u32) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        add(&self.0);
        add(&block.to_be_bytes());
        for part in of {
            add(part.as_bytes());
        }
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_each_thing_the_same_id_again() {
        let seed = Seed::new(*b"0123456789abcdef");
        let id = seed.uuid(&["stack", "a"]);
        assert_eq!(id, seed.clone().uuid(&["stack", "a"]));
        assert_eq!(id.len(), 36);
        assert_ne!(id, seed.uuid(&["stack", "b"]));
        assert_ne!(id, seed.uuid(&["stac", "ka"]));
        assert_ne!(id, Seed::new(*b"fedcba9876543210").uuid(&["stack", "a"]));
    }

    #[test]
    fn strings_have_their_length() {
        let seed = Seed::new(*b"0123456789abcdef");
        for length in [0, 1, 32, 100] {
            let text = seed.letters(&["x"], length);
            assert_eq!(text.len(), length);
            assert!(text.chars().all(|c| c.is_ascii_alphanumeric()), "{text}");
        }
    }
}
