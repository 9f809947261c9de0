//! The command line: arguments, options, help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod build;
mod config;
mod containers;
mod deploy;
mod doctor;
mod examples;
mod export;
mod graph;
mod hook;
mod images;
mod init;
mod kolla_build;
mod kolla_config;
mod resolve;
mod services;
mod shared;
mod site;

pub use build::{Build, PipelineFormat};
pub use config::{Config, ContainerCli};
pub use containers::{Apply, Cleanup, Debug, DebugAction, Delete, LabelData, Logs, Select, label};
pub use deploy::Deploy;
pub use doctor::Doctor;
pub use export::{Export, ExportAs, ExportPlan, ExportServices};
pub use graph::{Drawing, Graph, Language};
pub use hook::{DockerCmd, DockerCmdCleanup, Hook};
pub use images::{Images, ImagesDiff, ImagesSbom};
pub use init::Init;
pub use kolla_build::KollaBuild;
pub use kolla_config::{KollaConfig, KollaConfigCheck};
pub use resolve::{Process, Resolve, Templates};
pub use services::{SchemaName, Services};
pub use shared::{Lock, Root, Systemd, TemplateSources, absolute};
pub use site::{OnSite, Status};

/// Headings of the groups of options in a command's help.
mod heading {
    /// The files and declarations that a command reads.
    pub const INPUT: &str = "Inputs";
    /// The part of the inputs, or of the containers, that a command works on.
    pub const SELECTION: &str = "Selection";
    /// The container engine, and what runs in it.
    pub const ENGINE: &str = "Engine";
    /// The result: what is written, where, and what is only shown.
    pub const OUTPUT: &str = "Output";
    /// The options that every command takes.
    pub const GLOBAL: &str = "Global options";
}

const HELP: &str = "\
Examples:
  slipway build --base debian --template-override overrides/puppet.j2
  slipway config --services services --root /srv/first --hiera hiera.yaml
  slipway deploy --services services --root /srv/first --hiera hiera.yaml --plan
  slipway ps --root /srv/first

Exit status:
  0  done; with --plan, nothing to do or the plan was printed
  1  something failed; what failed is named, the rest was done
  2  wrong usage or bad input; nothing was touched
  3  no container engine answers
  4  another run holds the lock (--no-wait)
130  interrupted (Ctrl-C, SIGTERM); run it again to go on

Environment:
  SLIPWAY_SERVICES, SLIPWAY_ROOT, ...
               set options for every command; `slipway settings` lists them
  SLIPWAY_LOG  records events on standard error: a level (warn, info, debug, trace), or one for
               each crate, such as slipway_image=trace,info";

/// Slipway builds Kolla-style container images, generates service configuration with Puppet, and
/// brings a node up step by step.
///
/// It takes the place of kolla-build, docker-puppet.py (later container-puppet.py), paunch, and the
/// Heat and Ansible parts of TripleO that ran them. What has not changed is not built, generated or
/// started again. A link to the binary that has the name of a replaced tool speaks that tool's
/// command line.
#[derive(Debug, Parser)]
#[command(name = "slipway", version, about, after_help = HELP, propagate_version = true)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every subcommand takes.
#[derive(Args, Debug, Clone)]
pub struct Global {
    /// Address of the container engine, as docker's --host: unix:///path, tcp://host:port or
    /// ssh://user@host [default: as the docker command finds it, then Podman's socket]
    #[arg(short = 'H', long, global = true, value_name = "ADDRESS", help_heading = heading::GLOBAL)]
    pub host: Option<String>,
    /// Settings file in place of /etc/slipway/slipway.yaml and ~/.config/slipway/slipway.yaml
    #[arg(long, global = true, env = "SLIPWAY_CONFIG", hide_env = true, value_name = "FILE", help_heading = heading::GLOBAL)]
    pub config: Option<PathBuf>,
    /// Format of what is printed on standard output (yaml: resolve only; spdx, cyclonedx: images sbom
    /// only)
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, help_heading = heading::GLOBAL)]
    pub format: Format,
    /// Print more detail to standard error (-vv for everything). Passwords are masked at every level
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = heading::GLOBAL)]
    pub verbose: u8,
    /// Print only warnings and errors to standard error
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = heading::GLOBAL)]
    pub quiet: bool,
    /// The name of the engine that must answer: docker or podman.
    #[arg(skip)]
    pub engine_name: Option<String>,
}

