//! kolla-build.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, FromArgMatches, value_parser};
use slipway_oslo_config::CommandLine;

use crate::cli::{Build, Cli, Command, Format, Global, KollaBuild};

/// Runs `slipway build` with kolla-build's command line, and what kolla-build does by itself:
/// the lines of builds on standard error, the summary as JSON on standard output.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let command = KollaBuild::command().args([
        Arg::new("kolla")
            .long("kolla")
            .value_name("DIR")
            .env("SLIPWAY_KOLLA")
            .value_parser(value_parser!(PathBuf))
            .help("The Kolla to build from: a checkout, or the prefix it is installed under"),
        Arg::new("host")
            .long("host")
            .value_name("ADDRESS")
            .action(ArgAction::Set)
            .value_parser(value_parser!(String))
            .help("Where the container engine is; otherwise found as the docker CLI finds it"),
    ]);
    let arguments = std::iter::once(OsString::from("kolla-build")).chain(arguments);
    let matches = command.get_matches_from(arguments);
    let options = match KollaBuild::from_arg_matches(&matches) {
        Ok(options) => options,
        Err(error) => error.exit(),
    };
    let is_quiet = last(&options.options, "quiet") == Some("true");
    crate::run(Cli {
        global: Global {
            host: matches.get_one::<String>("host").cloned(),
            format: Format::Text,
            verbose: if is_quiet { 0 } else { 2 },
            quiet: is_quiet,
            kind: None,
        },
        command: Command::Build(Build {
            options,
            kolla: matches.get_one::<PathBuf>("kolla").cloned(),
            plan: false,
            rebuild: false,
            timeline: None,
            as_kolla_build: true,
        }),
    })
}

fn last<'a>(options: &'a CommandLine, name: &str) -> Option<&'a str> {
    options.get(name)?.last().map(String::as_str)
}
