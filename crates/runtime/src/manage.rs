//! Looking at, deleting and tidying up the containers of whole sets.

use slipway_events::Events;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use futures_util::stream::{self, StreamExt};
use serde::Serialize;
use serde_json::{Map, Value};
use slipway_redact::Secrets;
use slipway_service::ContainerConfig;

use crate::converge::labels::{self, desired_name, label};
use crate::converge::{
    self, ApplyOptions, ContainerSet, ConvergeError, Event, PlannedAction, Reason, Result, forget,
    rename_to_preferred, retire, state_drift, units_with,
};
use crate::systemd::Units;
use slipway_engine::{ContainerState, ContainerSummary, Engine, Health};

/// The number of containers that are stopped at once.
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
    /// Its state.
    pub state: ContainerState,
    /// Its health, where it has a healthcheck.
    pub health: Option<Health>,
    /// The engine's status line.
    pub status: String,
    /// The exit code, once it has ended.
    pub exit_code: Option<i64>,
    /// The hash of the configuration it was given.
    pub config_hash: Option<String>,
    /// The time of its creation, in seconds since 1970.
    pub created: i64,
    /// The reasons that another apply would have to act on it, as far as they are known.
    pub drift: Vec<Reason>,
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
    let mut all = engine
        .list_containers(&[labels::CONFIG_ID.to_owned()])
        .await?;
    if !engine.info().capabilities().lists_health {
        add_health(engine, &mut all).await?;
    }
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

/// Looks up the health of each container, for an engine whose list does not tell it.
async fn add_health(engine: &dyn Engine, listed: &mut [ContainerSummary]) -> Result<()> {
    let running = listed.iter_mut();
    let mut running = stream::iter(running.filter(|c| c.state == ContainerState::Running))
        .map(|container| async move {
            if let Some(found) = engine.find_container(&container.id).await? {
                container.health = found.health;
            }
            Ok::<_, ConvergeError>(())
        })
        .buffer_unordered(CONCURRENCY);
    while let Some(done) = running.next().await {
        done?;
    }
    Ok(())
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
        created: container.created,
        drift: known_drift(container),
    }
}

/// The reasons that the container and its labels alone give the next apply to act.
fn known_drift(container: &ContainerSummary) -> Vec<Reason> {
    let recorded = label(container, labels::CONFIG_DATA)
        .and_then(|recorded| serde_json::from_str::<Map<String, Value>>(recorded).ok());
    let reference = recorded
        .as_ref()
        .and_then(|config| config.get("image")?.as_str());
    // Docker's list call has the image's id where the reference means another image now.
    let has_id = container.image == container.image_id;
    if has_id && reference != Some(container.image_id.as_str()) {
        return vec![Reason::ImageChanged];
    }
    match recorded.map(ContainerConfig::new) {
        Some(Ok(config)) => state_drift(container, config.keys()),
        _ => Vec::new(),
    }
}

/// Adds to each container of a set why another apply would do something about it, and gives the
/// names of those that are not there.
///
/// # Errors
/// The engine fails, or the record of earlier actions cannot be read.
pub async fn add_drift(
    engine: &dyn Engine,
    set: &ContainerSet,
    options: &ApplyOptions,
    listed: &mut [Listed],
) -> Result<Vec<String>> {
    let plan = converge::plan(engine, set, options).await?;
    for container in listed {
        let planned = plan.containers.iter().find(|planned| {
            let existing = planned.existing.as_ref();
            existing.is_some_and(|existing| existing.id == container.id)
        });
        let removal = plan.removals.iter().find(|gone| gone.id == container.id);
        if let Some(planned) = planned {
            container.drift = planned.reasons.clone();
        } else if let Some(removal) = removal {
            container.drift = vec![removal.reason.clone()];
        }
    }
    let missing = plan.containers.into_iter();
    Ok(missing
        .filter(|planned| planned.action == PlannedAction::Create)
        .map(|planned| planned.container)
        .collect())
}

/// TRIPLEO_CONFIG_HASH, as its labels have it.
fn config_hash(container: &ContainerSummary) -> Option<String> {
    let Some(recorded) = label(container, labels::CONFIG_DATA) else {
        return label(container, labels::CONFIG_HASH).map(str::to_owned);
    };
    labels::config_hash(&serde_json::from_str(recorded).ok()?)
}

/// The secrets in a container's environment.
///
/// # Errors
/// The engine fails.
pub async fn secrets(engine: &dyn Engine, id: &str) -> Result<Secrets> {
    let mut secrets = Secrets::default();
    if let Some(found) = engine.find_container(id).await? {
        secrets.environment(found.env.iter().map(String::as_str));
    }
    Ok(secrets)
}

/// The things that belong to sets beside their containers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside<'a> {
    /// The directory of the record of what succeeded.
    pub state_dir: Option<&'a Path>,
    /// The systemd units that start the containers at boot.
    pub units: Option<&'a Units>,
}

