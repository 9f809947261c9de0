//! Users and groups by name, from the container's own files: a static binary has no name service.

use std::cell::OnceCell;
use std::path::Path;

use super::error::ApplyError;
use crate::config::user_group;
use crate::fs::Root;

/// The size of the largest `/etc/passwd` that is read.
const LARGEST: u64 = 16 << 20;

/// The names in `/etc/passwd` and `/etc/group`, read when the first one is needed.
pub(super) struct Owners<'a> {
    root: &'a Root,
    users: OnceCell<Vec<(String, u32)>>,
    groups: OnceCell<Vec<(String, u32)>>,
}

impl<'a> Owners<'a> {
    pub(super) fn of(root: &'a Root) -> Owners<'a> {
        Owners {
            root,
            users: OnceCell::new(),
            groups: OnceCell::new(),
        }
    }

    /// Returns the IDs of `user` or `user:group`.
    pub(super) fn ids(&self, owner: &str) -> Result<(u32, u32), ApplyError> {
        let (user, group) = user_group(owner);
        let unknown = |kind: &str, name: &str, file: &str| {
            ApplyError::Unexpected(format!("no {kind} `{name}` in {file} (owner `{owner}`)"))
        };
        let user = id(self.users(), user).ok_or_else(|| unknown("user", user, "/etc/passwd"))?;
        let group =
            id(self.groups(), group).ok_or_else(|| unknown("group", group, "/etc/group"))?;
        Ok((user, group))
    }

    pub(super) fn user_name(&self, uid: u32) -> Option<&str> {
        name(self.users(), uid)
    }

    pub(super) fn group_name(&self, gid: u32) -> Option<&str> {
        name(self.groups(), gid)
    }

    fn users(&self) -> &[(String, u32)] {
        self.users.get_or_init(|| self.read("/etc/passwd"))
    }

    fn groups(&self) -> &[(String, u32)] {
        self.groups.get_or_init(|| self.read("/etc/group"))
    }

    /// Returns the names and IDs in a file; an unreadable file has none.
    fn read(&self, path: &str) -> Vec<(String, u32)> {
        let text = self.root.read(Path::new(path), LARGEST).unwrap_or_default();
        String::from_utf8_lossy(&text)
            .lines()
            .filter_map(name_and_id)
            .collect()
    }
}

/// Reads a line of either file: `name:password:id:`.
fn name_and_id(line: &str) -> Option<(String, u32)> {
    let mut fields = line.split(':');
    let (name, _, id) = (fields.next()?, fields.next()?, fields.next()?);
    Some((name.to_owned(), id.parse().ok()?)).filter(|(name, _)| !name.is_empty())
}

fn id(entries: &[(String, u32)], wanted: &str) -> Option<u32> {
    entries
        .iter()
        .find(|(name, _)| name == wanted)
        .map(|(_, id)| *id)
}

fn name(entries: &[(String, u32)], wanted: u32) -> Option<&str> {
    entries
        .iter()
        .find(|(_, id)| *id == wanted)
        .map(|(name, _)| name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_the_files_of_the_root() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("etc")).unwrap();
        std::fs::write(
            root.path().join("etc/passwd"),
            "root:x:0:0::/:\nbroken\na:x:7:8::/:\nb:x:7:8::/:\n",
        )
        .unwrap();
        std::fs::write(root.path().join("etc/group"), "root:x:0:\ng:x:9:a,b\n").unwrap();
        let root = Root::open(root.path(), Path::new("/")).unwrap();
        let owners = Owners::of(&root);
        assert_eq!(owners.ids("a:g").unwrap(), (7, 9));
        assert_eq!(owners.ids("root").unwrap(), (0, 0));
        assert_eq!(owners.user_name(7), Some("a"));
        assert_eq!(owners.group_name(9), Some("g"));
        assert_eq!(
            owners.ids("a").unwrap_err().to_string(),
            "Unexpected error: no group `a` in /etc/group (owner `a`)"
        );
        assert_eq!(owners.ids("0:g").unwrap_err().exit_code(), 2);
    }
}
