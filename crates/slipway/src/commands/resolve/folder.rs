//! A role's files in a folder, for nobody else's eyes: there are passwords in them.
//!
//! All are written beside their places first, and only then put into them: where that fails, or is
//! cut off, the folder has what it had.

use std::fs::{self, DirBuilder};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use slipway_files::{Lock, StagedFile, remove_unfinished};

/// Without it, nobody takes the folder for a role's: it is away while others change.
const LAST: &str = "service_names.yaml";

/// What only some releases' roles have, and `slipway deploy` does.
const OF_SOME_RELEASES: [&str; 4] = [
    "container_config_scripts.yaml",
    "container_puppet_tasks.yaml",
    "docker_config_scripts.yaml",
    "docker_puppet_tasks.yaml",
];

/// Writes a role's files, by name; what else is in the folder stays. `waiting` is told if another
/// run writes there.
pub(super) fn write(
    files: &[(String, String)],
    folder: &Path,
    waiting: impl FnOnce(),
) -> anyhow::Result<()> {
    let shown = folder.display();
    match DirBuilder::new().recursive(true).mode(0o700).create(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{shown} is there, and is no folder")
        }
        made => made.with_context(|| format!("cannot make {shown}"))?,
    }
    let _lock = Lock::wait(|| Lock::try_take_directory(folder), |_| waiting())?;
    remove_unfinished(folder).with_context(|| format!("cannot clean up {shown}"))?;
    for (name, _) in files {
        let place = folder.join(name);
        ensure!(
            !place.is_dir(),
            "{} is a folder, where a file of the role is to be: move it away",
            place.display()
        );
    }
    if files
        .iter()
        .any(|(name, text)| !is_written(&folder.join(name), text))
    {
        put(files, folder)?;
    }
    remove_stale(files, folder)
}

/// Whether a file is there as it is to be. A device or a pipe is not read.
fn is_written(place: &Path, text: &str) -> bool {
    fs::symlink_metadata(place)
        .is_ok_and(|known| known.is_file() && known.permissions().mode() & 0o777 == 0o600)
        && fs::read(place).is_ok_and(|before| before == text.as_bytes())
}

/// Puts the files into their places, once all of them are written.
fn put(files: &[(String, String)], folder: &Path) -> anyhow::Result<()> {
    let mut written = Vec::with_capacity(files.len());
    for (name, text) in files {
        let place = folder.join(name);
        let file = staged(folder, text);
        let file = file.with_context(|| format!("cannot write {}", place.display()))?;
        written.push((place, file));
    }
    let last = folder.join(LAST);
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

/// Removes what another release's role left in the folder, and this one has not.
fn remove_stale(files: &[(String, String)], folder: &Path) -> anyhow::Result<()> {
    OF_SOME_RELEASES
        .iter()
        .filter(|name| !files.iter().any(|(written, _)| written == *name))
        .try_for_each(|name| remove(&folder.join(name)))
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
    fn what_another_release_left_does_not_stay() {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            "docker_puppet_tasks.yaml",
            "container_puppet_tasks.yaml",
            "own.yaml",
        ];
        for name in names {
            fs::write(folder.path().join(name), "{}").unwrap();
        }
        write(
            &role(&["container_puppet_tasks.yaml"]),
            folder.path(),
            quiet,
        )
        .unwrap();
        let left = names.map(|name| folder.path().join(name).exists());
        assert_eq!(left, [false, true, true]);
    }

    #[test]
    fn what_was_cut_off_is_made_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path(".slipway-Ab3dEf9x"), "half").unwrap();
        fs::write(path("puppet_config.yaml"), "older").unwrap();
        let files = role(&["docker_config.yaml", "puppet_config.yaml", LAST]);
        write(&files, folder.path(), quiet).unwrap();
        for (name, text) in &files {
            assert_eq!(fs::read_to_string(path(name)).unwrap(), *text);
            let mode = fs::metadata(path(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), files.len());
    }

    #[test]
    fn a_folder_that_cannot_have_all_has_what_it_had() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        write(&role(&["a.yaml", LAST]), folder.path(), quiet).unwrap();
        fs::create_dir(path("z.yaml")).unwrap();
        let changed = [("a.yaml", "new"), ("z.yaml", "new"), (LAST, "new")];
        let changed = changed.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let error = write(&changed, folder.path(), quiet).unwrap_err();
        assert!(error.to_string().contains("z.yaml is a folder"), "{error}");
        assert_eq!(fs::read_to_string(path("a.yaml")).unwrap(), "of a.yaml\n");
        assert!(path(LAST).exists());
    }

    #[test]
    fn links_pipes_and_what_is_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let elsewhere = path("elsewhere");
        fs::write(&elsewhere, "theirs").unwrap();
        let out = path("out");
        fs::create_dir(&out).unwrap();
        symlink(&elsewhere, out.join("a.yaml")).unwrap();
        let pipe = out.join("b.yaml");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        // Nobody waits for what comes out of the pipe.
        write(&role(&["a.yaml", "b.yaml"]), &out, quiet).unwrap();
        assert_eq!(fs::read_to_string(&pipe).unwrap(), "of b.yaml\n");
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "theirs");

        symlink(path("nowhere"), path("dangling")).unwrap();
        for place in [elsewhere, path("dangling")] {
            let error = write(&role(&["a.yaml"]), &place, quiet).unwrap_err();
            assert!(error.to_string().ends_with("is no folder"), "{error}");
        }
    }

    #[test]
    fn two_runs_take_turns() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::try_take_directory(folder.path()).unwrap();
        std::thread::scope(|scope| {
            let other = scope.spawn(|| write(&role(&["a.yaml"]), folder.path(), quiet));
            // Whatever it has done by now, it has written nothing.
            std::thread::sleep(std::time::Duration::from_millis(50));
            assert!(!folder.path().join("a.yaml").exists());
            drop(lock);
            other.join().unwrap().unwrap();
        });
        assert!(folder.path().join("a.yaml").exists());
    }
}
