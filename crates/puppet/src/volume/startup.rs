//! Telling containers that their configuration is another.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value, json};
use slipway_service::{ConfigVolume, ContainerConfig};

use crate::error::{At, PuppetError, Result};
use crate::files;
use slipway_paths::Paths;

/// The environment variable that carries the hash.
pub const CONFIG_HASH: &str = "TRIPLEO_CONFIG_HASH";

/// The hashes of the config volumes that are there.
///
/// A container's environment gets the hashes of the volumes it mounts, so that it is replaced
/// when one of them changes, and only then.
#[derive(Clone, Debug)]
pub struct Hashes {
    prefix: PathBuf,
}

impl Hashes {
    /// The hashes of a deployment's volumes.
    pub fn of(paths: &Paths) -> Hashes {
        Hashes {
            prefix: paths.config_data().to_owned(),
        }
    }

    /// The value of [`CONFIG_HASH`] for a container with these mounts (each a source, or
    /// `source:target[:options]`): the hash of each config volume among them, in the order of
    /// their paths, joined by `-`. `None` where there is none.
    pub fn for_mounts<'a>(&self, mounts: impl IntoIterator<Item = &'a str>) -> Option<String> {
        let volumes: BTreeSet<PathBuf> = mounts
            .into_iter()
            .filter_map(|mount| self.volume(Path::new(mount.split(':').next()?)))
            .collect();
        let hashes: Vec<String> = volumes
            .iter()
            .filter_map(|volume| slipway_files::read_input(hash_file(volume)).ok())
            .map(|hash| hash.trim().to_owned())
            .filter(|hash| !hash.is_empty())
            .collect();
        (!hashes.is_empty()).then(|| hashes.join("-"))
    }

    /// Sets [`CONFIG_HASH`] in the environment of a container that mounts config volumes.
    pub fn apply(&self, container: &mut ContainerConfig) {
        let mounts = container.keys().volumes.iter();
        let sources = mounts.filter_map(|mount| mount.source.as_deref());
        if let Some(hash) = self.for_mounts(sources) {
            container.set_env(CONFIG_HASH, &hash);
        }
    }

    /// The volume a path belongs to, relative paths inside it included.
    fn volume(&self, path: &Path) -> Option<PathBuf> {
        let mut names = path.strip_prefix(&self.prefix).ok()?.components();
        let mut volume = self.prefix.clone();
        let mut name = name_of(names.next()?)?;
        if name == "puppet-generated" {
            volume.push(name);
            name = name_of(names.next()?)?;
        }
        ConfigVolume::new(name).ok()?;
        volume.push(name);
        Some(volume)
    }
}

/// Writes `hashed-NAME` beside each of the containers' configs that a pattern names: the same, with
/// [`CONFIG_HASH`] in the environment of every container that mounts config volumes. Gives the
/// files that are not as they were.
///
/// # Errors
/// When a config is not a JSON object of containers, or a file cannot be read or written.
pub fn hashed_configs(pattern: &str, hashes: &Hashes) -> Result<Vec<PathBuf>> {
    let folder = Path::new(pattern).parent().unwrap_or(Path::new("/"));
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.at("read", folder)?,
    };
    let mut written = Vec::new();
    for entry in entries {
        let path = entry.at("read", folder)?.path();
        let is_meant = path
            .to_str()
            .is_some_and(|name| slipway_kolla_config::glob_matches(pattern, name));
        if !is_meant || !path.is_file() {
            continue;
        }
        let text = slipway_files::read_input(&path).at("read", &path)?;
        let text = with_hashes(&text, hashes).map_err(|message| PuppetError::Input {
            path: path.clone(),
            position: None,
            message,
        })?;
        let mut name = std::ffi::OsString::from("hashed-");
        name.push(path.file_name().unwrap_or_default());
        let path = path.with_file_name(name);
        if files::write(&path, text.as_bytes())? {
            written.push(path);
        }
    }
    written.sort();
    Ok(written)
}

fn with_hashes(text: &str, hashes: &Hashes) -> Result<String, String> {
    let containers: Option<Map<String, Value>> =
        serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut containers = containers.unwrap_or_default();
    for (name, container) in &mut containers {
        let Some(config) = container.as_object_mut() else {
            return Err(format!("container {name} is not an object"));
        };
        let volumes = config.get("volumes").and_then(Value::as_array);
        let mounts = volumes.into_iter().flatten().filter_map(Value::as_str);
        let Some(hash) = hashes.for_mounts(mounts) else {
            continue;
        };
        let environment = config
            .entry("environment")
            .or_insert_with(|| Value::Array(Vec::new()));
        match environment {
            Value::Object(settings) => {
                settings.insert(CONFIG_HASH.to_owned(), hash.into());
            }
            Value::Array(settings) => settings.push(format!("{CONFIG_HASH}={hash}").into()),
            Value::Null => *environment = json!([format!("{CONFIG_HASH}={hash}")]),
            _ => return Err(format!("container {name}: environment is not a list")),
        }
    }
    serde_json::to_string_pretty(&containers).map_err(|error| error.to_string())
}

