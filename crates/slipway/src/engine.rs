//! The engine that the global options name, or that answers.

use std::sync::Arc;

use slipway_engine::{ConnectOptions, Engine};
use slipway_events::Events;

use crate::cli::Global;
use crate::output::{Level, Output};

/// Connects. Calls that the engine is slow to answer are reported on standard error.
pub async fn connect(global: &Global) -> anyhow::Result<Arc<dyn Engine>> {
    let options = ConnectOptions {
        host: global.host.clone(),
        name: global.engine_name.clone(),
        events: Events::new({
            let output = Output::new(global);
            move |event: slipway_engine::Event| output.line(Level::Normal, &event.to_string())
        }),
        ..ConnectOptions::default()
    };
    Ok(slipway_engine::connect(&options).await?)
}
