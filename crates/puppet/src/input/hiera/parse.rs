//! Parses hiera data.

use std::path::Path;

use slipway_service::Hiera;
use slipway_yaml::Data;

use crate::error::{PuppetError, Result};

/// Parses a file of hiera data: JSON if its name ends in `.json`, YAML otherwise.
pub fn parse(path: &Path, text: &str) -> Result<Hiera> {
    let invalid = |position, message: String| PuppetError::Input {
        path: path.to_owned(),
        position,
        message,
    };
    let is_json = path
        .extension()
        .is_some_and(|extension| extension == "json");
    let document = if is_json {
        slipway_yaml::read_json(text)
    } else {
        slipway_yaml::read(text)
    };
    let document = document.map_err(|error| {
        let position = error.position();
        let position = position.map(|at| (at.line as usize, at.column as usize));
        invalid(position, error.message())
    })?;
    match document.data {
        Data::Null => Ok(Hiera::new()),
        Data::Map(entries) => Ok(entries
            .into_iter()
            .map(|(key, value)| (key.into(), value.into_value()))
            .collect()),
        _ => Err(invalid(
            None,
            "hiera data is a mapping of keys to values, and this is not".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(name: &str, text: &str) -> Result<Value, String> {
        parse(Path::new(name), text)
            .map(Value::Object)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn merge_keys_are_merged() {
        let text = "base: &b {x: 1, y: 2}\nmine:\n  <<: *b\n  y: 3\n";
        let data = read("h.yaml", text).unwrap();
        assert_eq!(data["mine"], json!({"x": 1, "y": 3}));
    }

    #[test]
    fn a_duplicate_key_is_named() {
        let text = "{\"a\": {\"b\": 1,\n \"b\": 2}}";
        let refusal = read("h.json", text).unwrap_err();
        assert_eq!(refusal, "h.json:2:2: a.b: duplicate key");
        let every = r#"{"n": null, "t": true, "i": -1, "u": 1, "f": 0.5, "s": "é", "l": [1, {}]}"#;
        let value: Value = serde_json::from_str(every).unwrap();
        assert_eq!(read("h.json", every).unwrap(), value);
        let deep = "[".repeat(100_000);
        assert!(
            read("h.json", &deep)
                .unwrap_err()
                .contains("nested too deeply")
        );
    }
}