fn name_of(component: Component<'_>) -> Option<&str> {
    match component {
        Component::Normal(name) => name.to_str(),
        _ => None,
    }
}

/// The file beside a volume's folder that holds its hash.
pub(crate) fn hash_file(volume: &Path) -> PathBuf {
    let mut name = volume.as_os_str().to_owned();
    name.push(".sha256");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn each_mounted_volume_counts_once() {
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::new(root.path()).unwrap();
        std::fs::create_dir_all(paths.generated()).unwrap();
        let prefix = paths.config_data();
        std::fs::write(prefix.join("memcached.sha256"), "m\n").unwrap();
        std::fs::write(prefix.join("puppet-generated/keystone.sha256"), "k\n").unwrap();
        let hashes = Hashes::of(&paths);
        let value = |mounts: &[&str]| {
            let mounts: Vec<String> = mounts
                .iter()
                .map(|m| m.replace("PREFIX", &prefix.display().to_string()))
                .collect();
            hashes.for_mounts(mounts.iter().map(String::as_str))
        };
        let keystone = "PREFIX/puppet-generated/keystone/:/src:ro";
        assert_eq!(value(&[keystone]), Some("k".into()));
        assert_eq!(
            value(&[
                keystone,
                "PREFIX/puppet-generated/keystone/etc:/x",
                "PREFIX/memcached/etc/a:/a"
            ]),
            Some("m-k".into())
        );
        assert_eq!(
            value(&["/etc/hosts:/etc/hosts", "PREFIX/none:/x", "PREFIX:/all"]),
            None
        );
        assert_eq!(
            value(&["PREFIX/../x:/y", "PREFIX/puppet-generated:/y"]),
            None
        );
    }

    #[test]
    fn startup_configs_get_the_hashes_of_what_they_mount() {
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::new(root.path()).unwrap();
        std::fs::create_dir_all(paths.generated()).unwrap();
        std::fs::write(paths.generated().join("k.sha256"), "hash\n").unwrap();
        let mount = format!("{}/k/:/x:ro", paths.generated().display());
        let containers = json!({
            "z": {"image": "i", "volumes": [mount], "environment": ["A=1"]},
            "a": {"volumes": [mount], "environment": {"A": "1"}},
            "bare": {"volumes": [mount]},
            "none": {"image": "i"},
        });
        let folder = root.path().join("configs");
        std::fs::create_dir(&folder).unwrap();
        let name = "docker-container-startup-config-step_1.json";
        std::fs::write(folder.join(name), containers.to_string()).unwrap();
        std::fs::write(
            folder.join("docker-container-startup-config-step_2.json"),
            "null",
        )
        .unwrap();
        std::fs::write(folder.join("other.json"), "{").unwrap();
        let pattern = format!(
            "{}/docker-container-startup-config-step_*.json",
            folder.display()
        );
        let hashes = Hashes::of(&paths);
        assert_eq!(hashed_configs(&pattern, &hashes).unwrap().len(), 2);
        assert!(hashed_configs(&pattern, &hashes).unwrap().is_empty());

        let read = |name: &str| -> Value {
            let path = folder.join(format!("hashed-{name}"));
            let mode = path.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600);
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
        };
        let hashed = read(name);
        let setting = json!(["A=1", "TRIPLEO_CONFIG_HASH=hash"]);
        assert_eq!(hashed["z"]["environment"], setting);
        assert_eq!(hashed["a"]["environment"]["TRIPLEO_CONFIG_HASH"], "hash");
        assert_eq!(
            hashed["bare"]["environment"],
            json!(["TRIPLEO_CONFIG_HASH=hash"])
        );
        assert_eq!(hashed["none"], json!({"image": "i"}));
        assert_eq!(
            read("docker-container-startup-config-step_2.json"),
            json!({})
        );

        std::fs::write(folder.join(name), "{\"a\": 1}").unwrap();
        let refusal = hashed_configs(&pattern, &hashes).unwrap_err().to_string();
        assert!(
            refusal.ends_with("container a is not an object"),
            "{refusal}"
        );
        assert_eq!(hashed_configs("/nowhere/*.json", &hashes).unwrap().len(), 0);
    }
}
