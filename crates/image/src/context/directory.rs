//! A context written to a directory.

use std::fs::{self, File, FileTimes, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::SystemTime;

use slipway_files::AtPath;

use super::{Checked, Context, DOCKERFILE};
use crate::error::Result;

impl Context {
    /// Writes the context to a new directory: the same names, modes and times as in the archive that the
    /// engine gets, so a builder makes the same image of both.
    pub(crate) fn write(&self, directory: &Path) -> Result<()> {
        fs::create_dir_all(directory).at(directory)?;
        for name in &self.directories {
            let path = directory.join(name);
            fs::create_dir_all(&path).at(&path)?;
        }
        for (name, file) in &self.files {
            let path = directory.join(name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).at(parent)?;
            }
            let copy = || {
                let mut reader = Checked::open(file)?;
                let mut target = File::create_new(&path)?;
                io::copy(&mut reader, &mut target)?;
                reader.finish()?;
                finish(&target, if file.executable { 0o755 } else { 0o644 })
            };
            copy().at(&path)?;
        }
        let path = directory.join(DOCKERFILE);
        let write = || {
            fs::write(&path, &self.dockerfile)?;
            finish(&File::options().write(true).open(&path)?, 0o644)
        };
        write().at(&path)?;
        finish_directories(directory).at(directory)?;
        Ok(())
    }
}

/// Sets the mode and the time that a file has in every context.
fn finish(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode))?;
    file.set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH))
}

/// Sets the mode and the time of a directory and of those in it.
fn finish_directories(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            finish_directories(&entry.path())?;
        }
    }
    finish(&File::open(directory)?, 0o755)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_context_on_disk_is_the_one_in_the_archive() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir(&from).unwrap();
        fs::write(from.join("script"), "x").unwrap();
        fs::set_permissions(from.join("script"), Permissions::from_mode(0o700)).unwrap();
        fs::write(from.join("data"), "y").unwrap();
        fs::set_permissions(from.join("data"), Permissions::from_mode(0o600)).unwrap();
        let files = [("a/b/script", "script"), ("data", "data")];
        let files = files.map(|(name, path)| (name, from.join(path)));
        let files = files.iter().map(|(name, path)| (*name, path.as_path()));
        let mut context = Context::read("FROM x\n".to_owned(), files).unwrap();
        context.add_directory("empty");
        context.write(&to).unwrap();

        let entries = [
            ("Dockerfile", 0o644),
            ("a", 0o755),
            ("a/b", 0o755),
            ("a/b/script", 0o755),
            ("data", 0o644),
            ("empty", 0o755),
        ];
        for (name, mode) in entries {
            let found = fs::metadata(to.join(name)).unwrap();
            assert_eq!((found.mode() & 0o7777, found.mtime()), (mode, 0), "{name}");
        }
        assert_eq!(
            fs::read_to_string(to.join("Dockerfile")).unwrap(),
            "FROM x\n"
        );

        fs::write(from.join("data"), "z").unwrap();
        let error = context.write(&dir.path().join("later")).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("changed while it was being built"),
            "{error}"
        );
    }
}
