//! The files of a project.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path};

use serde_json::Value;
use slipway_files::{Written, private_directory, write_private};

use crate::error::{Error, Result};
use crate::site::{Site, changing, reading};

/// The files of a project, by path.
#[derive(Debug, Default)]
pub struct Project {
    files: BTreeMap<String, String>,
    directories: BTreeSet<String>,
}

/// The number of files that a write changed, left and removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WrittenProject {
    /// Files that were created or replaced.
    pub changed: usize,
    /// Files that had their content already.
    pub unchanged: usize,
    /// Files of an earlier export that are no longer in the project.
    pub removed: usize,
}

impl Project {
    /// Adds a file. Its path is relative to the project's directory.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.files.insert(path.into(), text.into());
    }

    /// Adds a value as a YAML file, its keys sorted as PyYAML sorts them.
    ///
    /// # Errors
    /// The value cannot be written as YAML.
    pub fn add_yaml(&mut self, path: impl Into<String>, value: &Value) -> Result<()> {
        self.add_yaml_in_order(path, &sorted(value))
    }

    /// Adds a value as a YAML file, its keys in their order.
    ///
    /// # Errors
    /// The value cannot be written as YAML.
    pub fn add_yaml_in_order(&mut self, path: impl Into<String>, value: &Value) -> Result<()> {
        let path = path.into();
        let text = slipway_yaml::to_string(value).map_err(|source| Error::Yaml {
            path: path.clone(),
            source,
        })?;
        self.add(path, text);
        Ok(())
    }

    /// Adds a directory that may be empty.
    pub fn add_directory(&mut self, path: impl Into<String>) {
        self.directories.insert(path.into());
    }

    /// The files and their texts.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        let files = self.files.iter();
        files.map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Makes the site's directory equal to the project. Files that no export wrote stay.
    ///
    /// # Errors
    /// A path leads out of the directory, or something cannot be read or written.
    pub fn write(&self, site: &Site) -> Result<WrittenProject> {
        for path in self.files.keys().chain(&self.directories) {
            check(path)?;
        }
        let before = before(site)?;
        // Listed before they are written, so that an interrupted export leaves no file unlisted.
        let all: BTreeSet<&str> = before
            .iter()
            .map(String::as_str)
            .chain(self.files.keys().map(String::as_str))
            .collect();
        write_list(site, &all)?;
        let mut written = WrittenProject::default();
        for path in &self.directories {
            directory(&site.path().join(path), site.path())?;
        }
        for (path, text) in &self.files {
            let place = site.path().join(path);
            if let Some(parent) = place.parent() {
                directory(parent, site.path())?;
            }
            match write_private(&place, text.as_bytes())? {
                Written::Unchanged => written.unchanged += 1,
                _ => written.changed += 1,
            }
        }
        for path in before.iter().filter(|path| !self.files.contains_key(*path)) {
            check(path)?;
            written.removed += usize::from(remove(path, site.path())?);
        }
        let all: BTreeSet<&str> = self.files.keys().map(String::as_str).collect();
        write_list(site, &all)?;
        Ok(written)
    }
}

/// Checks that a path stays in the project.
fn check(path: &str) -> Result<()> {
    let mut parts = Path::new(path).components();
    match !path.is_empty() && parts.all(|part| matches!(part, Component::Normal(_))) {
        true => Ok(()),
        false => Err(Error::Name {
            name: path.to_owned(),
        }),
    }
}

/// Makes a directory of the project and those above it private.
fn directory(path: &Path, root: &Path) -> Result<()> {
    let parents: Vec<&Path> = path
        .ancestors()
        .take_while(|above| *above != root)
        .collect();
    for part in parents.into_iter().rev() {
        private_directory(part).map_err(|source| changing(part, source))?;
    }
    Ok(())
}

/// Returns the files that the last export wrote.
fn before(site: &Site) -> Result<BTreeSet<String>> {
    let list = site.list();
    match slipway_files::read_input(&list) {
        Ok(text) => serde_json::from_str(&text)
            .map_err(|error| reading(&list, std::io::Error::new(ErrorKind::InvalidData, error))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(reading(&list, error)),
    }
}

fn write_list(site: &Site, files: &BTreeSet<&str>) -> Result<()> {
    let text = serde_json::json!(files).to_string();
    write_private(&site.list(), text.as_bytes())?;
    Ok(())
}

/// Removes a file and the directories that become empty. Returns true if the file was there.
fn remove(path: &str, root: &Path) -> Result<bool> {
    let place = root.join(path);
    let found = match fs::remove_file(&place) {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(source) => return Err(changing(&place, source)),
    };
    for above in place.ancestors().skip(1).take_while(|above| *above != root) {
        // A directory that is not empty stays.
        if fs::remove_dir(above).is_err() {
            break;
        }
    }
    Ok(found)
}

/// Sorts the keys of maps.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let entries = entries.into_iter();
            entries
                .map(|(key, item)| (key.clone(), sorted(item)))
                .collect()
        }
        scalar => scalar.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn an_export_leaves_what_it_did_not_write_and_removes_what_is_gone() {
        let root = tempfile::tempdir().unwrap();
        let site = Site::open(&root.path().join("site")).unwrap();
        let mut project = Project::default();
        project.add("Controller/node-0/A", "a");
        project.add("Controller/tasks.yaml", "b");
        project.add_directory("host_vars");
        project.write(&site).unwrap();
        fs::write(site.path().join("theirs.yaml"), "c").unwrap();

        let mut project = Project::default();
        project.add("Controller/tasks.yaml", "b");
        let written = project.write(&site).unwrap();
        let expected = WrittenProject {
            changed: 0,
            unchanged: 1,
            removed: 1,
        };
        assert_eq!(written, expected);
        assert!(!site.path().join("Controller/node-0").exists());
        assert!(site.path().join("theirs.yaml").exists());
        let mode = |path: &str| {
            let found = fs::metadata(site.path().join(path)).unwrap();
            found.permissions().mode() & 0o777
        };
        assert_eq!(mode("Controller"), 0o700);
        assert_eq!(mode("Controller/tasks.yaml"), 0o600);
        assert_eq!(mode(".slipway/identity.json"), 0o600);
    }

    #[test]
    fn a_path_that_leads_out_is_an_error_and_nothing_is_written() {
        let root = tempfile::tempdir().unwrap();
        let site = Site::open(&root.path().join("site")).unwrap();
        for path in ["../x", "/x", "a/../../x", ""] {
            let mut project = Project::default();
            project.add("a", "a");
            project.add(path, "x");
            let error = project.write(&site).unwrap_err();
            assert!(matches!(error, Error::Name { .. }), "{path}");
            assert!(!site.path().join("a").exists());
        }
    }
}
