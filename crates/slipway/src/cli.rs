//! The command line: what can be asked, and the help that teaches it.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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
    /// What is printed on standard output: text for people, json for scripts
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Say more on standard error; twice: everything. Passwords are masked at every level
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say nothing on standard error but warnings and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For scripts.
    Json,
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
    /// Make the containers of a step file be as it says
    Apply(Apply),
    /// Bring a node up: config volumes, then steps 1 to 5
    Deploy(Deploy),
    /// List containers by step, with their health
    Ps(Select),
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

#[derive(Args, Debug)]
pub struct Build {
    /// Images to build: regular expressions on image names; parents are built too. All when none
    /// is given
    #[arg(value_name = "REGEX")]
    pub regex: Vec<String>,
    /// The distribution the images are built on
    #[arg(short, long, default_value = "debian")]
    pub base: String,
    /// The image the base image starts from; the distribution's own when not given
    #[arg(long, value_name = "IMAGE")]
    pub base_image: Option<String>,
    /// Its tag; the distribution's current one when not given
    #[arg(long, value_name = "TAG")]
    pub base_tag: Option<String>,
    /// Namespace of the images built
    #[arg(short, long, default_value = "slipway", value_parser = name())]
    pub namespace: String,
    /// Put in front of every image's name
    #[arg(long, value_name = "PREFIX", default_value = "")]
    pub image_name_prefix: String,
    /// Tag of the images built
    #[arg(long, default_value = "latest", value_parser = name())]
    pub tag: String,
    /// Template override: rendered in place of each Dockerfile.j2, which it extends. Repeatable
    #[arg(long, value_name = "FILE")]
    pub template_override: Vec<PathBuf>,
    /// Folder with more images; one of the same name wins over the bundled. Repeatable
    #[arg(long, value_name = "DIR")]
    pub docker_dir: Vec<PathBuf>,
    /// How many images are built at once
    #[arg(short = 'T', long, default_value = "8")]
    pub threads: NonZeroUsize,
    /// Render only; the tree is left in DIR/docker (see --work-dir)
    #[arg(long)]
    pub template_only: bool,
    /// Where the rendered tree is left
    #[arg(long, value_name = "DIR")]
    pub work_dir: Option<PathBuf>,
    /// List the images, and build nothing
    #[arg(long, conflicts_with_all = ["plan", "template_only"])]
    pub list_images: bool,
    /// Print the images as a tree of parents and children, and build nothing
    #[arg(long, conflicts_with_all = ["plan", "template_only"])]
    pub list_dependencies: bool,
    /// Say what would be built and why, and build nothing
    #[arg(long)]
    pub plan: bool,
    /// Build also what has not changed
    #[arg(long, visible_alias = "force")]
    pub rebuild: bool,
    /// Do not use the engine's layer cache
    #[arg(long)]
    pub nocache: bool,
    /// Network of the RUN steps, such as host
    #[arg(
        long = "network_mode",
        visible_alias = "network-mode",
        value_name = "MODE"
    )]
    pub network_mode: Option<String>,
    /// Folder for one log file per image built
    #[arg(long, value_name = "DIR")]
    pub logs_dir: Option<PathBuf>,
}

/// Where a deployment is on disk.
#[derive(Args, Debug, Clone)]
pub struct Root {
    /// Put DIR in front of every path of the deployment, bind-mount sources included
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub root: PathBuf,
}

/// Where the declarations come from.
#[derive(Args, Debug, Clone)]
pub struct Services {
    /// Service definitions: a file, or a folder of *.yaml. Repeatable
    #[arg(long, value_name = "PATH", required = true)]
    pub services: Vec<PathBuf>,
    /// Name of the role these services make up
    #[arg(long, value_name = "NAME", default_value = "Standalone", value_parser = name())]
    pub role: String,
    /// More hiera data (YAML or JSON), over that of the services; later files win. Repeatable
    #[arg(long, value_name = "FILE")]
    pub hiera: Vec<PathBuf>,
}

/// How config volumes are generated.
#[derive(Args, Debug, Clone)]
pub struct Generating {
    /// How many config volumes are generated at once
    #[arg(long, env = "PROCESS_COUNT", value_name = "N", default_value_t = default_process_count())]
    pub process_count: NonZeroUsize,
    /// Seconds after which a Puppet run is given up
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    pub puppet_timeout: u64,
    /// Keep the container of a failed run, for a look inside
    #[arg(long)]
    pub keep_failed: bool,
}

/// What to do when another run works on the same deployment.
#[derive(Args, Debug, Clone)]
pub struct Lock {
    /// Do not wait for another run on the same deployment: say who holds the lock and stop
    #[arg(long)]
    pub no_wait: bool,
}

#[derive(Args, Debug)]
pub struct Config {
    #[command(flatten)]
    pub services: Services,
    #[command(flatten)]
    pub root: Root,
    #[command(flatten)]
    pub generating: Generating,
    #[command(flatten)]
    pub lock: Lock,
    /// Only this config volume
    #[arg(long, env = "CONFIG_VOLUME", value_name = "NAME", value_parser = config_volume)]
    pub config_volume: Option<service::ConfigVolume>,
    /// Generate also what has not changed
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Subcommand)]
pub enum KollaConfig {
    /// Write each service's config.json to its path, 0600, where its content has changed
    Write {
        #[command(flatten)]
        services: Services,
        #[command(flatten)]
        root: Root,
    },
    /// Check config.json files, or those that service definitions declare
    Check(KollaConfigCheck),
    /// Print the JSON Schema of a config.json
    Schema,
}

