//! Reads declared values the way Python does: anything is true or false, and a wrong type is an error
//! only when it is used.

use serde_json::{Map, Value};

use super::error::ApplyError;

type Object = Map<String, Value>;

/// Returns Python's `bool(value)`; a missing value is false.
pub(super) fn truthy(value: Option<&Value>) -> bool {
    value.is_some_and(slipway_pyvalue::truth)
}

/// Returns the entries of a section. A missing section and an empty mapping have none.
pub(super) fn items<'a>(config: &'a Value, section: &str) -> Result<&'a [Value], ApplyError> {
    match config.get(section) {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(empty @ (Value::Object(_) | Value::String(_))) if !truthy(Some(empty)) => Ok(&[]),
        Some(_) => Err(ApplyError::Unexpected(format!("`{section}` is not a list"))),
    }
}

pub(super) fn object<'a>(entry: &'a Value, section: &str) -> Result<&'a Object, ApplyError> {
    let not_an_object =
        || ApplyError::Unexpected(format!("an entry of `{section}` is not an object"));
    entry.as_object().ok_or_else(not_an_object)
}

/// Returns the string under `key`; any other type is an error.
pub(super) fn text<'a>(entry: &'a Object, key: &str) -> Result<&'a str, ApplyError> {
    let not_text = || ApplyError::Unexpected(format!("`{key}` is not a string"));
    entry.get(key).and_then(Value::as_str).ok_or_else(not_text)
}

/// Returns the strings of a list. Python iterates over the characters of a string likewise.
pub(super) fn texts(entry: &Object, key: &str) -> Result<Vec<String>, ApplyError> {
    let wrong = || ApplyError::Unexpected(format!("`{key}` is not a list of strings"));
    match entry.get(key) {
        value if !truthy(value) => Ok(Vec::new()),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect(),
        Some(Value::String(text)) => Ok(text.chars().map(String::from).collect()),
        _ => Err(wrong()),
    }
}
