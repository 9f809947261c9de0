//! The record of actions that leave no container behind, and the lock of a set.

use slipway_events::Events;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use slipway_files::Lock;
use slipway_service::ContainerConfig;

use super::{ConvergeError, Event, Result};

/// A successful action for one name of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Done {
    /// Digest of the configuration.
    digest: String,
    /// The id of the container that a command ran in, or of the image of a one-shot container.
    target: String,
}

impl Done {
    pub(super) fn new(config: &ContainerConfig, target: &str) -> Done {
        Done {
            digest: hex::encode(Sha256::digest(config.config_data().as_bytes())),
            target: target.to_owned(),
        }
    }
}

/// The recorded actions of one set.
#[derive(Debug, Default)]
pub(super) struct Record {
    file: Option<PathBuf>,
    done: BTreeMap<String, Done>,
}

impl Record {
    /// Reads the record of a set. An invalid file counts as empty, so its actions run again.
    pub(super) fn open(state_dir: Option<&Path>, config_id: &str) -> Result<Record> {
        let Some(dir) = state_dir else {
            return Ok(Record::default());
        };
        let file = path(dir, config_id, "json");
        let done = match std::fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text).unwrap_or_default(),
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(source) => return Err(ConvergeError::State { path: file, source }),
        };
        Ok(Record {
            file: Some(file),
            done,
        })
    }

    pub(super) fn is_kept(&self) -> bool {
        self.file.is_some()
    }

    pub(super) fn has(&self, name: &str, done: &Done) -> bool {
        self.done.get(name) == Some(done)
    }

    /// Remembers a success, at once: the next moment may be the last.
    pub(super) fn remember(&mut self, name: &str, done: Done) -> Result<()> {
        self.done.insert(name.to_owned(), done);
        self.save()
    }

    /// Forgets names that are no longer configured.
    pub(super) fn keep_only(&mut self, known: impl Fn(&str) -> bool) -> Result<()> {
        let before = self.done.len();
        self.done.retain(|name, _| known(name));
        if self.done.len() == before {
            return Ok(());
        }
        self.save()
    }

    fn save(&self) -> Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let text = serde_json::to_vec_pretty(&self.done).map_err(|error| ConvergeError::State {
            path: file.clone(),
            source: error.into(),
        })?;
        slipway_files::write_private(file, &text)?;
        Ok(())
    }
}

/// Forgets all of a set, whose containers are deleted.
pub(crate) fn forget(state_dir: Option<&Path>, config_id: &str) -> Result<()> {
    let Some(dir) = state_dir else {
        return Ok(());
    };
    let file = path(dir, config_id, "json");
    match std::fs::remove_file(&file) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(ConvergeError::State { path: file, source })
        }
        _ => Ok(()),
    }
}

/// The longest that a set's id may be in the name of a file, in bytes.
const LONGEST: usize = 200;

/// Returns the path of a set's file. Its name is the set's id, with special characters in
/// hexadecimal, or a digest if that is too long.
fn path(dir: &Path, config_id: &str, extension: &str) -> PathBuf {
    let mut name = String::new();
    for byte in config_id.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02x}"));
        }
    }
    if name.len() > LONGEST {
        name = hex::encode(Sha256::digest(config_id.as_bytes()));
    }
    dir.join(format!("{name}.{extension}"))
}

/// Locks a set against other runs until it is dropped.
pub(super) async fn lock(
    state_dir: Option<&Path>,
    config_id: &str,
    events: &Events<Event>,
) -> Result<Option<Lock>> {
    let Some(dir) = state_dir else {
        return Ok(None);
    };
    let waiting = |holder: &str| {
        events.send(Event::Waiting {
            holder: holder.to_owned(),
        });
    };
    Ok(Some(
        Lock::take(&path(dir, config_id, "lock"), waiting).await?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_have_files_of_their_own_inside_the_directory() {
        let dir = Path::new("/s");
        assert_eq!(path(dir, "step_1", "json"), Path::new("/s/step_1.json"));
        assert_eq!(path(dir, "../x", "lock"), Path::new("/s/%2e%2e%2fx.lock"));
        let long = |end: &str| path(dir, &("x".repeat(300) + end), "lock");
        assert_ne!(long("a"), long("b"));
        assert!(long("a").file_name().unwrap().len() < LONGEST);
    }

    #[test]
    fn an_unreadable_record_counts_as_empty() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("s.json"), "{half").unwrap();
        let config = ContainerConfig::parse(Path::new("c"), "image: i").unwrap();
        let done = Done::new(&config, "t");
        let mut record = Record::open(Some(dir.path()), "s").unwrap();
        assert!(!record.has("c", &done));
        record.remember("c", done.clone()).unwrap();
        let mut record = Record::open(Some(dir.path()), "s").unwrap();
        assert!(record.has("c", &done));
        assert!(!record.has("c", &Done::new(&config, "other")));
        record.keep_only(|_| false).unwrap();
        assert!(!Record::open(Some(dir.path()), "s").unwrap().has("c", &done));
    }
}
