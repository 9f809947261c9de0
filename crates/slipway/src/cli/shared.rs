//! Options that several subcommands take.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use slipway_deploy::{Declarations, OnLocked, Options, RoleSource, UnitFiles};

use super::name;

/// Where a deployment is on disk.
#[derive(Args, Debug, Clone)]
pub struct Root {
    /// Put DIR in front of every path of the deployment, bind-mount sources included
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub root: PathBuf,
}

impl Default for Root {
    fn default() -> Root {
        Root { root: "/".into() }
    }
}

/// Where the declarations come from.
#[derive(Args, Debug, Clone)]
pub struct Services {
    /// Service definitions: a file, a folder of *.yaml, or a folder that `resolve --out` or
    /// config-download wrote. Repeatable
    #[arg(long, value_name = "PATH", required_unless_present = "templates")]
    pub services: Vec<PathBuf>,
    /// Folder of Heat templates (processed tripleo-heat-templates) that --role is resolved from
    #[arg(long, value_name = "DIR", conflicts_with = "services")]
    pub templates: Option<PathBuf>,
    /// Environment file for --templates; later files win. Repeatable
    #[arg(
        short = 'e',
        long = "environment-file",
        value_name = "FILE",
        requires = "templates"
    )]
    pub environments: Vec<PathBuf>,
    /// Roles file for --templates; its own roles_data.yaml when not given
    #[arg(long, value_name = "FILE", requires = "templates")]
    pub roles: Option<PathBuf>,
    /// Name of the role these services make up
    #[arg(long, value_name = "NAME", default_value = "Standalone", value_parser = name())]
    pub role: String,
    /// More hiera data (YAML or JSON), over that of the services; later files win. Repeatable
    #[arg(long, value_name = "FILE")]
    pub hiera: Vec<PathBuf>,
}

impl Services {
    /// The source of the role.
    pub fn source(&self) -> RoleSource {
        RoleSource {
            declarations: match &self.templates {
                Some(directory) => Declarations::Templates {
                    directory: directory.clone(),
                    environments: self.environments.clone(),
                    roles: self.roles.clone(),
                },
                None => Declarations::Services(self.services.clone()),
            },
            role: self.role.clone(),
            hiera: self.hiera.clone(),
        }
    }
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
    /// What each Puppet run has for itself
    #[arg(long, value_name = "WHAT", value_enum, default_value = "fork")]
    pub isolation: Isolation,
}

impl Generating {
    /// The options of a deployment that generates its config volumes so.
    pub fn options(&self, root: &Root) -> Options {
        Options {
            root: root.root.clone(),
            process_count: Some(self.process_count.get()),
            puppet_timeout: Duration::from_secs(self.puppet_timeout),
            keep_failed: self.keep_failed,
            isolation: match self.isolation {
                Isolation::Fork => slipway_puppet::Isolation::Fork,
                Isolation::Container => slipway_puppet::Isolation::Container,
            },
            ..Options::default()
        }
    }
}

/// What a Puppet run has for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Isolation {
    /// A process and a file system, in a container that has Puppet loaded for one run after
    /// another; a container where that cannot be had, or with --keep-failed
    Fork,
    /// A container
    Container,
}

/// What to do when another run works on the same deployment.
#[derive(Args, Debug, Clone, Default)]
pub struct Lock {
    /// Do not wait for another run on the same deployment: say who holds the lock and stop
    #[arg(long)]
    pub no_wait: bool,
}

impl Lock {
    /// What to do when another run holds the lock.
    pub fn on_locked(&self) -> OnLocked {
        match self.no_wait {
            true => OnLocked::Fail,
            false => OnLocked::Wait,
        }
    }
}

/// How Podman's containers are started at boot. Docker's daemon sees to its own.
#[derive(Args, Debug, Clone, Default)]
pub struct Systemd {
    /// Folder for the systemd units (tripleo_NAME.service) of Podman's containers that have a
    /// restart policy; /etc/systemd/system where systemd runs, and otherwise none
    #[arg(long, value_name = "DIR", conflicts_with = "no_systemd", value_parser = absolute)]
    pub systemd_dir: Option<PathBuf>,
    /// Keep no systemd units
    #[arg(long)]
    pub no_systemd: bool,
}

impl Systemd {
    /// The systemd units to keep.
    pub fn unit_files(&self) -> UnitFiles {
        match &self.systemd_dir {
            _ if self.no_systemd => UnitFiles::Disabled,
            Some(directory) => UnitFiles::Directory(directory.clone()),
            None => UnitFiles::Automatic,
        }
    }
}

/// systemd resolves links between units by their whole paths, and an engine has a folder of its own
/// to which others would be relative.
pub fn absolute(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.is_absolute() {
        true => Ok(path),
        false => Err("expected an absolute path".to_owned()),
    }
}

/// docker-puppet.py's default is the number of CPUs, and so is ours; Puppet is CPU-bound.
fn default_process_count() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
