//! The directory of a project, and what must stay the same from one export to the next.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use slipway_files::{Lock, RANDOM_SOURCE, private_directory, random_bytes, write_private};
use slipway_heat::Seed;

use crate::error::{Error, Result};

/// The directory of Slipway's own files in a project.
const OWN: &str = ".slipway";

/// The number of random bytes of a seed.
const SEED_BYTES: usize = 32;

/// A project's directory, locked for one export.
#[derive(Debug)]
pub struct Site {
    path: PathBuf,
    identity: Identity,
    _lock: Lock,
}

/// The values from which ids, random passwords and times of a project are made.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Identity {
    seed: String,
}

impl Site {
    /// Opens a directory for an export, and creates it if it is missing.
    ///
    /// # Errors
    /// It has files that no export wrote, another export works on it, or it cannot be used.
    pub fn open(path: &Path) -> Result<Self> {
        private_directory(path).map_err(|source| changing(path, source))?;
        let own = path.join(OWN);
        let is_ours = own.is_dir();
        let mut entries = fs::read_dir(path).map_err(|source| reading(path, source))?;
        if !is_ours && entries.next().is_some() {
            return Err(Error::Foreign {
                path: path.to_owned(),
            });
        }
        private_directory(&own).map_err(|source| changing(&own, source))?;
        let lock = Lock::try_take(&own.join("lock"))?;
        Ok(Self {
            identity: Identity::open(&own.join("identity.json"))?,
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The seed of the project's ids and random passwords.
    pub fn seed(&self) -> Seed {
        Seed::new(self.identity.seed.as_bytes())
    }

    /// The file that lists what the last export wrote.
    pub(crate) fn list(&self) -> PathBuf {
        self.path.join(OWN).join("files.json")
    }
}

impl Identity {
    /// Reads the identity, or makes one.
    fn open(path: &Path) -> Result<Self> {
        match slipway_files::read_input(path) {
            Ok(text) => serde_json::from_str(&text)
                .map_err(|error| reading(path, std::io::Error::new(ErrorKind::InvalidData, error))),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::create(path),
            Err(error) => Err(reading(path, error)),
        }
    }

    fn create(path: &Path) -> Result<Self> {
        let bytes = random_bytes::<SEED_BYTES>();
        let bytes = bytes.map_err(|source| reading(Path::new(RANDOM_SOURCE), source))?;
        let identity = Self {
            seed: hex::encode(bytes),
        };
        let text = serde_json::json!(identity).to_string();
        write_private(path, text.as_bytes())?;
        Ok(identity)
    }
}

pub(crate) fn reading(path: &Path, source: std::io::Error) -> Error {
    Error::Read {
        path: path.to_owned(),
        source,
    }
}

pub(crate) fn changing(path: &Path, source: std::io::Error) -> Error {
    Error::Change {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_keeps_its_seed_and_a_foreign_directory_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("site");
        let first = Site::open(&path).unwrap().identity.seed;
        assert_eq!(Site::open(&path).unwrap().identity.seed, first);
        let other = root.path().join("other");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("theirs"), "x").unwrap();
        assert!(matches!(Site::open(&other), Err(Error::Foreign { .. })));
    }

    #[test]
    fn two_exports_exclude_each_other() {
        let root = tempfile::tempdir().unwrap();
        let site = Site::open(root.path()).unwrap();
        assert!(matches!(Site::open(root.path()), Err(Error::Lock(_))));
        drop(site);
        Site::open(root.path()).unwrap();
    }
}
