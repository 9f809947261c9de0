//! Hiera data as text.

use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use slipway_service::Hiera;

use crate::error::{PuppetError, Result};

/// Reads a file of hiera data: JSON where its name says so, YAML otherwise.
pub fn parse(path: &Path, text: &str) -> Result<Hiera> {
    let wrong = |position, message: String| PuppetError::Input {
        path: path.to_owned(),
        position,
        message,
    };
    let data: Value = if path.extension().is_some_and(|ext| ext == "json") {
        let data: Once = serde_json::from_str(text).map_err(|error| {
            let position = Some((error.line(), error.column()));
            wrong(position, plain(error.to_string()))
        })?;
        data.0
    } else {
        let refused = |error: serde_yaml::Error| {
            let position = error.location().map(|at| (at.line(), at.column()));
            wrong(position, plain(error.to_string()))
        };
        // YAML's own values tell of a key that is there twice, and know `<<`.
        let mut data: serde_yaml::Value = serde_yaml::from_str(text).map_err(refused)?;
        data.apply_merge().map_err(refused)?;
        serde_json::to_value(data).map_err(|error| wrong(None, error.to_string()))?
    };
    match data {
        Value::Null => Ok(Hiera::new()),
        Value::Object(data) => Ok(data),
        _ => Err(wrong(
            None,
            "hiera data is a mapping of keys to values, and this is not".to_owned(),
        )),
    }
}

/// The place is printed in front; the parser's own copy of it would only repeat it.
fn plain(text: String) -> String {
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// A JSON value in which no key is there twice.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Once, D::Error> {
        deserializer.deserialize_any(OnceVisitor).map(Once)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Once(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("the key {key:?} is there twice")));
            }
            let Once(value) = entries.next_value()?;
            map.insert(key, value);
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
    fn a_key_that_is_there_twice_is_named() {
        let text = "{\"a\": {\"b\": 1,\n \"b\": 2}}";
        let refusal = read("h.json", text).unwrap_err();
        assert_eq!(refusal, "h.json:2:4: the key \"b\" is there twice");
        let every = r#"{"n": null, "t": true, "i": -1, "u": 1, "f": 0.5, "s": "é", "l": [1, {}]}"#;
        let value: Value = serde_json::from_str(every).unwrap();
        assert_eq!(read("h.json", every).unwrap(), value);
        let deep = "[".repeat(100_000);
        assert!(
            read("h.json", &deep)
                .unwrap_err()
                .contains("recursion limit")
        );
    }
}
