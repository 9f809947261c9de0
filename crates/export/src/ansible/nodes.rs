//! The file that names nodes and roles.

use std::path::Path;

use indexmap::{IndexMap, IndexSet};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::GROUP;
use crate::error::{Error, Result};

/// Nodes and their roles.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nodes {
    /// Roles that do not have all services, or have hiera data.
    #[serde(default)]
    pub roles: IndexMap<String, RoleOfNodes>,
    /// The releases of a fast-forward upgrade in order. The last one is the release that it arrives at.
    #[serde(default)]
    pub releases: Vec<String>,
    /// The nodes by name. The first of a role is its bootstrap node.
    pub nodes: IndexMap<String, Node>,
}

/// A role.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleOfNodes {
    /// The names of its services. Without them, it has all.
    pub services: Option<Vec<String>>,
    /// Hiera data of its nodes.
    #[serde(default)]
    pub hiera: Map<String, Value>,
}

/// A node.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Its role.
    pub role: String,
    /// Its address. Without one, Ansible connects to its name.
    pub address: Option<String>,
    /// Hiera data of this node.
    #[serde(default)]
    pub hiera: Map<String, Value>,
    /// Ansible's variables: user, port, keys.
    #[serde(default)]
    pub vars: Map<String, Value>,
}

/// Groups that Ansible or the project has already.
const RESERVED: [&str; 3] = ["all", "ungrouped", GROUP];

impl Nodes {
    /// Reads the file.
    ///
    /// # Errors
    /// Names the file and the key.
    pub fn read(path: &Path) -> Result<Self> {
        let text = slipway_files::read_input(path).map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
        let nodes: Self = slipway_yaml::from_str(&text).map_err(|error| error.in_file(path))?;
        match nodes.problem() {
            None => Ok(nodes),
            Some(reason) => Err(Error::Nodes {
                path: path.to_owned(),
                reason,
            }),
        }
    }

    fn problem(&self) -> Option<String> {
        if self.nodes.is_empty() {
            return Some("nodes: expected at least one node".to_owned());
        }
        for (name, node) in &self.nodes {
            if !is_host_name(name) {
                return Some(format!(
                    "nodes.{name}: a node's name has letters, digits, - and . only"
                ));
            }
            if !is_group_name(&node.role) {
                return Some(format!(
                    "nodes.{name}.role: {}: a role's name has letters, digits and _ only, begins with a letter, \
                     and is not reserved ({})",
                    node.role,
                    RESERVED.join(", ")
                ));
            }
        }
        if let Some(release) = self.releases.iter().find(|release| !is_release(release)) {
            return Some(format!(
                "releases: {release}: a release's name has letters and digits only"
            ));
        }
        let used = self.role_names();
        let unused = self
            .roles
            .keys()
            .find(|role| !used.contains(role.as_str()))?;
        Some(format!("roles.{unused}: no node has this role"))
    }

    /// Returns the names of the roles that nodes have.
    pub(super) fn role_names(&self) -> IndexSet<&str> {
        let nodes = self.nodes.values();
        nodes.map(|node| node.role.as_str()).collect()
    }

    /// Returns the names of a role's services; `None` stands for all.
    pub(super) fn services_of(&self, role: &str) -> Option<&[String]> {
        self.roles.get(role)?.services.as_deref()
    }

    /// Returns the hiera data of a node: those of all, of its role, its own. Later ones win.
    pub(super) fn hiera_of(&self, node: &Node, all: &Map<String, Value>) -> Value {
        let mut hiera = all.clone();
        if let Some(role) = self.roles.get(&node.role) {
            hiera.extend(role.hiera.clone());
        }
        hiera.extend(node.hiera.clone());
        Value::Object(hiera)
    }
}

impl Node {
    /// Returns the node's variables in the inventory.
    pub(super) fn inventory_vars(&self) -> Map<String, Value> {
        let mut vars = self.vars.clone();
        if let Some(address) = &self.address {
            vars.insert("ansible_host".to_owned(), Value::from(address.as_str()));
        }
        vars
    }
}

/// Returns true for a name that is a host of an inventory, and not a pattern or a path.
fn is_host_name(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(is_allowed)
}

/// Returns true for a name that may be part of a tag.
fn is_release(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric())
}

/// Returns true for a name that may be a group of an inventory.
fn is_group_name(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(is_allowed)
        && !RESERVED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("nodes.yaml");
        std::fs::write(&path, text).unwrap();
        let error = Nodes::read(&path).unwrap_err().to_string();
        error.replace(&format!("{}: ", path.display()), "")
    }

    #[test]
    fn mistakes_are_named_by_their_key() {
        for (text, expected) in [
            ("nodes: {}\n", "nodes: expected at least one node"),
            ("nodes: {a/b: {role: R}}\n", "nodes.a/b: a node's name"),
            (
                "nodes: {a: {role: R-1}}\n",
                "nodes.a.role: R-1: a role's name",
            ),
            (
                "nodes: {a: {role: all}}\n",
                "nodes.a.role: all: a role's name",
            ),
            (
                "roles: {S: {}}\nnodes: {a: {role: R}}\n",
                "roles.S: no node has this role",
            ),
            (
                "releases: [a-b]\nnodes: {a: {role: R}}\n",
                "releases: a-b: a release's name",
            ),
            (
                "nodes: {a: {rol: R}}\n",
                "line 1, column 13: nodes.a.rol: unknown key",
            ),
        ] {
            let found = error(text);
            assert!(found.starts_with(expected), "{text}: {found}");
        }
    }
}
