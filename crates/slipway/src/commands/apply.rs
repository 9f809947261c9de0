//! `slipway apply`.

use slipway_deploy::{lock, units};
use slipway_events::Events;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::{Value, json};
use slipway_engine::Engine;
use slipway_runtime::converge::{
    self, ApplyOptions, ContainerFailure, ContainerSet, ConvergeError, Outcome, Redact,
};
use slipway_runtime::spec::{Host, secrets};
use slipway_runtime::step::Reader;
use slipway_service::{ContainerConfig, UnknownKeys};

use crate::cli::{Apply, Global, LabelData};
use crate::commands::debug;
use crate::engine;
use crate::exit::bad_input;
use crate::output::{Level, Output};
use crate::show;
use crate::show::containers::{plan_table, summary_line};
use slipway_paths::Paths;

/// Converges the containers of a file, or shows the plan.
pub async fn run(args: Apply, global: &Global, output: &Arc<Output>) -> anyhow::Result<()> {
    let paths = Paths::new(&args.root.root).map_err(bad_input)?;
    let set = ContainerSet {
        config_id: args.config_id,
        managed_by: args.managed_by,
        containers: read(&args.file, &paths, args.unknown_keys, output).await?,
    };
    let events = show::deploy::events(output);
    let engine = engine::connect(global).await?;
    let options = ApplyOptions {
        labels: args.labels.into_iter().collect(),
        label_data: match args.label_data {
            LabelData::Config => converge::LabelData::Config,
            LabelData::Digest => converge::LabelData::Digest,
        },
        no_healthchecks: args.healthcheck_disabled,
        log_dir: args.container_log_path,
        cleanup: !args.no_cleanup,
        rollback: !args.no_rollback,
        restart_changed: args.restart_changed,
        state_dir: Some(paths.state()),
        units: units(
            &args.systemd.unit_files(),
            paths.root(),
            engine.as_ref(),
            &events,
        ),
        redact: redactor(&set),
        ..ApplyOptions::default()
    };
    if args.plan {
        let plan = converge::plan(engine.as_ref(), &set, &options).await?;
        match output.is_json() {
            true => output.json(&plan)?,
            false => output.result(&plan_table(&plan)),
        }
        return Ok(converge::check(engine.as_ref(), &set, &plan, &options).await?);
    }
    let _lock = lock(&paths, args.lock.on_locked(), &events).await?;
    let progress = events.nest(slipway_deploy::Event::Containers);
    let timeout = args.wait.map(Duration::from_secs);
    let converged = converge_and_wait(engine.as_ref(), &set, &options, timeout, &progress).await;
    match &converged {
        Ok(outcome) if output.is_json() => output.json(&report(outcome, &[]))?,
        Ok(outcome) => output.line(Level::Normal, &summary_line(outcome)),
        Err(ConvergeError::Containers { failures, outcome }) if output.is_json() => {
            output.json(&report(outcome, failures))?;
        }
        Err(_) => {}
    }
    converged?;
    Ok(())
}

async fn converge_and_wait(
    engine: &dyn Engine,
    set: &ContainerSet,
    options: &ApplyOptions,
    timeout: Option<Duration>,
    events: &Events<converge::Event>,
) -> Result<Outcome, ConvergeError> {
    let outcome = converge::apply(engine, set, options, events).await?;
    let Some(timeout) = timeout else {
        return Ok(outcome);
    };
    match converge::wait_healthy(engine, set, timeout, options, events).await {
        Ok(()) => Ok(outcome),
        Err(ConvergeError::Containers { failures, .. }) => Err(ConvergeError::Containers {
            failures,
            outcome: Box::new(outcome),
        }),
        Err(other) => Err(other),
    }
}

/// Returns the outcome and the failures, for scripts.
fn report(outcome: &Outcome, failures: &[ContainerFailure]) -> Value {
    json!({"changed": !outcome.is_unchanged(), "outcome": outcome, "failures": failures})
}

/// Returns the redactor of the secrets of these containers.
pub fn redactor(set: &ContainerSet) -> Redact {
    let redactor = secrets(set.containers.values(), &Host::current()).redactor();
    Arc::new(move |text| redactor.redact(text))
}

/// Reads containers from a file, a directory or standard input, and moves their host paths under the
/// root. Warns of the unknown keys that are passed over.
pub async fn read(
    file: &Path,
    paths: &Paths,
    unknown: UnknownKeys,
    output: &Output,
) -> anyhow::Result<IndexMap<String, ContainerConfig>> {
    let mut reader = Reader::new(unknown);
    let (reader, mut containers) = if file == Path::new("-") {
        // On a thread of its own, so an interrupt does not wait for the end of the input.
        let name = Path::new("standard input");
        let read = move || {
            let containers = reader.read_from(name, std::io::stdin());
            containers.map(|containers| (reader, containers))
        };
        let done = tokio::task::spawn_blocking(read).await?;
        done.map_err(bad_input)?
    } else {
        let containers = reader.read(file).map_err(bad_input)?;
        (reader, containers)
    };
    for unknown in reader.unknown_keys() {
        output.warning(&unknown.to_string());
    }
    relocate(file, &mut containers, paths)?;
    Ok(containers)
}

/// Moves the host paths of containers under the root; `file` is for messages.
pub fn relocate(
    file: &Path,
    containers: &mut IndexMap<String, ContainerConfig>,
    paths: &Paths,
) -> anyhow::Result<()> {
    for (name, config) in containers {
        let place = format!("{}: {name}", file.display());
        slipway_deploy::relocate_container(&place, config, paths)?;
    }
    Ok(())
}

/// Returns paunch's exit status: the docker command's exit code for the last failed container.
pub fn paunch_status(failures: &[ContainerFailure]) -> u8 {
    let of_failure = |failure: &ContainerFailure| match failure.exit_code {
        Some(code) => u8::try_from(code).unwrap_or(1),
        None => debug::exit_code_of(&failure.what),
    };
    failures.last().map_or(1, of_failure)
}
