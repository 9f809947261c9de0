//! heat-agents' scripts of the group docker-cmd: `slipway hook docker-cmd` and its clean-up.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;

/// Runs hook-docker-cmd.py. The script takes no arguments; those given are of `slipway hook`.
pub fn hook(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    run("docker-cmd", arguments)
}

/// Runs 50-heat-config-docker-cmd. The script takes no arguments; those given are of `slipway hook`.
pub fn cleanup(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    run("docker-cmd-cleanup", arguments)
}

fn run(hook: &str, arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let command = ["slipway", "hook", hook].map(OsString::from);
    crate::run(Cli::parse_from(command.into_iter().chain(arguments)))
}