/// Deletes all containers of these sets, their records and their units. Returns their names.
///
/// # Errors
/// The engine fails, or systemd.
pub async fn delete(
    engine: &dyn Engine,
    managed_by: &str,
    config_ids: &[String],
    beside: Beside<'_>,
    events: &Events<Event>,
) -> Result<Vec<String>> {
    let all = engine
        .list_containers(&[labels::CONFIG_ID.to_owned()])
        .await?;
    let (doomed, _) = divide(&all, managed_by, config_ids);
    let gone = Gone {
        managed_by,
        config_ids: config_ids.iter().map(String::as_str).collect(),
        containers: doomed,
    };
    gone.remove(engine, beside, events).await
}

/// Deletes the managed containers of every set but these, and gives the others their preferred
/// names where those are free. Gives the names of the deleted.
///
/// # Errors
/// The engine fails, or systemd.
pub async fn cleanup(
    engine: &dyn Engine,
    managed_by: &str,
    keep: &[String],
    beside: Beside<'_>,
    events: &Events<Event>,
) -> Result<Vec<String>> {
    let all = engine.list_containers(&[]).await?;
    let (staying, doomed) = divide(&all, managed_by, keep);
    let ids = doomed.iter().filter_map(|c| label(c, labels::CONFIG_ID));
    let gone = Gone {
        managed_by,
        config_ids: ids.collect(),
        containers: doomed,
    };
    let names = gone.remove(engine, beside, events).await?;
    let gone: BTreeSet<&str> = gone.containers.iter().map(|c| c.id.as_str()).collect();
    let remaining: Vec<ContainerSummary> = all
        .iter()
        .filter(|container| !gone.contains(container.id.as_str()))
        .cloned()
        .collect();
    for rename in rename_to_preferred(engine, &remaining, &staying).await? {
        events.send(Event::Renamed(rename));
    }
    Ok(names)
}

/// A manager's containers: those of these sets, and those of its others.
fn divide<'a>(
    all: &'a [ContainerSummary],
    managed_by: &str,
    config_ids: &[String],
) -> (Vec<&'a ContainerSummary>, Vec<&'a ContainerSummary>) {
    let is_of = |container: &&ContainerSummary| {
        let config_id = label(container, labels::CONFIG_ID).unwrap_or_default();
        config_ids.iter().any(|id| id == config_id)
    };
    labels::managed(all, managed_by, None)
        .into_iter()
        .filter(|container| label(container, labels::CONFIG_ID).is_some())
        .partition(is_of)
}

/// Sets that go, and their containers.
struct Gone<'a> {
    managed_by: &'a str,
    config_ids: BTreeSet<&'a str>,
    containers: Vec<&'a ContainerSummary>,
}

impl Gone<'_> {
    async fn remove(
        &self,
        engine: &dyn Engine,
        beside: Beside<'_>,
        events: &Events<Event>,
    ) -> Result<Vec<String>> {
        let units = units_with(beside.units, engine);
        let mut names = Vec::new();
        let mut removed = stream::iter(&self.containers)
            .map(|container| async move {
                retire(engine, units, &container.id, &container.name).await?;
                Ok::<_, ConvergeError>(container.name.clone())
            })
            .buffer_unordered(CONCURRENCY);
        while let Some(name) = removed.next().await {
            let name = name?;
            events.send(Event::Removed {
                name: name.clone(),
                reason: Reason::NotConfigured,
            });
            names.push(name);
        }
        names.sort();
        for config_id in &self.config_ids {
            if let Some(units) = units {
                // Those whose containers somebody else removed.
                for unit in units.of_set(self.managed_by, config_id)?.into_keys() {
                    units.remove(&unit, false).await?;
                }
            }
            forget(beside.state_dir, config_id)?;
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use slipway_test_support::FakeEngine;

    #[tokio::test(start_paused = true)]
    async fn a_list_shows_actions_of_the_next_apply() {
        let engine = FakeEngine::with_image("i");
        let text = "
a: {image: i, command: up, restart: always}
b: {image: i, command: up}
c: {image: i, command: exit 3, detach: false, exit_codes: [3]}
d: {image: i, command: up}
";
        let set = ContainerSet {
            config_id: "s".to_owned(),
            managed_by: "m".to_owned(),
            containers: crate::step::parse(Path::new("s.yaml"), text).unwrap(),
        };
        let options = ApplyOptions::default();
        converge::apply(&engine, &set, &options, &Events::ignore())
            .await
            .unwrap();
        engine.set_state("a", ContainerState::Exited, "Exited (0) 1 second ago");
        engine.set_state("b", ContainerState::Exited, "Exited (0) 1 second ago");
        engine.set_state("d", ContainerState::Created, "Created");
        let listed = list(&engine, None).await.unwrap().remove("s").unwrap();
        let drift: Vec<&[Reason]> = listed.iter().map(|c| c.drift.as_slice()).collect();
        let (stopped, half_made) = ([Reason::Stopped], [Reason::HalfMade]);
        assert_eq!(drift, [&stopped[..], &[], &[], &half_made[..]]);
    }
}
