//! Output file names of processed templates.

use std::path::{Path, PathBuf};

use serde_json::Value;

const ROLE: &str = ".role.j2.yaml";
const NETWORK: &str = ".network.j2.yaml";
const SHARED: &str = ".j2.yaml";

/// The kinds of templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Rendered for each role.
    Role,
    /// Rendered for each network.
    Network,
    /// Rendered once.
    Shared,
}

/// Returns the kind of template that a file is, if it is one.
pub(super) fn kind(path: &Path) -> Option<Kind> {
    let name = file_name(path);
    if name.ends_with(ROLE) {
        Some(Kind::Role)
    } else if name.ends_with(NETWORK) {
        Some(Kind::Network)
    } else if name.ends_with(SHARED) {
        Some(Kind::Shared)
    } else {
        None
    }
}

pub(super) fn is_shared(path: &Path) -> bool {
    kind(path) == Some(Kind::Shared)
}

/// Returns a name such as `controller-role.yaml`. A network configuration is `controller.yaml`, or has the
/// name of an older release.
pub(super) fn of_role(template: &Path, role: &str, deprecated: Option<&Value>) -> PathBuf {
    let role = role.to_lowercase();
    let is_nic_config = template.to_string_lossy().contains("network/config");
    let name = match deprecated {
        Some(Value::String(name)) if is_nic_config && !name.is_empty() => name.clone(),
        _ if is_nic_config => format!("{role}.yaml"),
        _ => format!("{role}-{}", file_name(template).replace(ROLE, ".yaml")),
    };
    template.with_file_name(name)
}

/// Replaces `network` in the name by the network's own, or `port` in a directory of ports.
pub(super) fn of_network(template: &Path, network: &str) -> PathBuf {
    let name = file_name(template).replace(NETWORK, ".yaml");
    let in_ports = template
        .parent()
        .is_some_and(|directory| directory.to_string_lossy().ends_with("ports"));
    template.with_file_name(name.replace(if in_ports { "port" } else { "network" }, network))
}

/// Removes `.j2` from a name.
pub(super) fn shared(template: &Path) -> PathBuf {
    template.with_file_name(file_name(template).replace(SHARED, ".yaml"))
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
