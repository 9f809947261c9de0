//! The hiera data of a deployment.

mod existing;
mod parse;

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use slipway_service::Hiera;

use crate::error::{At, PuppetError, Result};
use crate::files;
use slipway_paths::Paths;
use slipway_redact::{Redactor, Secrets};
use slipway_vault::Keys;

/// The level of a run in a container, which comes before all others: its step.
pub(crate) const CONTAINER_LEVEL: &str = "docker_puppet";
/// The level of a step on the host, which comes before all others.
pub(crate) const HOST_LEVEL: &str = "config_step";

/// Hiera data by priority: the files that a user adds, the later before the earlier; then the services'
/// settings; then the node's.
///
/// `Debug` shows only the names of the levels: values may be passwords. `Serialize` has the values.
///
/// ```
/// let services = serde_json::json!({"memcached::max_memory": 64});
/// let mut hiera = slipway_puppet::Hieradata::new(services.as_object().unwrap().clone());
/// hiera.add("mine.yaml".as_ref(), "memcached::max_memory: 32\n")?;
/// assert_eq!(hiera.get("memcached::max_memory"), Some(&32.into()));
/// # Ok::<(), slipway_puppet::PuppetError>(())
/// ```
#[derive(Clone, Deserialize, Serialize)]
pub struct Hieradata {
    /// The first has the highest priority.
    levels: Vec<Level>,
    added: usize,
    /// The values that were encrypted, which are secret under any key.
    decrypted: Vec<Value>,
    /// If somebody else writes the files: the text that, beside the levels, decides lookups.
    present: Option<String>,
}

#[derive(Clone, Deserialize, Serialize)]
struct Level {
    name: String,
    data: Hiera,
}

impl std::fmt::Debug for Hieradata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.levels.iter().map(|level| &level.name))
            .finish()
    }
}

impl Hieradata {
    /// Returns the hiera data of a role's services.
    pub fn new(services: Hiera) -> Hieradata {
        Hieradata {
            levels: vec![
                Level {
                    name: "service_configs".to_owned(),
                    data: services,
                },
                Level {
                    name: "bootstrap_node".to_owned(),
                    data: Hiera::new(),
                },
            ],
            added: 0,
            decrypted: Vec::new(),
            present: None,
        }
    }

    /// Sets the node of the role that bootstraps shared services.
    pub fn bootstrap_node(mut self, name: &str) -> Hieradata {
        if self.present.is_none()
            && let Some(level) = self.levels.last_mut()
        {
            level
                .data
                .insert("bootstrap_nodeid".to_owned(), name.into());
        }
        self
    }

    /// Adds a user's file, YAML or JSON. It has priority over files that were added earlier. The file may
    /// be encrypted by ansible-vault, and its values by hiera-eyaml.
    ///
    /// # Errors
    /// Names the file, line and column that cannot be read, or the value that cannot be decrypted.
    pub fn add_file(&mut self, path: &Path, keys: &Keys) -> Result<()> {
        let text = slipway_files::read_input(path).at("read", path)?;
        let failed = |message: String| PuppetError::Input {
            path: path.to_owned(),
            position: None,
            message,
        };
        let plain = keys
            .decrypt_file(&text)
            .map_err(|error| failed(error.to_string()))?;
        let mut data = parse::parse(path, plain.as_deref().unwrap_or(&text))?;
        let secrets = keys
            .decrypt_values(&mut data)
            .map_err(|(key, error)| failed(format!("{key}: {error}")))?;
        self.decrypted
            .extend(secrets.into_iter().map(Value::String));
        if plain.is_some() {
            self.decrypted.push(Value::Object(data.clone()));
        }
        self.add_level(data);
        Ok(())
    }

    /// Adds a user's data. `path` names it in messages, and tells JSON from YAML.
    ///
    /// # Errors
    /// As [`Hieradata::add_file`].
    pub fn add(&mut self, path: &Path, text: &str) -> Result<()> {
        self.add_level(parse::parse(path, text)?);
        Ok(())
    }

