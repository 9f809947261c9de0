//! `slipway ps`, `delete` and `cleanup`: the containers that are there.

use std::path::Path;

use runtime::converge::Event;
use runtime::engine::{ContainerState, Health};
use runtime::manage::{self, Listed};
use serde_json::{Map, Value, json};

use crate::cli::{Cleanup, Delete, Global, Select};
use crate::exit::bad_input;
use crate::layout::Layout;
use crate::output::{Level, Output, table};
use crate::{deploy, engine, lock};

/// Lists containers.
pub async fn ps(asked: &Select, global: &Global, output: &Output) -> anyhow::Result<()> {
    let managed_by = managed_by(
        asked.root.as_deref(),
        asked.managed_by.as_deref(),
        &asked.role,
    )?;
    let engine = engine::connect(global).await?;
    let mut sets = manage::list(engine.as_ref(), managed_by.as_deref()).await?;
    if !asked.config_id.is_empty() {
        sets.retain(|config_id, _| asked.config_id.contains(config_id));
    }
    if output.is_json() {
        let rows = sets.iter().flat_map(|(config_id, set)| {
            set.iter()
                .map(move |container| json_row(config_id, container))
        });
        return output.json(&rows.collect::<Result<Vec<_>, _>>()?);
    }
    let mut rows = vec![
        ["STEP", "NAME", "STATE", "HEALTH", "IMAGE"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for (config_id, set) in &sets {
        rows.extend(set.iter().map(|container| text_row(config_id, container)));
    }
    output.result(&table(&rows));
    Ok(())
}

fn json_row(config_id: &str, container: &Listed) -> Result<Value, serde_json::Error> {
    let mut row = Map::new();
    row.insert("config_id".to_owned(), json!(config_id));
    row.insert("step".to_owned(), json!(deploy::step_of(config_id)));
    if let Value::Object(fields) = serde_json::to_value(container)? {
        row.extend(fields);
    }
    Ok(Value::Object(row))
}

fn text_row(config_id: &str, container: &Listed) -> Vec<String> {
    let step =
        deploy::step_of(config_id).map_or_else(|| config_id.to_owned(), |step| step.to_string());
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
    vec![
        step,
        container.name.clone(),
        state,
        health.to_owned(),
        container.image.clone(),
    ]
}

/// Deletes containers.
pub async fn delete(asked: &Delete, global: &Global, output: &Output) -> anyhow::Result<()> {
    let managed_by = managed_by(
        asked.root.as_deref(),
        asked.managed_by.as_deref(),
        &asked.role,
    )?
    .unwrap_or_default();
    let state = match &asked.root {
        Some(root) => Some(Layout::new(root).map_err(bad_input)?.state()),
        None => None,
    };
    let engine = engine::connect(global).await?;
    // A deployment under way would only start again what is deleted here.
    let _lock = match state.as_deref().filter(|state| state.is_dir()) {
        Some(state) => Some(lock::take(state, false, output).await?),
        None => None,
    };
    let config_ids = match asked.all {
        true => manage::list(engine.as_ref(), Some(&managed_by))
            .await?
            .into_keys()
            .collect(),
        false => asked.config_id.clone(),
    };
    let names = manage::delete(
        engine.as_ref(),
        &managed_by,
        &config_ids,
        state.as_deref(),
        &|event| removed(&event, output),
    )
    .await?;
    conclude(&names, output)
}

/// Deletes the containers of other config ids.
pub async fn cleanup(asked: &Cleanup, global: &Global, output: &Output) -> anyhow::Result<()> {
    let engine = engine::connect(global).await?;
    let names = manage::cleanup(
        engine.as_ref(),
        &asked.managed_by,
        &asked.config_id,
        None,
        &|event| removed(&event, output),
    )
    .await?;
    conclude(&names, output)
}

/// The managed_by label that a root or a name stands for.
fn managed_by(
    root: Option<&Path>,
    name: Option<&str>,
    role: &str,
) -> anyhow::Result<Option<String>> {
    match (name, root) {
        (Some(name), _) => Ok(Some(name.to_owned())),
        (None, Some(root)) => Ok(Some(Layout::new(root).map_err(bad_input)?.managed_by(role))),
        (None, None) => Ok(None),
    }
}

fn removed(event: &Event, output: &Output) {
    if let Event::Removed { name, .. } = event {
        output.line(Level::Normal, &format!("removed {name}"));
    }
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
