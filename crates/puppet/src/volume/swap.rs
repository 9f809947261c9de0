//! Puts new trees in place, and removes the old ones once nothing mounts them.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags};

use crate::error::{At, Result};
use crate::files;

/// Exchanges two trees with one system call. The old one is then where the new
/// tree was.
pub fn swap(new: &Path, place: &Path) -> Result<()> {
    match rustix::fs::renameat_with(CWD, new, CWD, place, RenameFlags::EXCHANGE) {
        Err(rustix::io::Errno::NOENT) => std::fs::rename(new, place).at("put in place", place),
        // File systems that cannot exchange: for a moment there is neither.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            let aside = new.with_extension("replaced");
            std::fs::rename(place, &aside).at("set aside", place)?;
            std::fs::rename(new, place).at("put in place", place)?;
            std::fs::rename(&aside, new).at("set aside", new)
        }
        swapped => swapped.at("put in place", place),
    }
}

/// Removes the replaced trees that no process has mounted any more.
///
/// A container keeps the tree that it was started with: what a swap puts in place reaches it when it
/// is started again.
pub fn remove_replaced(replaced: &Path) -> Result<()> {
    let entries = match std::fs::read_dir(replaced) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.at("read", replaced)?,
    };
    let names: Vec<_> = entries
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<Result<_, _>>()
        .at("read", replaced)?;
    if names.is_empty() {
        return Ok(());
    }
    let mounted = mounted_below(Path::new("/proc"), replaced)?;
    for name in names {
        if !mounted.contains(name.as_bytes()) {
            files::remove(&replaced.join(name))?;
        }
    }
    Ok(())
}

/// Returns the names in a directory of which something is mounted, in any process's view.
///
/// The kernel tells the present path of what is mounted, below the root of its file system; that
/// root may be mounted anywhere. So only the directory's own name is compared: in one of the same
/// name elsewhere, trees of the same (random) names count as well.
pub fn mounted_below(proc: &Path, directory: &Path) -> Result<BTreeSet<Vec<u8>>> {
    let marker = [
        b"/",
        directory.file_name().unwrap_or_default().as_bytes(),
        b"/",
    ]
    .concat();
    let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for process in std::fs::read_dir(proc).at("read", proc)? {
        let process = process.at("read", proc)?;
        if !process
            .file_name()
            .as_bytes()
            .iter()
            .all(u8::is_ascii_digit)
        {
            continue;
        }
        // Processes of one mount namespace see the same; other users' namespaces have no name.
        let namespace = std::fs::read_link(process.path().join("ns/mnt"));
        if namespace.is_ok_and(|namespace| !seen.insert(namespace)) {
            continue;
        }
        // The process may have ended.
        let Ok(mounts) = std::fs::read(process.path().join("mountinfo")) else {
            continue;
        };
        for line in mounts.split(|byte| *byte == b'\n') {
            // Number, parent, device, path of what is mounted.
            let root = line.split(|byte| *byte == b' ').nth(3);
            let root = root.map(unescaped).unwrap_or_default();
            let at = root.windows(marker.len()).position(|part| part == marker);
            if let Some(at) = at {
                let rest = root.get(at + marker.len()..).unwrap_or_default();
                let name = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
                found.insert(name.to_owned());
            }
        }
    }
    Ok(found)
}

/// Resolves `\040` and the like.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let digits = (*first == b'\\').then(|| after.get(..3)).flatten();
        let code = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

/// Writes the content of a tree's file system to disk, so that no power cut can leave empty files
/// where a tree was put in place.
pub fn write_back(directory: &Path) -> Result<()> {
    let open = std::fs::File::open(directory).at("open", directory)?;
    rustix::fs::syncfs(&open).at("write to disk", directory)
}

/// Writes a directory's names to disk.
pub fn write_back_names(directory: &Path) -> Result<()> {
    std::fs::File::open(directory)
        .and_then(|open| open.sync_all())
        .at("write to disk", directory)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn trees_that_are_mounted_are_found_in_every_namespace() {
        let dir = tempfile::tempdir().unwrap();
        let proc = dir.path().join("proc");
        let process = |number: &str, lines: &str| {
            std::fs::create_dir_all(proc.join(number)).unwrap();
            std::fs::write(proc.join(number).join("mountinfo"), lines).unwrap();
        };
        process("1", "22 1 8:1 / / rw - ext4 /dev/a rw\n");
        process(
            "20",
            "30 22 8:1 /lib/config\\040data/.replaced/nova.a/full/etc/nova /etc/nova ro - ext4 /dev/a rw\n\
             31 22 8:1 /lib/config\\040data/swift /v ro - ext4 /dev/a rw\n",
        );
        process(
            "300",
            "30 22 8:1 /x/config\\040data/.replaced/b.c//deleted /v ro - ext4 /dev/a rw\n",
        );
        process(
            "self",
            "30 22 8:1 /config\\040data/.replaced/no /v ro - ext4 /dev/a rw\n",
        );
        let found = mounted_below(&proc, Path::new("/srv/config data/.replaced")).unwrap();
        let found: Vec<_> = found.iter().map(|name| name.as_slice()).collect();
        assert_eq!(found, [&b"b.c"[..], b"nova.a"]);
    }

    #[test]
    fn a_replaced_tree_that_nothing_mounts_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let replaced = dir.path().join(".replaced");
        remove_replaced(&replaced).unwrap();
        std::fs::create_dir_all(replaced.join("a.b/full")).unwrap();
        remove_replaced(&replaced).unwrap();
        assert_eq!(std::fs::read_dir(&replaced).unwrap().count(), 0);
    }
}
