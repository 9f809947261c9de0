//! The differences between engines, as capabilities.

use std::time::Duration;

use async_trait::async_trait;

use crate::Result;
use crate::api::named_registry;

/// An engine's description of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineInfo {
    kind: Kind,
    /// The engine's own version, such as `20.10.24`.
    pub version: String,
    /// The API version in use, such as `1.41`.
    pub api_version: String,
    /// The socket or address it was reached at, for messages.
    pub address: String,
}

/// The engine behind the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Docker,
    Podman,
}

/// The abilities in which engines differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The list of containers tells their health.
    pub lists_health: bool,
    /// The list of containers shows an image's id in place of a reference that has come to mean
    /// another image. A reference that the list shows is therefore current.
    pub lists_current_references: bool,
    /// Listing all images takes no longer than looking up a few.
    pub lists_images_fast: bool,
    /// Images can be built with BuildKit.
    pub buildkit: bool,
    /// The builder rejects a base image for another platform than the one asked for.
    pub checks_platform: bool,
    /// The log driver that writes a container's log to a file that an option names.
    pub file_log_driver: Option<&'static str>,
}

/// Generates systemd units that start containers.
#[async_trait]
pub trait UnitGenerator: Send + Sync {
    /// Generates the unit for a container: how systemd starts it again, and how long it has to stop.
    async fn systemd_unit(&self, id: &str, restart: &str, grace: Duration) -> Result<String>;
}

impl EngineInfo {
    /// A description of dockerd.
    pub fn docker(version: &str, api_version: &str, address: &str) -> EngineInfo {
        EngineInfo::new(Kind::Docker, version, api_version, address)
    }

    /// A description of Podman's Docker-compatible service.
    pub fn podman(version: &str, api_version: &str, address: &str) -> EngineInfo {
        EngineInfo::new(Kind::Podman, version, api_version, address)
    }

    fn new(kind: Kind, version: &str, api_version: &str, address: &str) -> EngineInfo {
        EngineInfo {
            kind,
            version: version.to_owned(),
            api_version: api_version.to_owned(),
            address: address.to_owned(),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The name of the engine's command line, which people know it by: `docker` or `podman`.
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Docker => "docker",
            Kind::Podman => "podman",
        }
    }

    /// Returns the oldest version that Slipway works with.
    pub fn oldest_version(&self) -> &'static str {
        match self.kind {
            Kind::Docker => "20.10",
            Kind::Podman => "4.3",
        }
    }

    /// Returns `true` for an engine on this machine, which has this machine's file system.
    pub fn is_local(&self) -> bool {
        self.address.starts_with("unix://")
    }

    /// The engine's abilities.
    pub fn capabilities(&self) -> Capabilities {
        match self.kind {
            Kind::Docker => Capabilities {
                lists_health: true,
                lists_current_references: true,
                // Docker reads every image that it has, whatever the filter: a fifth of a second
                // where builds have left a thousand.
                lists_images_fast: false,
                buildkit: true,
                // The classic builder takes any image that has the name.
                checks_platform: false,
                file_log_driver: None,
            },
            Kind::Podman => Capabilities {
                lists_health: false,
                lists_current_references: false,
                lists_images_fast: true,
                buildkit: false,
                checks_platform: true,
                file_log_driver: Some("k8s-file"),
            },
        }
    }

    /// Returns the names under which the engine may list an image that this reference means. Docker
    /// leaves its own registry out. Podman puts it, or its own host, in front of a name without one.
    pub fn listed_names(&self, reference: &str) -> Vec<String> {
        let last = reference.rsplit('/').next().unwrap_or(reference);
        let full = match last.contains([':', '@']) {
            true => reference.to_owned(),
            false => format!("{reference}:latest"),
        };
        let short = full.strip_prefix("docker.io/").unwrap_or(&full);
        let short = short.strip_prefix("library/").unwrap_or(short);
        match self.kind {
            Kind::Docker => vec![short.to_owned()],
            Kind::Podman => {
                let hub = match short.contains('/') {
                    true => format!("docker.io/{short}"),
                    false => format!("docker.io/library/{short}"),
                };
                match named_registry(&full) {
                    Some("docker.io") => vec![hub],
                    Some(_) => vec![full],
                    None => vec![hub, format!("localhost/{full}")],
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_list_images_under_other_names_than_they_were_built_by() {
        let docker = EngineInfo::docker("0", "0", "");
        let podman = EngineInfo::podman("0", "0", "");
        let docker = |reference| docker.listed_names(reference).join(" ");
        assert_eq!(docker("ns/base:1"), "ns/base:1");
        assert_eq!(docker("docker.io/ns/base:1"), "ns/base:1");
        assert_eq!(docker("docker.io/library/debian"), "debian:latest");
        assert_eq!(docker("localhost/ns/base:1"), "localhost/ns/base:1");
        assert_eq!(docker("registry:5000/a"), "registry:5000/a:latest");
        let podman = |reference| podman.listed_names(reference).join(" ");
        assert_eq!(
            podman("ns/base:1"),
            "docker.io/ns/base:1 localhost/ns/base:1"
        );
        assert_eq!(podman("localhost/ns/base:1"), "localhost/ns/base:1");
        assert_eq!(podman("docker.io/ns/base:1"), "docker.io/ns/base:1");
        assert_eq!(podman("docker.io/base:1"), "docker.io/library/base:1");
        assert_eq!(podman("registry:5000/a"), "registry:5000/a:latest");
    }
}
