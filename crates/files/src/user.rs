//! Slipway's own directories for the user who runs it.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crate::{LockError, private_directory};

/// The directory's name in those that users share or have for all programs.
const NAME: &str = "slipway";

/// Returns the directory for records that outlive a run: `/var/lib/slipway` for root, and
/// `$XDG_STATE_HOME/slipway` (`~/.local/state/slipway`) for others.
///
/// # Errors
/// When a user has neither `XDG_STATE_HOME` nor `HOME`.
pub fn state_directory() -> io::Result<PathBuf> {
    state_of(is_root(), |name| env::var_os(name))
}

/// Returns the directory for locks, and makes it with mode 0700: `/run/slipway` for root, and
/// `$XDG_RUNTIME_DIR/slipway` for others. Without that, it is in [`state_directory`].
///
/// No other user can write there, so nobody else can hold or replace a lock.
///
/// # Errors
/// [`LockError::File`], with the directory, when it cannot be made or another user controls it.
pub fn lock_directory() -> Result<PathBuf, LockError> {
    let failed = |path: &Path, source| LockError::File {
        path: path.to_owned(),
        source,
    };
    let directory = lock_of(is_root(), |name| env::var_os(name))
        .map_err(|error| failed(Path::new(NAME), error))?;
    private_directory(&directory).map_err(|error| failed(&directory, error))?;
    Ok(directory)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn state_of(is_root: bool, variable: impl Fn(&str) -> Option<OsString>) -> io::Result<PathBuf> {
    if is_root {
        return Ok(Path::new("/var/lib").join(NAME));
    }
    let home = || absolute(variable("HOME")).map(|home| home.join(".local/state"));
    absolute(variable("XDG_STATE_HOME"))
        .or_else(home)
        .map(|state| state.join(NAME))
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "there is no directory for state: set XDG_STATE_HOME or HOME",
            )
        })
}

fn lock_of(is_root: bool, variable: impl Fn(&str) -> Option<OsString>) -> io::Result<PathBuf> {
    let run = match is_root {
        true => Some(PathBuf::from("/run")).filter(|run| run.is_dir()),
        false => absolute(variable("XDG_RUNTIME_DIR")).filter(|run| run.is_dir()),
    };
    match run {
        Some(run) => Ok(run.join(NAME)),
        None => Ok(state_of(is_root, variable)?.join("locks")),
    }
}

/// The XDG specification ignores relative paths.
fn absolute(value: Option<OsString>) -> Option<PathBuf> {
    value.map(PathBuf::from).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables<'a>(known: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        |name| {
            let found = known.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        }
    }

    #[test]
    fn root_has_the_systems_directories_and_others_have_their_own() {
        let home = &[("HOME", "/home/u"), ("XDG_STATE_HOME", "relative")];
        assert_eq!(
            state_of(true, variables(home)).unwrap(),
            Path::new("/var/lib/slipway")
        );
        assert_eq!(
            state_of(false, variables(home)).unwrap(),
            Path::new("/home/u/.local/state/slipway")
        );
        let xdg = &[("HOME", "/home/u"), ("XDG_STATE_HOME", "/state")];
        assert_eq!(
            state_of(false, variables(xdg)).unwrap(),
            Path::new("/state/slipway")
        );
        let error = state_of(false, variables(&[])).unwrap_err().to_string();
        assert!(error.contains("set XDG_STATE_HOME or HOME"), "{error}");
    }

    #[test]
    fn locks_are_in_a_directory_of_the_users_own() {
        let run = tempfile::tempdir().unwrap();
        let run = run.path().to_str().unwrap();
        let with_run = &[("HOME", "/home/u"), ("XDG_RUNTIME_DIR", run)];
        assert_eq!(
            lock_of(false, variables(with_run)).unwrap(),
            Path::new(run).join("slipway")
        );
        let without = &[("HOME", "/home/u"), ("XDG_RUNTIME_DIR", "/missing")];
        assert_eq!(
            lock_of(false, variables(without)).unwrap(),
            Path::new("/home/u/.local/state/slipway/locks")
        );
    }
}
