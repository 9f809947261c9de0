//! `slipway config`.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};
use slipway_service::ConfigVolume;

use super::shared::{Generating, KeyOptions, Lock, Root};
use super::{heading, name};

#[derive(Args, Debug)]
pub struct Config {
    /// Service definitions: a file, or a directory of *.yaml. Repeatable
    #[arg(long, value_name = "PATH", conflicts_with = "file", help_heading = heading::INPUT)]
    pub services: Vec<PathBuf>,
    /// List of entries of docker-puppet.py, instead of service definitions; the hiera data is then
    /// what /etc/puppet holds [default without --services: $CONFIG, then the list of
    /// container-puppet.py, then that of docker-puppet.py in /var/lib]
    #[arg(long, value_name = "FILE", help_heading = heading::INPUT)]
    pub file: Option<PathBuf>,
    /// Name of the role that the services make up
    #[arg(long, value_name = "NAME", default_value = "Standalone", value_parser = name(), help_heading = heading::INPUT)]
    pub role: String,
    /// Hiera data (YAML or JSON) over that of the services; later files win. Repeatable
    #[arg(long, value_name = "FILE", conflicts_with = "file", help_heading = heading::INPUT)]
    pub hiera: Vec<PathBuf>,
    #[command(flatten)]
    pub keys: KeyOptions,
    #[command(flatten)]
    pub root: Root,
    #[command(flatten)]
    pub generating: Generating,
    #[command(flatten)]
    pub lock: Lock,
    /// Only this config volume
    #[arg(long, env = "CONFIG_VOLUME", value_name = "NAME", value_parser = only, help_heading = heading::SELECTION)]
    pub config_volume: Option<Only>,
    /// Also generate what has not changed
    #[arg(long, conflicts_with_all = ["plan", "check"], help_heading = heading::SELECTION)]
    pub force: bool,
    /// Print what would run and why, and do nothing
    #[arg(long, help_heading = heading::OUTPUT)]
    pub plan: bool,
    /// Like --plan, and fail if anything would run, because a declaration or a generated file has
    /// changed
    #[arg(long, help_heading = heading::OUTPUT)]
    pub check: bool,
    /// Print the changes in each volume's files before it is swapped in, as a unified diff with
    /// secrets masked. With --no-archive, the changes that would be made
    #[arg(long, env = "SHOW_DIFF", action = ArgAction::SetTrue, value_parser = not_empty, help_heading = heading::OUTPUT)]
    pub diff: bool,
    /// Run Puppet, but leave the volumes as they are
    #[arg(long, env = "NO_ARCHIVE", action = ArgAction::SetTrue, value_parser = not_empty, help_heading = heading::OUTPUT)]
    pub no_archive: bool,
    /// Directory of the config volumes [default: ROOT/var/lib/config-data]
    #[arg(long, env = "CONFIG_VOLUME_PREFIX", value_name = "DIR", value_parser = name(), help_heading = heading::OUTPUT)]
    pub config_volume_prefix: Option<String>,
    /// Containers' configs; the hashes of the config volumes that they mount are added to copies named
    /// hashed-NAME [default with a list of entries:
    /// ROOT/var/lib/tripleo-config/docker-container-startup-config-step_*.json]
    #[arg(long, env = "STARTUP_CONFIG_PATTERN", value_name = "GLOB", value_parser = name(), help_heading = heading::OUTPUT)]
    pub startup_config_pattern: Option<String>,
    /// Give Puppet the host's network, instead of none
    #[arg(long, env = "NET_HOST", action = ArgAction::SetTrue, value_parser = is_true, help_heading = heading::ENGINE)]
    pub net_host: bool,
    /// Value of `step` in hiera
    #[arg(long, env = "STEP", value_name = "N", default_value_t = 6, help_heading = heading::INPUT)]
    pub step: u8,
    /// Read hiera data from /etc/puppet/check-mode
    #[arg(long, env = "CHECK_MODE", action = ArgAction::SetTrue, value_parser = not_zero, help_heading = heading::INPUT)]
    pub check_mode: bool,
    /// Mount the host's modules in /usr/share/openstack-puppet/modules into Puppet's containers
    #[arg(long, env = "MOUNT_HOST_PUPPET", value_name = "BOOL", default_value = "true", action = ArgAction::Set, value_parser = is_true, help_heading = heading::ENGINE)]
    pub mount_host_puppet: bool,
    /// Engine to look for first
    #[arg(long, env = "CONTAINER_CLI", value_name = "NAME", value_enum, help_heading = heading::ENGINE)]
    pub container_cli: Option<ContainerCli>,
    /// Directory of the full logs of Puppet runs [default: ROOT/var/log/slipway/config]
    #[arg(long, env = "CONTAINER_LOG_STDOUT_PATH", value_name = "DIR", help_heading = heading::OUTPUT)]
    pub log_dir: Option<PathBuf>,
    /// Print everything to standard error, as -vv does
    #[arg(long, env = "DEBUG", action = ArgAction::SetTrue, value_parser = is_true, help_heading = heading::OUTPUT)]
    pub debug: bool,
}

/// The engines that container-puppet.py knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ContainerCli {
    /// The engine that the docker command finds
    Docker,
    /// The engine at Podman's socket
    Podman,
}

/// The selected config volume; `None`, from an empty name, selects all.
#[derive(Clone, Debug)]
pub struct Only(pub Option<ConfigVolume>);

fn only(name: &str) -> Result<Only, slipway_service::NotAConfigVolume> {
    Ok(Only(match name {
        "" => None,
        name => Some(ConfigVolume::new(name)?),
    }))
}

/// Parses a flag as the replaced scripts do: they compare it with `true`.
fn is_true(text: &str) -> Result<bool, std::convert::Infallible> {
    Ok(matches!(text, "true" | "True"))
}

fn not_empty(text: &str) -> Result<bool, std::convert::Infallible> {
    // A missing flag counts as `false`.
    Ok(!matches!(text, "" | "false"))
}

fn not_zero(text: &str) -> Result<bool, std::num::ParseIntError> {
    match text {
        // The value that clap passes for the bare flag.
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
    fn missing_flags_are_false() {
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
    fn an_empty_volume_selects_all_and_an_invalid_one_is_rejected() {
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
    fn variables_are_parsed_as_the_replaced_scripts_do() {
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
