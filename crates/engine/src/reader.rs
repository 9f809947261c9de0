//! Containers that images are read through: which process they belong to.

use std::path::{Path, PathBuf};

use slipway_files::{Lock, LockError, private_directory, random_bytes, state_directory};

use crate::{Engine, EngineError, Result};

/// The start of the names of such containers.
const PREFIX: &str = "slipway-reader-";

/// A container's lock, held by the process that makes the container. Its file has the container's name.
///
/// The file stays until the container is removed, so that the next process finds the file without its
/// lock and removes both.
#[derive(Debug)]
pub(crate) struct Claim {
    name: String,
    path: PathBuf,
    lock: Lock,
}

impl Claim {
    /// Removes the containers of killed processes, and claims a name for a new one.
    pub(crate) async fn new(engine: &dyn Engine) -> Result<Claim> {
        let locks = locks()?;
        for claim in abandoned(&locks).map_err(|error| failed(&error))? {
            if let Some(container) = engine.find_container(&claim.name).await? {
                engine.remove_container(&container.id).await?;
            }
            claim.end();
        }
        loop {
            let random = random_bytes::<8>().map_err(|error| failed(&error))?;
            let name = format!("{PREFIX}{:016x}", u64::from_ne_bytes(random));
            match Claim::take(&locks, name) {
                Ok(claim) => return Ok(claim),
                // Another process took the new file for an abandoned one before it was locked.
                Err(LockError::Held { .. }) => {}
                Err(error) => return Err(failed(&error)),
            }
        }
    }

    fn take(locks: &Path, name: String) -> Result<Claim, LockError> {
        let path = locks.join(&name);
        let lock = Lock::try_take(&path)?;
        Ok(Claim { name, path, lock })
    }

    /// The name of the container.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Ends the claim after the container was removed.
    pub(crate) fn end(self) {
        drop(self.lock.temporary(&self.path));
    }
}

/// Returns the directory of the locks, which outlives a restart as the containers do.
fn locks() -> Result<PathBuf> {
    let directory = state_directory()
        .map_err(|error| failed(&error))?
        .join("readers");
    private_directory(&directory).map_err(|error| failed(&error))?;
    Ok(directory)
}

/// Takes the locks that killed processes left.
fn abandoned(locks: &Path) -> std::io::Result<Vec<Claim>> {
    let mut claims = Vec::new();
    for entry in std::fs::read_dir(locks)? {
        let name = entry?.file_name().into_string();
        let name = name.ok().filter(|name| name.starts_with(PREFIX));
        claims.extend(name.and_then(|name| Claim::take(locks, name).ok()));
    }
    Ok(claims)
}

fn failed(reason: &dyn std::fmt::Display) -> EngineError {
    EngineError::Local {
        action: "prepare a container to read an image".to_owned(),
        message: reason.to_string(),
    }
}
