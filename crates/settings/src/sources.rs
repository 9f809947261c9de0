//! The files that settings are read from.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The settings of a machine.
pub const SYSTEM_FILE: &str = "/etc/slipway/slipway.yaml";

/// The variable that names a file in place of the machine's and the user's.
pub const CONFIG_VARIABLE: &str = "SLIPWAY_CONFIG";

/// The files to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources(Vec<Source>);

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// It must exist.
    Required(PathBuf),
    /// It may be missing.
    Optional(PathBuf),
}

impl Source {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Source::Required(path) | Source::Optional(path) => path,
        }
    }
}

impl Sources {
    /// Returns one file, which must exist.
    pub fn named(path: &Path) -> Sources {
        Sources(vec![Source::Required(path.to_owned())])
    }

    /// Returns the file that the command line or `SLIPWAY_CONFIG` names; without one, those of the
    /// machine and of the user.
    pub fn find(option: Option<PathBuf>, variable: impl Fn(&str) -> Option<OsString>) -> Sources {
        let variable = |name: &str| {
            let value = variable(name).filter(|value| !value.is_empty());
            value.map(PathBuf::from)
        };
        if let Some(path) = option.or_else(|| variable(CONFIG_VARIABLE)) {
            return Sources::named(&path);
        }
        let home = || Some(variable("HOME")?.join(".config"));
        let user = variable("XDG_CONFIG_HOME").or_else(home);
        // The XDG specification ignores relative paths.
        let user = user.filter(|directory| directory.is_absolute());
        let user = user.map(|directory| directory.join("slipway/slipway.yaml"));
        let files = std::iter::once(PathBuf::from(SYSTEM_FILE)).chain(user);
        Sources(files.map(Source::Optional).collect())
    }

    pub(crate) fn files(&self) -> &[Source] {
        &self.0
    }
}
