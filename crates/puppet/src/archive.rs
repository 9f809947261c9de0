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
use crate::tree::PASSWORD_FILE;

/// Puts together the tree of what Puppet wrote: of `full`, the entries that `list` names
/// (NUL-separated relative paths), with the folders that lead to them.
pub fn select(full: &Path, list: &[u8], generated: &Path) -> Result<()> {
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

fn copy(full: &Path, name: &Path, generated: &Path) -> Result<()> {
    let (from, to) = (full.join(name), generated.join(name));
    let Ok(metadata) = from.symlink_metadata() else {
        // Gone between being listed and being copied, or left out of the copy.
        return Ok(());
    };
    if let Some(parent) = name
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        copy(full, parent, generated)?;
    }
    if to.symlink_metadata().is_ok() {
        return Ok(());
    }
    let kind = metadata.file_type();
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
        return Ok(());
    }
    liken(&metadata, &to)
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
    let kept = present_full.join(PASSWORD_FILE).is_file();
    if !kept || !to.is_file() {
        return Ok(());
    }
    files::remove(&to)?;
    if !from.is_file() {
        return Ok(());
    }
    let mut text = Vec::new();
    let mut source = File::open(&from).at("read", &from)?;
    source.read_to_end(&mut text).at("read", &from)?;
    files::create(&to)?.write_all(&text).at("write", &to)?;
    liken(&source.metadata().at("read", &from)?, &to)
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
}
