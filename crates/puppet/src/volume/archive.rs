//! From what a run left behind to the two trees of a volume.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Component, Path};

use rustix::fs::{AtFlags, CWD, RenameFlags, Timespec, Timestamps};

use crate::error::{At, Result};
use crate::files;
use crate::volume::tree::PASSWORD_FILE;

/// Puts together the tree of what Puppet wrote: of `full`, the entries that `list` names
/// (NUL-separated relative paths), with the folders that lead to them.
pub fn select(full: &Path, list: &[u8], generated: &Path) -> Result<()> {
    let found = full.symlink_metadata().at("read", full)?;
    if !found.is_dir() {
        // Links lead elsewhere here than in the container that made them.
        return Err(std::io::Error::other("it is no folder")).at("read", full);
    }
    std::fs::create_dir(generated).at("make", generated)?;
    let mode = Permissions::from_mode(0o755);
    std::fs::set_permissions(generated, mode).at("set the mode of", generated)?;
    let mut names: Vec<&[u8]> = list
        .split(|byte| *byte == 0)
        .filter(|n| !n.is_empty())
        .collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let name = Path::new(OsStr::from_bytes(name));
        // The list comes out of a container: it must not lead anywhere else.
        if name
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
        {
            copy(full, name, generated)?;
        }
    }
    // Filling a folder has changed its time.
    settle_folders(full, generated)
}

/// Copies an entry and the folders that lead to it; says whether it is a folder. Below what is
/// none, such as a link, there is nothing to copy.
fn copy(full: &Path, name: &Path, generated: &Path) -> Result<bool> {
    let parent = name.parent().unwrap_or(Path::new(""));
    if !parent.as_os_str().is_empty() && !copy(full, parent, generated)? {
        return Ok(false);
    }
    let (from, to) = (full.join(name), generated.join(name));
    let Ok(metadata) = from.symlink_metadata() else {
        // Gone between being listed and being copied, or left out of the copy.
        return Ok(false);
    };
    let kind = metadata.file_type();
    if to.symlink_metadata().is_ok() {
        return Ok(kind.is_dir());
    }
    if kind.is_dir() {
        std::fs::create_dir(&to).at("make", &to)?;
    } else if kind.is_symlink() {
        let target = std::fs::read_link(&from).at("read", &from)?;
        std::os::unix::fs::symlink(target, &to).at("make", &to)?;
    } else if kind.is_file() {
        let mut source = File::open(&from).at("read", &from)?;
        let mut copy = files::create(&to)?;
        std::io::copy(&mut source, &mut copy).at("write", &to)?;
        copy.flush().at("write", &to)?;
    } else {
        // A pipe or a socket is nobody's configuration.
        return Ok(false);
    }
    liken(&metadata, &to)?;
    Ok(kind.is_dir())
}

/// Gives a path the owner, mode and times of another.
fn liken(model: &std::fs::Metadata, path: &Path) -> Result<()> {
    let now = path.symlink_metadata().at("read", path)?;
    if (now.uid(), now.gid()) != (model.uid(), model.gid()) {
        std::os::unix::fs::lchown(path, Some(model.uid()), Some(model.gid()))
            .at("set the owner of", path)?;
    }
    if !model.file_type().is_symlink() {
        let mode = Permissions::from_mode(model.mode() & 0o7777);
        std::fs::set_permissions(path, mode).at("set the mode of", path)?;
    }
    let time = Timespec {
        tv_sec: model.mtime(),
        tv_nsec: model.mtime_nsec(),
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).at("set the time of", path)
}

fn settle_folders(full: &Path, generated: &Path) -> Result<()> {
    for entry in std::fs::read_dir(generated).at("read", generated)? {
        let entry = entry.at("read", generated)?;
        if entry.file_type().at("read", entry.path())?.is_dir() {
            let from = full.join(entry.file_name());
            settle_folders(&from, &entry.path())?;
            let model = from.symlink_metadata().at("read", &from)?;
            liken(&model, &entry.path())?;
        }
    }
    Ok(())
}

