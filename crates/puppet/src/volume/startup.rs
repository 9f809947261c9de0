//! Container startup configs with the hashes of the config volumes that they mount.

use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value, json};
use slipway_kolla_config::glob_matches;

use crate::error::{At, PuppetError, Result};
use crate::files;
use crate::volume::hashes::{CONFIG_HASH, Hashes};

/// The start of the names of the files that are written.
const HASHED: &str = "hashed-";

/// Writes `hashed-NAME` beside each file that a pattern names: the same containers, with
/// [`CONFIG_HASH`] in the environment of each that mounts config volumes. Returns the files that
/// changed.
///
/// The pattern is Python's: `*`, `?` and `[…]`, in directories as well. A file holds the containers
/// of a step by name (TripleO up to 10.x), or one container (from 11.x on). Files that are named
/// `hashed-…` are passed over.
///
/// # Errors
/// When a file does not hold containers, or cannot be read or written.
pub fn hashed_configs(pattern: &str, hashes: &Hashes) -> Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    for path in expand(Path::new(pattern))? {
        let name = path.file_name().unwrap_or_default().to_owned();
        if name.as_encoded_bytes().starts_with(HASHED.as_bytes()) || !path.is_file() {
            continue;
        }
        let invalid = |message| PuppetError::Input {
            path: path.clone(),
            position: None,
            message,
        };
        let text = slipway_files::read_input(&path).at("read", &path)?;
        let text = with_hashes(&text, hashes).map_err(invalid)?;
        let mut hashed = std::ffi::OsString::from(HASHED);
        hashed.push(name);
        let path = path.with_file_name(hashed);
        if files::write(&path, text.as_bytes())? {
            written.push(path);
        }
    }
    Ok(written)
}

/// Returns the existing paths that a pattern names, sorted.
fn expand(pattern: &Path) -> Result<Vec<PathBuf>> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let magic = match part {
            Component::Normal(name) => name.to_str().filter(|name| name.contains(['*', '?', '['])),
            _ => None,
        };
        let Some(magic) = magic else {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        };
        let mut below = Vec::new();
        for directory in found {
            below.extend(entries(&directory)?.into_iter().filter(|path| {
                let name = path.file_name().and_then(|name| name.to_str());
                name.is_some_and(|name| glob_matches(magic, name))
            }));
        }
        found = below;
    }
    found.retain(|path| path.exists());
    found.sort();
    Ok(found)
}

/// Returns the entries of a directory; none if it is not a directory.
fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    match std::fs::read_dir(directory) {
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(Vec::new()),
        found => found
            .and_then(|found| found.map(|entry| Ok(entry?.path())).collect())
            .at("read", directory),
    }
}

fn with_hashes(text: &str, hashes: &Hashes) -> Result<String, String> {
    let file: Option<Map<String, Value>> =
        serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut file = file.unwrap_or_default();
    if is_one_container(&file) {
        add_hash(&mut file, hashes, || json!({}))?;
    } else {
        for (name, container) in &mut file {
            let Some(container) = container.as_object_mut() else {
                return Err(format!("container {name} is not an object"));
            };
            add_hash(container, hashes, || json!([]))
                .map_err(|message| format!("container {name}: {message}"))?;
        }
    }
    serde_json::to_string_pretty(&file).map_err(|error| error.to_string())
}

/// A container's image is a string; in a step's containers, `image` would be a container's name.
fn is_one_container(file: &Map<String, Value>) -> bool {
    ["image", "command", "volumes", "environment"]
        .iter()
        .any(|key| file.get(*key).is_some_and(|value| !value.is_object()))
}

