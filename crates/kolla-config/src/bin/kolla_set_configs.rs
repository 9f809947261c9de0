//! Copies a container's configuration files before its service starts. Runs as root.

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use slipway_kolla_config::apply::{Environment, Log, LogStream, apply, check_applied};

const HELP: &str = "\
Usage: kolla_set_configs [--check]

Applies the container's config.json: copies files, sets owners and modes, and writes the
command to run to /run_command.

Options:
  --check      change nothing; fail when the files in place differ from config.json
  -h, --help   print this help
  --version    print the version

Environment:
  KOLLA_CONFIG_STRATEGY  COPY_ALWAYS, or COPY_ONCE to copy at the first start only
  KOLLA_CONFIG           the content of config.json
  KOLLA_CONFIG_FILE      its path, if not /var/lib/kolla/config_files/config.yaml or config.json

Exit status: 0 success, 1 invalid config or differing files, 2 any other error.
";

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let mut check = false;
    for argument in &arguments {
        match argument.to_str() {
            Some("--check") => check = true,
            Some("-h" | "--help") => return print(HELP),
            Some("--version") => {
                return print(concat!(
                    "kolla_set_configs ",
                    env!("CARGO_PKG_VERSION"),
                    "\n"
                ));
            }
            _ => {
                let message =
                    format!("kolla_set_configs: unknown argument {argument:?}; see --help\n");
                // If nobody can read the message, the exit code still reports the failure.
                let _ = io::stderr().write_all(message.as_bytes());
                return ExitCode::from(2);
            }
        }
    }
    run(check)
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(check: bool) -> ExitCode {
    let stream = LogStream::new(io::stderr());
    let to_stderr = |line: &str| stream.write(line);
    let log = Log::new(&to_stderr);
    let work = if check { check_applied } else { apply };
    match work(Path::new("/"), &Environment::of_process(), &log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log.error(format_args!("{error}"));
            ExitCode::from(error.exit_code())
        }
    }
}
