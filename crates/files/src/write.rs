//! Atomic replacement of a file's content.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::stage::{StagedFile, remove_unfinished};

/// The effect of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The file was missing before.
    Created,
    /// The file had other content before.
    Changed,
    /// The file had the same content and was not touched.
    Unchanged,
}

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be written: {source}", path.display())]
pub struct WriteError {
    path: PathBuf,
    source: io::Error,
}

/// Writes `content` to `path`, readable by its owner only (mode 0600).
///
/// The file is replaced at once and is on disk when the call returns: a reader finds the old content
/// or the new one, whole, after a power cut too. A file that has the content already is not touched,
/// apart from its mode. A missing directory is made with mode 0755. A symlink or a device at `path`
/// is replaced, not followed. Files that killed writes left in the directory are removed.
///
/// # Errors
/// See [`WriteError`].
pub fn write_private(path: &Path, content: &[u8]) -> Result<Written, WriteError> {
    write_with_mode(path, content, 0o600)
}

/// Writes `content` to `path` as [`write_private`] does, with another mode.
///
/// # Errors
/// See [`WriteError`].
pub fn write_with_mode(path: &Path, content: &[u8], mode: u32) -> Result<Written, WriteError> {
    replace(path, content, mode).map_err(|source| WriteError {
        path: path.to_owned(),
        source,
    })
}

fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<Written> {
    let directory = path
        .parent()
        .filter(|directory| !directory.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let before = Before::of(path, content)?;
    if let Before::Same(file) = before {
        keep_mode(&file, mode)?;
        remove_unfinished(directory)?;
        return Ok(Written::Unchanged);
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(directory)?;
    remove_unfinished(directory)?;
    let mut staged = StagedFile::new_in(directory)?;
    staged.write_all(content)?;
    if mode != 0o600 {
        staged.set_mode(mode)?;
    }
    staged.file().sync_all()?;
    staged.persist(path)?;
    File::open(directory)?.sync_all()?;
    Ok(match before {
        Before::Missing => Written::Created,
        Before::Other | Before::Same(_) => Written::Changed,
    })
}

/// The state of a path before it is written.
enum Before {
    Missing,
    /// Other content, or something that is not a regular file.
    Other,
    Same(File),
}

impl Before {
    fn of(path: &Path, content: &[u8]) -> io::Result<Before> {
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_file() && found.len() == content.len() as u64 => {}
            Ok(_) => return Ok(Before::Other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Before::Missing),
            Err(error) => return Err(error),
        }
        let file = File::options()
            .read(true)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(path)?;
        let mut found = Vec::with_capacity(content.len() + 1);
        (&file)
            .take(content.len() as u64 + 1)
            .read_to_end(&mut found)?;
        Ok(match found == content {
            true => Before::Same(file),
            false => Before::Other,
        })
    }
}

fn keep_mode(file: &File, mode: u32) -> io::Result<()> {
    if file.metadata()?.permissions().mode() & 0o7777 != mode {
        file.set_permissions(Permissions::from_mode(mode))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_file_is_private_whole_and_touched_only_when_it_changes() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("made/file");
        assert_eq!(write_private(&path, b"a").unwrap(), Written::Created);
        assert_eq!(mode(&path), 0o600);

        let before = fs::metadata(&path).unwrap().modified().unwrap();
        assert_eq!(write_private(&path, b"a").unwrap(), Written::Unchanged);
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);

        assert_eq!(write_private(&path, b"b").unwrap(), Written::Changed);
        assert_eq!(fs::read(&path).unwrap(), b"b");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn an_unchanged_file_gets_its_mode() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        write_private(&path, b"a").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert_eq!(write_private(&path, b"a").unwrap(), Written::Unchanged);
        assert_eq!(mode(&path), 0o600);
        write_with_mode(&path, b"a", 0o755).unwrap();
        assert_eq!(mode(&path), 0o755);
    }

    #[test]
    fn links_and_pipes_are_replaced_and_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let [victim, link, pipe] = ["victim", "link", "pipe"].map(|name| root.path().join(name));
        fs::write(&victim, "a").unwrap();
        symlink(&victim, &link).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        for path in [&link, &pipe] {
            assert_eq!(write_private(path, b"b").unwrap(), Written::Changed);
            assert!(fs::symlink_metadata(path).unwrap().is_file());
        }
        assert_eq!(fs::read(&victim).unwrap(), b"a");
    }

    #[test]
    fn the_next_write_removes_files_of_a_killed_one() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        let leftover = root.path().join(".slipway-Ab3dEf9x");
        for _ in 0..2 {
            fs::write(&leftover, "half").unwrap();
            write_private(&path, b"a").unwrap();
            assert!(!leftover.exists());
        }
    }

    #[test]
    fn a_path_that_cannot_be_written_is_named() {
        let error = write_private(Path::new("/proc/nothing/file"), b"a").unwrap_err();
        let error = error.to_string();
        assert!(
            error.starts_with("/proc/nothing/file: cannot be written"),
            "{error}"
        );
    }
}
