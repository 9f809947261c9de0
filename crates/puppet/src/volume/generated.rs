//! The tree of what Puppet wrote, selected from the whole one.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Gid, Mode, Stat, Timespec, Timestamps, Uid};

use crate::error::{At, Result};
use crate::files;
use crate::volume::hash::PASSWORD_FILE;
use crate::volume::tree::{Entry, Kind, Tree};

/// Copies the entries that `list` names (NUL-separated relative paths) to a new directory, with the
/// directories that lead to them. Names that are not in the tree are passed over: they may be gone,
/// and the list comes out of a container.
pub fn select(full: &Tree, list: &[u8], generated: &Path) -> Result<()> {
    let wanted = wanted(list);
    std::fs::create_dir(generated).at("make", generated)?;
    let mode = Mode::from_raw_mode(0o755);
    rustix::fs::chmod(generated, mode).at("set the mode of", generated)?;
    let chosen = full.entries().iter();
    let chosen: Vec<&Entry> = chosen
        .filter(|entry| wanted.contains(&entry.path))
        .collect();
    for entry in &chosen {
        copy(full, entry, &generated.join(&entry.path))?;
    }
    // Filling a directory changes its time.
    for entry in chosen {
        if let Kind::Directory = entry.kind {
            set_time(&generated.join(&entry.path), &entry.status)?;
        }
    }
    Ok(())
}

/// Returns the paths of a list and the directories that lead to them.
fn wanted(list: &[u8]) -> BTreeSet<PathBuf> {
    let mut wanted = BTreeSet::new();
    for name in list.split(|byte| *byte == 0) {
        let path = Path::new(OsStr::from_bytes(name));
        let is_inside = path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !is_inside {
            continue;
        }
        for path in path.ancestors() {
            let is_new = !path.as_os_str().is_empty() && wanted.insert(path.to_owned());
            if !is_new {
                break;
            }
        }
    }
    wanted
}

fn copy(full: &Tree, entry: &Entry, to: &Path) -> Result<()> {
    match &entry.kind {
        Kind::Directory => std::fs::create_dir(to).at("make", to)?,
        Kind::Link(target) => std::os::unix::fs::symlink(target, to).at("make", to)?,
        Kind::File => {
            let mut source = full.file(entry)?.take(entry.status.st_size.unsigned_abs());
            let mut copy = files::create(to)?;
            std::io::copy(&mut source, &mut copy).at("write", to)?;
        }
        Kind::Pipe | Kind::Socket | Kind::CharacterDevice | Kind::BlockDevice => return Ok(()),
    }
    liken(to, entry)
}

/// Sets the owner, mode and time of a path to those of an entry.
fn liken(path: &Path, entry: &Entry) -> Result<()> {
    let status = &entry.status;
    let now = rustix::fs::lstat(path).at("read", path)?;
    if (now.st_uid, now.st_gid) != (status.st_uid, status.st_gid) {
        let (user, group) = (Uid::from_raw(status.st_uid), Gid::from_raw(status.st_gid));
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::chownat(CWD, path, Some(user), Some(group), flags)
            .at("set the owner of", path)?;
    }
    if !matches!(entry.kind, Kind::Link(_)) {
        let mode = Mode::from_raw_mode(status.st_mode & 0o7777);
        rustix::fs::chmod(path, mode).at("set the mode of", path)?;
    }
    set_time(path, status)
}

fn set_time(path: &Path, status: &Stat) -> Result<()> {
    let time = Timespec {
        tv_sec: status.st_mtime,
        tv_nsec: status.st_mtime_nsec as _,
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).at("set the time of", path)
}

/// Keeps the password file of the present tree: the service uses that password, and replaces the
/// file itself once its restart finds that the password changed. Returns true if the new tree
/// changed.
pub fn keep_password_file(
    new: &Tree,
    present: Option<&Tree>,
    present_full: Option<&Tree>,
) -> Result<bool> {
    if password_file(Some(new)).is_none() || password_file(present_full).is_none() {
        return Ok(false);
    }
    let to = new.path().join(PASSWORD_FILE);
    files::remove(&to)?;
    let Some((present, entry)) = password_file(present) else {
        return Ok(true);
    };
    let mut content = Vec::new();
    let source: File = present.file(entry)?;
    source
        .take(entry.status.st_size.unsigned_abs())
        .read_to_end(&mut content)
        .at("read", present.path().join(PASSWORD_FILE))?;
    files::create(&to)?.write_all(&content).at("write", &to)?;
    liken(&to, entry)?;
    Ok(true)
}

