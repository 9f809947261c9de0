//! The files a configuration is read from.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::{ConfigError, Place};
use super::ini::{self, Assignment};

/// The files and directories that are read when none is named: `PROJECT.conf` and `PROGRAM.conf`,
/// `PROJECT.conf.d` and `PROGRAM.conf.d`, each in the first directory that has it.
#[derive(Clone, Debug, Default)]
pub struct Locations {
    names: Vec<String>,
    directories: Vec<PathBuf>,
}

impl Locations {
    /// The locations of a program that belongs to a project: `~/.PROJECT`, `~`, `/etc/PROJECT`,
    /// `/etc`, and those of a snap. `variable` reads the environment.
    pub fn of(
        project: &str,
        program: &str,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Locations {
        let mut directories = Vec::new();
        if let Some(home) = variable("HOME").map(PathBuf::from) {
            directories.extend([home.join(format!(".{project}")), home]);
        }
        directories.extend([Path::new("/etc").join(project), PathBuf::from("/etc")]);
        for snap in ["SNAP_COMMON", "SNAP"] {
            let place = variable(snap).map(PathBuf::from);
            directories.extend(place.map(|place| place.join("etc").join(project)));
        }
        Locations {
            names: vec![project.to_owned(), program.to_owned()],
            directories,
        }
    }

    fn find(&self, extension: &str) -> impl Iterator<Item = PathBuf> {
        self.names.iter().filter_map(move |name| {
            let name = format!("{name}{extension}");
            let mut paths = self.directories.iter().map(|place| place.join(&name));
            paths.find(|path| path.exists())
        })
    }
}

/// The contents of the files, in the order in which later ones win.
#[derive(Clone, Debug, Default)]
pub struct ConfigFiles {
    pub(super) files: Vec<ConfigFile>,
}

#[derive(Clone, Debug)]
pub(super) struct ConfigFile {
    pub path: PathBuf,
    pub sections: Vec<String>,
    pub assignments: Vec<Assignment>,
}

impl ConfigFiles {
    /// Reads the named files and directories, in order. Without a named file, those of the default
    /// locations are read first; likewise with directories.
    pub fn read(named: &[PathBuf], locations: &Locations) -> Result<ConfigFiles, ConfigError> {
        let mut all = ConfigFiles::default();
        let is_directory = |path: &&PathBuf| path.is_dir();
        if !named.iter().any(|path| !path.is_dir()) {
            for path in locations.find(".conf") {
                all.add(&path)?;
            }
        }
        if !named.iter().any(|path| is_directory(&path)) {
            for path in locations.find(".conf.d") {
                all.add_directory(&path)?;
            }
        }
        for path in named {
            match path.is_dir() {
                true => all.add_directory(path)?,
                false => all.add(path)?,
            }
        }
        Ok(all)
    }

    /// Reads a string as a file of this name.
    pub fn from_text(path: &Path, text: &str) -> Result<ConfigFiles, ConfigError> {
        let mut all = ConfigFiles::default();
        all.add_text(path, text)?;
        Ok(all)
    }

    /// Returns the files that were read.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    fn add(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = slipway_files::read_input(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        self.add_text(path, &text)
    }

    fn add_text(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let (sections, assignments) = ini::parse(text).map_err(|error| ConfigError::Syntax {
            place: Place::File {
                path: path.to_owned(),
                line: error.line,
            },
            message: error.to_string(),
        })?;
        self.files.push(ConfigFile {
            path: path.to_owned(),
            sections,
            assignments,
        });
        Ok(())
    }

    /// Reads the `*.conf` of a directory, sorted by name.
    fn add_directory(&mut self, directory: &Path) -> Result<(), ConfigError> {
        let unreadable = |source| ConfigError::Unreadable {
            path: directory.to_owned(),
            source,
        };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            if name.is_some_and(|name| name.ends_with(".conf") && !name.starts_with('.')) {
                paths.push(path);
            }
        }
        paths.sort();
        paths.iter().try_for_each(|path| self.add(path))
    }
}
