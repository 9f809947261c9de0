//! docker-puppet.py and container-puppet.py: `slipway config`, configured by the environment.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;

/// Generates config volumes. The scripts take no arguments; those given are of `slipway config`.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let command = ["slipway", "config"].map(OsString::from);
    crate::run(Cli::parse_from(command.into_iter().chain(arguments)))
}
