//! The keys of a container's configuration.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::compose::{self, Device, Port, PublishedPort};
use super::values::{self, Command, EnvVar, Ulimit, VolumeMount};

/// What to do with a container's configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Make a container and run its command.
    #[default]
    Run,
    /// Run a command in a container that runs already; the command's first word names it.
    Exec,
}

/// A container's configuration, checked. Absent, null and (where a value could only be empty)
/// empty mean the same.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ContainerKeys {
    /// Reference of the image; every action but exec needs one.
    #[serde(deserialize_with = "values::text")]
    pub image: Option<String>,
    /// Run or exec.
    pub action: Action,
    /// Low numbers first; equal ones together.
    pub start_order: i64,
    /// Exit codes that mean success.
    #[serde(deserialize_with = "values::exit_codes")]
    pub exit_codes: Vec<i64>,
    /// What to run; the image's own command when absent.
    pub command: Option<Command>,
    /// Whether the container goes on in the background; otherwise its end is waited for.
    /// True when absent.
    #[serde(deserialize_with = "values::maybe")]
    pub detach: Option<bool>,
    /// Environment, in the order in which the engine gets it.
    #[serde(deserialize_with = "values::environment")]
    pub environment: Vec<EnvVar>,
    /// Files of environment variables on the host.
    #[serde(deserialize_with = "values::one_or_many")]
    pub env_file: Vec<String>,
    /// How the engine finds out whether the container is healthy.
    #[serde(deserialize_with = "values::mapping")]
    pub healthcheck: Option<Healthcheck>,
    /// Standard input kept open.
    #[serde(deserialize_with = "values::no_unless_true")]
    pub interactive: bool,
    /// A terminal.
    #[serde(deserialize_with = "values::no_unless_true")]
    pub tty: bool,
    /// Network.
    #[serde(deserialize_with = "values::text")]
    pub net: Option<String>,
    /// IPC namespace.
    #[serde(deserialize_with = "values::text")]
    pub ipc: Option<String>,
    /// PID namespace.
    #[serde(deserialize_with = "values::text")]
    pub pid: Option<String>,
    /// UTS namespace.
    #[serde(deserialize_with = "values::text")]
    pub uts: Option<String>,
    /// All privileges of the host.
    #[serde(deserialize_with = "values::no_unless_true")]
    pub privileged: bool,
    /// When the engine starts it again: `no`, `always`, `unless-stopped`, `on-failure[:times]`.
    #[serde(deserialize_with = "values::restart")]
    pub restart: Option<String>,
    /// Removed when it has ended.
    #[serde(deserialize_with = "values::no_unless_true")]
    pub remove: bool,
    /// User (and group).
    #[serde(deserialize_with = "values::text")]
    pub user: Option<String>,
    /// Supplementary groups.
    #[serde(deserialize_with = "values::list")]
    pub group_add: Vec<String>,
    /// Mounts.
    #[serde(deserialize_with = "values::parsed_list")]
    pub volumes: Vec<VolumeMount>,
    /// Containers whose volumes are mounted too.
    #[serde(deserialize_with = "values::list")]
    pub volumes_from: Vec<String>,
    /// Tag given to the engine's log driver.
    #[serde(deserialize_with = "values::text")]
    pub log_tag: Option<String>,
    /// Relative CPU weight.
    #[serde(deserialize_with = "values::integer")]
    pub cpu_shares: Option<i64>,
    /// Memory limit in bytes.
    #[serde(deserialize_with = "values::size")]
    pub mem_limit: Option<i64>,
    /// Memory plus swap limit in bytes; -1 is unlimited.
    #[serde(deserialize_with = "values::size")]
    pub memswap_limit: Option<i64>,
    /// Swappiness, 0 to 100.
    #[serde(deserialize_with = "values::integer")]
    pub mem_swappiness: Option<i64>,
    /// Security options.
    #[serde(deserialize_with = "values::one_or_many")]
    pub security_opt: Vec<String>,
    /// Signal that stops it.
    #[serde(deserialize_with = "values::text")]
    pub stop_signal: Option<String>,
    /// Time between that signal and SIGKILL.
    #[serde(deserialize_with = "values::duration")]
    pub stop_grace_period: Option<Duration>,
    /// Host name inside.
    #[serde(deserialize_with = "values::text")]
    pub hostname: Option<String>,
    /// `host:ip` entries of /etc/hosts.
    #[serde(deserialize_with = "values::list")]
    pub extra_hosts: Vec<String>,
    /// CPUs it may use; `all` means not limited even where the host isolates some.
    #[serde(deserialize_with = "values::text")]
    pub cpuset_cpus: Option<String>,
    /// Capabilities added.
    #[serde(deserialize_with = "values::list")]
    pub cap_add: Vec<String>,
    /// Capabilities dropped.
    #[serde(deserialize_with = "values::list")]
    pub cap_drop: Vec<String>,
    /// Resource limits.
    #[serde(deserialize_with = "values::parsed_list")]
    pub ulimit: Vec<Ulimit>,
    /// Number of processes.
    #[serde(deserialize_with = "values::integer")]
    pub pids_limit: Option<i64>,
    /// Its cgroup is made under this one.
    #[serde(deserialize_with = "values::text")]
    pub cgroup_parent: Option<String>,
    /// Microseconds of CPU time in each scheduler period.
    #[serde(deserialize_with = "values::integer")]
    pub cpu_quota: Option<i64>,
    /// Devices of the host.
    #[serde(deserialize_with = "values::parsed_list")]
    pub devices: Vec<Device>,
    /// Name servers.
    #[serde(deserialize_with = "values::one_or_many")]
    pub dns: Vec<String>,
    /// Search domains.
    #[serde(deserialize_with = "values::one_or_many")]
    pub dns_search: Vec<String>,
    /// Domain name inside.
    #[serde(deserialize_with = "values::text")]
    pub domainname: Option<String>,
    /// What the command is given to; the image's own when absent.
    pub entrypoint: Option<Command>,
    /// Ports that other containers may use.
    #[serde(deserialize_with = "compose::exposed")]
    pub expose: Vec<Port>,
    /// A small first process that reaps others.
    #[serde(deserialize_with = "values::no_unless_true")]
    pub init: bool,
    /// Labels, beside those that record what the container is.
    #[serde(deserialize_with = "compose::pairs")]
    pub labels: BTreeMap<String, String>,
    /// The log driver; the engine's own when absent.
    #[serde(deserialize_with = "values::text")]
    pub log_driver: Option<String>,
    /// Options of the log driver.
    #[serde(deserialize_with = "compose::pairs")]
    pub log_opt: BTreeMap<String, String>,
    /// Memory in bytes that it is pushed back to when the host has little.
    #[serde(deserialize_with = "values::size")]
    pub mem_reservation: Option<i64>,
    /// Ports that the host has too.
    #[serde(deserialize_with = "compose::published")]
    pub ports: Vec<PublishedPort>,
    /// Nothing but its mounts can be written to.
    #[serde(deserialize_with = "values::no_unless_true")]
    pub read_only: bool,
    /// Bytes of /dev/shm.
    #[serde(deserialize_with = "values::size")]
    pub shm_size: Option<i64>,
    /// Standard input kept open: Compose's word for `interactive`.
    #[serde(deserialize_with = "values::no_unless_true")]
    pub stdin_open: bool,
    /// Kernel settings of its namespaces.
    #[serde(deserialize_with = "compose::pairs")]
    pub sysctls: BTreeMap<String, String>,
    /// File systems in memory: path inside → options.
    #[serde(deserialize_with = "compose::tmpfs")]
    pub tmpfs: BTreeMap<String, String>,
    /// Resource limits, as a mapping.
    #[serde(deserialize_with = "compose::ulimits")]
    pub ulimits: Vec<Ulimit>,
    /// Where its command begins.
    #[serde(deserialize_with = "values::text")]
    pub working_dir: Option<String>,
    /// The config volume that an exec belongs to, which templates name; which one a container
    /// mounts is what counts.
    #[serde(deserialize_with = "values::text")]
    pub config_volume: Option<String>,
    /// Time between two checks where systemd runs them, as with paunch; nothing uses it here.
    #[serde(deserialize_with = "values::text")]
    pub check_interval: Option<String>,
    /// A healthcheck's test outside of a healthcheck, as TripleO 8 has it for one container; nothing
    /// uses it, as with paunch.
    pub test: IgnoredAny,
    /// systemd units that are wanted by the container's own, where it has one.
    #[serde(deserialize_with = "values::list")]
    pub depends_on: Vec<String>,
    /// Settings of the container's systemd unit, where it has one.
    pub systemd_exec_flags: Option<BTreeMap<String, serde_json::Value>>,
}

