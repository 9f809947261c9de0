//! Options that several subcommands take.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use slipway_deploy::{Declarations, KeyFiles, OnLocked, Options, RoleSource, UnitFiles};

use super::{heading, name};
use crate::exit::bad_input;

/// The root of a deployment.
#[derive(Args, Debug, Clone)]
pub struct Root {
    /// Directory in front of every path of the deployment, bind-mount sources included
    #[arg(long, value_name = "DIR", default_value = "/", help_heading = heading::OUTPUT)]
    pub root: PathBuf,
}

impl Default for Root {
    fn default() -> Root {
        Root { root: "/".into() }
    }
}

/// The declarations.
#[derive(Args, Debug, Clone)]
pub struct Services {
    /// Service definitions: a file, a directory of *.yaml, or a directory that `resolve --out` or
    /// config-download wrote. Repeatable
    #[arg(long, value_name = "PATH", help_heading = heading::INPUT)]
    pub services: Vec<PathBuf>,
    /// Directory of Heat templates (tripleo-heat-templates) from which --role is resolved
    #[arg(long, value_name = "DIR", conflicts_with = "services", help_heading = heading::INPUT)]
    pub templates: Option<PathBuf>,
    #[command(flatten)]
    pub sources: TemplateSources,
    /// Name of the role that the services make up
    #[arg(long, value_name = "NAME", default_value = "Standalone", value_parser = name(), help_heading = heading::INPUT)]
    pub role: String,
    /// Hiera data (YAML or JSON) over that of the services; later files win. Repeatable
    #[arg(long, value_name = "FILE", help_heading = heading::INPUT)]
    pub hiera: Vec<PathBuf>,
    #[command(flatten)]
    pub keys: KeyOptions,
}

impl Services {
    /// The source of the role.
    pub fn source(&self) -> anyhow::Result<RoleSource> {
        Ok(RoleSource {
            declarations: match &self.templates {
                Some(directory) => Declarations::Templates {
                    directory: directory.clone(),
                    sources: self.sources.find(directory)?,
                },
                None if self.services.is_empty() => {
                    let text = "no services: give --services or --templates, or set `services` in a \
                                settings file (see slipway settings)";
                    return Err(bad_input(anyhow::anyhow!(text)));
                }
                None => Declarations::Services(self.services.clone()),
            },
            role: self.role.clone(),
            hiera: self.hiera.clone(),
            keys: self.keys.files(),
        })
    }
}

/// The keys of hiera data that is encrypted.
#[derive(Args, Debug, Clone, Default)]
pub struct KeyOptions {
    /// File with the password of --hiera files that ansible-vault encrypted
    #[arg(long, value_name = "FILE", help_heading = heading::INPUT)]
    pub vault_password_file: Option<PathBuf>,
    /// Private key (PEM) of values that hiera-eyaml encrypted in --hiera files
    #[arg(long, value_name = "FILE", help_heading = heading::INPUT)]
    pub eyaml_private_key: Option<PathBuf>,
}

impl KeyOptions {
    /// Returns the files.
    pub fn files(&self) -> KeyFiles {
        KeyFiles {
            vault_password: self.vault_password_file.clone(),
            eyaml_private_key: self.eyaml_private_key.clone(),
        }
    }
}

/// The files that templates are resolved with. The options are those of TripleO's client.
#[derive(Args, Debug, Clone)]
pub struct TemplateSources {
    /// Environment file for --templates; later files win. Repeatable
    #[arg(
        short = 'e',
        long = "environment-file",
        value_name = "FILE",
        requires = "templates",
        help_heading = heading::INPUT
    )]
    pub environments: Vec<PathBuf>,
    /// Directory of environment files for --templates: its *.yaml, sorted by name. They come before the
    /// files of -e. A missing directory is skipped. Repeatable
    #[arg(
        long = "environment-directory",
        value_name = "DIR",
        requires = "templates",
        help_heading = heading::INPUT
    )]
    pub environment_directories: Vec<PathBuf>,
    /// Roles file for --templates, relative to the working directory or to the templates
    /// [default: roles_data.yaml]
    #[arg(
        short,
        long,
        visible_alias = "roles-file",
        value_name = "FILE",
        requires = "templates",
        help_heading = heading::INPUT
    )]
    pub roles: Option<PathBuf>,
    /// Networks file for --templates that are not processed yet, found as the roles file is
    /// [default: network_data.yaml]
    #[arg(
        short,
        long,
        visible_alias = "networks-file",
        value_name = "FILE",
        requires = "templates",
        help_heading = heading::INPUT
    )]
    pub networks: Option<PathBuf>,
}

