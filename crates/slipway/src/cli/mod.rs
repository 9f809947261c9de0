//! The command line: what can be asked, and the help that teaches it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use slipway_engine::EngineKind;

mod build;
mod config;
mod containers;
mod deploy;
mod kolla_build;
mod kolla_config;
mod resolve;
mod shared;

pub use build::Build;
pub use config::{Config, ContainerCli};
pub use containers::{Apply, Cleanup, Debug, DebugAction, Delete, LabelData, Logs, Select, label};
pub use deploy::Deploy;
pub use kolla_build::KollaBuild;
pub use kolla_config::{KollaConfig, KollaConfigCheck};
pub use resolve::{Process, Resolve, Templates};
pub use shared::{Lock, Root, Systemd, absolute};

const EXIT_STATUS: &str = "\
Exit status:
  0  done; with --plan, nothing to do or the plan was printed
  1  something failed; what failed is named, the rest was done
  2  wrong usage or bad input; nothing was touched
  3  no container engine answers
  4  another run holds the lock (--no-wait)
130  interrupted (Ctrl-C, SIGTERM); run it again to go on";

/// Builds Kolla-style container images, generates service config with Puppet into config volumes,
/// and brings a node up step by step.
#[derive(Debug, Parser)]
#[command(name = "slipway", version, about, after_help = EXIT_STATUS, propagate_version = true)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options every subcommand takes.
#[derive(Args, Debug, Clone)]
pub struct Global {
    /// Where the container engine is, as docker's --host: unix:///path or tcp://host:port.
    /// Otherwise found as the docker CLI finds it, then Podman's socket
    #[arg(short = 'H', long, global = true, value_name = "ADDRESS")]
    pub host: Option<String>,
    /// What is printed on standard output: text for people, json for scripts (yaml: resolve only)
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Say more on standard error; twice: everything. Passwords are masked at every level
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say nothing on standard error but warnings and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Only an engine of this kind will do.
    #[arg(skip)]
    pub kind: Option<EngineKind>,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For scripts.
    Json,
    /// Not at all.
    None,
    /// What `resolve` prints may also be YAML.
    Yaml,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build images: render the templates, then build what has changed, parents first
    Build(Build),
    /// Generate config volumes: run Puppet in containers, keep what it wrote
    Config(Config),
    /// Write or check the config.json files of Kolla containers
    #[command(subcommand)]
    KollaConfig(KollaConfig),
    /// Resolve Heat templates, such as TripleO's service templates, without Heat
    Resolve(Resolve),
    /// Make the containers of a step file be as it says
    Apply(Apply),
    /// Bring a node up: config volumes, then steps 1 to 5
    Deploy(Deploy),
    /// List containers by step, with their health
    Ps(Select),
    /// Print a container's output
    Logs(Logs),
    /// Run one container's config here with changes, or print the engine's command for it
    Debug(Debug),
    /// Delete the containers of config ids
    Delete(Delete),
    /// Delete the containers of config ids that are not named
    Cleanup(Cleanup),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write man pages, one for each subcommand
    Man {
        /// Folder to write them to, made when missing
        #[arg(value_name = "DIR")]
        out: PathBuf,
    },
}

/// A name that becomes a label or a part of one: the empty one would mean everything or nothing.
fn name() -> clap::builder::NonEmptyStringValueParser {
    clap::builder::NonEmptyStringValueParser::new()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
