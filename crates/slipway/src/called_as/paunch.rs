//! `paunch`: its command line, 2.x to 7.x, its exit statuses, and its list in its formats.
//!
//! `apply` differs from paunch as [`slipway_runtime::converge`] documents. A key that no container has
//! is passed over with a warning, in `apply` and in `debug`. paunch's default engine
//! changed with its versions; here it is the engine that answers.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use futures_util::{StreamExt, TryStreamExt, stream};
use slipway_engine::{Engine, EngineError};
use slipway_runtime::converge::ConvergeError;
use slipway_runtime::manage;
use slipway_service::UnknownKeys;

use crate::cli::{self, Format, Global, LabelData, absolute, label};
use crate::commands::{self, apply, debug, listing};
use crate::output::Output;
use crate::{engine, exit};

mod lister;
mod table;

use lister::{Lister, Row};

/// Utility to launch and manage containers using YAML based configuration data
#[derive(Debug, Parser)]
#[command(
    name = "paunch",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    // argparse and cliff accept abbreviations.
    infer_long_args = true,
    infer_subcommands = true
)]
struct Paunch {
    /// Print more detail. Can be repeated
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "quiet")]
    verbose: u8,
    /// Print only warnings and errors
    #[arg(short, long)]
    quiet: bool,
    /// File that also gets every line. Disabled by default
    #[arg(long, value_name = "LOG_FILE")]
    log_file: Option<PathBuf>,
    /// Print everything
    #[arg(long)]
    debug: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Apply a configuration: start, replace and delete containers until they are as it declares
    Apply(Apply),
    /// Delete the containers of configurations that no longer apply
    #[command(mut_arg("config_id", |ids| ids.help("Identifiers of configurations that still apply")))]
    Cleanup(Ids),
    /// Delete the containers of configurations
    Delete(Ids),
    /// Print or run one container's configuration
    Debug(Debug),
    /// List containers
    List(List),
}

#[derive(Args, Debug)]
struct Managed {
    /// Override the name of the tool managing the containers
    #[arg(long, value_name = "name", default_value = "paunch")]
    managed_by: String,
    /// Container engine [default: the one that answers]
    #[arg(long, value_enum)]
    default_runtime: Option<Runtime>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Runtime {
    Docker,
    Podman,
}

#[derive(Args, Debug)]
struct Apply {
    /// YAML or JSON file or directory containing configuration data
    #[arg(long, value_name = "file")]
    file: PathBuf,
    /// Extra label for the containers, label=value. Repeatable
    #[arg(long = "label", value_name = "label=value", value_parser = label)]
    labels: Vec<(String, String)>,
    /// ID to assign to containers
    #[arg(long, value_name = "name")]
    config_id: String,
    /// Absolute directory path for container logs. Works only for Podman
    #[arg(long, value_parser = absolute)]
    container_log_path: Option<PathBuf>,
    /// Create containers without their healthchecks
    #[arg(long)]
    healthcheck_disabled: bool,
    /// Do not delete containers missing in the config
    #[arg(long)]
    no_cleanup: bool,
    #[command(flatten)]
    managed: Managed,
}

#[derive(Args, Debug)]
struct Ids {
    /// Identifiers of configurations whose containers are deleted
    #[arg(value_name = "config_id")]
    config_id: Vec<String>,
    #[command(flatten)]
    managed: Managed,
}

#[derive(Args, Debug)]
struct Debug {
    /// YAML or JSON file or directory containing configuration data
    #[arg(long, value_name = "file")]
    file: PathBuf,
    /// Extra label for the container, label=value. Repeatable
    #[arg(long = "label", value_name = "label=value", value_parser = label)]
    labels: Vec<(String, String)>,
    /// Action on the container's configuration
    #[arg(long, value_enum, default_value_t = cli::DebugAction::PrintCmd)]
    action: cli::DebugAction,
    /// Name of the container
    #[arg(long = "container", value_name = "name")]
    container_name: String,
    /// Run the container in interactive mode
    #[arg(long)]
    interactive: bool,
    /// Similar to interactive but drops you into a shell
    #[arg(long)]
    shell: bool,
    /// Start the container as this user
    #[arg(long, value_name = "name", default_value = "")]
    user: String,
    /// JSON configuration used to override config values
    #[arg(long, value_name = "JSON", default_value = "")]
    overrides: String,
    /// ID to assign to the container
    #[arg(long, value_name = "name", default_value = "debug")]
    config_id: String,
    #[command(flatten)]
    managed: Managed,
}

#[derive(Args, Debug)]
struct List {
    #[command(flatten)]
    lister: Lister,
    #[command(flatten)]
    managed: Managed,
}

/// Runs paunch's command line. Returns paunch's exit status.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let args = Paunch::parse_from(std::iter::once("paunch".into()).chain(arguments));
    let global = args.global();
    let output = Output::new(&global);
    let output = match &args.log_file {
        Some(file) => match output.logging_to(file) {
            Ok(output) => output,
            Err(error) => {
                Output::new(&global).error(&error);
                return ExitCode::FAILURE;
            }
        },
        None => output,
    };
    let output = Arc::new(output);
    let done = commands::until_interrupted(run(args.command, &global, &output));
    match done.and_then(|()| output.close()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            ExitCode::from(status(&error))
        }
    }
}

impl Paunch {
    fn global(&self) -> Global {
        let managed = match &self.command {
            Command::Apply(args) => &args.managed,
            Command::Cleanup(args) | Command::Delete(args) => &args.managed,
            Command::Debug(args) => &args.managed,
            Command::List(args) => &args.managed,
        };
        Global {
            config: None,
            host: None,
            format: Format::Text,
            // paunch prints only errors, unless it is asked for more.
            verbose: self.verbose.saturating_sub(1) + u8::from(self.debug),
            quiet: self.quiet || (self.verbose == 0 && !self.debug),
            engine_name: managed.default_runtime.map(|runtime| match runtime {
                Runtime::Docker => "docker".to_owned(),
                Runtime::Podman => "podman".to_owned(),
            }),
        }
    }
}

