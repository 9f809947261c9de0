//! Checks of the machine alone.

use std::path::Path;

use crate::host::Host;
use crate::report::{Check, Subject};
use crate::space;

/// The programs that keep a clock right.
const TIME_SERVICES: [&str; 4] = ["chronyd", "ntpd", "openntpd", "systemd-timesyn"];

/// A clock before this second was never set: 2024-01-01.
const NEVER_BEFORE: u64 = 1_704_067_200;

/// The directories of programs on a host.
const PROGRAMS: [&str; 4] = ["/usr/local/bin", "/usr/bin", "/opt/puppetlabs/bin", "/bin"];

/// Checks the machine: space for a deployment under `root`, clock, SELinux, systemd.
pub fn check_machine(host: &Host, root: &Path) -> Vec<Check> {
    vec![
        space::check("the deployment", root),
        clock(host),
        selinux(host),
        systemd(host),
    ]
}

fn clock(host: &Host) -> Check {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    if now.map_or(0, |now| now.as_secs()) < NEVER_BEFORE {
        let advice = "set the clock: tokens and certificates are valid for a time";
        return Check::bad(
            Subject::Clock,
            crate::Status::Failed,
            "the clock is years behind",
            advice,
        );
    }
    if host.has("/run/systemd/timesync/synchronized") {
        return Check::good(Subject::Clock, "synchronized by systemd-timesyncd");
    }
    let mut names = host.processes().into_iter().map(|id| host.process_name(id));
    match names.find(|name| TIME_SERVICES.contains(&name.as_str())) {
        Some(name) => Check::good(Subject::Clock, format!("{name} runs")),
        None => Check::warning(
            Subject::Clock,
            "no time service runs here",
            "install chrony, unless the host of this machine keeps its clock: tokens and \
             certificates fail on a wrong clock",
        ),
    }
}

fn selinux(host: &Host) -> Check {
    match host.text("/sys/fs/selinux/enforce").trim() {
        "1" => Check::warning(
            Subject::Selinux,
            "enforcing",
            "add the option z to the volumes of services whose containers are denied access; \
             ausearch -m avc lists what was denied",
        ),
        "0" => Check::good(Subject::Selinux, "permissive"),
        _ => Check::good(Subject::Selinux, "not enabled"),
    }
}

fn systemd(host: &Host) -> Check {
    match host.has("/run/systemd/system") {
        true => Check::good(Subject::Systemd, "runs"),
        false => Check::warning(
            Subject::Systemd,
            "does not run",
            "start containers after a reboot with `slipway deploy`: nothing else starts Podman's, and \
             the timer slipway-drift does not run",
        ),
    }
}

/// Checks Puppet on the host, which applies host manifests.
pub(crate) fn host_puppet(host: &Host) -> Check {
    let places = PROGRAMS.map(|directory| format!("{directory}/puppet"));
    match places.iter().find(|place| host.has(place)) {
        Some(place) => Check::good(Subject::HostPuppet, place),
        None => Check::bad(
            Subject::HostPuppet,
            crate::Status::Failed,
            "missing, and services have manifests for the host (step_config)",
            "install puppet-agent",
        ),
    }
}
