//! `slipway apply`.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use runtime::converge::{self, ApplyOptions, ContainerSet};
use serde_json::json;

use crate::cli::{Apply, Global};
use crate::converging::{in_short, plan_table, show};
use crate::engine;
use crate::exit::bad_input;
use crate::layout::Layout;
use crate::lock;
use crate::output::{Level, Output};

/// Makes the containers of a step file be as it says.
pub async fn run(asked: Apply, global: &Global, output: &Output) -> anyhow::Result<()> {
    let mut set = ContainerSet {
        config_id: asked.config_id,
        managed_by: asked.managed_by,
        containers: read(&asked.file).await?,
    };
    let layout = Layout::new(&asked.root.root).map_err(bad_input)?;
    for config in set.containers.values_mut() {
        config.relocate(|path| layout.bind_source(path));
    }
    let options = ApplyOptions {
        state_dir: Some(layout.state()),
        cleanup: !asked.no_cleanup,
        ..ApplyOptions::default()
    };
    let engine = engine::connect(global).await?;
    if asked.plan {
        let plan = converge::plan(engine.as_ref(), &set, &options).await?;
        if output.is_json() {
            return output.json(&plan);
        }
        output.result(&plan_table(&plan));
        return Ok(());
    }
    let _lock = lock::take(&layout.state(), asked.lock.no_wait, output).await?;
    let progress = |event| show(&event, output);
    let outcome = converge::apply(engine.as_ref(), &set, &options, &progress).await?;
    if let Some(seconds) = asked.wait {
        let timeout = Duration::from_secs(seconds);
        converge::wait_healthy(engine.as_ref(), &set, timeout, &options, &progress).await?;
    }
    if output.is_json() {
        return output.json(&json!({"changed": !outcome.is_unchanged(), "outcome": outcome}));
    }
    output.line(Level::Normal, &in_short(&outcome));
    Ok(())
}

async fn read(file: &Path) -> anyhow::Result<indexmap::IndexMap<String, service::ContainerConfig>> {
    if file != Path::new("-") {
        return runtime::step::read(file).map_err(bad_input);
    }
    // On a thread of its own, so that an interrupt need not wait for its end.
    let text = tokio::task::spawn_blocking(|| std::io::read_to_string(std::io::stdin())).await?;
    let text = text
        .context("cannot read standard input")
        .map_err(bad_input)?;
    runtime::step::parse(Path::new("standard input"), &text).map_err(bad_input)
}
