//! The settings of runs.

use std::path::PathBuf;
use std::time::Duration;

use slipway_service::ConfigVolume;

use slipway_paths::Paths;

/// The settings of runs. Names are docker-puppet's where it has one.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The deployment's paths.
    pub paths: Paths,
    /// Runs at the same time (PROCESS_COUNT).
    pub process_count: usize,
    /// Generates config volumes with the host's network (NET_HOST) instead of none. Tasks always have
    /// the host's.
    pub net_host: bool,
    /// Only this config volume (CONFIG_VOLUME).
    pub config_volume: Option<ConfigVolume>,
    /// Runs Puppet, but leaves the volumes as they are (NO_ARCHIVE).
    pub no_archive: bool,
    /// `step` in hiera while config volumes are generated (STEP).
    pub step: u8,
    /// Also runs volumes and tasks that are not due.
    pub force: bool,
    /// Keeps the container of a run that failed.
    pub keep_failed: bool,
    /// The time that a run may take.
    pub timeout: Duration,
    /// Waits for another run on the same deployment, instead of refusing.
    pub wait: bool,
    /// The host's `puppet`; the one in PATH when `None`.
    pub host_puppet: Option<PathBuf>,
    /// The host's Puppet modules, mounted into every run if they exist (MOUNT_HOST_PUPPET).
    pub host_modules: Option<PathBuf>,
    /// Uses the hiera data of `/etc/puppet/check-mode` (CHECK_MODE).
    pub check_mode: bool,
    /// Sends the changes in a volume's files as an event before the volume is swapped in.
    pub diff: bool,
}

/// The directory in which TripleO's hosts and images have their Puppet modules.
pub(crate) const HOST_MODULES: &str = "/usr/share/openstack-puppet/modules";

impl Settings {
    /// Returns the default settings.
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
        }
    }
}

/// Returns the number of CPUs that this process may use.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
