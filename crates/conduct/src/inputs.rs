//! Digests of the files that decide what the parts of a playbook do on a node.
//!
//! | counts for a node | does not count |
//! |---|---|
//! | the definitions and tasks of its role | those of other roles |
//! | its hiera data, its entry in the inventory | those of other nodes |
//! | variables of its role, of all nodes, of the node itself | |
//! | the playbook; size and time of the slipway that is put on nodes | the collection |

use std::collections::{BTreeSet, HashMap};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::Result;
use crate::site::{Site, reading};
use crate::unit::{Action, CONTROLLER};

/// The digest of the inputs of each node, and of the host that runs Ansible.
#[derive(Debug)]
pub(crate) struct Inputs(HashMap<String, String>);

impl Inputs {
    /// Reads the files of these nodes.
    pub(crate) fn read(site: &Site, action: Action, nodes: &[String]) -> Result<Self> {
        let reader = Reader::new(site, action)?;
        let mut digests = HashMap::new();
        for node in nodes {
            let role = site.manifest().nodes.get(node).map_or("", String::as_str);
            digests.insert(node.clone(), reader.node(node, role)?);
        }
        digests.insert(CONTROLLER.to_owned(), reader.controller()?);
        Ok(Self(digests))
    }

    /// Returns the digest of a node.
    pub(crate) fn of(&self, node: &str) -> &str {
        self.0.get(node).map_or("", String::as_str)
    }
}

struct Reader<'a> {
    site: &'a Site,
    inventory: Value,
    common: Vec<u8>,
}

impl Reader<'_> {
    fn new(site: &Site, action: Action) -> Result<Reader<'_>> {
        let mut reader = Reader {
            site,
            inventory: yaml(&site.path().join("inventory.yaml"))?,
            common: Vec::new(),
        };
        let mut common = Vec::new();
        for path in [action.playbook().file(), "group_vars/slipway.yaml"] {
            common.extend(reader.tree(Path::new(path))?);
        }
        common.extend(reader.binary()?);
        reader.common = common;
        Ok(reader)
    }

    fn node(&self, node: &str, role: &str) -> Result<String> {
        let entry = &self.inventory["all"]["children"][role]["hosts"][node];
        let mut parts = vec![self.common.clone(), entry.to_string().into_bytes()];
        for path in [
            format!("files/{role}"),
            format!("files/nodes/{node}"),
            format!("tasks/{role}"),
            format!("group_vars/{role}.yaml"),
            format!("host_vars/{node}"),
            format!("host_vars/{node}.yaml"),
        ] {
            parts.push(self.tree(Path::new(&path))?);
        }
        Ok(self.site.key().digest(parts))
    }

    fn controller(&self) -> Result<String> {
        let parts = [self.common.clone(), self.tree(Path::new("tasks"))?];
        Ok(self.site.key().digest(parts))
    }

    /// Returns the names and contents of a file, or of all files of a directory. A missing one has none.
    fn tree(&self, path: &Path) -> Result<Vec<u8>> {
        let mut found = BTreeSet::new();
        let place = self.site.path().join(path);
        files(&place, &mut found).map_err(|source| reading(&place, source))?;
        let mut bytes = Vec::new();
        for file in found {
            let content = std::fs::read(&file).map_err(|source| reading(&file, source))?;
            bytes.extend(file.to_string_lossy().as_bytes());
            bytes.extend((content.len() as u64).to_le_bytes());
            bytes.extend(content);
        }
        Ok(bytes)
    }

    /// Returns size and time of the slipway that is put on nodes. To read all of it would take longer than
    /// a run that changes nothing.
    fn binary(&self) -> Result<Vec<u8>> {
        let vars = yaml(&self.site.path().join("group_vars/slipway.yaml"))?;
        let Some(path) = vars["slipway_binary"].as_str() else {
            return Ok(Vec::new());
        };
        let state = match std::fs::metadata(path) {
            Ok(found) => format!("{} {} {}", found.len(), found.mtime(), found.mtime_nsec()),
            // Ansible names it when it looks for it.
            Err(error) if error.kind() == ErrorKind::NotFound => "missing".to_owned(),
            Err(source) => return Err(reading(Path::new(path), source)),
        };
        Ok(state.into_bytes())
    }
}

fn yaml(path: &Path) -> Result<Value> {
    let text = slipway_files::read_input(path).map_err(|source| reading(path, source))?;
    let node = slipway_yaml::read(&text).map_err(|error| error.in_file(path))?;
    Ok(node.into_value())
}

/// Adds a file, or the files below a directory.
fn files(path: &Path, found: &mut BTreeSet<PathBuf>) -> std::io::Result<()> {
    match std::fs::read_dir(path) {
        Ok(entries) => {
            for entry in entries {
                files(&entry?.path(), found)?;
            }
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            found.insert(path.to_owned());
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
