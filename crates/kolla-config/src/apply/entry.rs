//! An entry of `config_files`.

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::error::ApplyError;
use super::value::{object, text, texts, truthy};

/// An entry of `config_files`, checked as far as possible without looking at files.
pub(super) struct Entry {
    pub(super) source: String,
    pub(super) dest: String,
    /// The owner. Without one, the source's must be preserved.
    pub(super) owner: Option<String>,
    pub(super) perm: Option<Value>,
    pub(super) optional: bool,
    pub(super) merge: bool,
    pub(super) preserve_properties: bool,
    pub(super) exclude: Vec<Regex>,
    pub(super) ignore_globs: bool,
}

impl Entry {
    pub(super) fn from_value(value: &Value) -> Result<Entry, ApplyError> {
        Entry::from_object(object(value, "config_files")?)
    }

    pub(super) fn from_object(entry: &Map<String, Value>) -> Result<Entry, ApplyError> {
        const KEYS: [&str; 9] = [
            "source",
            "dest",
            "owner",
            "perm",
            "optional",
            "merge",
            "preserve_properties",
            "exclude",
            "ignore_globs",
        ];
        if let Some(key) = entry.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(ApplyError::Unexpected(format!(
                "`{key}` is not a key of `config_files`"
            )));
        }
        Ok(Entry {
            source: text(entry, "source")?.to_owned(),
            dest: text(entry, "dest")?.to_owned(),
            owner: entry
                .get("owner")
                .and_then(Value::as_str)
                .map(str::to_owned),
            perm: entry.get("perm").cloned(),
            optional: truthy(entry.get("optional")),
            merge: truthy(entry.get("merge")),
            preserve_properties: truthy(entry.get("preserve_properties")),
            exclude: patterns(entry)?,
            ignore_globs: truthy(entry.get("ignore_globs")),
        })
    }

    /// Returns an entry that copies one path to another with all its properties.
    pub(super) fn exact(source: String, dest: String) -> Entry {
        Entry {
            source,
            dest,
            owner: None,
            perm: None,
            optional: false,
            merge: false,
            preserve_properties: true,
            exclude: Vec::new(),
            ignore_globs: true,
        }
    }
}

/// The compiled expressions of `exclude`.
pub(super) fn patterns(entry: &Map<String, Value>) -> Result<Vec<Regex>, ApplyError> {
    let compile = |pattern: String| {
        crate::exclude::pattern(&pattern).map_err(|error| {
            ApplyError::Unexpected(format!(
                "exclude: `{pattern}` is not a regular expression: {error}"
            ))
        })
    };
    texts(entry, "exclude")?.into_iter().map(compile).collect()
}
