//! `slipway hook`: the hooks that heat-agents calls.

mod deployment;
mod response;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use slipway_deploy::{OnLocked, lock, units};
use slipway_paths::Paths;
use slipway_runtime::converge::{self, ApplyOptions, ContainerSet};
use slipway_runtime::step::Reader;
use slipway_service::UnknownKeys;

use crate::cli::{Cleanup, DockerCmd, DockerCmdCleanup, Global, Hook};
use crate::commands::{apply, listing};
use crate::exit::bad_input;
use crate::output::{Level, Output};
use crate::{engine, show};
use deployment::{Deployment, Known};
use response::{Recorder, Response};

/// The manager of the containers, as heat-agents has it.
const MANAGED_BY: &str = "docker-cmd";

/// The name of a deployment's config in messages.
const PLACE: &str = "config of the deployment";

/// Runs a hook.
pub async fn run(args: &Hook, global: &Global, output: &Arc<Output>) -> anyhow::Result<()> {
    let global = with_engine_of_heat(global);
    match args {
        Hook::DockerCmd(args) => docker_cmd(args, &global, output).await,
        Hook::DockerCmdCleanup(args) => cleanup(args, &global, output).await,
    }
}

/// Returns the options with the engine that `HEAT_DOCKER_CMD` names.
fn with_engine_of_heat(global: &Global) -> Global {
    let command = std::env::var_os("HEAT_DOCKER_CMD").unwrap_or_default();
    let name = Path::new(&command)
        .file_name()
        .and_then(|name| name.to_str());
    let engine_name = name.filter(|name| ["docker", "podman"].contains(name));
    Global {
        engine_name: engine_name.map(str::to_owned),
        ..global.clone()
    }
}

/// Applies the deployment on standard input. A failure is a part of the response: heat-config hands
/// the response on to Heat, and ignores a hook that fails itself.
async fn docker_cmd(args: &DockerCmd, global: &Global, output: &Arc<Output>) -> anyhow::Result<()> {
    let read = || slipway_files::read_stream(std::io::stdin());
    // On a thread of its own, so an interrupt does not wait for the end of the input.
    let text = tokio::task::spawn_blocking(read).await?;
    let text = text
        .context("cannot read standard input")
        .map_err(bad_input)?;
    let deployment = Deployment::parse(&text).map_err(bad_input)?;
    if deployment.is_deletion() {
        return output.json(&Response::default());
    }
    let Some(config) = deployment.config() else {
        output.line(Level::Normal, "the deployment has no config: nothing to do");
        return output.json(&Response::default());
    };
    let response = match apply(&deployment, &config, args, global, output).await {
        Ok(response) => response,
        Err(error) => {
            output.error(&error);
            Response::of_error(&error)
        }
    };
    output.json(&response)
}

async fn apply(
    deployment: &Deployment,
    config: &str,
    args: &DockerCmd,
    global: &Global,
    output: &Arc<Output>,
) -> anyhow::Result<Response> {
    let paths = Paths::new(&args.root.root).map_err(bad_input)?;
    let place = Path::new(PLACE);
    let mut reader = Reader::new(UnknownKeys::PassedOver);
    let mut containers = reader.read_from(place, config.as_bytes())?;
    for unknown in reader.unknown_keys() {
        output.warning(&unknown.to_string());
    }
    apply::relocate(place, &mut containers, &paths)?;
    let set = ContainerSet {
        config_id: deployment.id()?,
        managed_by: MANAGED_BY.to_owned(),
        containers,
    };
    let engine = engine::connect(global).await?;
    let events = show::deploy::events(output);
    let unit_files = args.systemd.unit_files();
    let options = ApplyOptions {
        labels: deployment.labels(),
        state_dir: Some(paths.state()),
        units: units(&unit_files, paths.root(), engine.as_ref(), &events),
        redact: apply::redactor(&set),
        send_output: true,
        ..ApplyOptions::default()
    };
    let _lock = lock(&paths, OnLocked::Wait, &events).await?;
    let recorder = Recorder::new();
    let recording = recorder.events(events.nest(slipway_deploy::Event::Containers));
    let done = converge::apply(engine.as_ref(), &set, &options, &recording).await;
    recorder.response(&set, done)
}

/// Deletes the containers of the deployments that heat-config no longer knows.
async fn cleanup(
    args: &DockerCmdCleanup,
    global: &Global,
    output: &Arc<Output>,
) -> anyhow::Result<()> {
    let config_id = match Known::read(&args.config).map_err(bad_input)? {
        Known::Ids(ids) => ids,
        // Nothing is known, rather than known to be gone.
        Known::Nothing(reason) => {
            output.warning(&format!("{reason}; nothing is deleted"));
            return Ok(());
        }
    };
    let args = Cleanup {
        config_id,
        managed_by: MANAGED_BY.to_owned(),
        root: Some(args.root.root.clone()),
        systemd: args.systemd.clone(),
    };
    listing::cleanup(&args, global, output).await
}
