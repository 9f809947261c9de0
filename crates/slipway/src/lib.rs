//! The command line, and `deploy`, which conducts the others.
//!
//! [`main`] is everything that the binary does: it parses the command line, runs one subcommand and
//! turns the result into an exit status. The other crates do the work; this one shows what they
//! report.

mod called_as;
mod cli;
mod commands;
mod engine;
mod engine_command;
mod exit;
mod log;
mod output;
mod share;
mod show;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;

/// Reads the command line, does what it says, and gives the exit status (see `slipway --help`).
pub fn main() -> ExitCode {
    if let Err(error) = log::start() {
        return log::report(&error);
    }
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
