//! Records of successful runs, so that the same run does not take place again.
//!
//! A run's inputs are few, except for hiera: there, only the keys that Puppet asked for count,
//! and the run itself writes them down. Values are remembered as digests under a key of this
//! deployment's own, because the digest of a password alone could be guessed from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use slipway_redact::DigestKey;
use slipway_service::Hiera;

use crate::error::{At, Result};
use crate::files;
use crate::input::hiera::Hieradata;
use crate::run::cache::Cached;
use crate::volume::hash::TreeHash;
use slipway_paths::Paths;

/// The inputs and the result of a successful run.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Record {
    /// Digests of the inputs, by the names that users see.
    pub inputs: BTreeMap<String, String>,
    /// Digests of the values of each hiera key that was looked up.
    pub lookups: BTreeMap<String, String>,
    /// The trees; `None` for a task.
    pub result: Option<RecordedResult>,
    /// The time that the run took.
    pub seconds: f64,
}

/// The trees of a volume as they were put in place.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct RecordedResult {
    /// The whole tree.
    pub full: RecordedTree,
    /// The files that Puppet wrote.
    pub generated: RecordedTree,
}

/// Hashes of one tree.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct RecordedTree {
    /// The hash that containers depend on.
    pub config: String,
    /// The hash that changes when somebody edits the tree.
    pub content: String,
}

impl From<&TreeHash> for RecordedTree {
    fn from(hash: &TreeHash) -> RecordedTree {
        RecordedTree {
            config: hash.config.clone(),
            content: hash.content.clone(),
        }
    }
}

/// A deployment's records.
pub struct State {
    root: PathBuf,
    volumes: String,
    key: DigestKey,
}

/// Stands for every key, if a run cannot write down which it looked up.
pub const EVERY_KEY: &str = "";

impl State {
    /// Opens the records; makes their key the first time.
    pub fn open(paths: &Paths) -> Result<State> {
        let state = State::read(paths)?;
        files::private_dir(&state.root)?;
        for kind in State::kinds(paths) {
            files::private_dir(&state.directory(&kind))?;
        }
        let path = state.root.join("key");
        let key = match DigestKey::open(&path) {
            // Records under a key that is lost recognise nothing.
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                files::remove(&path)?;
                DigestKey::open(&path)
            }
            key => key,
        };
        Ok(State {
            key: key.at("read", &path)?,
            ..state
        })
    }

    /// Opens the records to read them. Without their key, nothing is recognised.
    pub fn read(paths: &Paths) -> Result<State> {
        let root = paths.puppet_state();
        let path = root.join("key");
        let key = match DigestKey::existing(&path) {
            Ok(Some(key)) => key,
            Ok(None) | Err(_) => DigestKey::random().at("read", slipway_files::RANDOM_SOURCE)?,
        };
        Ok(State {
            root,
            volumes: paths.volume_records(),
            key,
        })
    }

    /// Returns the record of a run; `None` if there is none that can be read.
    pub fn load(&self, kind: &str, name: &str) -> Option<Record> {
        let text = std::fs::read(self.path(kind, name)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Records a run.
    pub fn save(&self, kind: &str, name: &str, record: &Record) -> Result<()> {
        let path = self.path(kind, name);
        let text = serde_json::to_vec_pretty(record)
            .map_err(std::io::Error::from)
            .at("write", &path)?;
        files::write(&path, &text).map(|_| ())
    }

    fn path(&self, kind: &str, name: &str) -> PathBuf {
        let kind = match kind {
            "volumes" => &self.volumes,
            other => other,
        };
        self.root.join(kind).join(format!("{name}.json"))
    }

    /// Returns digests of inputs.
    pub fn inputs<'a>(
        &self,
        inputs: impl IntoIterator<Item = (&'static str, &'a str)>,
    ) -> BTreeMap<String, String> {
        let digest = |(name, value): (&str, &str)| (name.to_owned(), self.digest(value.as_bytes()));
        inputs.into_iter().map(digest).collect()
    }

    /// Returns digests of the values of hiera keys. `first` comes before all other hiera data.
    pub fn lookups<'a>(
        &self,
        keys: impl IntoIterator<Item = &'a str>,
        first: &Hiera,
        hiera: &Hieradata,
    ) -> BTreeMap<String, String> {
        let digest = |key: &str| {
            let text = if key == EVERY_KEY {
                let all: Vec<(&String, &Value)> = first.iter().chain(hiera.all()).collect();
                serde_json::to_vec(&all).unwrap_or_default()
            } else {
                let first = first.get(key).into_iter();
                let values: Vec<&Value> = first.chain(hiera.values(key)).collect();
                serde_json::to_vec(&values).unwrap_or_default()
            };
            (key.to_owned(), self.digest(&text))
        };
        keys.into_iter().map(digest).collect()
    }

    /// Returns the names of the directories of records.
    pub fn kinds(paths: &Paths) -> impl Iterator<Item = String> {
        let caches = Cached::ALL.map(|kind| kind.directory().to_owned());
        [
            paths.volume_records(),
            "tasks".to_owned(),
            "host".to_owned(),
        ]
        .into_iter()
        .chain(caches)
    }

    /// Returns the directory of one kind of records.
    pub fn directory(&self, kind: &str) -> PathBuf {
        self.root.join(kind)
    }

    /// Returns a digest under this deployment's key.
    pub fn digest(&self, bytes: &[u8]) -> String {
        self.key.digest_bytes(bytes)
    }
}