/// Sets the hash in a container's environment, which is `empty` where it is missing.
fn add_hash(
    container: &mut Map<String, Value>,
    hashes: &Hashes,
    empty: impl FnOnce() -> Value,
) -> Result<(), String> {
    let volumes = container.get("volumes").and_then(Value::as_array);
    let mounts = volumes.into_iter().flatten().filter_map(Value::as_str);
    let Some(hash) = hashes.for_mounts(mounts) else {
        return Ok(());
    };
    let environment = container.entry("environment").or_insert(Value::Null);
    if environment.is_null() {
        *environment = empty();
    }
    match environment {
        Value::Object(settings) => {
            settings.insert(CONFIG_HASH.to_owned(), hash.into());
        }
        Value::Array(settings) => settings.push(format!("{CONFIG_HASH}={hash}").into()),
        _ => return Err("environment is neither a list nor an object".to_owned()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_paths::Paths;
    use std::os::unix::fs::PermissionsExt;

    struct Deployment {
        root: tempfile::TempDir,
        hashes: Hashes,
        mount: String,
    }

    impl Deployment {
        fn new() -> Deployment {
            let root = tempfile::tempdir().unwrap();
            let paths = Paths::new(root.path()).unwrap();
            std::fs::create_dir_all(paths.generated()).unwrap();
            std::fs::write(paths.generated().join("k.sha256"), "hash\n").unwrap();
            Deployment {
                hashes: Hashes::of(&paths),
                mount: format!("{}/k/:/x:ro", paths.generated().display()),
                root,
            }
        }

        fn write(&self, path: &str, content: &Value) {
            let path = self.root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content.to_string()).unwrap();
        }

        fn read(&self, path: &str) -> Value {
            let path = self.root.path().join(path);
            let mode = path.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600);
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
        }

        fn hash(&self, pattern: &str) -> Result<Vec<PathBuf>> {
            let pattern = self.root.path().join(pattern);
            hashed_configs(pattern.to_str().unwrap(), &self.hashes)
        }
    }

    #[test]
    fn the_containers_of_a_step_get_the_hashes_of_their_volumes() {
        let deployment = Deployment::new();
        let mount = &deployment.mount;
        let containers = json!({
            "z": {"image": "i", "volumes": [mount], "environment": ["A=1"]},
            "a": {"volumes": [mount], "environment": {"A": "1"}},
            "bare": {"volumes": [mount]},
            "null": {"volumes": [mount], "environment": null},
            "none": {"image": "i"},
            "image": {"image": "i"},
        });
        deployment.write("c/docker-container-startup-config-step_1.json", &containers);
        deployment.write(
            "c/docker-container-startup-config-step_2.json",
            &Value::Null,
        );
        deployment.write("c/other.json", &json!([]));
        let pattern = "c/docker-container-startup-config-step_*.json";
        assert_eq!(deployment.hash(pattern).unwrap().len(), 2);
        assert!(deployment.hash(pattern).unwrap().is_empty());

        let hashed = deployment.read("c/hashed-docker-container-startup-config-step_1.json");
        let list = json!(["TRIPLEO_CONFIG_HASH=hash"]);
        assert_eq!(
            hashed["z"]["environment"],
            json!(["A=1", "TRIPLEO_CONFIG_HASH=hash"])
        );
        assert_eq!(hashed["a"]["environment"]["TRIPLEO_CONFIG_HASH"], "hash");
        assert_eq!(hashed["bare"]["environment"], list);
        assert_eq!(hashed["null"]["environment"], list);
        assert_eq!(hashed["none"], json!({"image": "i"}));
        let empty = deployment.read("c/hashed-docker-container-startup-config-step_2.json");
        assert_eq!(empty, json!({}));

        deployment.write(
            "c/docker-container-startup-config-step_1.json",
            &json!({"a": 1}),
        );
        let refusal = deployment.hash(pattern).unwrap_err().to_string();
        assert!(
            refusal.ends_with("container a is not an object"),
            "{refusal}"
        );
        assert_eq!(deployment.hash("nowhere/*.json").unwrap().len(), 0);
    }

    #[test]
    fn one_container_a_file_below_a_directory_for_each_step() {
        let deployment = Deployment::new();
        let keystone = json!({"image": "i", "volumes": [deployment.mount], "start_order": 1});
        deployment.write("c/step_3/keystone.json", &keystone);
        deployment.write("c/step_4/plain.json", &json!({"image": "i"}));
        deployment.write("c/.hidden/keystone.json", &keystone);
        deployment.write("c/step_5", &Value::Null);
        let written = deployment.hash("c/*/*.json").unwrap();
        assert_eq!(written.len(), 2);
        // What was written is passed over, though the pattern names it.
        assert!(deployment.hash("c/*/*.json").unwrap().is_empty());
        let hashed = deployment.read("c/step_3/hashed-keystone.json");
        assert_eq!(
            hashed["environment"],
            json!({"TRIPLEO_CONFIG_HASH": "hash"})
        );
        assert_eq!(hashed["start_order"], 1);
        assert_eq!(
            deployment.read("c/step_4/hashed-plain.json"),
            json!({"image": "i"})
        );
        // Its original stays: the same run again finds it.
        assert!(
            deployment
                .root
                .path()
                .join("c/step_3/keystone.json")
                .exists()
        );
        assert_eq!(
            deployment.hash("c/step_[3]/keyst?ne.json").unwrap().len(),
            0
        );
    }
}