    fn add_level(&mut self, data: Hiera) {
        self.added += 1;
        let name = format!("user_{}", self.added);
        self.levels.insert(0, Level { name, data });
    }

    /// Returns the value of a key with the highest priority, without interpolation.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values(key).next()
    }

    /// Returns every value of a key, the highest priority first.
    pub(crate) fn values(&self, key: &str) -> impl Iterator<Item = &Value> {
        self.levels
            .iter()
            .filter_map(move |level| level.data.get(key))
    }

    /// Returns every key and its value, of every level.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.levels.iter().flat_map(|level| &level.data)
    }

    /// Returns a redactor of this data's secrets.
    pub fn redactor(&self) -> Redactor {
        self.secrets().redactor()
    }

    /// Returns this data's secrets.
    pub(crate) fn secrets(&self) -> Secrets {
        let mut secrets = Secrets::default();
        for level in &self.levels {
            secrets.hiera(&level.data);
        }
        for value in &self.decrypted {
            secrets.hidden(value);
        }
        secrets
    }

    /// Writes `hiera.yaml` and `hieradata/` for a deployment's runs and for `puppet lookup`, unless
    /// somebody else writes them. Unchanged files are not touched; stale user data is removed.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, paths: &Paths) -> Result<()> {
        if self.present.is_some() {
            return Ok(());
        }
        let directory = paths.hieradata();
        files::private_dir(&directory)?;
        for level in &self.levels {
            let text = to_json(&level.data);
            files::write(&directory.join(format!("{}.json", level.name)), &text)?;
        }
        self.remove_stale(&directory)?;
        let path = paths.puppet_etc().join("hiera.yaml");
        keep_original(&path)?;
        files::write(&path, self.config().as_bytes())?;
        Ok(())
    }

    fn remove_stale(&self, directory: &Path) -> Result<()> {
        for entry in std::fs::read_dir(directory).at("read", directory)? {
            let path = entry.at("read", directory)?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let stale = stem.is_some_and(|stem| {
                stem.strip_prefix("user_")
                    .is_some_and(|n| n.parse::<usize>().is_ok_and(|n| n > self.added))
            });
            if stale {
                files::remove(&path)?;
            }
        }
        Ok(())
    }

    /// Returns the `hiera.yaml` of the deployment.
    fn config(&self) -> String {
        let mut text = format!(
            "{WRITTEN}\nversion: 5\ndefaults:\n  datadir: hieradata\n  data_hash: json_data\nhierarchy:\n"
        );
        let names = [CONTAINER_LEVEL, HOST_LEVEL].into_iter();
        for name in names.chain(self.levels.iter().map(|level| level.name.as_str())) {
            // Writing to a String cannot fail.
            let _ = write!(text, "  - name: {name}\n    path: {name}.json\n");
        }
        text
    }

    /// Returns the `hiera.yaml` of a run: the same data, and each looked-up key is written to `record`.
    pub(crate) fn recording_config(&self, first: &str, datadir: &Path, record: &Path) -> Vec<u8> {
        let names = std::iter::once(first).chain(self.levels.iter().map(|l| l.name.as_str()));
        let paths: Vec<String> = names.map(|name| format!("{name}.json")).collect();
        // JSON is YAML.
        let config = json!({
            "version": 5,
            "hierarchy": [{
                "name": "slipway",
                "lookup_key": "slipway::hiera",
                "datadir": datadir.to_string_lossy(),
                "paths": paths,
                "options": {"record": record.to_string_lossy()},
            }],
        });
        config.to_string().into_bytes()
    }
}

pub(crate) fn to_json(data: &Hiera) -> Vec<u8> {
    let mut text = format!("{:#}", Value::Object(data.clone())).into_bytes();
    text.push(b'\n');
    text
}

const WRITTEN: &str = "# Written by slipway.";

