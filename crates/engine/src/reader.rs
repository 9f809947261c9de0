//! Containers that images are read through: which process they belong to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use slipway_files::{Lock, private_directory, random_bytes, state_directory};

use crate::{Engine, EngineError, Result};

/// The label of such a container; its value is the name of its lock file.
const LABEL: &str = "slipway.reader";

/// A container's lock, held by the process that made the container.
///
/// The file stays until the container is removed, so that the next process finds the file without its
/// lock and removes both. A container whose file is missing here belongs to another machine that uses
/// the same engine.
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
        for container in engine.list_containers(&[LABEL.to_owned()]).await? {
            let Some(path) = container
                .labels
                .get(LABEL)
                .and_then(|name| lock_file(&locks, name))
            else {
                continue;
            };
            if !path.exists() {
                continue;
            }
            if let Ok(lock) = Lock::try_take(&path) {
                engine.remove_container(&container.id).await?;
                drop(lock.temporary(&path));
            }
        }
        let random = random_bytes::<8>().map_err(|error| failed(&error))?;
        let name = format!("slipway-reader-{:016x}", u64::from_ne_bytes(random));
        let path = locks.join(&name);
        let lock = Lock::try_take(&path).map_err(|error| failed(&error))?;
        Ok(Claim { name, path, lock })
    }

    /// The name of the container.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The labels of the container.
    pub(crate) fn labels(&self) -> BTreeMap<String, String> {
        BTreeMap::from([(LABEL.to_owned(), self.name.clone())])
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

/// Returns the lock file of a label's value, which anybody who uses the engine can write.
fn lock_file(locks: &Path, name: &str) -> Option<PathBuf> {
    let random = name.strip_prefix("slipway-reader-")?;
    let is_ours = random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_ours.then(|| locks.join(name))
}

fn failed(reason: &dyn std::fmt::Display) -> EngineError {
    EngineError::Local {
        action: "prepare a container to read an image".to_owned(),
        message: reason.to_string(),
    }
}
