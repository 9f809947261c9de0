//! The collection `slipway.node`, which the plays use.

use crate::project::Project;

/// The directory in which Ansible looks for the collection beside a playbook.
const DIRECTORY: &str = "collections/ansible_collections/slipway/node";

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        [$(($path, include_str!(concat!("../../../../ansible/", $path)))),*]
    };
}

/// The files of the collection.
const FILES: &[(&str, &str)] = &files![
    "README.md",
    "galaxy.yml",
    "meta/runtime.yml",
    "plugins/callback/events.py",
    "plugins/doc_fragments/program.py",
    "plugins/doc_fragments/role.py",
    "plugins/module_utils/program.py",
    "plugins/modules/config.py",
    "plugins/modules/containers.py",
    "plugins/modules/deploy.py",
    "plugins/modules/status.py",
];

/// Adds the collection.
pub(super) fn add(project: &mut Project) {
    for (path, text) in FILES {
        project.add(format!("{DIRECTORY}/{path}"), *text);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Returns the files below a directory, relative to it.
    fn below(directory: &Path, prefix: &str, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().into_string().unwrap());
            match entry.file_type().unwrap().is_dir() {
                true => below(&entry.path(), &format!("{name}/"), found),
                false => found.push(name),
            }
        }
    }

    #[test]
    fn every_file_of_the_collection_is_exported() {
        let mut found = Vec::new();
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ansible");
        below(Path::new(directory), "", &mut found);
        found.retain(|path| !path.ends_with(".pyc"));
        found.sort();
        let mut exported: Vec<&str> = FILES.iter().map(|(path, _)| *path).collect();
        exported.sort_unstable();
        assert_eq!(exported, found);
    }

    #[test]
    fn the_version_is_that_of_the_workspace() {
        let galaxy = FILES.iter().find(|(path, _)| *path == "galaxy.yml");
        let version = format!("version: {}\n", env!("CARGO_PKG_VERSION"));
        assert!(galaxy.unwrap().1.contains(&version));
    }
}
