//! Directory trees replaced as a whole, in an order that a power cut cannot break.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// Exchanges the directory tree `new` with `place`: the old tree is then at `new`.
///
/// The contents of `new` are on disk before it gets its name, and the name is on disk when the call
/// returns. So a record that is written afterwards never speaks of a tree that a power cut could
/// lose. Where the file system cannot exchange two directories, the old tree moves beside `new`, to
/// the same name with the extension `replaced`.
///
/// # Errors
/// Those of the file system. `new` and `place` must be on the same one.
pub fn replace_directory(new: &Path, place: &Path) -> io::Result<()> {
    sync_file_system(new)?;
    match renameat_with(CWD, new, CWD, place, RenameFlags::EXCHANGE) {
        Ok(()) => {}
        Err(Errno::NOENT) => fs::rename(new, place)?,
        // For a moment there is neither tree.
        Err(Errno::INVAL | Errno::NOSYS) => {
            fs::rename(place, new.with_extension("replaced"))?;
            fs::rename(new, place)?;
        }
        Err(error) => return Err(error.into()),
    }
    for path in [place, new] {
        sync_parent(path)?;
    }
    Ok(())
}

/// Writes everything that the file system of `path` holds in memory to its disk.
///
/// For a tree of many files this takes one wait instead of one for each file.
///
/// # Errors
/// Those of the file system.
pub fn sync_file_system(path: &Path) -> io::Result<()> {
    rustix::fs::syncfs(File::open(path)?)?;
    Ok(())
}

/// Writes the entry of `path` in its directory to disk: a name that was given or taken away.
///
/// # Errors
/// Those of the file system.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_tree_is_left_where_the_new_one_was() {
        let root = tempfile::tempdir().unwrap();
        let (new, place) = (root.path().join("new"), root.path().join("place"));
        fs::create_dir(&new).unwrap();
        fs::write(new.join("one"), "").unwrap();
        replace_directory(&new, &place).unwrap();
        assert!(place.join("one").exists() && !new.exists());
        fs::create_dir(&new).unwrap();
        fs::write(new.join("two"), "").unwrap();
        replace_directory(&new, &place).unwrap();
        assert!(place.join("two").exists() && new.join("one").exists());
    }

    #[test]
    fn a_missing_tree_is_an_error_and_changes_nothing() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("place");
        fs::create_dir(&place).unwrap();
        assert!(replace_directory(&root.path().join("new"), &place).is_err());
        assert!(place.exists());
    }
}
