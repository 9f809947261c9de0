//! The command line of Slipway, and of the tools that it replaces.
//!
//! [`main`] parses the command line, runs one subcommand and returns its exit status. The other crates
//! do the work; this one shows their events and results.

mod called_as;
mod cli;
mod commands;
mod engine;
mod engine_command;
mod exit;
mod log;
mod output;
mod report_file;
mod settings;
mod share;
mod show;

use std::process::ExitCode;
use std::sync::Arc;

/// Runs a parsed command line and returns the exit status (see `slipway --help`).
pub fn main() -> ExitCode {
    if let Err(error) = log::start() {
        return log::report(&error);
    }
    if let Some(code) = called_as::main(std::env::args_os()) {
        return code;
    }
    match settings::parse(std::env::args_os()) {
        Ok(cli) => run(cli),
        Err(error) => log::report(&error),
    }
}

fn run(mut cli: cli::Cli) -> ExitCode {
    if matches!(&cli.command, cli::Command::Config(config) if config.debug) {
        cli.global.verbose = cli.global.verbose.max(2);
    }
    let output = Arc::new(output::Output::new(&cli.global));
    match commands::run(cli, &output).and_then(|()| output.close()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            exit::code(&error)
        }
    }
}
