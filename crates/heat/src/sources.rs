//! The files that templates are resolved with.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Problem, Result};

/// The files that templates are resolved with, beside those of their own directory.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Environment files; later files win.
    pub environments: Vec<PathBuf>,
    /// The roles file, if it is not the directory's `roles_data.yaml`.
    pub roles: Option<PathBuf>,
    /// The networks file, if it is not the directory's `network_data.yaml`. It counts where templates
    /// are processed.
    pub networks: Option<PathBuf>,
}

/// Lists the environment files of directories: `*.yaml`, sorted by name. A missing directory counts as
/// empty, as in TripleO's client.
///
/// # Errors
/// A directory cannot be read.
pub fn environment_files(directories: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for directory in directories {
        let mut found = match files_in(directory) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                let problem = Problem::Unreadable(error.to_string());
                return Err(Error::from(problem).in_template(&directory.display().to_string()));
            }
        };
        found.sort();
        files.append(&mut found);
    }
    Ok(files)
}

fn files_in(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let is_hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
        let is_yaml = path
            .extension()
            .is_some_and(|extension| extension == "yaml");
        if is_yaml && !path.file_name().is_some_and(is_hidden) && path.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}

/// Finds a file by a path that is relative to the working directory, or else to the templates.
pub fn find_file(path: &Path, templates: &Path) -> PathBuf {
    if path.is_file() {
        path.to_owned()
    } else {
        templates.join(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_directories_are_listed_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path();
        for name in ["20.yaml", "10.yaml", ".hidden.yaml", "30.yml", "40.json"] {
            std::fs::write(place.join(name), "").unwrap();
        }
        std::fs::create_dir(place.join("05.yaml")).unwrap();
        let missing = place.join("missing");
        assert_eq!(
            environment_files(&[missing, place.to_owned()]).unwrap(),
            [place.join("10.yaml"), place.join("20.yaml")]
        );
        assert!(environment_files(&[place.join("10.yaml")]).is_err());
    }

    #[test]
    fn a_file_may_be_among_the_templates() {
        let templates = tempfile::tempdir().unwrap();
        let own = templates.path().join("own.yaml");
        std::fs::write(&own, "").unwrap();
        assert_eq!(find_file(Path::new("own.yaml"), templates.path()), own);
        assert_eq!(find_file(&own, Path::new("/nowhere")), own);
    }
}