#[derive(Args, Debug)]
pub struct KollaConfigCheck {
    /// config.json files
    #[arg(value_name = "FILE", required_unless_present_any = ["services", "schema"])]
    pub files: Vec<PathBuf>,
    /// Service definitions: a file, or a folder of *.yaml. Repeatable. Their config.json files are
    /// checked against the mounts of the containers that read them, too
    #[arg(long, value_name = "PATH")]
    pub services: Vec<PathBuf>,
    /// Look into this image for users, groups, the command and sources
    #[arg(long, value_name = "IMAGE", conflicts_with = "images")]
    pub image: Option<String>,
    /// Look into the image that each container declares
    #[arg(long, requires = "services")]
    pub images: bool,
    #[command(flatten)]
    pub root: Root,
    /// Print the JSON Schema of a config.json, and check nothing
    #[arg(long)]
    pub schema: bool,
}

/// Which containers wait for what.
#[derive(Args, Debug, Clone)]
pub struct Waiting {
    /// Seconds to wait for containers to be healthy
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub wait: u64,
}

#[derive(Args, Debug)]
pub struct Apply {
    /// {name: config} in JSON or YAML, a folder of hashed-NAME.json files, or - for standard input
    #[arg(long, value_name = "PATH")]
    pub file: PathBuf,
    /// Id of this set of containers: those of the same id that are not in the file are deleted
    #[arg(long, value_name = "ID", value_parser = name())]
    pub config_id: String,
    /// Who manages these containers (a label). The default is paunch's, so that a set it started
    /// is recognised and left alone
    #[arg(long, value_name = "NAME", default_value = "paunch", value_parser = name())]
    pub managed_by: String,
    /// Wait until the containers are healthy, this many seconds
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "300")]
    pub wait: Option<u64>,
    /// Say what would be done and why, and do nothing
    #[arg(long)]
    pub plan: bool,
    #[command(flatten)]
    pub root: Root,
    #[command(flatten)]
    pub lock: Lock,
}

#[derive(Args, Debug)]
pub struct Deploy {
    #[command(flatten)]
    pub services: Services,
    #[command(flatten)]
    pub root: Root,
    /// Only this step (1 to 5); config volumes are generated before it
    #[arg(long, value_name = "N", conflicts_with_all = ["from", "to"], value_parser = step())]
    pub step: Option<u8>,
    /// The first step
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = step())]
    pub from: u8,
    /// The last step
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = step())]
    pub to: u8,
    /// Whether this is the bootstrap node, the one that runs docker_puppet_tasks
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub bootstrap_node: bool,
    /// Who manages the containers (a label); derived from role and root when not given
    #[arg(long, value_name = "NAME", value_parser = name())]
    pub managed_by: Option<String>,
    /// Say what would be done and why, and do nothing
    #[arg(long)]
    pub plan: bool,
    #[command(flatten)]
    pub generating: Generating,
    #[command(flatten)]
    pub waiting: Waiting,
    #[command(flatten)]
    pub lock: Lock,
}

/// Which containers.
#[derive(Args, Debug)]
pub struct Select {
    /// Only containers with this managed_by label
    #[arg(long, value_name = "NAME", value_parser = name())]
    pub managed_by: Option<String>,
    /// Only containers of the deployment under this root
    #[arg(long, value_name = "DIR", conflicts_with = "managed_by")]
    pub root: Option<PathBuf>,
    /// Name of the role, with --root
    #[arg(long, value_name = "NAME", default_value = "Standalone", value_parser = name())]
    pub role: String,
    /// Only containers of this config id. Repeatable
    #[arg(long, value_name = "ID", value_parser = name())]
    pub config_id: Vec<String>,
}

#[derive(Args, Debug)]
pub struct Delete {
    /// The containers of this config id are deleted. Repeatable
    #[arg(long, value_name = "ID", required_unless_present = "all", value_parser = name())]
    pub config_id: Vec<String>,
    /// Only containers with this managed_by label
    #[arg(long, value_name = "NAME", required_unless_present = "root", value_parser = name())]
    pub managed_by: Option<String>,
    /// Only containers of the deployment under this root
    #[arg(long, value_name = "DIR", conflicts_with = "managed_by")]
    pub root: Option<PathBuf>,
    /// Name of the role, with --root
    #[arg(long, value_name = "NAME", default_value = "Standalone", value_parser = name())]
    pub role: String,
    /// All config ids
    #[arg(long, conflicts_with = "config_id")]
    pub all: bool,
}

#[derive(Args, Debug)]
pub struct Cleanup {
    /// Config ids that stay. Repeatable
    #[arg(long, value_name = "ID", required = true, value_parser = name())]
    pub config_id: Vec<String>,
    /// Only containers with this managed_by label
    #[arg(long, value_name = "NAME", default_value = "paunch", value_parser = name())]
    pub managed_by: String,
}

fn config_volume(name: &str) -> Result<service::ConfigVolume, service::NotAConfigVolume> {
    service::ConfigVolume::new(name)
}

/// A name that becomes a label or a part of one: the empty one would mean everything or nothing.
fn name() -> clap::builder::NonEmptyStringValueParser {
    clap::builder::NonEmptyStringValueParser::new()
}

fn step() -> clap::builder::RangedI64ValueParser<u8> {
    clap::value_parser!(u8).range(1..=5)
}

/// docker-puppet.py's default is the number of CPUs, and so is ours; Puppet is CPU-bound.
fn default_process_count() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
