//! Files that a container has made, and directories that only root may enter.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use rustix::io::Errno;

use crate::error::{At, Result};

/// Makes a directory that only its owner can enter, and its parents.
pub fn private_dir(path: &Path) -> Result<()> {
    slipway_files::private_directory(path).at("make", path)
}

/// Replaces a 0600 file, unless it has this content already. Returns true if it was written.
pub fn write(path: &Path, content: &[u8]) -> Result<bool> {
    Ok(slipway_files::write_private(path, content)? != slipway_files::Written::Unchanged)
}

/// Opens an empty file of mode 0600 for writing.
pub fn create(path: &Path) -> Result<File> {
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .at("write", path)?;
    rustix::fs::fchmod(&file, Mode::RUSR | Mode::WUSR).at("protect", path)?;
    Ok(file)
}

/// Reads a file of at most `max` bytes that a container has made. A symlink would lead elsewhere on
/// the host, and a pipe would never end: both are refused.
///
/// # Errors
/// Those of any file; also when it is not a file, or larger.
pub fn read_untrusted(path: &Path, max: u64) -> std::io::Result<Vec<u8>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is not a file"));
    }
    let mut content = Vec::new();
    file.take(max + 1).read_to_end(&mut content)?;
    if content.len() as u64 > max {
        let text = format!("it is larger than {max} bytes, the limit for this kind of file");
        return Err(std::io::Error::other(text));
    }
    Ok(content)
}

/// Returns true if a directory exists and is not empty.
pub fn is_filled(directory: &Path) -> Result<bool> {
    match std::fs::read_dir(directory) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).at("read", directory),
    }
}

/// Removes a tree or a file; a missing one is fine. A tree may be deeper than a path can be long.
pub fn remove(path: &Path) -> Result<()> {
    let removed = match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => remove_tree(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).at("remove", path),
        _ => Ok(()),
    }
}

/// Moves every directory to the top of the tree before it is emptied: no recursion, and no more
/// than two open directories, however deep the tree is.
fn remove_tree(path: &Path) -> std::io::Result<()> {
    let top = rustix::fs::open(path, DIRECTORY, Mode::empty())?;
    let mut moved = 0_u64;
    let mut move_up = |parent: &std::os::fd::OwnedFd, name: &std::ffi::CStr| loop {
        moved += 1;
        let place = format!(".slipway-removed-{moved}");
        let flags = rustix::fs::RenameFlags::NOREPLACE;
        match rustix::fs::renameat_with(parent, name, &top, place.as_str(), flags) {
            Ok(()) => return Ok(place),
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
    };
    let mut pending = Vec::new();
    for directory in remove_files(&top)? {
        pending.push(move_up(&top, &directory)?);
    }
    while let Some(name) = pending.pop() {
        let directory = rustix::fs::openat(&top, name.as_str(), DIRECTORY, Mode::empty())?;
        for below in remove_files(&directory)? {
            pending.push(move_up(&directory, &below)?);
        }
        rustix::fs::unlinkat(&top, name.as_str(), AtFlags::REMOVEDIR)?;
    }
    std::fs::remove_dir(path)
}

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Removes all but the directories from a directory, and returns their names.
fn remove_files(directory: &std::os::fd::OwnedFd) -> std::io::Result<Vec<std::ffi::CString>> {
    let mut directories = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::ISDIR | Errno::PERM) => directories.push(name.to_owned()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(directories)
}

/// A private directory that is removed when it is dropped, with everything that a container wrote.
#[derive(Debug)]
pub struct Staging {
    path: PathBuf,
}

impl Staging {
    /// Makes a directory in `parent`, with a unique name that starts with `prefix`.
    pub fn new_in(parent: &Path, prefix: &str) -> Result<Staging> {
        let made = tempfile::Builder::new()
            .prefix(prefix)
            .tempdir_in(parent)
            .at("make a directory in", parent)?;
        Ok(Staging { path: made.keep() })
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // The next run removes what could not be removed now.
        let _ = remove(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_of_a_container_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let [file, link, pipe] = ["file", "link", "pipe"].map(|name| dir.path().join(name));
        std::fs::write(&file, "text").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, Mode::RUSR).unwrap();
        assert_eq!(read_untrusted(&file, 4).unwrap(), b"text");
        let refusal = read_untrusted(&file, 3).unwrap_err().to_string();
        assert!(refusal.contains("larger than 3 bytes"), "{refusal}");
        for path in [&link, &pipe, dir.path()] {
            assert!(read_untrusted(path, 4).is_err(), "{}", path.display());
        }
    }

    #[test]
    fn a_tree_deeper_than_any_path_is_removed_and_links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        std::fs::write(&outside, "").unwrap();
        let staging = Staging::new_in(dir.path(), "deep.").unwrap();
        let path = staging.path().to_owned();
        let mut now = rustix::fs::open(&path, DIRECTORY, Mode::empty()).unwrap();
        // The names that removing uses may be taken.
        std::fs::create_dir(path.join(".slipway-removed-1")).unwrap();
        std::os::unix::fs::symlink(&outside, path.join("link")).unwrap();
        let name = "d".repeat(200);
        for _ in 0..30 {
            rustix::fs::mkdirat(&now, &name, Mode::RWXU).unwrap();
            now = rustix::fs::openat(&now, &name, DIRECTORY, Mode::empty()).unwrap();
        }
        drop((now, staging));
        assert!(!path.exists() && outside.exists());
    }
}
