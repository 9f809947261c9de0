//! The engine that a build asks for.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use slipway_engine::Engine;
use slipway_image::BuildConfig;

use crate::cli;
use crate::engine;
use crate::exit::bad_input;

/// Connects to an engine of the kind that the configuration names.
pub async fn connect(
    config: &BuildConfig,
    global: &cli::Global,
) -> anyhow::Result<Arc<dyn Engine>> {
    let mut global = global.clone();
    let is_of_podman = config.engine.as_deref() == Some("podman") && global.host.is_none();
    if is_of_podman {
        global.host = Some(config.podman_base_url.clone());
    }
    let connected = engine::connect(&global).await;
    let engine = match is_of_podman {
        true => connected.context("--engine podman: set podman_base_url to its address")?,
        false => connected?,
    };
    let name = engine.info().name();
    match &config.engine {
        Some(wanted) if wanted != name => Err(bad_input(anyhow!(
            "--engine {wanted}: {name} answers at {}; name another address with --host",
            engine.info().address
        ))),
        _ => Ok(engine),
    }
}

/// Returns whether an engine can build with BuildKit.
pub fn has_buildkit(engine: &dyn Engine) -> bool {
    engine.info().capabilities().buildkit
}
