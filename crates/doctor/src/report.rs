//! The results of checks.

use serde::Serialize;

/// The subject of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The container engine answers, and is new enough.
    Engine,
    /// The engine's storage driver.
    StorageDriver,
    /// The control groups of the engine's host.
    Cgroups,
    /// Free space for images, containers and the deployment.
    FreeSpace,
    /// The clock.
    Clock,
    /// SELinux.
    Selinux,
    /// systemd.
    Systemd,
    /// Puppet on the host, which applies the services' host manifests.
    HostPuppet,
    /// Puppet in the images that generate configuration.
    Puppet,
    /// Ports of services.
    Ports,
    /// Stored logins of registries.
    Registry,
}

impl Subject {
    /// Returns the name, as it is shown.
    pub fn name(self) -> &'static str {
        match self {
            Subject::Engine => "engine",
            Subject::StorageDriver => "storage driver",
            Subject::Cgroups => "cgroups",
            Subject::FreeSpace => "free space",
            Subject::Clock => "clock",
            Subject::Selinux => "SELinux",
            Subject::Systemd => "systemd",
            Subject::HostPuppet => "puppet on the host",
            Subject::Puppet => "puppet in images",
            Subject::Ports => "ports",
            Subject::Registry => "registry login",
        }
    }
}

/// The status of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// There is nothing to do.
    Good,
    /// It was not checked.
    Skipped,
    /// It may become a problem.
    Warning,
    /// Slipway cannot work before it is mended.
    Failed,
}

impl Status {
    /// Returns the name, as it is shown.
    pub fn name(self) -> &'static str {
        match self {
            Status::Good => "good",
            Status::Skipped => "skipped",
            Status::Warning => "warning",
            Status::Failed => "failed",
        }
    }
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The subject.
    pub subject: Subject,
    /// The status.
    pub status: Status,
    /// The finding.
    pub found: String,
    /// The advice; `None` if the status is good.
    pub advice: Option<String>,
}

impl Check {
    /// A check without anything to do.
    pub(crate) fn good(subject: Subject, found: impl Into<String>) -> Check {
        Check {
            subject,
            status: Status::Good,
            found: found.into(),
            advice: None,
        }
    }

    /// A check that needs something to be done.
    pub(crate) fn bad(
        subject: Subject,
        status: Status,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Check {
        Check {
            subject,
            status,
            found: found.into(),
            advice: Some(advice.into()),
        }
    }

    /// A check that may become a problem.
    pub(crate) fn warning(
        subject: Subject,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Check {
        Check::bad(subject, Status::Warning, found, advice)
    }
}

/// The results of all checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The worst status.
    pub status: Status,
    /// The checks.
    pub checks: Vec<Check>,
}

impl Report {
    /// Puts checks together.
    pub fn new(checks: Vec<Check>) -> Report {
        let worst = checks.iter().map(|check| check.status).max();
        Report {
            status: worst.unwrap_or(Status::Good),
            checks,
        }
    }

    /// Returns the checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Check> {
        let failed = |check: &&Check| check.status == Status::Failed;
        self.checks.iter().filter(failed)
    }
}