async fn run(command: Command, global: &Global, output: &Arc<Output>) -> anyhow::Result<()> {
    match command {
        Command::Apply(args) => apply::run(args.into_own(), global, output).await,
        Command::Debug(args) => debug::run(args.into_own(), global, output).await,
        Command::List(args) => list(&args, global, output).await,
        Command::Delete(Ids { config_id, .. }) if config_id.is_empty() => {
            output.warning("No config IDs specified");
            Ok(())
        }
        Command::Delete(Ids { config_id, managed }) => {
            let args = cli::Delete {
                config_id,
                managed_by: Some(managed.managed_by),
                root: None,
                role: String::new(),
                all: false,
                systemd: cli::Systemd::default(),
            };
            listing::delete(&args, global, output).await
        }
        Command::Cleanup(Ids { config_id, managed }) => {
            let args = cli::Cleanup {
                config_id,
                managed_by: managed.managed_by,
                root: None,
                systemd: cli::Systemd::default(),
            };
            listing::cleanup(&args, global, output).await
        }
    }
}

impl Apply {
    fn into_own(self) -> cli::Apply {
        cli::Apply {
            file: config_file(self.file),
            config_id: self.config_id,
            managed_by: self.managed.managed_by,
            wait: None,
            plan: false,
            no_cleanup: self.no_cleanup,
            no_rollback: false,
            restart_changed: false,
            labels: self.labels,
            label_data: LabelData::Config,
            healthcheck_disabled: self.healthcheck_disabled,
            container_log_path: self.container_log_path,
            systemd: cli::Systemd::default(),
            root: cli::Root::default(),
            lock: cli::Lock::default(),
            unknown_keys: UnknownKeys::PassedOver,
        }
    }
}

impl Debug {
    fn into_own(self) -> cli::Debug {
        cli::Debug {
            file: config_file(self.file),
            container_name: self.container_name,
            action: self.action,
            interactive: self.interactive,
            shell: self.shell,
            user: self.user,
            overrides: self.overrides,
            env_file: None,
            labels: self.labels,
            config_id: self.config_id,
            managed_by: self.managed.managed_by,
            root: cli::Root::default(),
            unknown_keys: UnknownKeys::PassedOver,
        }
    }
}

/// Returns the directory that replaced a step's file in later TripleO releases.
fn config_file(file: PathBuf) -> PathBuf {
    let step = file.to_str().and_then(|file| {
        let name = "/var/lib/tripleo-config/hashed-container-startup-config-step_";
        file.strip_prefix(name)?.strip_suffix(".json")
    });
    match step.filter(|_| !file.exists()) {
        Some(step) => Path::new("/var/lib/tripleo-config/container_startup_config")
            .join(format!("step_{step}")),
        None => file,
    }
}

async fn list(args: &List, global: &Global, output: &Output) -> anyhow::Result<()> {
    let engine = engine::connect(global).await?;
    let engine: &dyn Engine = engine.as_ref();
    let sets = manage::list(engine, Some(&args.managed.managed_by)).await?;
    let listed = sets.into_iter().flat_map(|(config_id, mut set)| {
        set.sort_by_key(|container| -container.created);
        set.into_iter()
            .map(move |container| (config_id.clone(), container))
    });
    let rows: Vec<Option<Row>> = stream::iter(listed)
        .map(|(config_id, container)| async move {
            let found = engine.find_container(&container.id).await?;
            Ok::<_, EngineError>(found.map(|found| {
                let state = format!("{:?}", found.state).to_lowercase();
                [
                    config_id,
                    found.name,
                    found.image,
                    found.command.join(" "),
                    state,
                ]
            }))
        })
        .buffered(8)
        .try_collect()
        .await?;
    output.result(&args.lister.text(rows.into_iter().flatten().collect())?);
    Ok(())
}

/// Returns paunch's exit status: the docker command's exit code for the last failed container, and 1
/// for any other error.
fn status(error: &anyhow::Error) -> u8 {
    match error.downcast_ref() {
        Some(ConvergeError::Containers { failures, .. }) => apply::paunch_status(failures),
        _ if error.is::<exit::Ended>() || error.is::<exit::Interrupted>() => exit::status(error),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Paunch::command().debug_assert();
    }

    #[test]
    fn options_of_all_versions_are_taken() {
        let lines = [
            "paunch apply --file f --config-id i",
            "paunch --debug apply --file f --label a=b --label c=d --managed-by m --config-id i",
            "paunch -v apply --default-runtime podman --container-log-path /l --config-id i --file f --healthcheck-disabled --no-cleanup",
            "paunch cleanup --managed-by m a b",
            "paunch cleanup",
            "paunch delete --default-runtime docker a",
            "paunch debug --file f --container c --interactive --shell --user u --overrides {} --config-id i --action run",
            "paunch del a --default docker",
            "paunch --log-file l list -f json -c config -c status --managed-by m --noindent --max-width 60 --fit-width",
        ];
        for line in lines {
            let parsed = Paunch::try_parse_from(line.split(' '));
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }

    #[test]
    fn the_old_file_of_a_step_is_the_new_directory() {
        let old = "/var/lib/tripleo-config/hashed-container-startup-config-step_9.json";
        let new = "/var/lib/tripleo-config/container_startup_config/step_9";
        assert_eq!(config_file(old.into()), Path::new(new));
        assert_eq!(config_file("/x.json".into()), Path::new("/x.json"));
    }
}
