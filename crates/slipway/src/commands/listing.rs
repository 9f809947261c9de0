//! `slipway ps`, `logs`, `delete` and `cleanup`: existing containers.

use slipway_deploy::{OnLocked, lock, units};
use slipway_events::Events;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::anyhow;
use futures_util::StreamExt;
use serde_json::{Map, Value, json};
use slipway_engine::{ContainerState, Engine, Health, LogLine};
use slipway_runtime::converge::{ApplyOptions, ContainerSet, Event};
use slipway_runtime::manage::{self, Beside, Listed};
use slipway_runtime::systemd::Units;

use crate::cli::{Cleanup, Delete, Global, Logs, Select, Systemd};
use crate::exit::bad_input;
use crate::output::{Level, Output, table};
use crate::{engine, show};
use slipway_files::Lock;
use slipway_paths::Paths;
use slipway_redact::printable;

/// Lists containers.
pub async fn ps(args: &Select, global: &Global, output: &Output) -> anyhow::Result<()> {
    let managed_by = whose(args)?;
    let engine = engine::connect(global).await?;
    let mut sets = sets(args, engine.as_ref(), managed_by.as_deref()).await?;
    let mut missing = Vec::new();
    // A name selects containers of whatever root; a root may also come from a settings file.
    if let (Some(root), None, Some(managed_by)) = (&args.root, &args.managed_by, &managed_by) {
        let paths = Paths::new(root).map_err(bad_input)?;
        for (config_id, listed) in &mut sets {
            let names = compare(engine.as_ref(), &paths, config_id, managed_by, listed).await?;
            missing.extend(names.into_iter().map(|name| (config_id.clone(), name)));
        }
    }
    if output.is_json() {
        let rows = sets.iter().flat_map(|(config_id, set)| {
            set.iter()
                .map(move |container| json_row(config_id, container))
        });
        return output.json(&rows.collect::<Result<Vec<_>, _>>()?);
    }
    let mut rows = vec![
        [
            "STEP", "NAME", "STATE", "HEALTH", "IMAGE", "CONFIG", "DRIFT",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for (config_id, set) in &sets {
        rows.extend(set.iter().map(|container| text_row(config_id, container)));
        let missing = missing.iter().filter(|(id, _)| id == config_id);
        rows.extend(missing.map(|(_, name)| {
            let cells = [
                &step(config_id),
                name,
                "missing",
                "-",
                "-",
                "-",
                "not there",
            ];
            cells.map(str::to_owned).to_vec()
        }));
    }
    output.result(&table(&rows));
    Ok(())
}

/// Compares a deployed step's containers with the configs that they were started from, if those are
/// on disk. Returns the names of missing containers.
async fn compare(
    engine: &dyn Engine,
    paths: &Paths,
    config_id: &str,
    managed_by: &str,
    listed: &mut [Listed],
) -> anyhow::Result<Vec<String>> {
    let Some(step) = slipway_deploy::step_of(config_id) else {
        return Ok(Vec::new());
    };
    let file = paths.tripleo_config().join(format!(
        "hashed-docker-container-startup-config-step_{step}.json"
    ));
    if !file.is_file() {
        return Ok(Vec::new());
    }
    let set = ContainerSet {
        config_id: config_id.to_owned(),
        managed_by: managed_by.to_owned(),
        containers: slipway_runtime::step::read(&file).map_err(bad_input)?,
    };
    let options = ApplyOptions {
        state_dir: Some(paths.state()),
        ..ApplyOptions::default()
    };
    Ok(manage::add_drift(engine, &set, &options, listed).await?)
}

fn json_row(config_id: &str, container: &Listed) -> Result<Value, serde_json::Error> {
    let mut row = Map::new();
    row.insert("config_id".to_owned(), json!(config_id));
    row.insert("step".to_owned(), json!(slipway_deploy::step_of(config_id)));
    if let Value::Object(fields) = serde_json::to_value(container)? {
        row.extend(fields);
    }
    Ok(Value::Object(row))
}

fn step(config_id: &str) -> String {
    slipway_deploy::step_of(config_id).map_or_else(|| config_id.to_owned(), |step| step.to_string())
}

fn text_row(config_id: &str, container: &Listed) -> Vec<String> {
    let state = match (container.state, container.exit_code) {
        (ContainerState::Exited, Some(code)) => format!("exited ({code})"),
        (state, _) => format!("{state:?}").to_lowercase(),
    };
    let health = match container.health {
        None => "-",
        Some(Health::Starting) => "starting",
        Some(Health::Healthy) => "healthy",
        Some(Health::Unhealthy) => "unhealthy",
    };
    let hash = container.config_hash.as_deref().unwrap_or("-");
    let drift: Vec<String> = container.drift.iter().map(ToString::to_string).collect();
    vec![
        step(config_id),
        container.name.clone(),
        state,
        health.to_owned(),
        container.image.clone(),
        hash.chars().take(12).collect(),
        match drift.is_empty() {
            true => "-".to_owned(),
            false => drift.join(", "),
        },
    ]
}

/// Prints a container's output, secrets masked.
pub async fn logs(args: &Logs, global: &Global, output: &Output) -> anyhow::Result<()> {
    let managed_by = whose(&args.select)?;
    let engine = engine::connect(global).await?;
    let sets = sets(&args.select, engine.as_ref(), managed_by.as_deref()).await?;
    let name = args.container.as_str();
    let all = || sets.values().flatten();
    let by_name = all().find(|listed| listed.name == name);
    let found: Vec<&Listed> = match by_name {
        Some(found) => vec![found],
        None => all().filter(|listed| listed.container == name).collect(),
    };
    let container = match found[..] {
        [container] => container,
        [] => return Err(bad_input(anyhow!("there is no managed container {name}"))),
        _ => {
            let names: Vec<&str> = found.iter().map(|listed| listed.name.as_str()).collect();
            let message = format!("{name} is several: {}; name one of these", names.join(", "));
            return Err(bad_input(anyhow!(message)));
        }
    };
    let redactor = manage::secrets(engine.as_ref(), &container.id)
        .await?
        .redactor();
    let mut lines = engine.logs(&container.id, args.tail, args.follow).await?;
    while let Some(line) = lines.next().await {
        let (stream, line) = match line? {
            LogLine::Out(line) => ("stdout", redactor.redact(&printable(&line))),
            LogLine::Err(line) => ("stderr", redactor.redact(&printable(&line))),
        };
        if output.is_json() {
            output.result(&json!({"stream": stream, "line": line}).to_string());
        } else if stream == "stdout" {
            output.result(&line);
        } else {
            output.line(Level::Quiet, &line);
        }
    }
    Ok(())
}

/// Deletes containers.
pub async fn delete(args: &Delete, global: &Global, output: &Arc<Output>) -> anyhow::Result<()> {
    let managed_by = managed_by(args.root.as_deref(), args.managed_by.as_deref(), &args.role)?;
    let managed_by = managed_by.ok_or_else(|| {
        bad_input(anyhow!(
            "no containers selected: give --managed-by or --root"
        ))
    })?;
    let engine = engine::connect(global).await?;
    let kept = Kept::of(args.root.as_deref(), &args.systemd, engine.as_ref(), output).await?;
    let config_ids = match args.all {
        true => manage::list(engine.as_ref(), Some(&managed_by))
            .await?
            .into_keys()
            .collect(),
        false => args.config_id.clone(),
    };
    let names = manage::delete(
        engine.as_ref(),
        &managed_by,
        &config_ids,
        kept.beside(),
        &removals(output),
    )
    .await?;
    conclude(&names, output)
}

/// Deletes the containers of other config ids.
pub async fn cleanup(args: &Cleanup, global: &Global, output: &Arc<Output>) -> anyhow::Result<()> {
    let engine = engine::connect(global).await?;
    let kept = Kept::of(args.root.as_deref(), &args.systemd, engine.as_ref(), output).await?;
    let names = manage::cleanup(
        engine.as_ref(),
        &args.managed_by,
        &args.config_id,
        kept.beside(),
        &removals(output),
    )
    .await?;
    conclude(&names, output)
}

/// The records of the containers to delete, and the lock on them: a run in progress would start the
/// containers again.
struct Kept {
    state: Option<PathBuf>,
    _lock: Option<Lock>,
    units: Option<Units>,
}

impl Kept {
    async fn of(
        root: Option<&Path>,
        systemd: &Systemd,
        engine: &dyn Engine,
        output: &Arc<Output>,
    ) -> anyhow::Result<Kept> {
        let events = show::deploy::events(output);
        let paths = Paths::new(root.unwrap_or(Path::new("/"))).map_err(bad_input)?;
        let state = paths.state();
        // Without --root the records may be another user's.
        let ours = rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK;
        let is_ours = root.is_some() || rustix::fs::access(&state, ours).is_ok();
        let lock = match is_ours && state.is_dir() {
            true => Some(lock(&paths, OnLocked::Wait, &events).await?),
            false => None,
        };
        Ok(Kept {
            state: is_ours.then_some(state),
            _lock: lock,
            units: units(&systemd.unit_files(), paths.root(), engine, &events),
        })
    }

    fn beside(&self) -> Beside<'_> {
        Beside {
            state_dir: self.state.as_deref(),
            units: self.units.as_ref(),
        }
    }
}

/// Returns the selected managed_by label; `None` selects every manager's containers.
fn whose(args: &Select) -> anyhow::Result<Option<String>> {
    managed_by(args.root.as_deref(), args.managed_by.as_deref(), &args.role)
}

/// Returns the selected containers, by config_id.
async fn sets(
    args: &Select,
    engine: &dyn Engine,
    managed_by: Option<&str>,
) -> anyhow::Result<BTreeMap<String, Vec<Listed>>> {
    let mut sets = manage::list(engine, managed_by).await?;
    if !args.config_id.is_empty() {
        sets.retain(|config_id, _| args.config_id.contains(config_id));
    }
    Ok(sets)
}

fn managed_by(
    root: Option<&Path>,
    name: Option<&str>,
    role: &str,
) -> anyhow::Result<Option<String>> {
    match (name, root) {
        (Some(name), _) => Ok(Some(name.to_owned())),
        (None, Some(root)) => Ok(Some(Paths::new(root).map_err(bad_input)?.managed_by(role))),
        (None, None) => Ok(None),
    }
}

/// Returns events that show each removed container.
fn removals(output: &Arc<Output>) -> Events<Event> {
    let output = Arc::clone(output);
    Events::new(move |event| {
        if let Event::Removed { name, .. } = event {
            output.line(Level::Normal, &format!("removed {name}"));
        }
    })
}

fn conclude(names: &[String], output: &Output) -> anyhow::Result<()> {
    if output.is_json() {
        return output.json(&names);
    }
    if names.is_empty() {
        output.line(Level::Normal, "nothing to remove");
    }
    Ok(())
}
