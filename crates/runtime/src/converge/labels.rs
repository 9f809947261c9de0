//! The labels that record what a container is, as paunch writes them.

use std::collections::BTreeMap;

use service::ContainerConfig;

use super::{ApplyOptions, ContainerSet};
use crate::engine::ContainerSummary;

/// The set a container belongs to.
pub const CONFIG_ID: &str = "config_id";
/// Its name in the set; its name in the engine may have a suffix.
pub const CONTAINER_NAME: &str = "container_name";
/// Who manages it.
pub const MANAGED_BY: &str = "managed_by";
/// The configuration it was made from, as JSON.
pub const CONFIG_DATA: &str = "config_data";

pub(super) fn of(
    set: &ContainerSet,
    name: &str,
    config: &ContainerConfig,
    options: &ApplyOptions,
) -> BTreeMap<String, String> {
    let mut labels = options.labels.clone();
    let own = [
        (CONFIG_ID, set.config_id.clone()),
        (CONTAINER_NAME, name.to_owned()),
        (MANAGED_BY, set.managed_by.clone()),
        (CONFIG_DATA, config.config_data()),
    ];
    labels.extend(own.map(|(label, value)| (label.to_owned(), value)));
    labels
}

pub(crate) fn label<'a>(container: &'a ContainerSummary, name: &str) -> Option<&'a str> {
    container.labels.get(name).map(String::as_str)
}

/// The name a container has in its set: its label, or else its name in the engine.
pub(crate) fn desired_name(container: &ContainerSummary) -> &str {
    label(container, CONTAINER_NAME).unwrap_or(&container.name)
}

/// Those containers that this manager manages. Where two deployments share a host, they differ in
/// nothing but the manager, so that no other manager's containers are ever taken for its own.
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