/// The format of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for people
    Text,
    /// JSON for scripts
    Json,
    /// Events as they happen, each a line of JSON; the last one is the result or the error
    JsonLines,
    /// Nothing
    None,
    /// YAML
    Yaml,
    /// SPDX 2.3, as JSON
    Spdx,
    /// CycloneDX 1.6, as JSON
    Cyclonedx,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build images: render the templates, then build what has changed, parents first
    #[command(after_help = examples::BUILD)]
    Build(Build),
    /// Show what is in images: compare two, or list the packages of one
    #[command(subcommand, after_help = examples::IMAGES)]
    Images(Images),
    /// Generate config volumes: run Puppet in containers, and keep what it wrote
    #[command(after_help = examples::CONFIG)]
    Config(Config),
    /// Write or check the config.json files of Kolla containers
    #[command(subcommand, after_help = examples::KOLLA_CONFIG)]
    KollaConfig(KollaConfig),
    /// Resolve Heat templates, such as TripleO's service templates, without Heat
    #[command(after_help = examples::RESOLVE)]
    Resolve(Resolve),
    /// Write service definitions and nodes, or a plan of TripleO's templates, as an Ansible project
    #[command(after_help = examples::EXPORT)]
    Export(Export),
    /// Start, replace and delete containers until they are as a file declares them
    #[command(after_help = examples::APPLY)]
    Apply(Apply),
    /// Bring a node up: config volumes, then steps 1 to 5. With --site, bring up the nodes of a project
    #[command(after_help = examples::DEPLOY)]
    Deploy(Deploy),
    /// Update the nodes of a project, one node of a role after the other
    #[command(after_help = examples::UPDATE)]
    Update(OnSite),
    /// Upgrade the nodes of a project
    #[command(after_help = examples::UPGRADE)]
    Upgrade(OnSite),
    /// Upgrade the nodes of a project over several releases
    #[command(after_help = examples::FFU)]
    Ffu(OnSite),
    /// Print the state of each node of a project: step, health, drift, changes that are due
    #[command(after_help = examples::STATUS)]
    Status(Status),
    /// List containers by step, with their health
    #[command(after_help = examples::PS)]
    Ps(Select),
    /// Print a container's output
    #[command(after_help = examples::LOGS)]
    Logs(Logs),
    /// Run one container's config with changes, or print the engine's command for it
    #[command(after_help = examples::DEBUG)]
    Debug(Debug),
    /// Delete the containers of config ids
    #[command(after_help = examples::DELETE)]
    Delete(Delete),
    /// Delete the containers of all config ids except those that are named
    #[command(after_help = examples::CLEANUP)]
    Cleanup(Cleanup),
    /// Do what a hook of heat-agents does: apply a deployment of Heat, or clean up after old ones
    #[command(subcommand, after_help = examples::HOOK)]
    Hook(Hook),
    /// Make a deployment to begin with: services, hiera data with new secrets, settings
    #[command(after_help = examples::INIT)]
    Init(Init),
    /// List services with their steps, images and hiera keys, or print a JSON Schema
    #[command(after_help = examples::SERVICES)]
    Services(Services),
    /// Draw services by step, or images by parent
    #[command(subcommand, after_help = examples::GRAPH)]
    Graph(Graph),
    /// Check the machine, the engine and a deployment's needs, and say what to do
    #[command(after_help = examples::DOCTOR)]
    Doctor(Doctor),
    /// Print the value and the origin of each setting
    #[command(after_help = examples::SETTINGS)]
    Settings,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write manual pages, one for each subcommand
    Man {
        /// Directory of the pages; created when missing
        #[arg(value_name = "DIR")]
        out: PathBuf,
    },
}

/// Parses a name that becomes a label or a part of one. The empty name would mean everything.
fn name() -> clap::builder::NonEmptyStringValueParser {
    clap::builder::NonEmptyStringValueParser::new()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    /// `slipway build` takes kolla-build's options from their own table.
    #[test]
    fn every_option_has_a_heading_and_every_command_examples() {
        for command in super::Cli::command().get_subcommands() {
            let name = command.get_name();
            for option in command
                .get_opts()
                .filter(|_| name != "build")
                .filter(|option| !option.is_hide_set())
            {
                let heading = option.get_help_heading();
                assert!(heading.is_some(), "{name} {}", option.get_id());
            }
            if !["completions", "man"].contains(&name) {
                let examples = command.get_after_help().map(ToString::to_string);
                assert!(examples.unwrap_or_default().contains(name), "{name}");
            }
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
