//! The labels that record a container's configuration, as paunch writes them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use slipway_service::ContainerConfig;

use super::digest::DigestKey;
use super::{ApplyOptions, ContainerSet, LabelData};
use slipway_engine::ContainerSummary;

/// The set a container belongs to.
pub const CONFIG_ID: &str = "config_id";
/// Its name in the set; its name in the engine may have a suffix.
pub const CONTAINER_NAME: &str = "container_name";
/// Its manager.
pub const MANAGED_BY: &str = "managed_by";
/// The configuration it was made from, as JSON.
pub const CONFIG_DATA: &str = "config_data";
/// Digests of that configuration instead, key by key.
pub const CONFIG_DIGEST: &str = "config_digest";
/// The hash of the config volumes it mounts, where `config_data` is not there to tell it.
pub const CONFIG_HASH: &str = "config_hash";

pub(super) fn of(
    set: &ContainerSet,
    name: &str,
    config: &ContainerConfig,
    options: &ApplyOptions,
    key: Option<&DigestKey>,
) -> BTreeMap<String, String> {
    let mut labels = options.labels.clone();
    labels.extend(identity(&set.config_id, &set.managed_by, name));
    match key.filter(|_| options.label_data == LabelData::Digest) {
        Some(key) => {
            let digests = serde_json::json!(key.digests(config)).to_string();
            labels.insert(CONFIG_DIGEST.to_owned(), digests);
            if let Some(hash) = config_hash(config.declared()) {
                labels.insert(CONFIG_HASH.to_owned(), hash);
            }
        }
        None => {
            labels.insert(CONFIG_DATA.to_owned(), config.config_data());
        }
    }
    labels
}

/// The labels that say which container of which set this is.
pub fn identity(config_id: &str, managed_by: &str, name: &str) -> BTreeMap<String, String> {
    let labels = [
        (CONFIG_ID, config_id),
        (CONTAINER_NAME, name),
        (MANAGED_BY, managed_by),
    ];
    let labels = labels.map(|(label, value)| (label.to_owned(), value.to_owned()));
    labels.into()
}

/// TRIPLEO_CONFIG_HASH of a declared configuration.
pub(crate) fn config_hash(declared: &Map<String, Value>) -> Option<String> {
    const VARIABLE: &str = "TRIPLEO_CONFIG_HASH";
    let environment = declared.get("environment")?;
    if let Some(hash) = environment.get(VARIABLE) {
        return hash.as_str().map(str::to_owned);
    }
    let settings = environment
        .as_array()?
        .iter()
        .filter_map(|item| item.as_str());
    settings
        .filter_map(|setting| setting.split_once('='))
        .find(|(name, _)| *name == VARIABLE)
        .map(|(_, hash)| hash.to_owned())
}

pub(crate) fn label<'a>(container: &'a ContainerSummary, name: &str) -> Option<&'a str> {
    container.labels.get(name).map(String::as_str)
}

/// The name a container has in its set: its label, or else its name in the engine.
pub(crate) fn desired_name(container: &ContainerSummary) -> &str {
    label(container, CONTAINER_NAME).unwrap_or(&container.name)
}

/// Returns the containers of this manager. The manager alone distinguishes two deployments on one
/// host, so containers of other managers never count.
pub(crate) fn managed<'a>(
    containers: &'a [ContainerSummary],
    managed_by: &str,
    config_id: Option<&str>,
) -> Vec<&'a ContainerSummary> {
    containers
        .iter()
        .filter(|c| label(c, MANAGED_BY) == Some(managed_by))
        .filter(|c| config_id.is_none_or(|id| label(c, CONFIG_ID) == Some(id)))
        .collect()
}