impl Record {
    /// Returns why a run with these inputs and this hiera data would differ from the recorded one.
    pub fn difference(
        &self,
        inputs: &BTreeMap<String, String>,
        lookups: &BTreeMap<String, String>,
    ) -> Option<String> {
        let names: BTreeSet<&String> = self.inputs.keys().chain(inputs.keys()).collect();
        let changed = names
            .iter()
            .find(|name| self.inputs.get(**name) != inputs.get(**name));
        if let Some(name) = changed {
            return Some(format!("{name} changed"));
        }
        let keys: Vec<&str> = self
            .lookups
            .iter()
            .filter(|(key, digest)| lookups.get(*key) != Some(digest))
            .map(|(key, _)| key.as_str())
            .collect();
        match keys.as_slice() {
            [] => None,
            [EVERY_KEY] => Some("hiera data changed".to_owned()),
            [key] => Some(format!("hiera key {key} changed")),
            [key, others @ ..] => Some(format!(
                "hiera keys {key} and {} more changed",
                others.len()
            )),
        }
    }
}

/// The most that a run may write about the keys it looked up.
const MAX_KEYS: u64 = 16 << 20;

/// Returns the hiera keys that a run looked up, as it wrote them down.
pub fn recorded_keys(path: &Path) -> Result<BTreeSet<String>> {
    let text = match files::read_untrusted(path, MAX_KEYS) {
        Ok(text) => text,
        // A manifest may ask for nothing at all.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).at("read", path),
    };
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).map_err(std::io::Error::from))
        .collect::<Result<_, _>>()
        .at("read", path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_keys_that_were_looked_up_count() {
        let root = tempfile::tempdir().unwrap();
        let state = State::open(&Paths::new(root.path()).unwrap()).unwrap();
        let hiera = |text: Value| Hieradata::new(text.as_object().unwrap().clone());
        let before = hiera(json!({"asked": 1, "other": 1}));
        let (none, step) = (Hiera::new(), json!({"step": 3}));
        let keys = ["asked", "absent", "step"];
        let record = Record {
            inputs: state.inputs([("the image", "sha256:1")]),
            lookups: state.lookups(keys, &none, &before),
            ..Record::default()
        };
        let against = |first: &Hiera, hiera: &Hieradata, image: &str| {
            let inputs = state.inputs([("the image", image)]);
            record.difference(&inputs, &state.lookups(keys, first, hiera))
        };
        let other = hiera(json!({"asked": 1, "other": 2}));
        assert_eq!(against(&none, &other, "sha256:1"), None);
        assert_eq!(
            against(&none, &other, "sha256:2"),
            Some("the image changed".into())
        );
        let changed = hiera(json!({"asked": 2}));
        assert_eq!(
            against(&none, &changed, "sha256:1"),
            Some("hiera key asked changed".into())
        );
        let found = hiera(json!({"asked": 1, "absent": null}));
        assert_eq!(
            against(&none, &found, "sha256:1"),
            Some("hiera key absent changed".into())
        );
        let step = step.as_object().unwrap();
        assert_eq!(
            against(step, &before, "sha256:1"),
            Some("hiera key step changed".into())
        );
    }

    #[test]
    fn without_recorded_keys_every_key_counts() {
        let root = tempfile::tempdir().unwrap();
        let state = State::open(&Paths::new(root.path()).unwrap()).unwrap();
        let digest = |text: Value| {
            let hiera = Hieradata::new(text.as_object().unwrap().clone());
            state.lookups([EVERY_KEY], &Hiera::new(), &hiera)
        };
        let record = Record {
            lookups: digest(json!({"a": 1})),
            ..Record::default()
        };
        let none = BTreeMap::new();
        assert_eq!(record.difference(&none, &digest(json!({"a": 1}))), None);
        assert_eq!(
            record.difference(&none, &digest(json!({"a": 1, "b": 2}))),
            Some("hiera data changed".into())
        );
    }

    #[test]
    fn the_state_does_not_reveal_values() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let digest = |root: &Path| {
            let state = State::open(&Paths::new(root).unwrap()).unwrap();
            state.inputs([("the manifest", "password")])
        };
        assert_eq!(digest(a.path()), digest(a.path()));
        assert_ne!(digest(a.path()), digest(b.path()));
    }
}