impl TemplateSources {
    /// Finds the files of templates in a directory.
    pub fn find(&self, templates: &Path) -> anyhow::Result<slipway_heat::Sources> {
        let found = |path: &Option<PathBuf>| {
            path.as_ref()
                .map(|path| slipway_heat::find_file(path, templates))
        };
        let mut environments =
            slipway_heat::environment_files(&self.environment_directories).map_err(bad_input)?;
        environments.extend(self.environments.iter().cloned());
        Ok(slipway_heat::Sources {
            environments,
            roles: found(&self.roles),
            networks: found(&self.networks),
        })
    }
}

/// The generation of config volumes.
#[derive(Args, Debug, Clone)]
pub struct Generating {
    /// Number of config volumes that are generated at once
    #[arg(long, env = "PROCESS_COUNT", value_name = "N", default_value_t = default_process_count(), help_heading = heading::ENGINE)]
    pub process_count: NonZeroUsize,
    /// Timeout of a Puppet run
    #[arg(long, value_name = "SECONDS", default_value_t = 900, help_heading = heading::ENGINE)]
    pub puppet_timeout: u64,
    /// Keep the container of a failed run, to look inside
    #[arg(long, help_heading = heading::ENGINE)]
    pub keep_failed: bool,
    /// Has no effect: each Puppet run has a container of its own
    #[arg(long, value_name = "WHAT", value_enum, hide = true)]
    pub isolation: Option<Isolation>,
}

impl Generating {
    /// The options of a deployment that generates its config volumes so.
    pub fn options(&self, root: &Root) -> Options {
        Options {
            root: root.root.clone(),
            process_count: Some(self.process_count.get()),
            puppet_timeout: Duration::from_secs(self.puppet_timeout),
            keep_failed: self.keep_failed,
            ..Options::default()
        }
    }
}

/// Values of an option that earlier versions had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Isolation {
    /// One container for several runs, which is no longer done.
    Fork,
    /// A container for each run.
    Container,
}

/// The reaction to another run on the same deployment.
#[derive(Args, Debug, Clone, Default)]
pub struct Lock {
    /// Do not wait for another run on the same deployment: name it and stop
    #[arg(long, help_heading = heading::ENGINE)]
    pub no_wait: bool,
}

impl Lock {
    /// Returns the reaction to another run that holds the lock.
    pub fn on_locked(&self) -> OnLocked {
        match self.no_wait {
            true => OnLocked::Fail,
            false => OnLocked::Wait,
        }
    }
}

/// The systemd units that start Podman's containers at boot. Docker starts its own.
#[derive(Args, Debug, Clone, Default)]
pub struct Systemd {
    /// Directory of the systemd units (tripleo_NAME.service) of Podman's containers that have a
    /// restart policy [default: /etc/systemd/system where systemd runs, otherwise none]
    #[arg(long, value_name = "DIR", conflicts_with = "no_systemd", value_parser = absolute, help_heading = heading::OUTPUT)]
    pub systemd_dir: Option<PathBuf>,
    /// Write no systemd units
    #[arg(long, help_heading = heading::OUTPUT)]
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

/// Parses an absolute path. systemd resolves links between units by absolute paths, and a relative
/// path would be relative to the engine's own directory.
pub fn absolute(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.is_absolute() {
        true => Ok(path),
        false => Err("expected an absolute path".to_owned()),
    }
}

/// The number of CPUs, as with docker-puppet.py; Puppet is CPU-bound.
fn default_process_count() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