fn password_file(tree: Option<&Tree>) -> Option<(&Tree, &Entry)> {
    let tree = tree?;
    let entry = tree.entry(Path::new(PASSWORD_FILE))?;
    matches!(entry.kind, Kind::File).then_some((tree, entry))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    #[test]
    fn only_listed_entries_are_selected_with_their_directories() {
        let dir = tempfile::tempdir().unwrap();
        let (full, generated) = (dir.path().join("full"), dir.path().join("generated"));
        std::fs::create_dir_all(full.join("etc/a/deep")).unwrap();
        std::fs::write(full.join("etc/a/deep/x"), "x").unwrap();
        std::fs::write(full.join("etc/a/y"), "y").unwrap();
        std::os::unix::fs::symlink("deep/x", full.join("etc/a/link")).unwrap();
        let mode = Permissions::from_mode(0o640);
        std::fs::set_permissions(full.join("etc/a/deep/x"), mode).unwrap();
        let mode = Permissions::from_mode(0o711);
        std::fs::set_permissions(full.join("etc/a"), mode).unwrap();
        let list = b"etc/a/deep/x\0etc/a/link\0etc/gone\0../../outside\0/etc/passwd\0";
        select(&Tree::open(&full).unwrap(), list, &generated).unwrap();
        let names = |directory: &str| {
            let entries = std::fs::read_dir(generated.join(directory)).unwrap();
            let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(names("."), ["etc"]);
        assert_eq!(names("etc/a"), ["deep", "link"]);
        for name in ["etc/a", "etc/a/deep", "etc/a/deep/x", "etc/a/link"] {
            let of = |root: &Path| {
                let metadata = root.join(name).symlink_metadata().unwrap();
                let times = (metadata.mtime(), metadata.mtime_nsec());
                (metadata.mode(), times, metadata.uid(), metadata.gid())
            };
            assert_eq!(of(&full), of(&generated), "{name}");
        }
    }

    #[test]
    fn a_password_file_in_use_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let (new, present) = (dir.path().join("new"), dir.path().join("present"));
        for (tree, text) in [(&new, "new"), (&present, "in use")] {
            std::fs::create_dir_all(tree.join("root")).unwrap();
            std::fs::write(tree.join(PASSWORD_FILE), text).unwrap();
        }
        let text = |tree: &Path| std::fs::read_to_string(tree.join(PASSWORD_FILE)).unwrap();
        let (new, present) = (Tree::open(&new).unwrap(), Tree::open(&present).unwrap());
        assert!(!keep_password_file(&new, None, None).unwrap());
        assert_eq!(text(new.path()), "new");
        assert!(keep_password_file(&new, Some(&present), Some(&present)).unwrap());
        assert_eq!(text(new.path()), "in use");
    }

    #[test]
    fn links_that_a_container_has_made_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join(".my.cnf"), "the host's").unwrap();
        let tree = |name: &str| {
            let tree = dir.path().join(name);
            std::fs::create_dir_all(tree.join("etc")).unwrap();
            std::os::unix::fs::symlink(&outside, tree.join("root")).unwrap();
            Tree::open(&tree).unwrap()
        };
        let (full, generated) = (tree("full"), dir.path().join("generated"));
        select(&full, b"etc\0root/.my.cnf\0", &generated).unwrap();
        assert_eq!(std::fs::read_link(generated.join("root")).unwrap(), outside);
        let (present, present_full) = (tree("present"), tree("present-full"));
        assert!(!keep_password_file(&full, Some(&present), Some(&present_full)).unwrap());
        let kept = std::fs::read_to_string(outside.join(".my.cnf")).unwrap();
        assert_eq!(kept, "the host's");
    }
}