/// Sets a `hiera.yaml` aside that is not Slipway's, whatever it is. An earlier one that was set aside
/// stays.
fn keep_original(path: &Path) -> Result<()> {
    match slipway_files::read_input(path) {
        Ok(text) if text.starts_with(WRITTEN) => return Ok(()),
        _ if path.symlink_metadata().is_err() => return Ok(()),
        Ok(_) | Err(_) => {}
    }
    let mut aside = path.with_extension("yaml.before-slipway");
    let mut number = 0;
    // The lock of the deployment keeps other runs from taking the name.
    while aside.symlink_metadata().is_ok() {
        number += 1;
        aside = path.with_extension(format!("yaml.before-slipway.{number}"));
    }
    std::fs::rename(path, &aside).at("set aside", path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn hieradata() -> Hieradata {
        let services = json!({"a": 1, "b::password": "hidden-one"});
        Hieradata::new(services.as_object().unwrap().clone()).bootstrap_node("node-0")
    }

    #[test]
    fn later_files_win() {
        let mut hiera = hieradata();
        hiera.add(Path::new("x.yaml"), "a: 2\nc: [x]\n").unwrap();
        hiera.add(Path::new("y.json"), "{\"a\": 3}").unwrap();
        hiera.add(Path::new("empty.yaml"), "").unwrap();
        let values: Vec<&Value> = hiera.values("a").collect();
        assert_eq!(values, [&json!(3), &json!(2), &json!(1)]);
        assert_eq!(hiera.get("bootstrap_nodeid"), Some(&json!("node-0")));
        assert_eq!(hiera.redactor().redact("hidden-one"), "***");
        assert!(!format!("{hiera:?}").contains("hidden"));
    }

    #[test]
    fn unreadable_data_is_reported_with_its_place() {
        let refusal = |name: &str, text: &str| {
            let error = hieradata().add(Path::new(name), text).unwrap_err();
            error.to_string()
        };
        assert!(refusal("x.yaml", "a: 1\nb: [1\n").starts_with("x.yaml:3:1: "));
        assert!(refusal("x.json", "{\n\"a\": }").starts_with("x.json:2:6: expected value"));
        let twice = refusal("x.yaml", "a: 1\nb: {c: 1, c: 2}\n");
        assert!(twice.contains("b.c: duplicate key"), "{twice}");
        assert!(refusal("x.yaml", "- 1\n").starts_with("x.yaml: hiera data is a mapping"));
        let missing = hieradata().add_file(Path::new("/nowhere/x.yaml"), &Keys::default());
        assert!(
            missing
                .unwrap_err()
                .to_string()
                .starts_with("cannot read /nowhere/x.yaml")
        );
    }

    #[test]
    fn files_are_private_and_follow_the_data() {
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::new(root.path()).unwrap();
        std::fs::create_dir_all(paths.puppet_etc()).unwrap();
        let config = paths.puppet_etc().join("hiera.yaml");
        std::fs::write(&config, "somebody's").unwrap();
        // Another tool left it open to others.
        std::fs::create_dir(paths.hieradata()).unwrap();
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(paths.hieradata(), open).unwrap();
        let mut hiera = hieradata();
        hiera.add(Path::new("x.yaml"), "a: 2\n").unwrap();
        hiera.write(&paths).unwrap();
        let user = paths.hieradata().join("user_1.json");
        assert!(user.exists());
        hieradata().write(&paths).unwrap();
        assert!(!user.exists(), "its file is no longer given");
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&paths.hieradata().join("service_configs.json")), 0o600);
        assert_eq!(mode(&paths.hieradata()), 0o700);
        let aside = paths.puppet_etc().join("hiera.yaml.before-slipway");
        assert_eq!(std::fs::read_to_string(&aside).unwrap(), "somebody's");
        let is_ours = || {
            let text = std::fs::read_to_string(&config).unwrap();
            text.contains("path: service_configs.json")
        };
        assert!(is_ours());
        // Somebody else's again, and this time not even text: the first stays beside it.
        std::fs::write(&config, b"\xff").unwrap();
        hieradata().write(&paths).unwrap();
        assert!(is_ours());
        assert_eq!(std::fs::read_to_string(&aside).unwrap(), "somebody's");
        let second = paths.puppet_etc().join("hiera.yaml.before-slipway.1");
        assert_eq!(std::fs::read(second).unwrap(), b"\xff");
    }
}
