//! kolla-build.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Arg, ArgAction, FromArgMatches, value_parser};
use slipway_kolla_release::Kolla;
use slipway_oslo_config::CommandLine;

use crate::cli::{Build, Cli, Command, Format, Global, KollaBuild};
use crate::commands;
use crate::exit::{self, bad_input};
use crate::output::Output;

/// Runs `slipway build` with kolla-build's command line, log and summary.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let command = KollaBuild::command().args([
        Arg::new("kolla")
            .long("kolla")
            .value_name("DIR")
            .env("SLIPWAY_KOLLA")
            .value_parser(value_parser!(PathBuf))
            .help_heading("Inputs")
            .help("Upstream Kolla to build from: a checkout, or the prefix it is installed under"),
        Arg::new("host")
            .long("host")
            .value_name("ADDRESS")
            .action(ArgAction::Set)
            .value_parser(value_parser!(String))
            .help_heading("Engine")
            .help("Address of the container engine [default: found as the docker CLI finds it]"),
        Arg::new("version")
            .long("version")
            .action(ArgAction::SetTrue)
            .help("Print the version of the Kolla, or that of Slipway without one"),
    ]);
    let arguments = std::iter::once(OsString::from("kolla-build")).chain(arguments);
    let matches = command.get_matches_from(arguments);
    let options = match KollaBuild::from_arg_matches(&matches) {
        Ok(options) => options,
        Err(error) => error.exit(),
    };
    let kolla = matches.get_one::<PathBuf>("kolla").cloned();
    let is_quiet = last(&options.options, "quiet") == Some("true");
    let global = Global {
        config: None,
        host: matches.get_one::<String>("host").cloned(),
        format: Format::Text,
        verbose: if is_quiet { 0 } else { 2 },
        quiet: is_quiet,
        engine_name: None,
    };
    if matches.get_flag("version") {
        return version(kolla.as_deref(), &Arc::new(Output::new(&global)));
    }
    let output = Arc::new(Output::new(&global));
    let cli = Cli {
        global,
        command: Command::Build(Build {
            options,
            kolla,
            strict: false,
            no_strict: false,
            plan: false,
            bake: None,
            export_pipeline: None,
            no_parents: false,
            rebuild: false,
            timeline: None,
            as_kolla_build: true,
        }),
    };
    match commands::run(cli, &output).and_then(|()| output.close()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            ExitCode::from(status(&error))
        }
    }
}

/// Returns kolla-build's exit status: it has none of its own for a missing engine and a lock.
fn status(error: &anyhow::Error) -> u8 {
    match exit::status(error) {
        3 | 4 => 1,
        other => other,
    }
}

/// Prints the version that scripts around kolla-build ask for: that of the Kolla.
fn version(kolla: Option<&Path>, output: &Output) -> ExitCode {
    let version = match kolla.map(Kolla::open).transpose() {
        Ok(Some(kolla)) => kolla.version().to_owned(),
        Ok(None) => env!("CARGO_PKG_VERSION").to_owned(),
        Err(error) => {
            let error = bad_input(error);
            output.error(&error);
            return exit::code(&error);
        }
    };
    output.result(&version);
    ExitCode::SUCCESS
}

fn last<'a>(options: &'a CommandLine, name: &str) -> Option<&'a str> {
    options.get(name)?.last().map(String::as_str)
}
