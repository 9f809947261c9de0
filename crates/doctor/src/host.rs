//! The files of a machine.

use std::path::{Path, PathBuf};

/// The files of a machine, below a directory.
#[derive(Clone, Debug)]
pub struct Host {
    root: PathBuf,
}

impl Host {
    /// Returns this machine.
    pub fn this() -> Host {
        Host::at(Path::new("/"))
    }

    /// Returns the machine whose files are below a directory.
    pub fn at(root: &Path) -> Host {
        Host {
            root: root.to_owned(),
        }
    }

    /// Returns the place of an absolute path.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Returns true if the path exists.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// Returns the text of a file; nothing if it cannot be read. Files of /proc have no size, so they
    /// are read to their end.
    pub(crate) fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap_or_default()
    }

    /// Returns the ids of all processes.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let entries = std::fs::read_dir(self.path("/proc"));
        let names = entries.into_iter().flatten().flatten();
        names
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect()
    }

    /// Returns the name of a process.
    pub(crate) fn process_name(&self, id: u32) -> String {
        self.text(&format!("/proc/{id}/comm")).trim().to_owned()
    }
}
