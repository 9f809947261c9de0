//! The command line, and `deploy`, which conducts the others.
//!
//! Everything the binary does is behind [`main`]: it reads the command line, runs one subcommand,
//! and turns what came of it into an exit status. The work itself is in the crates below this
//! one; what is here is their order ([`deploy`](crate::Layout) brings a node up through Pre and
//! the steps), where a deployment lies on disk ([`Layout`]), and what a person sees of it.
//!
//! ```
//! use std::path::Path;
//!
//! let dir = tempfile::tempdir()?;
//! let layout = slipway::Layout::new(dir.path())?;
//! assert!(layout.config_data().ends_with("var/lib/config-data"));
//! assert_eq!(layout.bind_source("/dev/log"), "/dev/log");
//! # Ok::<(), anyhow::Error>(())
//! ```

mod called_as;
mod cli;
mod commands;
mod converging;
mod declared;
mod deploy;
mod engine;
mod engine_command;
mod exit;
mod kolla_check;
mod kolla_files;
mod kolla_image;
mod layout;
mod lock;
mod output;
mod share;
mod systemd;
mod yaml;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;

pub use layout::Layout;

/// Reads the command line, does what it says, and gives the exit status (see `slipway --help`).
pub fn main() -> ExitCode {
    if let Some(code) = called_as::main(std::env::args_os()) {
        return code;
    }
    run(cli::Cli::parse())
}

fn run(mut cli: cli::Cli) -> ExitCode {
    if matches!(&cli.command, cli::Command::Config(config) if config.debug) {
        cli.global.verbose = cli.global.verbose.max(2);
    }
    let output = Arc::new(output::Output::new(&cli.global));
    match commands::run(cli, &output).and_then(|()| output.all_printed()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            exit::code(&error)
        }
    }
}
