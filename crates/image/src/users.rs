//! The accounts an image may hold: `users.yaml` at the root of a tree.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, IoContext, Result};

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// The group's name; the user's own unless the file says otherwise.
    pub group: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    uid: u32,
    gid: u32,
    group: Option<String>,
}

/// Reads `users.yaml`: `<name>-user: {uid, gid, group}`. The result is by name alone, as
/// templates see it.
pub(crate) fn read(path: &Path) -> Result<BTreeMap<String, User>> {
    let text = std::fs::read_to_string(path).at(path)?;
    let entries: BTreeMap<String, Entry> =
        serde_yaml::from_str(&text).map_err(|source| Error::Yaml {
            path: path.to_owned(),
            message: source.to_string(),
        })?;
    Ok(entries
        .into_iter()
        .map(|(name, entry)| user(&name, entry))
        .collect())
}

fn user(name: &str, entry: Entry) -> (String, User) {
    let name = name.strip_suffix("-user").unwrap_or(name).to_owned();
    let group = entry.group.unwrap_or_else(|| name.clone());
    (
        name,
        User {
            uid: entry.uid,
            gid: entry.gid,
            group,
        },
    )
}
