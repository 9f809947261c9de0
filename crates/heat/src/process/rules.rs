//! Differences of process-templates.py between releases, read from the one that is in the tree.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// The rules of a release.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// The default path of network_data.
    pub networks: PathBuf,
    /// Each network gets its index as `idx`.
    pub index: bool,
    /// Roles get tags according to their names.
    pub tags: bool,
    /// A role's network configuration may have the name of an older release.
    pub old_names: bool,
}

/// The path of network_data from Wallaby on.
const SAMPLE_NETWORKS: &str = "network-data-samples/default-network-isolation.yaml";

impl Rules {
    /// Returns the rules of a tree. Without the tool, they are those of most releases.
    pub fn of(root: &Path) -> Self {
        let tool = slipway_files::read_input(root.join("tools/process-templates.py")).ok();
        let says = |text: &str| tool.as_ref().map(|tool| tool.contains(text));
        let sample = says(SAMPLE_NETWORKS).unwrap_or(false);
        Rules {
            networks: root.join(if sample {
                SAMPLE_NETWORKS
            } else {
                "network_data.yaml"
            }),
            index: says("update({'idx'").unwrap_or(true),
            tags: says("def _set_tags_based_on_role_name").unwrap_or(false),
            old_names: says("r_map[role].get('deprecated_nic_config_name')").unwrap_or(true),
        }
    }
}

/// Adds the tags that belong to a role's name.
pub(super) fn tag(role: &mut Value, name: &str) {
    const TAGS: [(&[&str], &str); 4] = [
        (&["Compute", "HciCeph", "DistributedCompute"], "compute"),
        (&["Ceph"], "ceph"),
        (&["ComputeOvsDpdk"], "ovsdpdk"),
        (&["ObjectStorage", "BlockStorage", "Ceph"], "storage"),
    ];
    let Some(role) = role.as_object_mut() else {
        return;
    };
    let tags = role.entry("tags").or_insert_with(|| json!([]));
    let Some(tags) = tags.as_array_mut() else {
        return;
    };
    for (beginnings, tag) in TAGS {
        if beginnings
            .iter()
            .any(|beginning| name.starts_with(beginning))
            && !tags.contains(&json!(tag))
        {
            tags.push(json!(tag));
        }
    }
}
