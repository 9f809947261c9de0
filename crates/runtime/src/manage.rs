//! Looking at, deleting and tidying up the containers of whole sets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use futures_util::stream::{self, StreamExt};
use serde::Serialize;

use crate::converge::labels::{self, desired_name, label};
use crate::converge::{Event, Observer, Reason, Result, forget, rename_to_preferred};
use crate::engine::{ContainerState, ContainerSummary, Engine, EngineError, Health};

/// How many containers are stopped at once.
const CONCURRENCY: usize = 8;

/// A managed container, as `ps` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its name in its set.
    pub container: String,
    /// Its name in the engine.
    pub name: String,
    /// Its id.
    pub id: String,
    /// The image reference it was made from.
    pub image: String,
    /// The id of the image it runs.
    pub image_id: String,
    /// Where it is in its life.
    pub state: ContainerState,
    /// Its health, where it has a healthcheck.
    pub health: Option<Health>,
    /// The engine's status line.
    pub status: String,
    /// The exit code, once it has ended.
    pub exit_code: Option<i64>,
    /// The hash of the configuration it was given.
    pub config_hash: Option<String>,
}

/// The managed containers by `config_id`, each set in the order of its names: those of one
/// manager, or of all.
///
/// # Errors
/// The engine fails.
pub async fn list(
    engine: &dyn Engine,
    managed_by: Option<&str>,
) -> Result<BTreeMap<String, Vec<Listed>>> {
    let all = engine
        .list_containers(&[labels::CONFIG_ID.to_owned()])
        .await?;
    let mut sets: BTreeMap<String, Vec<Listed>> = BTreeMap::new();
    let asked_for = |c: &&ContainerSummary| match managed_by {
        Some(manager) => label(c, labels::MANAGED_BY) == Some(manager),
        None => true,
    };
    for container in all.iter().filter(asked_for) {
        let config_id = label(container, labels::CONFIG_ID).unwrap_or_default();
        sets.entry(config_id.to_owned())
            .or_default()
            .push(listed(container));
    }
    for set in sets.values_mut() {
        set.sort_by(|a, b| (&a.container, &a.name).cmp(&(&b.container, &b.name)));
    }
    Ok(sets)
}

fn listed(container: &ContainerSummary) -> Listed {
    Listed {
        container: desired_name(container).to_owned(),
        name: container.name.clone(),
        id: container.id.clone(),
        image: container.image.clone(),
        image_id: container.image_id.clone(),
        state: container.state,
        health: container.health,
        status: container.status.clone(),
        exit_code: container.exit_code(),
        config_hash: config_hash(container),
    }
}

/// TRIPLEO_CONFIG_HASH, as the recorded configuration has it.
fn config_hash(container: &ContainerSummary) -> Option<String> {
    const VARIABLE: &str = "TRIPLEO_CONFIG_HASH";
    let recorded = label(container, labels::CONFIG_DATA)?;
    let config: serde_json::Value = serde_json::from_str(recorded).ok()?;
    let environment = config.get("environment")?;
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

/// Deletes all containers of these sets, and what is remembered of them. Gives their names.
///
/// # Errors
/// The engine fails.
pub async fn delete(
    engine: &dyn Engine,
    managed_by: &str,
    config_ids: &[String],
    state_dir: Option<&Path>,
    observer: Observer<'_>,
) -> Result<Vec<String>> {
    let all = engine
        .list_containers(&[labels::CONFIG_ID.to_owned()])
        .await?;
    let mut doomed = Vec::new();
    for config_id in config_ids {
        doomed.extend(labels::managed(&all, managed_by, Some(config_id)));
    }
    let names = remove(engine, &doomed, observer).await?;
    for config_id in config_ids {
        forget(state_dir, config_id)?;
    }
    Ok(names)
}

/// Deletes the managed containers of every set but these, and gives the others their preferred
/// names where those are free. Gives the names of the deleted.
///
/// # Errors
/// The engine fails.
pub async fn cleanup(
    engine: &dyn Engine,
    managed_by: &str,
    keep: &[String],
    state_dir: Option<&Path>,
    observer: Observer<'_>,
) -> Result<Vec<String>> {
    let all = engine.list_containers(&[]).await?;
    let (staying, doomed): (Vec<_>, Vec<_>) = labels::managed(&all, managed_by, None)
        .into_iter()
        .filter(|container| label(container, labels::CONFIG_ID).is_some())
        .partition(|container| is_of(container, keep));
    let names = remove(engine, &doomed, observer).await?;
    let gone: BTreeSet<&str> = doomed.iter().map(|c| c.id.as_str()).collect();
    let left: Vec<ContainerSummary> = all
        .iter()
        .filter(|container| !gone.contains(container.id.as_str()))
        .cloned()
        .collect();
    for rename in rename_to_preferred(engine, &left, &staying).await? {
        observer(Event::Renamed(rename));
    }
    let forgotten: BTreeSet<&str> = doomed
        .iter()
        .filter_map(|c| label(c, labels::CONFIG_ID))
        .collect();
    for config_id in forgotten {
        forget(state_dir, config_id)?;
    }
    Ok(names)
}

fn is_of(container: &ContainerSummary, config_ids: &[String]) -> bool {
    let config_id = label(container, labels::CONFIG_ID).unwrap_or_default();
    config_ids.iter().any(|id| id == config_id)
}

async fn remove(
    engine: &dyn Engine,
    doomed: &[&ContainerSummary],
    observer: Observer<'_>,
) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut removed = stream::iter(doomed)
        .map(|container| async move {
            engine.stop_container(&container.id, None).await?;
            engine.remove_container(&container.id).await?;
            Ok::<_, EngineError>(container.name.clone())
        })
        .buffer_unordered(CONCURRENCY);
    while let Some(name) = removed.next().await {
        let name = name?;
        observer(Event::Removed {
            name: name.clone(),
            reason: Reason::NotConfigured,
        });
        names.push(name);
    }
    names.sort();
    Ok(names)
}
