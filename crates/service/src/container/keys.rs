//! The keys of a container's configuration: one table, from which the compiler finds every stage
//! that does not yet handle a new key.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::compose::{self, Device, Port, PublishedPort};
use super::values::{self, Command, EnvVar, RestartPolicy, Ulimit, VolumeMount};

/// The kind of work that a configuration asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Make a container and run its command.
    #[default]
    Run,
    /// Run a command in a container that runs already; the command's first word names it.
    Exec,
}

/// Makes [`ContainerKeys`] and [`Key`] from one table, one line a key: its reader, its name, its
/// variant of [`Key`] and its type.
macro_rules! container_keys {
    ($($(#[$attribute:meta])* $key:ident ($variant:ident): $type:ty,)*) => {
        /// A container's configuration, checked. Absent, null and (where a value could only be
        /// empty) empty mean the same.
        #[derive(Clone, Default, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct ContainerKeys {
            $($(#[$attribute])* pub $key: $type,)*
        }

        /// A key of a container's configuration.
        ///
        /// Every stage that a configuration goes through matches on it: checking, recording,
        /// comparing, the engine's request, the systemd unit. A new key does not compile until each
        /// of them says what it does with it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Key {
            $(#[doc = concat!("`", stringify!($key), "`")] $variant,)*
        }

        impl Key {
            /// All keys.
            pub const ALL: &[Key] = &[$(Key::$variant,)*];

            /// The key's name in a configuration.
            pub fn name(self) -> &'static str {
                match self {
                    $(Key::$variant => stringify!($key),)*
                }
            }

            /// Returns the key of this name.
            pub fn by_name(name: &str) -> Option<Key> {
                match name {
                    $(stringify!($key) => Some(Key::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

container_keys! {
    /// Reference of the image; every action but exec needs one.
    #[serde(deserialize_with = "values::text")]
    image (Image): Option<String>,
    /// Run or exec.
    action (Action): Action,
    /// Low numbers first; equal ones together.
    #[serde(deserialize_with = "values::whole_number")]
    start_order (StartOrder): i64,
    /// Exit codes that mean success.
    #[serde(deserialize_with = "values::exit_codes")]
    exit_codes (ExitCodes): Vec<i64>,
    /// The command; the image's own when absent.
    command (Command): Option<Command>,
    /// The container runs in the background; otherwise its end is waited for. A missing key counts
    /// as true.
    #[serde(deserialize_with = "values::maybe")]
    detach (Detach): Option<bool>,
    /// Environment, in the order in which the engine gets it.
    #[serde(deserialize_with = "values::environment")]
    environment (Environment): Vec<EnvVar>,
    /// Files of environment variables on the host.
    #[serde(deserialize_with = "values::one_or_many")]
    env_file (EnvFile): Vec<String>,
    /// The check by which the engine finds out that the container is healthy.
    #[serde(deserialize_with = "values::mapping")]
    healthcheck (Healthcheck): Option<Healthcheck>,
    /// Standard input kept open.
    #[serde(deserialize_with = "values::no_unless_true")]
    interactive (Interactive): bool,
    /// A terminal.
    #[serde(deserialize_with = "values::no_unless_true")]
    tty (Tty): bool,
    /// Network.
    #[serde(deserialize_with = "values::text")]
    net (Net): Option<String>,
    /// IPC namespace.
    #[serde(deserialize_with = "values::text")]
    ipc (Ipc): Option<String>,
    /// PID namespace.
    #[serde(deserialize_with = "values::text")]
    pid (Pid): Option<String>,
    /// UTS namespace.
    #[serde(deserialize_with = "values::text")]
    uts (Uts): Option<String>,
    /// All privileges of the host.
    #[serde(deserialize_with = "values::no_unless_true")]
    privileged (Privileged): bool,
    /// Its restart policy.
    #[serde(deserialize_with = "values::restart")]
    restart (Restart): Option<RestartPolicy>,
    /// Removed when it has ended.
    #[serde(deserialize_with = "values::no_unless_true")]
    remove (Remove): bool,
    /// User (and group).
    #[serde(deserialize_with = "values::text")]
    user (User): Option<String>,
    /// Supplementary groups.
    #[serde(deserialize_with = "values::list")]
    group_add (GroupAdd): Vec<String>,
    /// Mounts.
    #[serde(deserialize_with = "values::parsed_list")]
    volumes (Volumes): Vec<VolumeMount>,
    /// Containers whose volumes are mounted too.
    #[serde(deserialize_with = "values::list")]
    volumes_from (VolumesFrom): Vec<String>,
    /// Tag given to the engine's log driver.
    #[serde(deserialize_with = "values::text")]
    log_tag (LogTag): Option<String>,
    /// Relative CPU weight.
    #[serde(deserialize_with = "values::integer")]
    cpu_shares (CpuShares): Option<i64>,
    /// Memory limit in bytes.
    #[serde(deserialize_with = "values::size")]
    mem_limit (MemLimit): Option<i64>,
    /// Memory plus swap limit in bytes; -1 is unlimited.
    #[serde(deserialize_with = "values::size")]
    memswap_limit (MemswapLimit): Option<i64>,
    /// Swappiness, 0 to 100.
    #[serde(deserialize_with = "values::integer")]
    mem_swappiness (MemSwappiness): Option<i64>,
    /// Security options.
    #[serde(deserialize_with = "values::one_or_many")]
    security_opt (SecurityOpt): Vec<String>,
    /// Signal that stops it.
    #[serde(deserialize_with = "values::text")]
    stop_signal (StopSignal): Option<String>,
    /// Time between that signal and SIGKILL.
    #[serde(deserialize_with = "values::duration")]
    stop_grace_period (StopGracePeriod): Option<Duration>,
    /// Host name inside.
    #[serde(deserialize_with = "values::text")]
    hostname (Hostname): Option<String>,
    /// `host:ip` entries of /etc/hosts.
    #[serde(deserialize_with = "values::list")]
    extra_hosts (ExtraHosts): Vec<String>,
    /// CPUs it may use; `all` means not limited even where the host isolates some.
    #[serde(deserialize_with = "values::text")]
    cpuset_cpus (CpusetCpus): Option<String>,
    /// Capabilities added.
    #[serde(deserialize_with = "values::list")]
    cap_add (CapAdd): Vec<String>,
    /// Capabilities dropped.
    #[serde(deserialize_with = "values::list")]
    cap_drop (CapDrop): Vec<String>,
    /// Resource limits.
    #[serde(deserialize_with = "values::parsed_list")]
    ulimit (Ulimit): Vec<Ulimit>,
    /// Number of processes.
    #[serde(deserialize_with = "values::integer")]
    pids_limit (PidsLimit): Option<i64>,
    /// The parent of its cgroup.
    #[serde(deserialize_with = "values::text")]
    cgroup_parent (CgroupParent): Option<String>,
    /// Microseconds of CPU time in each scheduler period.
    #[serde(deserialize_with = "values::integer")]
    cpu_quota (CpuQuota): Option<i64>,
    /// Devices of the host.
    #[serde(deserialize_with = "values::parsed_list")]
    devices (Devices): Vec<Device>,
    /// Name servers.
    #[serde(deserialize_with = "values::one_or_many")]
    dns (Dns): Vec<String>,
    /// Search domains.
    #[serde(deserialize_with = "values::one_or_many")]
    dns_search (DnsSearch): Vec<String>,
    /// Domain name inside.
    #[serde(deserialize_with = "values::text")]
    domainname (Domainname): Option<String>,
    /// The program that gets the command as its arguments; the image's own when absent.
    entrypoint (Entrypoint): Option<Command>,
    /// Ports that other containers may use.
    #[serde(deserialize_with = "compose::exposed")]
    expose (Expose): Vec<Port>,
    /// A small first process that reaps others.
    #[serde(deserialize_with = "values::no_unless_true")]
    init (Init): bool,
    /// Labels, in addition to those that record the configuration.
    #[serde(deserialize_with = "compose::pairs")]
    labels (Labels): BTreeMap<String, String>,
    /// The log driver; the engine's own when absent.
    #[serde(deserialize_with = "values::text")]
    log_driver (LogDriver): Option<String>,
    /// Options of the log driver.
    #[serde(deserialize_with = "compose::pairs")]
    log_opt (LogOpt): BTreeMap<String, String>,
    /// Soft memory limit in bytes, enforced when the host is short of memory.
    #[serde(deserialize_with = "values::size")]
    mem_reservation (MemReservation): Option<i64>,
    /// Ports published on the host.
    #[serde(deserialize_with = "compose::published")]
    ports (Ports): Vec<PublishedPort>,
    /// The root file system is read-only.
    #[serde(deserialize_with = "values::no_unless_true")]
    read_only (ReadOnly): bool,
    /// Bytes of /dev/shm.
    #[serde(deserialize_with = "values::size")]
    shm_size (ShmSize): Option<i64>,
    /// Standard input kept open: Compose's word for `interactive`.
    #[serde(deserialize_with = "values::no_unless_true")]
    stdin_open (StdinOpen): bool,
    /// Kernel settings of its namespaces.
    #[serde(deserialize_with = "compose::pairs")]
    sysctls (Sysctls): BTreeMap<String, String>,
    /// File systems in memory: path inside → options.
    #[serde(deserialize_with = "compose::tmpfs")]
    tmpfs (Tmpfs): BTreeMap<String, String>,
    /// Resource limits, as a mapping.
    #[serde(deserialize_with = "compose::ulimits")]
    ulimits (Ulimits): Vec<Ulimit>,
    /// Working directory of the command.
    #[serde(deserialize_with = "values::text")]
    working_dir (WorkingDir): Option<String>,
    /// The config volume that an exec belongs to, which templates name; which one a container
    /// mounts is what counts.
    #[serde(deserialize_with = "values::text")]
    config_volume (ConfigVolume): Option<String>,
    /// Time between two checks where systemd runs them, as with paunch; nothing uses it here.
    #[serde(deserialize_with = "values::text")]
    check_interval (CheckInterval): Option<String>,
    /// A healthcheck's test outside of a healthcheck, as TripleO 8 has it for one container; nothing
    /// uses it, as with paunch.
    test (Test): IgnoredAny,
    /// systemd units that are wanted by the container's own, where it has one.
    #[serde(deserialize_with = "values::list")]
    depends_on (DependsOn): Vec<String>,
    /// Settings of the container's systemd unit, where it has one.
    systemd_exec_flags (SystemdExecFlags): Option<BTreeMap<String, serde_json::Value>>,
}

impl ContainerKeys {
    /// Checks what keys must be together.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        Key::ALL.iter().try_for_each(|key| self.check_key(*key))
    }

    /// Checks one key against the others. Its own form is checked when it is read.
    fn check_key(&self, key: Key) -> Result<(), &'static str> {
        match key {
            Key::Image => match (self.action, &self.image) {
                (Action::Run, None) => Err("`image` is missing"),
                (Action::Run, Some(_)) | (Action::Exec, _) => Ok(()),
            },
            Key::Command => {
                let words = self.command.as_ref().map_or(&[][..], Command::words);
                match self.action {
                    Action::Exec if words.len() < 2 => Err(
                        "`command` of action exec must name the container and then what to run in it",
                    ),
                    Action::Exec | Action::Run => Ok(()),
                }
            }
            Key::Healthcheck
            | Key::Action
            | Key::StartOrder
            | Key::ExitCodes
            | Key::Detach
            | Key::Environment
            | Key::EnvFile
            | Key::Interactive
            | Key::Tty
            | Key::Net
            | Key::Ipc
            | Key::Pid
            | Key::Uts
            | Key::Privileged
            | Key::Restart
            | Key::Remove
            | Key::User
            | Key::GroupAdd
            | Key::Volumes
            | Key::VolumesFrom
            | Key::LogTag
            | Key::CpuShares
            | Key::MemLimit
            | Key::MemswapLimit
            | Key::MemSwappiness
            | Key::SecurityOpt
            | Key::StopSignal
            | Key::StopGracePeriod
            | Key::Hostname
            | Key::ExtraHosts
            | Key::CpusetCpus
            | Key::CapAdd
            | Key::CapDrop
            | Key::Ulimit
            | Key::PidsLimit
            | Key::CgroupParent
            | Key::CpuQuota
            | Key::Devices
            | Key::Dns
            | Key::DnsSearch
            | Key::Domainname
            | Key::Entrypoint
            | Key::Expose
            | Key::Init
            | Key::Labels
            | Key::LogDriver
            | Key::LogOpt
            | Key::MemReservation
            | Key::Ports
            | Key::ReadOnly
            | Key::ShmSize
            | Key::StdinOpen
            | Key::Sysctls
            | Key::Tmpfs
            | Key::Ulimits
            | Key::WorkingDir
            | Key::ConfigVolume
            | Key::CheckInterval
            | Key::Test
            | Key::DependsOn
            | Key::SystemdExecFlags => Ok(()),
        }
    }

    /// Returns `true` when this exit code means success.
    pub fn accepts_exit_code(&self, code: i64) -> bool {
        match self.exit_codes.as_slice() {
            [] => code == 0,
            codes => codes.contains(&code),
        }
    }

    /// Returns `true` when the container runs to its end before the next start_order begins.
    pub fn is_one_shot(&self) -> bool {
        self.action == Action::Run && self.detach == Some(false)
    }
}

/// The keys of [`Healthcheck`].
pub(super) const HEALTHCHECK_KEYS: [&str; 5] =
    ["test", "interval", "timeout", "retries", "start_period"];

/// A healthcheck as declared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
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
