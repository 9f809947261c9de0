//! How runs are to be made.

use std::path::PathBuf;
use std::time::Duration;

use slipway_service::ConfigVolume;

use slipway_paths::Paths;

/// How runs are to be made. Names are docker-puppet's where it has one.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the deployment's files are.
    pub paths: Paths,
    /// Runs at the same time (PROCESS_COUNT).
    pub process_count: usize,
    /// Whether config volumes are generated with the host's network (NET_HOST) instead of none.
    /// Tasks always have the host's.
    pub net_host: bool,
    /// Only this config volume (CONFIG_VOLUME).
    pub config_volume: Option<ConfigVolume>,
    /// Runs Puppet, but leaves the volumes as they are (NO_ARCHIVE).
    pub no_archive: bool,
    /// `step` in hiera while config volumes are generated (STEP).
    pub step: u8,
    /// Runs what has not changed, too.
    pub force: bool,
    /// Keeps the container of a run that failed.
    pub keep_failed: bool,
    /// Time a run may take.
    pub timeout: Duration,
    /// Waits for another run on the same deployment, instead of refusing.
    pub wait: bool,
    /// The host's `puppet`; the one in PATH when `None`.
    pub host_puppet: Option<PathBuf>,
    /// The host's Puppet modules, mounted into every run where they are there (MOUNT_HOST_PUPPET).
    pub host_modules: Option<PathBuf>,
    /// Takes hiera from `/etc/puppet/check-mode` (CHECK_MODE).
    pub check_mode: bool,
    /// Sends the changes in a volume's files as an event before the volume is swapped in.
    pub diff: bool,
    /// What a run has for itself.
    pub isolation: Isolation,
}

/// What a run has for itself. Either way it sees the image's own clean file system, its own hiera
/// data, and nothing of other runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// A process and a file system, in a container that has Puppet loaded for one run after
    /// another. Where that cannot be had, a container.
    #[default]
    Fork,
    /// A container.
    Container,
}

/// Where TripleO's hosts and images have their Puppet modules.
pub(crate) const HOST_MODULES: &str = "/usr/share/openstack-puppet/modules";

impl Settings {
    /// The usual settings.
    pub fn new(paths: Paths) -> Settings {
        Settings {
            paths,
            process_count: processors(),
            net_host: false,
            config_volume: None,
            no_archive: false,
            step: 6,
            force: false,
            keep_failed: false,
            timeout: Duration::from_secs(15 * 60),
            wait: true,
            host_puppet: None,
            host_modules: Some(PathBuf::from(HOST_MODULES)),
            check_mode: false,
            diff: false,
            isolation: Isolation::default(),
        }
    }
}

/// The number of CPUs this process may use.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
