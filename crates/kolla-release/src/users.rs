//! The accounts an image may hold: `users.yaml` at the root of a tree.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use slipway_files::AtPath;

use crate::error::Result;

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// User id; `None` for an account that a configuration names and gives none.
    pub uid: Option<u32>,
    /// Group id.
    pub gid: Option<u32>,
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
pub fn read(path: &Path) -> Result<BTreeMap<String, User>> {
    let text = slipway_files::read_input(path).at(path)?;
    let entries: BTreeMap<String, Entry> =
        slipway_yaml::from_str(&text).map_err(|error| error.in_file(path))?;
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
            uid: Some(entry.uid),
            gid: Some(entry.gid),
            group,
        },
    )
}

/// The changes that a configuration makes to an account, or a new account: a section `[<name>-user]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// User id.
    pub uid: Option<u32>,
    /// Group id.
    pub gid: Option<u32>,
    /// The group's name.
    pub group: Option<String>,
}

/// The accounts with the changes made.
pub fn changed(
    mut users: BTreeMap<String, User>,
    changes: &BTreeMap<String, UserChange>,
) -> BTreeMap<String, User> {
    for (name, change) in changes {
        let user = users.entry(name.clone()).or_insert_with(|| User {
            uid: None,
            gid: None,
            group: name.clone(),
        });
        user.uid = change.uid.or(user.uid);
        user.gid = change.gid.or(user.gid);
        if let Some(group) = &change.group {
            user.group.clone_from(group);
        }
    }
    users
}
