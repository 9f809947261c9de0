//! `slipway config`.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};
use slipway_service::ConfigVolume;

use super::name;
use super::shared::{Generating, Lock, Root};

const INPUT: &str = "What is generated";
const VOLUMES: &str = "Config volumes";

#[derive(Args, Debug)]
pub struct Config {
    /// Service definitions: a file, or a folder of *.yaml. Repeatable
    #[arg(long, value_name = "PATH", conflicts_with = "file", help_heading = INPUT)]
    pub services: Vec<PathBuf>,
    /// docker-puppet's list of entries, in place of service definitions; hiera is then what
    /// /etc/puppet holds. Without either: $CONFIG, then the file of container-puppet.py, then that
    /// of docker-puppet.py in /var/lib
    #[arg(long, value_name = "FILE", help_heading = INPUT)]
    pub file: Option<PathBuf>,
    /// Name of the role that the services make up
    #[arg(long, value_name = "NAME", default_value = "Standalone", value_parser = name(), help_heading = INPUT)]
    pub role: String,
    /// More hiera data (YAML or JSON), over that of the services; later files win. Repeatable
    #[arg(long, value_name = "FILE", conflicts_with = "file", help_heading = INPUT)]
    pub hiera: Vec<PathBuf>,
    #[command(flatten)]
    pub root: Root,
    #[command(flatten)]
    pub generating: Generating,
    #[command(flatten)]
    pub lock: Lock,
    /// Only this config volume
    #[arg(long, env = "CONFIG_VOLUME", value_name = "NAME", value_parser = only, help_heading = VOLUMES)]
    pub config_volume: Option<Only>,
    /// Generate also what has not changed
    #[arg(long, conflicts_with_all = ["plan", "check"])]
    pub force: bool,
    /// Say what would run and why, and do nothing
    #[arg(long)]
    pub plan: bool,
    /// As --plan, and fail when anything would run: something declared has changed, or a
    /// generated file was changed by hand
    #[arg(long)]
    pub check: bool,
    /// Show what changes in the files of each volume before it is swapped in, as a unified diff
    /// with secrets masked. With --no-archive, what would change
    #[arg(long, env = "SHOW_DIFF", action = ArgAction::SetTrue, value_parser = not_empty)]
    pub diff: bool,
    /// Run Puppet, but leave the volumes as they are
    #[arg(long, env = "NO_ARCHIVE", action = ArgAction::SetTrue, value_parser = not_empty, help_heading = VOLUMES)]
    pub no_archive: bool,
    /// Where the config volumes are [default: ROOT/var/lib/config-data]
    #[arg(long, env = "CONFIG_VOLUME_PREFIX", value_name = "DIR", value_parser = name(), help_heading = VOLUMES)]
    pub config_volume_prefix: Option<String>,
    /// The containers' configs that get the hashes of what they mount, as hashed-NAME beside each
    /// [default with a list of entries:
    /// ROOT/var/lib/tripleo-config/docker-container-startup-config-step_*.json]
    #[arg(long, env = "STARTUP_CONFIG_PATTERN", value_name = "GLOB", value_parser = name(), help_heading = VOLUMES)]
    pub startup_config_pattern: Option<String>,
    /// The host's network for Puppet, instead of none
    #[arg(long, env = "NET_HOST", action = ArgAction::SetTrue, value_parser = is_true)]
    pub net_host: bool,
    /// `step` in hiera
    #[arg(long, env = "STEP", value_name = "N", default_value_t = 6)]
    pub step: u8,
    /// Take hiera from /etc/puppet/check-mode
    #[arg(long, env = "CHECK_MODE", action = ArgAction::SetTrue, value_parser = not_zero)]
    pub check_mode: bool,
    /// Whether Puppet sees the host's modules in /usr/share/openstack-puppet/modules
    #[arg(long, env = "MOUNT_HOST_PUPPET", value_name = "BOOL", default_value = "true", action = ArgAction::Set, value_parser = is_true)]
    pub mount_host_puppet: bool,
    /// Which engine to look for first
    #[arg(long, env = "CONTAINER_CLI", value_name = "NAME", value_enum)]
    pub container_cli: Option<ContainerCli>,
    /// Where Puppet's full logs go [default: ROOT/var/log/slipway/config]
    #[arg(long, env = "CONTAINER_LOG_STDOUT_PATH", value_name = "DIR")]
    pub log_dir: Option<PathBuf>,
    /// Say everything, as -vv does
    #[arg(long, env = "DEBUG", action = ArgAction::SetTrue, value_parser = is_true)]
    pub debug: bool,
}

/// The engines that container-puppet.py knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ContainerCli {
    /// Where the docker command finds it.
    Docker,
    /// Podman's socket.
    Podman,
}

/// The config volume that is asked for; an empty name asks for all.
#[derive(Clone, Debug)]
pub struct Only(pub Option<ConfigVolume>);

fn only(name: &str) -> Result<Only, slipway_service::NotAConfigVolume> {
    Ok(Only(match name {
        "" => None,
        name => Some(ConfigVolume::new(name)?),
    }))
}

/// The scripts compare with `true`; whatever else is there means no.
fn is_true(text: &str) -> Result<bool, std::convert::Infallible> {
    Ok(matches!(text, "true" | "True"))
}

fn not_empty(text: &str) -> Result<bool, std::convert::Infallible> {
    // `false` is what a flag is that was not given.
    Ok(!matches!(text, "" | "false"))
}

fn not_zero(text: &str) -> Result<bool, std::num::ParseIntError> {
    match text {
        // What clap gives for the bare flag.
        "true" => Ok(true),
        "" | "false" => Ok(false),
        number => Ok(number.parse::<i64>()? != 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        config: Config,
    }

    fn parse(arguments: &[&str]) -> Config {
        let all = ["config"].iter().chain(arguments);
        Cli::try_parse_from(all).map(|cli| cli.config).unwrap()
    }

    #[test]
    fn flags_are_off_until_they_are_given() {
        let config = parse(&[]);
        let flags = [config.diff, config.no_archive, config.net_host];
        assert_eq!(flags, [false; 3]);
        assert!(!config.check_mode && !config.debug && config.mount_host_puppet);
        let config = parse(&[
            "--diff",
            "--no-archive",
            "--net-host",
            "--check-mode",
            "--debug",
        ]);
        let flags = [config.diff, config.no_archive, config.net_host];
        assert_eq!(flags, [true; 3]);
        assert!(config.check_mode && config.debug);
        assert!(!parse(&["--mount-host-puppet", "false"]).mount_host_puppet);
    }

    #[test]
    fn an_empty_volume_is_none_and_a_bad_one_is_refused() {
        assert!(matches!(
            parse(&["--config-volume", ""]).config_volume,
            Some(Only(None))
        ));
        assert!(matches!(
            parse(&["--config-volume", "x"]).config_volume,
            Some(Only(Some(_)))
        ));
        assert!(Cli::try_parse_from(["config", "--config-volume", "../../etc"]).is_err());
    }

    #[test]
    fn variables_mean_what_they_mean_to_the_scripts() {
        assert_eq!(
            [is_true("true"), is_true("True"), is_true("1")],
            [Ok(true), Ok(true), Ok(false)]
        );
        assert_eq!([not_empty(""), not_empty("0")], [Ok(false), Ok(true)]);
        assert_eq!(
            [not_zero("0"), not_zero("1"), not_zero("")],
            [Ok(false), Ok(true), Ok(false)]
        );
        assert!(not_zero("x").is_err());
    }
}
