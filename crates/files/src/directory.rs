//! Private directories.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

/// Makes sure that `path` is a directory of this user with mode 0700, under any umask.
///
/// Missing parents are made with mode 0755. A directory that others may enter is closed to them.
///
/// # Errors
/// When `path` is something else, a symlink included, or belongs to another user: a directory that
/// others control keeps no secrets. A directory that all users share, such as `/tmp`, is never closed:
/// it is an error, too.
pub fn private_directory(path: &Path) -> io::Result<()> {
    if let Some(parent) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => close(path),
        Err(error) => Err(error),
    }
}

/// The mode bit of directories that users share.
const STICKY: u32 = 0o1000;

/// Removes other users' access to an existing directory.
fn close(path: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    let user = rustix::process::geteuid().as_raw();
    if !found.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::NotADirectory,
            "it exists and is not a directory",
        ));
    }
    if found.uid() != user {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!(
                "it belongs to user {}, not to user {user}; change its owner or remove it",
                found.uid()
            ),
        ));
    }
    if found.permissions().mode() & STICKY != 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "all users share it; use a directory in it",
        ));
    }
    if found.permissions().mode() & 0o7777 != 0o700 {
        fs::set_permissions(path, Permissions::from_mode(0o700))?;
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
    fn a_new_directory_is_private_and_an_open_one_is_closed() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b");
        private_directory(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
        private_directory(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
    }

    #[test]
    fn a_shared_directory_is_refused_and_unchanged() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("shared");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o1777)).unwrap();
        let error = private_directory(&path).unwrap_err().to_string();
        assert!(error.contains("all users share it"), "{error}");
        assert_eq!(mode(&path), 0o1777);
    }

    #[test]
    fn links_and_files_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let [real, link, file] = ["real", "link", "file"].map(|name| root.path().join(name));
        fs::create_dir(&real).unwrap();
        fs::set_permissions(&real, Permissions::from_mode(0o755)).unwrap();
        symlink(&real, &link).unwrap();
        fs::write(&file, "").unwrap();
        for path in [&link, &file] {
            let error = private_directory(path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
        }
        assert_eq!(mode(&real), 0o755);
    }

    #[test]
    fn the_directory_of_another_user_is_refused() {
        // Only root can make one; other users find the root directory to be one.
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("theirs");
        fs::create_dir(&path).unwrap();
        let path = match std::os::unix::fs::chown(&path, Some(4242), None) {
            Ok(()) => path,
            Err(_) => "/proc/sys".into(),
        };
        let error = private_directory(&path).unwrap_err();
        assert!(error.to_string().contains("belongs to user"), "{error}");
    }
}
