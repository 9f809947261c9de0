//! Checks that come before any container is touched.

use slipway_events::Events;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use slipway_service::{Action, ContainerConfig};

use super::digest::DigestKey;
use super::images::Images;
use super::plan::{Plan, PlannedAction};
use super::{ApplyOptions, ContainerSet, ConvergeError, Event, Problem, Result, labels};
use crate::spec::{Host, container_spec};
use slipway_engine::{ContainerSpec, Engine, EngineError};

/// Pulls the missing images and returns their references.
pub(super) async fn pull(
    engine: &dyn Engine,
    set: &ContainerSet,
    images: &Images,
    events: &Events<Event>,
) -> Result<Vec<String>> {
    let mut pulled = Vec::new();
    let mut problems = Vec::new();
    for image in images.missing() {
        match pull_one(engine, image, events).await {
            Ok(()) => pulled.push(image.to_owned()),
            Err(lost @ EngineError::Lost { .. }) => return Err(lost.into()),
            Err(why) => {
                let users = set.containers.iter();
                let users = users.filter(|(_, c)| c.keys().image.as_deref() == Some(image));
                problems.extend(users.map(|(name, _)| Problem {
                    container: name.clone(),
                    what: format!(
                        "image {image} is not there and cannot be pulled: {}",
                        why.reason()
                    ),
                }));
            }
        }
    }
    match problems.is_empty() {
        true => Ok(pulled),
        false => Err(ConvergeError::Missing { problems }),
    }
}

async fn pull_one(
    engine: &dyn Engine,
    image: &str,
    events: &Events<Event>,
) -> Result<(), EngineError> {
    let on_line = |line| {
        events.send(Event::Pulling {
            image: image.to_owned(),
            line,
        });
    };
    slipway_engine::pull(engine, image, &on_line)
        .await
        .map(drop)
}

/// Makes the specifications of all new containers, and checks their mounts.
///
/// # Errors
/// [`ConvergeError::Missing`] names everything that is missing, not only the first.
pub(super) async fn specs(
    engine: &dyn Engine,
    set: &ContainerSet,
    plan: &Plan,
    options: &ApplyOptions,
    key: Option<&DigestKey>,
) -> Result<BTreeMap<String, ContainerSpec>> {
    let to_make = || {
        plan.containers
            .iter()
            .filter(|p| matches!(p.action, PlannedAction::Create | PlannedAction::Replace))
            .map(|p| (&p.container, &set.containers[&p.container]))
    };
    let mut problems = Vec::new();
    let mut specs = BTreeMap::new();
    let host = Host::current();
    for (name, config) in to_make() {
        if !is_container_name(name) {
            problems.push(Problem {
                container: name.clone(),
                what: "engines want a name of letters, digits, and then `_`, `.` or `-`".to_owned(),
            });
        }
        match container_spec(config, labels::of(set, name, config, options, key), &host) {
            Ok(mut spec) => {
                options.adjust(name, config, &mut spec, engine);
                specs.insert(name.clone(), spec);
            }
            Err(why) => problems.push(Problem {
                container: name.clone(),
                what: why.to_string(),
            }),
        }
    }
    let sources: Vec<(&String, &str)> = to_make()
        .flat_map(|(name, config)| sources(config).map(move |source| (name, source)))
        .collect();
    problems.extend(missing_sources(engine, &sources).await?);
    match problems.is_empty() {
        true => Ok(specs),
        false => Err(ConvergeError::Missing { problems }),
    }
}

fn is_container_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric());
    first && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn sources(config: &ContainerConfig) -> impl Iterator<Item = &str> {
    let volumes = config.keys().volumes.iter();
    let run = config.keys().action == Action::Run;
    volumes
        .filter(move |_| run)
        .filter_map(|volume| volume.source.as_deref())
}

fn volume_is_missing(engine: &dyn Engine, volume: &str) -> String {
    let program = engine.info().name();
    format!("there is no volume named {volume}; create it with `{program} volume create {volume}`")
}

async fn missing_sources(engine: &dyn Engine, sources: &[(&String, &str)]) -> Result<Vec<Problem>> {
    // An engine elsewhere has a file system of its own.
    let is_local = engine.info().is_local();
    let (paths, names): (Vec<_>, Vec<_>) = sources
        .iter()
        .partition(|(_, source)| source.starts_with('/'));
    let volumes: BTreeSet<String> = match names.is_empty() {
        true => BTreeSet::new(),
        false => engine.list_volumes().await?.into_iter().collect(),
    };
    let missing_paths = paths
        .into_iter()
        .filter(|(_, path)| is_local && !Path::new(path).exists())
        .map(|(name, path)| (name, format!("volume source {path} does not exist")));
    let missing_names = names
        .into_iter()
        .filter(|(_, volume)| !volumes.contains(*volume))
        .map(|(name, volume)| (name, volume_is_missing(engine, volume)));
    Ok(missing_paths
        .chain(missing_names)
        .map(|(name, what)| Problem {
            container: (*name).clone(),
            what,
        })
        .collect())
}
