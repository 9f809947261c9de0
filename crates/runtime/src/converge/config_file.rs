//! Containers whose config.json changed after they were started.
//!
//! A Kolla container reads its config.json when it starts. A change of this file alone changes
//! neither the container's configuration nor the hash of its config volumes, so the container is
//! kept. The plan says that a restart is wanted.

use std::time::UNIX_EPOCH;

use slipway_engine::{ContainerSummary, Engine};
use slipway_service::ContainerConfig;

use super::plan::{Plan, PlannedAction, Reason};
use super::{ApplyOptions, ContainerSet, Result};

/// The path inside a container where it finds its config.json.
const INSIDE: &str = "/var/lib/kolla/config_files/config.json";

/// Nanoseconds of a second.
const SECOND: i128 = 1_000_000_000;

/// Adds to a plan the containers whose config.json changed after they were started.
pub(super) async fn plan_restarts(
    engine: &dyn Engine,
    set: &ContainerSet,
    all: &[ContainerSummary],
    options: &ApplyOptions,
    plan: &mut Plan,
) -> Result<()> {
    // An engine elsewhere has files of its own.
    if !engine.info().is_local() {
        return Ok(());
    }
    for planned in &mut plan.containers {
        let existing = planned.existing.as_ref().filter(|existing| existing.was_up);
        let (PlannedAction::Keep, Some(existing)) = (planned.action, existing) else {
            continue;
        };
        let Some((file, modified)) = config_file(&set.containers[&planned.container]) else {
            continue;
        };
        // The list tells when a container was created. Most files are older than that.
        let created = all.iter().find(|container| container.id == existing.id);
        if created.is_none_or(|container| modified < i128::from(container.created) * SECOND) {
            continue;
        }
        let found = engine.find_container(&existing.id).await?;
        if found
            .and_then(|container| container.started)
            .is_some_and(|started| started < modified)
        {
            planned.reasons.push(Reason::ConfigFileChanged { file });
            if options.restart_changed {
                planned.action = PlannedAction::Restart;
            }
        }
    }
    Ok(())
}

/// The config.json that a container mounts, and when it was modified, in nanoseconds since 1970.
fn config_file(config: &ContainerConfig) -> Option<(String, i128)> {
    let mounts = &config.keys().volumes;
    let mount = mounts.iter().find(|mount| mount.target == INSIDE)?;
    let source = mount
        .source
        .as_ref()
        .filter(|source| source.starts_with('/'))?;
    let modified = std::fs::metadata(source).ok()?.modified().ok()?;
    let since = modified.duration_since(UNIX_EPOCH).ok()?;
    Some((source.clone(), i128::try_from(since.as_nanos()).ok()?))
}
