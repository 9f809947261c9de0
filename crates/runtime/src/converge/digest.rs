//! Digests of configurations, for labels that are not to carry what they were made from.
//!
//! Each key, and each variable of the environment, has a digest of its own, so that a later run can
//! tell which of them changed. They are keyed with a secret of this host: without it, a password
//! that is easy to guess cannot be found by trying.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use slipway_service::ContainerConfig;

use super::diff::variables;
use super::labels::{self, label};
use super::{ApplyOptions, ConvergeError, LabelData, Result};
use slipway_engine::ContainerSummary;

/// What a digest is made with.
pub(super) struct DigestKey([u8; 32]);

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestKey").finish_non_exhaustive()
    }
}

const FILE: &str = "label-key";

impl DigestKey {
    /// The key of this host where there is one: labels are to have digests, or containers have.
    pub(super) fn present(
        options: &ApplyOptions,
        containers: &[ContainerSummary],
    ) -> Result<Option<DigestKey>> {
        let mut containers = containers.iter();
        let wanted = options.label_data == LabelData::Digest;
        if !wanted && !containers.any(|c| label(c, labels::CONFIG_DIGEST).is_some()) {
            return Ok(None);
        }
        let path = match &options.state_dir {
            Some(dir) => dir.join(FILE),
            None if wanted => return Err(ConvergeError::NoKey),
            None => return Ok(None),
        };
        match std::fs::read(&path) {
            Ok(bytes) => DigestKey::of(path, whole(bytes)).map(Some),
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ConvergeError::State { path, source }),
        }
    }

    /// The same, and made where labels are to have digests.
    pub(super) fn open(
        options: &ApplyOptions,
        containers: &[ContainerSummary],
    ) -> Result<Option<DigestKey>> {
        let present = DigestKey::present(options, containers)?;
        match &options.state_dir {
            Some(dir) if present.is_none() && options.label_data == LabelData::Digest => {
                let path = dir.join(FILE);
                let made = make(&path);
                DigestKey::of(path, made).map(Some)
            }
            _ => Ok(present),
        }
    }

    fn of(path: PathBuf, key: std::io::Result<[u8; 32]>) -> Result<DigestKey> {
        match key {
            Ok(key) => Ok(DigestKey(key)),
            Err(source) => Err(ConvergeError::State { path, source }),
        }
    }

    /// Key of the configuration → digest.
    pub(super) fn digests(&self, config: &ContainerConfig) -> BTreeMap<String, String> {
        let declared = config.declared();
        let mut digests: BTreeMap<String, String> = declared
            .iter()
            .map(|(key, value)| (key.clone(), self.digest(key, &in_order(value).to_string())))
            .collect();
        for (name, value) in variables(declared.get("environment")) {
            let key = format!("environment.{name}");
            let digest = self.digest(&key, &value);
            digests.insert(key, digest);
        }
        digests
    }

    fn digest(&self, key: &str, value: &str) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            // HMAC takes keys of any length.
            return String::new();
        };
        mac.update(key.as_bytes());
        mac.update(&[0]);
        mac.update(value.as_bytes());
        hex::encode(&mac.finalize().into_bytes()[..16])
    }
}

fn whole(bytes: Vec<u8>) -> std::io::Result<[u8; 32]> {
    bytes.try_into().map_err(|_| {
        std::io::Error::new(std::io::ErrorKind::InvalidData, "it is no key of 32 bytes")
    })
}

/// Makes the key's file whole, or not at all; of two that make it at once, one wins.
fn make(path: &Path) -> std::io::Result<[u8; 32]> {
    let mut key = [0; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut key)?;
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600);
    let written = file.open(&beside).and_then(|mut file| {
        std::io::Write::write_all(&mut file, &key)?;
        file.sync_all()
    });
    let linked = written.and_then(|()| std::fs::hard_link(&beside, path));
    let removed = std::fs::remove_file(&beside);
    match linked {
        Err(why) if why.kind() == std::io::ErrorKind::AlreadyExists => whole(std::fs::read(path)?),
        Err(why) => Err(why),
        Ok(()) => removed.map(|()| key),
    }
}

/// The same whatever the order of keys in mappings.
fn in_order(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<&String, Value> = map
                .iter()
                .map(|(key, value)| (key, in_order(value)))
                .collect();
            sorted
                .into_iter()
                .map(|(key, value)| (key.clone(), value))
                .collect()
        }
        Value::Array(items) => items.iter().map(in_order).collect(),
        other => other.clone(),
    }
}
