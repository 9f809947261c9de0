//! The files of a role in a directory, readable by the owner only: they contain passwords.
//!
//! All files are written beside their places first and then renamed, so a failed or interrupted run
//! leaves the directory as it was.

use std::fs::{self, DirBuilder};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use slipway_files::{Lock, StagedFile, remove_unfinished};

/// The marker file. It is removed first, so a half-written directory is never mistaken for a role.
const LAST: &str = "service_names.yaml";

/// Files that only some releases' roles have, and that `slipway deploy` acts on.
const OF_SOME_RELEASES: [&str; 4] = [
    "container_config_scripts.yaml",
    "container_puppet_tasks.yaml",
    "docker_config_scripts.yaml",
    "docker_puppet_tasks.yaml",
];

/// Writes a role's files, by name. Other files in the directory stay. Calls `waiting` if another run
/// writes there.
pub(super) fn write(
    files: &[(String, String)],
    directory: &Path,
    waiting: impl FnOnce(),
) -> anyhow::Result<()> {
    let shown = directory.display();
    match DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
    {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{shown} is not a directory")
        }
        made => made.with_context(|| format!("cannot create {shown}"))?,
    }
    let _lock = Lock::wait(|| Lock::try_take_directory(directory), |_| waiting())?;
    remove_unfinished(directory).with_context(|| format!("cannot clean up {shown}"))?;
    for (name, _) in files {
        let place = directory.join(name);
        ensure!(
            !place.is_dir(),
            "{} is a directory; a file of the role belongs there: move it away",
            place.display()
        );
    }
    if files
        .iter()
        .any(|(name, text)| !is_written(&directory.join(name), text))
    {
        put(files, directory)?;
    }
    remove_stale(files, directory)
}

/// Returns true if the file already has this text and mode. A device or a pipe is not read.
fn is_written(place: &Path, text: &str) -> bool {
    fs::symlink_metadata(place)
        .is_ok_and(|known| known.is_file() && known.permissions().mode() & 0o777 == 0o600)
        && fs::read(place).is_ok_and(|before| before == text.as_bytes())
}

/// Writes all files beside their places, then renames them.
fn put(files: &[(String, String)], directory: &Path) -> anyhow::Result<()> {
    let mut written = Vec::with_capacity(files.len());
    for (name, text) in files {
        let place = directory.join(name);
        let file = staged(directory, text);
        let file = file.with_context(|| format!("cannot write {}", place.display()))?;
        written.push((place, file));
    }
    let last = directory.join(LAST);
    remove(&last)?;
    written.sort_by_key(|(place, _)| *place == last);
    for (place, file) in written {
        file.persist(&place)
            .with_context(|| format!("cannot write {}", place.display()))?;
    }
    Ok(())
}

fn staged(directory: &Path, text: &str) -> std::io::Result<StagedFile> {
    let mut file = StagedFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.file().sync_all()?;
    Ok(file)
}

/// Removes the files of another release's role that this role does not have.
fn remove_stale(files: &[(String, String)], directory: &Path) -> anyhow::Result<()> {
    OF_SOME_RELEASES
        .iter()
        .filter(|name| !files.iter().any(|(written, _)| written == *name))
        .try_for_each(|name| remove(&directory.join(name)))
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn quiet() {}

    fn role(names: &[&str]) -> Vec<(String, String)> {
        let text = |name: &&str| ((*name).to_owned(), format!("of {name}\n"));
        names.iter().map(text).collect()
    }

    #[test]
    fn files_of_another_release_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let names = [
            "docker_puppet_tasks.yaml",
            "container_puppet_tasks.yaml",
            "own.yaml",
        ];
        for name in names {
            fs::write(directory.path().join(name), "{}").unwrap();
        }
        write(
            &role(&["container_puppet_tasks.yaml"]),
            directory.path(),
            quiet,
        )
        .unwrap();
        let exist = names.map(|name| directory.path().join(name).exists());
        assert_eq!(exist, [false, true, true]);
    }

    #[test]
    fn an_interrupted_write_is_completed() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path(".slipway-Ab3dEf9x"), "half").unwrap();
        fs::write(path("puppet_config.yaml"), "older").unwrap();
        let files = role(&["docker_config.yaml", "puppet_config.yaml", LAST]);
        write(&files, directory.path(), quiet).unwrap();
        for (name, text) in &files {
            assert_eq!(fs::read_to_string(path(name)).unwrap(), *text);
            let mode = fs::metadata(path(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), files.len());
    }

    #[test]
    fn a_directory_that_cannot_hold_all_files_is_unchanged() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        write(&role(&["a.yaml", LAST]), directory.path(), quiet).unwrap();
        fs::create_dir(path("z.yaml")).unwrap();
        let changed = [("a.yaml", "new"), ("z.yaml", "new"), (LAST, "new")];
        let changed = changed.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let error = write(&changed, directory.path(), quiet).unwrap_err();
        assert!(
            error.to_string().contains("z.yaml is a directory"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(path("a.yaml")).unwrap(), "of a.yaml\n");
        assert!(path(LAST).exists());
    }

    #[test]
    fn symlinks_and_pipes_are_written_through_and_a_file_is_not_a_directory() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let elsewhere = path("elsewhere");
        fs::write(&elsewhere, "theirs").unwrap();
        let out = path("out");
        fs::create_dir(&out).unwrap();
        symlink(&elsewhere, out.join("a.yaml")).unwrap();
        let pipe = out.join("b.yaml");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        // The pipe has no reader, and writing must not wait for one.
        write(&role(&["a.yaml", "b.yaml"]), &out, quiet).unwrap();
        assert_eq!(fs::read_to_string(&pipe).unwrap(), "of b.yaml\n");
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "theirs");

        symlink(path("nowhere"), path("dangling")).unwrap();
        for place in [elsewhere, path("dangling")] {
            let error = write(&role(&["a.yaml"]), &place, quiet).unwrap_err();
            assert!(error.to_string().ends_with("is not a directory"), "{error}");
        }
    }

    #[test]
    fn two_runs_wait_for_each_other() {
        let directory = tempfile::tempdir().unwrap();
        let lock = Lock::try_take_directory(directory.path()).unwrap();
        std::thread::scope(|scope| {
            let other = scope.spawn(|| write(&role(&["a.yaml"]), directory.path(), quiet));
            // It must have written nothing by now.
            std::thread::sleep(std::time::Duration::from_millis(50));
            assert!(!directory.path().join("a.yaml").exists());
            drop(lock);
            other.join().unwrap().unwrap();
        });
        assert!(directory.path().join("a.yaml").exists());
    }
}
