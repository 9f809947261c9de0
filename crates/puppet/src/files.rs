//! Writing files that nobody else may read, never half.

use std::io::Read as _;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use crate::error::{At, Result};

/// Makes a directory that only its owner can enter, and its parents; one that others can enter is
/// closed to them.
pub fn private_dir(path: &Path) -> Result<()> {
    slipway_files::private_directory(path).at("make", path)
}

/// Writes a 0600 file beside and renames it, unless it holds this already. Whether it was written.
pub fn write(path: &Path, content: &[u8]) -> Result<bool> {
    Ok(slipway_files::write_private(path, content)? != slipway_files::Written::Unchanged)
}

/// Opens a 0600 file to be written anew.
pub fn create(path: &Path) -> Result<std::fs::File> {
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .at("write", path)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))
        .at("protect", path)?;
    Ok(file)
}

/// Reads a file that a container has made. On the host, a link would lead elsewhere, and a pipe
/// would never end.
///
/// # Errors
/// As for any file, and when it is something else than a file.
pub fn read_made(path: &Path) -> std::io::Result<Vec<u8>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut file = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    Ok(content)
}

/// Whether a folder is there and has something in it.
pub fn is_filled(folder: &Path) -> Result<bool> {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).at("read", folder),
    }
}

/// Removes a tree or a file; absent is fine.
pub fn remove(path: &Path) -> Result<()> {
    let removed = match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).at("remove", path),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_are_read_of_what_a_container_has_made() {
        let dir = tempfile::tempdir().unwrap();
        let [file, link, pipe] = ["file", "link", "pipe"].map(|name| dir.path().join(name));
        std::fs::write(&file, "text").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, kind, mode, 0).unwrap();
        assert_eq!(read_made(&file).unwrap(), b"text");
        assert!(read_made(&link).is_err());
        assert!(read_made(&pipe).is_err());
        assert!(read_made(dir.path()).is_err());
    }
}