impl ContainerKeys {
    /// What keys must be together.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let command = self.command.as_ref().map_or(&[][..], Command::words);
        match self.action {
            Action::Run if self.image.is_none() => Err("`image` is missing"),
            Action::Exec if command.len() < 2 => {
                Err("`command` of action exec must name the container and then what to run in it")
            }
            _ => Ok(()),
        }
    }

    /// Whether this exit code means success.
    pub fn accepts_exit_code(&self, code: i64) -> bool {
        match self.exit_codes.as_slice() {
            [] => code == 0,
            codes => codes.contains(&code),
        }
    }

    /// Whether the container runs to its end before the next start_order begins.
    pub fn is_one_shot(&self) -> bool {
        self.action == Action::Run && self.detach == Some(false)
    }
}

/// A healthcheck as declared.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Healthcheck {
    /// `["CMD-SHELL", "…"]` and the like, as the API has it; empty keeps the image's own test.
    #[serde(deserialize_with = "values::health_test")]
    pub test: Vec<String>,
    /// Time between two checks.
    #[serde(deserialize_with = "values::duration")]
    pub interval: Option<Duration>,
    /// Time one check may take.
    #[serde(deserialize_with = "values::duration")]
    pub timeout: Option<Duration>,
    /// Failures in a row that mean unhealthy.
    #[serde(deserialize_with = "values::integer")]
    pub retries: Option<i64>,
    /// Time at the start in which failures do not count.
    #[serde(deserialize_with = "values::duration")]
    pub start_period: Option<Duration>,
}
