//! The log: events on standard error, where `SLIPWAY_LOG` asks for them.
//!
//! It records what the crates report, with every field. [`crate::show`] renders the same events for
//! people.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::exit::{bad_input, code};

const VARIABLE: &str = "SLIPWAY_LOG";

/// Starts the log, if `SLIPWAY_LOG` is set: to a level, or to a level for each crate.
pub fn start() -> anyhow::Result<()> {
    let Some(filter) = std::env::var_os(VARIABLE).filter(|filter| !filter.is_empty()) else {
        return Ok(());
    };
    let filter = parse(&filter.to_string_lossy()).map_err(bad_input)?;
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(std::io::stderr);
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init()
        .context("cannot start the log")
}

fn parse(filter: &str) -> anyhow::Result<Targets> {
    filter.parse().with_context(|| {
        format!(
            "{VARIABLE}: invalid filter \"{filter}\"; expected a level (error, warn, info, debug, \
             trace) or CRATE=LEVEL, separated by commas"
        )
    })
}

/// Prints the error of [`start`]. Returns its exit status.
pub fn report(error: &anyhow::Error) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "error: {error}");
    code(error)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_filter_is_a_level_or_one_for_each_crate() {
        let filter = parse("slipway_image=trace,warn").unwrap();
        assert!(filter.would_enable("slipway_image::build::event", &Level::TRACE));
        assert!(!filter.would_enable("slipway_puppet::events", &Level::INFO));
        let error = parse("slipway_image=loud").unwrap_err().to_string();
        assert!(error.starts_with("SLIPWAY_LOG: invalid filter"), "{error}");
    }
}