/// Keeps the password file of the tree that is there: the service has put it to use, and replaces
/// it itself when its restart finds that the password is another.
pub fn keep_password_file(new: &Path, present: &Path, present_full: &Path) -> Result<()> {
    let (from, to) = (present.join(PASSWORD_FILE), new.join(PASSWORD_FILE));
    if !has_password_file(present_full) || !has_password_file(new) {
        return Ok(());
    }
    files::remove(&to)?;
    if !has_password_file(present) {
        return Ok(());
    }
    let mut text = Vec::new();
    let mut source = File::open(&from).at("read", &from)?;
    source.read_to_end(&mut text).at("read", &from)?;
    files::create(&to)?.write_all(&text).at("write", &to)?;
    liken(&source.metadata().at("read", &from)?, &to)
}

/// Links are not followed: on the host they lead elsewhere.
fn has_password_file(tree: &Path) -> bool {
    let mut path = tree.to_owned();
    let mut parts = Path::new(PASSWORD_FILE).components().peekable();
    while let Some(part) = parts.next() {
        path.push(part);
        let is_right = path
            .symlink_metadata()
            .is_ok_and(|found| match parts.peek() {
                Some(_) => found.is_dir(),
                None => found.is_file(),
            });
        if !is_right {
            return false;
        }
    }
    true
}

/// Puts a tree in place of another, in one move; the other is then where the tree was.
pub fn swap(new: &Path, place: &Path) -> Result<()> {
    match rustix::fs::renameat_with(CWD, new, CWD, place, RenameFlags::EXCHANGE) {
        Err(rustix::io::Errno::NOENT) => std::fs::rename(new, place).at("put in place", place),
        // File systems that cannot exchange: for a moment there is neither.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            let aside = new.with_extension("replaced");
            std::fs::rename(place, &aside).at("set aside", place)?;
            std::fs::rename(new, place).at("put in place", place)
        }
        swapped => swapped.at("put in place", place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_is_selected_with_its_folders() {
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
        select(&full, list, &generated).unwrap();
        let names = |folder: &str| {
            let entries = std::fs::read_dir(generated.join(folder)).unwrap();
            let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(names("."), ["etc"]);
        assert_eq!(names("etc/a"), ["deep", "link"]);
        for name in ["etc/a", "etc/a/deep", "etc/a/deep/x", "etc/a/link"] {
            let of = |root: &Path| {
                let metadata = root.join(name).symlink_metadata().unwrap();
                (
                    metadata.mode(),
                    metadata.mtime(),
                    metadata.mtime_nsec(),
                    metadata.uid(),
                )
            };
            assert_eq!(of(&full), of(&generated), "{name}");
        }
    }

    #[test]
    fn swapping_leaves_the_old_tree_where_the_new_one_was() {
        let dir = tempfile::tempdir().unwrap();
        let (new, place) = (dir.path().join("new"), dir.path().join("place"));
        std::fs::create_dir(&new).unwrap();
        std::fs::write(new.join("one"), "").unwrap();
        swap(&new, &place).unwrap();
        assert!(place.join("one").exists() && !new.exists());
        std::fs::create_dir(&new).unwrap();
        std::fs::write(new.join("two"), "").unwrap();
        swap(&new, &place).unwrap();
        assert!(place.join("two").exists() && new.join("one").exists());
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
        keep_password_file(&new, &dir.path().join("none"), &dir.path().join("none")).unwrap();
        assert_eq!(text(&new), "new");
        keep_password_file(&new, &present, &present).unwrap();
        assert_eq!(text(&new), "in use");
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
            tree
        };
        let (full, generated) = (tree("full"), dir.path().join("generated"));
        select(&full, b"etc\0root/.my.cnf\0", &generated).unwrap();
        let selected = generated.join("root");
        assert_eq!(std::fs::read_link(selected).unwrap(), outside);
        keep_password_file(&full, &tree("present"), &tree("present-full")).unwrap();
        let kept = std::fs::read_to_string(outside.join(".my.cnf")).unwrap();
        assert_eq!(kept, "the host's");

        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&full, &link).unwrap();
        let refusal = select(&link, b"", &dir.path().join("x")).unwrap_err();
        assert!(refusal.to_string().contains("no folder"), "{refusal}");
    }
}
