//! The engine that the global options name, or that is found.

use std::sync::Arc;

use slipway_engine::{ConnectOptions, Engine};

use crate::cli::Global;

/// Connects.
pub async fn connect(global: &Global) -> anyhow::Result<Arc<dyn Engine>> {
    let options = ConnectOptions {
        host: global.host.clone(),
        kind: global.kind,
        ..ConnectOptions::default()
    };
    Ok(slipway_engine::connect(&options).await?)
}
