//! The specification that the engine makes a container from.
//!
//! The types of single values are those of a container's configuration in `slipway-service`.

use std::collections::BTreeMap;
use std::time::Duration;

use slipway_service::{
    Device, Healthcheck, Port, PublishedPort, RestartPolicy, Ulimit, VolumeMount,
};

/// The specification of a container for the engine.
///
/// `Debug` shows neither environment values nor labels: both carry passwords.
#[derive(Clone, Default, PartialEq)]
pub struct ContainerSpec {
    /// Image reference or id.
    pub image: String,
    /// Command; the image's own when `None`.
    pub command: Option<Vec<String>>,
    /// Entrypoint; the image's own when `None`.
    pub entrypoint: Option<Vec<String>>,
    /// `KEY=value`, in order.
    pub env: Vec<String>,
    /// User (and group) the command runs as.
    pub user: Option<String>,
    /// Supplementary groups.
    pub group_add: Vec<String>,
    /// Working directory.
    pub working_dir: Option<String>,
    /// Host name inside.
    pub hostname: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Host paths, named volumes and volumes without a name mounted inside.
    pub mounts: Vec<VolumeMount>,
    /// Containers whose volumes are mounted too.
    pub volumes_from: Vec<String>,
    /// In-memory file systems: path → options.
    pub tmpfs: BTreeMap<String, String>,
    /// `host`, `none`, `bridge`, `container:<name>`, or a network's name.
    pub network_mode: Option<String>,
    /// IPC namespace.
    pub ipc_mode: Option<String>,
    /// PID namespace.
    pub pid_mode: Option<String>,
    /// UTS namespace.
    pub uts_mode: Option<String>,
    /// `host:ip` entries of /etc/hosts.
    pub extra_hosts: Vec<String>,
    /// All privileges of the host.
    pub privileged: bool,
    /// Capabilities added.
    pub cap_add: Vec<String>,
    /// Capabilities dropped.
    pub cap_drop: Vec<String>,
    /// Security options, `label=disable` and the like.
    pub security_opt: Vec<String>,
    /// Resource limits.
    pub ulimits: Vec<Ulimit>,
    /// Its restart policy.
    pub restart: Option<RestartPolicy>,
    /// Healthcheck; the image's own when `None`.
    pub healthcheck: Option<Healthcheck>,
    /// Signal that stops it.
    pub stop_signal: Option<String>,
    /// Time between that signal and SIGKILL.
    pub stop_timeout: Option<Duration>,
    /// Recorded as run in the foreground. Changes nothing about how it runs.
    pub attach: bool,
    /// A terminal.
    pub tty: bool,
    /// Standard input kept open.
    pub interactive: bool,
    /// Removed by the engine when it stops.
    pub auto_remove: bool,
    /// Relative CPU weight.
    pub cpu_shares: Option<i64>,
    /// CPUs it may use, `0-3,7`.
    pub cpuset_cpus: Option<String>,
    /// Memory limit in bytes.
    pub memory: Option<i64>,
    /// Memory plus swap limit in bytes; -1 is unlimited.
    pub memory_swap: Option<i64>,
    /// Swappiness, 0 to 100.
    pub memory_swappiness: Option<i64>,
    /// Number of processes.
    pub pids_limit: Option<i64>,
    /// Microseconds of CPU time in each scheduler period.
    pub cpu_quota: Option<i64>,
    /// Soft memory limit in bytes, enforced when the host is short of memory.
    pub memory_reservation: Option<i64>,
    /// Bytes of /dev/shm.
    pub shm_size: Option<i64>,
    /// The parent of its cgroup.
    pub cgroup_parent: Option<String>,
    /// Devices of the host.
    pub devices: Vec<Device>,
    /// Name servers.
    pub dns: Vec<String>,
    /// Search domains.
    pub dns_search: Vec<String>,
    /// Domain name inside.
    pub domainname: Option<String>,
    /// Ports that other containers may use.
    pub exposed_ports: Vec<Port>,
    /// Ports published on the host.
    pub published_ports: Vec<PublishedPort>,
    /// The root file system is read-only.
    pub read_only: bool,
    /// A small first process that reaps others.
    pub init: bool,
    /// Kernel settings of its namespaces.
    pub sysctls: BTreeMap<String, String>,
    /// The log driver; the engine's own when `None`.
    pub log_driver: Option<String>,
    /// Options for the engine's log driver (such as `tag`).
    pub log_options: BTreeMap<String, String>,
}

impl std::fmt::Debug for ContainerSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContainerSpec")
            .field("image", &self.image)
            .finish_non_exhaustive()
    }
}

/// A command to run inside a running container.
///
/// `Debug` shows the command's first word only: arguments and environment carry passwords.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ExecSpec {
    /// The command and its arguments.
    pub command: Vec<String>,
    /// User (and group) it runs as; the container's own when `None`.
    pub user: Option<String>,
    /// `KEY=value`, added to the container's environment.
    pub env: Vec<String>,
    /// All privileges of the host.
    pub privileged: bool,
}

impl std::fmt::Debug for ExecSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExecSpec")
            .field("command", &self.command.first())
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
