//! Digests of configurations, for labels that must not show the configuration itself.
//!
//! Each key, and each variable of the environment, has a digest of its own, so that a later run can
//! tell which of them changed. They are keyed with a secret of this host: without it, a password
//! that is easy to guess cannot be found by trying.

use std::collections::BTreeMap;

use serde_json::Value;
use slipway_service::ContainerConfig;

use super::diff::variables;
use super::labels::{self, label};
use super::{ApplyOptions, ConvergeError, LabelData, Result};
use slipway_engine::ContainerSummary;

/// The key of the digests in labels.
#[derive(Debug)]
pub(super) struct DigestKey(slipway_redact::DigestKey);

const FILE: &str = "label-key";

impl DigestKey {
    /// Returns the key of this host, if labels get digests or containers have some.
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
        match slipway_redact::DigestKey::existing(&path) {
            Ok(key) => Ok(key.map(DigestKey)),
            Err(source) => Err(ConvergeError::State { path, source }),
        }
    }

    /// Returns the key of this host, and makes it if labels get digests.
    pub(super) fn open(
        options: &ApplyOptions,
        containers: &[ContainerSummary],
    ) -> Result<Option<DigestKey>> {
        let present = DigestKey::present(options, containers)?;
        match &options.state_dir {
            Some(dir) if present.is_none() && options.label_data == LabelData::Digest => {
                let path = dir.join(FILE);
                match slipway_redact::DigestKey::open(&path) {
                    Ok(key) => Ok(Some(DigestKey(key))),
                    Err(source) => Err(ConvergeError::State { path, source }),
                }
            }
            _ => Ok(present),
        }
    }

    /// Returns the digests of a configuration, by key.
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
        let mut digest = self.0.digest_bytes(format!("{key}\0{value}").as_bytes());
        digest.truncate(32);
        digest
    }
}

/// Returns the value with the keys of its maps sorted.
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
