//! docker-puppet's list of entries.

use std::path::Path;

use serde_json::Value;
use slipway_pyvalue::truth;
use slipway_service::{ConfigVolume, PuppetConfig};

use crate::error::{PuppetError, Result};

/// Reads a list of entries as docker-puppet.py takes it: each a list
/// `[config_volume, puppet_tags, step_config, config_image, [volumes], privileged]`, an object
/// with these keys, or null. When an object repeats a key, the last one counts, as it does for the
/// script. `path` is only for errors.
///
/// ```
/// let text = r#"[["heat", "heat_config", "include heat", "kolla/heat"], null]"#;
/// let entries = slipway_puppet::parse_entries("docker-puppet.json".as_ref(), text)?;
/// assert_eq!(entries[0].config_image, "kolla/heat");
/// # Ok::<(), slipway_puppet::PuppetError>(())
/// ```
///
/// # Errors
/// Names the entry and the reason.
pub fn parse_entries(path: &Path, text: &str) -> Result<Vec<PuppetConfig>> {
    let wrong = |position, message| PuppetError::Input {
        path: path.to_owned(),
        position,
        message,
    };
    let entries: Option<Vec<Value>> = serde_json::from_str(text)
        .map_err(|error| wrong(Some((error.line(), error.column())), error.to_string()))?;
    let entries = entries.unwrap_or_default().into_iter().enumerate();
    entries
        .filter(|(_, value)| !value.is_null())
        .map(|(index, value)| {
            entry(&value).map_err(|why| wrong(None, format!("entry {index}: {why}")))
        })
        .collect()
}

fn entry(value: &Value) -> Result<PuppetConfig, String> {
    let field = |index: usize, name: &str| match value {
        Value::Array(items) => Ok(items.get(index).unwrap_or(&Value::Null)),
        Value::Object(map) => Ok(map.get(name).unwrap_or(&Value::Null)),
        _ => Err("neither a list nor an object".to_owned()),
    };
    // What counts as false in Python is empty: conditions of templates leave `''` and `false` behind.
    let text = |index, name| match field(index, name)? {
        Value::String(text) => Ok(text.clone()),
        value if !truth(value) => Ok(String::new()),
        _ => Err(format!("{name} is not a string")),
    };
    let (manifest, image) = (text(2, "step_config")?, text(3, "config_image")?);
    let volume = text(0, "config_volume")?;
    // The names of entries that generate nothing do not matter, and are often empty.
    let config_volume = match manifest.is_empty() || image.is_empty() {
        true => None,
        false => Some(ConfigVolume::new(volume).map_err(|error| error.to_string())?),
    };
    Ok(PuppetConfig {
        config_volume,
        puppet_tags: text(1, "puppet_tags")?,
        step_config: manifest,
        config_image: image,
        volumes: match field(4, "volumes")? {
            Value::Array(items) => volumes(items)?,
            value if !truth(value) => Vec::new(),
            _ => return Err("volumes is not a list".to_owned()),
        },
        privileged: truth(field(5, "privileged")?),
    })
}

/// Returns the volumes that are not null or empty: templates' conditions leave such ones.
fn volumes(items: &[Value]) -> Result<Vec<String>, String> {
    let mut volumes = Vec::new();
    for item in items {
        match item {
            Value::String(volume) if !volume.is_empty() => volumes.push(volume.clone()),
            item if !truth(item) => {}
            _ => return Err("volumes holds something that is not a string".to_owned()),
        }
    }
    Ok(volumes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<PuppetConfig>, String> {
        parse_entries(Path::new("p.json"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn both_forms_and_nulls_are_read() {
        let text = r#"[null, ["a", null, "m", "i", ["", null, "/x:/x"], true],
            {"config_volume": "b", "step_config": "m", "config_image": "i"}, ["", "", "", ""]]"#;
        let entries = parse(text).unwrap();
        assert_eq!(entries.len(), 3);
        assert_eq!(entries[0].volumes, ["/x:/x"]);
        assert!(entries[0].privileged);
        assert_eq!(entries[1].config_volume, ConfigVolume::new("b").ok());
        assert_eq!(parse("null").unwrap(), []);
        let falsy = r#"[["a", false, "m", "i", "", 0], ["b", [], "m", "i", [false, ""], 1]]"#;
        let falsy = parse(falsy).unwrap();
        assert!(falsy.iter().all(|entry| entry.volumes.is_empty()));
        assert!(!falsy[0].privileged && falsy[1].privileged);
        assert_eq!(falsy[0].puppet_tags, "");
        // Of a key that is there twice the last counts, as it does for Python.
        let twice = r#"[{"config_volume": "b", "step_config": "x", "step_config": "m", "config_image": "i"}]"#;
        assert_eq!(parse(twice).unwrap()[0].step_config, "m");
    }

    #[test]
    fn errors_have_a_place() {
        assert_eq!(
            parse(r#"[["../../etc", "", "m", "i"]]"#).unwrap_err(),
            "p.json: entry 0: \"../../etc\" cannot name a config volume: it must begin with a letter or a digit"
        );
        assert_eq!(
            parse("[[],\n {\"puppet_tags\": 3}]").unwrap_err(),
            "p.json: entry 1: puppet_tags is not a string"
        );
        assert!(parse("[\n}").unwrap_err().starts_with("p.json:2:1: "));
        let deep = "[".repeat(100_000);
        assert!(parse(&deep).unwrap_err().contains("recursion limit"));
    }
}
