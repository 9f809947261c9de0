//! The engine's description of its host.

use serde::Deserialize;

/// The host and the storage of an engine, as the engine describes them. An engine that leaves a field
/// out has its default here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SystemInfo {
    /// The storage driver, such as `overlay2`.
    #[serde(rename = "Driver")]
    pub storage_driver: String,
    /// The directory of images and containers, on the engine's host.
    #[serde(rename = "DockerRootDir")]
    pub storage_directory: String,
    /// The version of control groups: `1` or `2`.
    pub cgroup_version: String,
    /// The manager of control groups: `systemd` or `cgroupfs`.
    pub cgroup_driver: String,
    /// The time on the engine's host, in RFC 3339.
    pub system_time: String,
}
