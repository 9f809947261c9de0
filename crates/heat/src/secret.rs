//! The values of hidden parameters, which no error tells.

use std::collections::BTreeSet;

use serde_json::Value;

/// What stands where a secret stood.
const MASK: &str = "***";
/// Shorter ones are not masked: they would take half of every text with them.
const SHORTEST: usize = 4;

/// Texts that are not to be shown.
#[derive(Default)]
pub(crate) struct Secrets(BTreeSet<String>);

impl Secrets {
    /// Adds what is in a value.
    pub(crate) fn add(&mut self, value: &Value) {
        match value {
            Value::String(text) if text.len() >= SHORTEST => {
                self.0.insert(text.clone());
            }
            Value::Number(number) => self.add(&Value::String(number.to_string())),
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(map) => map.values().for_each(|item| self.add(item)),
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }

    /// Takes them out of a text.
    pub(crate) fn mask(&self, text: &mut String) {
        let mut found: Vec<_> = self
            .0
            .iter()
            .filter(|secret| text.contains(secret.as_str()))
            .collect();
        // One may be part of another.
        found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        for secret in found {
            *text = text.replace(secret.as_str(), MASK);
        }
    }
}
