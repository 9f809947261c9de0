//! Finds, reads and checks the config.json of a container.

use std::env;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::error::ApplyError;
use super::log::Log;
use super::value::{items, object, truthy};
use crate::fs::{Root, show};
use crate::glob::has_magic;
use crate::parse::MAX_SIZE;

const YAML: &str = "/var/lib/kolla/config_files/config.yaml";
const JSON: &str = "/var/lib/kolla/config_files/config.json";

/// The settings in a container's environment.
#[derive(Clone, Debug)]
pub struct Environment {
    /// `KOLLA_CONFIG`: the content of config.json.
    pub config: Option<String>,
    /// `KOLLA_CONFIG_FILE`: its path, if it is not the usual one.
    pub config_file: Option<String>,
    /// `KOLLA_CONFIG_STRATEGY`: COPY_ALWAYS or COPY_ONCE.
    pub strategy: Option<String>,
    /// The directory that relative paths start from.
    pub cwd: PathBuf,
}

impl Environment {
    /// Reads the environment of this process.
    pub fn of_process() -> Environment {
        let var = |name| env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        Environment {
            config: var("KOLLA_CONFIG"),
            config_file: var("KOLLA_CONFIG_FILE").filter(|file| !file.is_empty()),
            strategy: var("KOLLA_CONFIG_STRATEGY"),
            cwd: env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Yaml,
}

pub(super) fn load(root: &Root, environment: &Environment, log: &Log) -> Result<Value, ApplyError> {
    let config = match &environment.config {
        Some(text) => parse_json(text.as_bytes())
            .map_err(|error| invalid(format!("Invalid json for Kolla config: {error}")))?,
        None => read(root, environment.config_file.as_deref(), log)?,
    };
    log.info(format_args!("Validating config file"));
    validate(&config)?;
    Ok(config)
}

fn invalid(message: String) -> ApplyError {
    ApplyError::InvalidConfig(message)
}

fn read(root: &Root, named: Option<&str>, log: &Log) -> Result<Value, ApplyError> {
    let (file, format) = match named {
        Some(file) if file.ends_with(".yaml") || file.ends_with(".yml") => (file, Format::Yaml),
        Some(file) => (file, Format::Json),
        None if root.exists(Path::new(YAML)) => (YAML, Format::Yaml),
        None => (JSON, Format::Json),
    };
    let shown = show(Path::new(file));
    log.info(format_args!("Loading config file at {shown}"));
    let text = root
        .read(Path::new(file), MAX_SIZE)
        .map_err(|error| invalid(format!("Could not read file {shown}: {error}")))?;
    match format {
        Format::Json => parse_json(&text)
            .map_err(|error| invalid(format!("Invalid json file found at {shown}: {error}"))),
        Format::Yaml => parse_yaml(&text)
            .map_err(|error| invalid(format!("Invalid yaml file found at {shown}: {error}"))),
    }
}

fn parse_json(text: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(text)
}

/// Reads YAML as Kolla does, which uses PyYAML.
fn parse_yaml(text: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
    let config = slipway_yaml::read_with(text, slipway_yaml::Options::PYYAML)
        .map_err(|error| error.to_string())?;
    if config.is_null() {
        return Err("file is empty".to_owned());
    }
    Ok(config.into_value())
}

/// Makes the checks that Kolla's script makes before it does anything, in its order: the first one
/// that fails decides the error.
fn validate(config: &Value) -> Result<(), ApplyError> {
    let has_command = match config {
        Value::Object(config) => config.contains_key("command"),
        Value::Array(items) => items.iter().any(|item| item == "command"),
        Value::String(text) => text.contains("command"),
        _ => {
            return Err(ApplyError::Unexpected(
                "the config is not an object".to_owned(),
            ));
        }
    };
    if !has_command {
        return Err(invalid(
            "Config is missing required \"command\" key".to_owned(),
        ));
    }
    if !config.is_object() {
        return Err(ApplyError::Unexpected(
            "the config is not an object".to_owned(),
        ));
    }
    items(config, "config_files")?
        .iter()
        .try_for_each(validate_file)?;
    for section in ["directories", "files"] {
        items(config, section)?
            .iter()
            .try_for_each(|entry| validate_created(section, entry))?;
    }
    Ok(())
}

fn validate_file(entry: &Value) -> Result<(), ApplyError> {
    let entry = object(entry, "config_files")?;
    if let Some(key) = ["source", "dest"]
        .iter()
        .find(|key| !entry.contains_key(**key))
    {
        return Err(invalid(format!(
            "Config is missing required keys: an entry of config_files has no `{key}`"
        )));
    }
    let has_properties = entry.contains_key("owner") && entry.contains_key("perm");
    if !has_properties && !truthy(entry.get("preserve_properties")) {
        return Err(invalid(
            "Config needs preserve_properties or owner and perm".to_owned(),
        ));
    }
    Ok(())
}

fn validate_created(section: &str, entry: &Value) -> Result<(), ApplyError> {
    const KEYS: [&str; 3] = ["path", "owner", "perm"];
    let entry = object(entry, section)?;
    if let Some(key) = KEYS.iter().find(|key| !entry.contains_key(**key)) {
        return Err(invalid(format!(
            "{section} config is missing required keys: `{key}`"
        )));
    }
    if let Some(key) = KEYS
        .iter()
        .find(|key| entry.get(**key) == Some(&Value::Null))
    {
        return Err(invalid(format!(
            "{section} config key \"{key}\" must not be null"
        )));
    }
    match super::value::text(entry, "path")? {
        path if has_magic(path) => Err(invalid(format!(
            "{section} config does not support glob paths: {}",
            show(Path::new(path))
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validated(text: &str) -> Option<u8> {
        validate(&serde_json::from_str(text).unwrap())
            .err()
            .map(|error| error.exit_code())
    }

    #[test]
    fn validation_ends_as_kollas_does() {
        for (text, code) in [
            (r#"{"command": "true"}"#, None),
            (r#"{"command": "true", "config_files": {}}"#, None),
            (r#"{"command": "true", "config_files": ""}"#, None),
            (r#"{"command": "true", "unheard_of": 1}"#, None),
            (r#"{"command": null}"#, None),
            ("{}", Some(1)),
            ("[]", Some(1)),
            (r#""text""#, Some(1)),
            (r#"["command"]"#, Some(2)),
            (r#""a command""#, Some(2)),
            ("null", Some(2)),
            ("3", Some(2)),
            (r#"{"command": "true", "config_files": null}"#, Some(2)),
            (r#"{"command": "true", "config_files": {"a": 1}}"#, Some(2)),
            (r#"{"command": "true", "config_files": [1]}"#, Some(2)),
            (
                r#"{"command": "true", "config_files": [{"source": "/a"}]}"#,
                Some(1),
            ),
            (
                r#"{"command": "true", "config_files": [{"source": "/a", "dest": "/b", "owner": "c"}]}"#,
                Some(1),
            ),
            (
                r#"{"command": "true", "config_files": [{"source": "/a", "dest": "/b", "owner": null, "perm": null}]}"#,
                None,
            ),
            (
                r#"{"command": "true", "config_files": [{"source": "/a", "dest": "/b", "preserve_properties": "no"}]}"#,
                None,
            ),
            (
                r#"{"command": "true", "config_files": [{"source": "/a", "dest": "/b", "preserve_properties": 0}]}"#,
                Some(1),
            ),
            (
                r#"{"command": "true", "files": [{"path": "/a", "owner": "b"}]}"#,
                Some(1),
            ),
            (
                r#"{"command": "true", "files": [{"path": null, "owner": "b", "perm": "0600"}]}"#,
                Some(1),
            ),
            (
                r#"{"command": "true", "directories": [{"path": "/a*", "owner": "b", "perm": "0600"}]}"#,
                Some(1),
            ),
            (
                r#"{"command": "true", "directories": [{"path": 1, "owner": "b", "perm": "0600"}]}"#,
                Some(2),
            ),
        ] {
            assert_eq!(validated(text), code, "{text}");
        }
    }

    #[test]
    fn yaml_is_read_as_kolla_reads_it() {
        let text = b"a: &a {optional: no, perm: '0600'}\nb: {<<: *a, merge: On, owner: 'no'}\n";
        let expected = serde_json::json!({
            "a": {"optional": false, "perm": "0600"},
            "b": {"optional": false, "perm": "0600", "merge": true, "owner": "no"},
        });
        assert_eq!(parse_yaml(text).unwrap(), expected);
        assert_eq!(parse_yaml(b"").unwrap_err(), "file is empty");
        assert!(parse_yaml(b"{").is_err());
    }

    #[test]
    fn hostile_nesting_is_an_error() {
        assert!(parse_json("[".repeat(1 << 20).as_bytes()).is_err());
        assert!(parse_yaml("[".repeat(1 << 16).as_bytes()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in ".{0,200}") {
            let _ = parse_json(text.as_bytes()).map(|config| validate(&config));
            let _ = parse_yaml(text.as_bytes()).map(|config| validate(&config));
        }
    }
}
