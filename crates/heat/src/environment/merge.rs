//! Merging the values of one parameter from several environment files.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use slipway_suggest::did_you_mean;

use super::ByName;
use crate::error::{Error, Problem, Result};

/// The rule for a value when a later file has another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// The last wins.
    #[default]
    Overwrite,
    /// As TripleO's client merges files: maps are merged recursively; otherwise the last wins.
    Client,
    /// Maps and lists are merged.
    Merge,
    /// Maps and lists are merged recursively, with the strings in maps.
    DeepMerge,
}

const STRATEGIES: [&str; 3] = ["overwrite", "merge", "deep_merge"];

impl Strategy {
    fn parse(value: &Value) -> Result<Self, Problem> {
        let text = value.as_str().unwrap_or_default();
        Ok(match text {
            "overwrite" => Self::Overwrite,
            "merge" => Self::Merge,
            "deep_merge" => Self::DeepMerge,
            _ => {
                let hint = did_you_mean(text, STRATEGIES);
                let known = STRATEGIES.join(", ");
                let reason = format!("there is no such strategy{hint}; known are {known}");
                return Err(Problem::Declaration(reason));
            }
        })
    }
}

/// The merge strategies of parameters that files name or imply.
#[derive(Debug, Clone, Default)]
pub(super) struct Strategies {
    /// The strategy of parameters that no file names one for.
    pub(super) standard: Strategy,
    known: HashMap<String, Strategy>,
}

/// The merge strategies that one file names.
#[derive(Default)]
pub(super) struct Said(HashMap<String, Strategy>);

impl Said {
    pub(super) fn of(section: &Map<String, Value>) -> Result<Self> {
        let said = section.iter().map(|(name, value)| {
            let strategy = Strategy::parse(value);
            let strategy = strategy.map_err(|problem| Error::from(problem).at(name))?;
            Ok((name.clone(), strategy))
        });
        said.collect::<Result<_>>().map(Self)
    }
}

impl Strategies {
    /// Returns the strategy that merges this file's value of a parameter with those before it.
    fn of(&mut self, name: &str, said: &Said) -> Result<Strategy, Problem> {
        let before = self.known.get(name).copied();
        let here = said.0.get(name).copied().or(before);
        let here = here.or_else(|| said.0.get("default").copied());
        let here = here.unwrap_or(self.standard);
        match before {
            Some(before) if before != here => Err(Problem::Declaration(
                "a file before this one gives it with another strategy: name the strategy in the \
                 first file that gives it"
                    .to_owned(),
            )),
            Some(_) => Ok(here),
            None => {
                self.known.insert(name.to_owned(), here);
                Ok(here)
            }
        }
    }

    /// Adds a file's values to those of the files before it.
    pub(super) fn merge(
        &mut self,
        into: &mut ByName<Arc<Value>>,
        section: Map<String, Value>,
        said: &Said,
    ) -> Result<()> {
        for (name, value) in section {
            let wrong = |problem: Problem| Error::from(problem).at(&name);
            let strategy = match value.is_null() {
                // It has an effect only in a client.
                true if self.standard != Strategy::Client && into.contains_key(&name) => continue,
                true => self.standard,
                false => self.of(&name, said).map_err(wrong)?,
            };
            let merged = match into.remove(&name) {
                None => value,
                Some(before) => {
                    both(Arc::unwrap_or_clone(before), value, strategy).map_err(wrong)?
                }
            };
            into.insert(name, Arc::new(merged));
        }
        Ok(())
    }
}

/// Merges a parameter's values of two files.
fn both(old: Value, new: Value, strategy: Strategy) -> Result<Value, Problem> {
    if strategy == Strategy::Overwrite {
        return Ok(new);
    }
    Ok(match (old, new) {
        (old @ Value::Object(_), Value::Null) => old,
        // An empty value has no effect.
        (Value::Object(old), new @ Value::Object(_))
            if old.is_empty() && strategy != Strategy::Client =>
        {
            new
        }
        (Value::Object(old), Value::Object(new)) => Value::Object(maps(old, new, strategy)?),
        (old, Value::Object(new)) if new.is_empty() && !old.is_null() => old,
        (_, new) if strategy == Strategy::Client => new,
        (Value::Null, new) => new,
        (Value::Array(old), Value::Array(new)) => Value::Array([old, new].concat()),
        _ => {
            let reason = "only maps, and lists, can be merged: give it as one of them in each file";
            return Err(Problem::Declaration(reason.to_owned()));
        }
    })
}

fn maps(
    mut old: Map<String, Value>,
    new: Map<String, Value>,
    strategy: Strategy,
) -> Result<Map<String, Value>, Problem> {
    for (key, value) in new {
        let before = match strategy {
            Strategy::Client | Strategy::DeepMerge => old.get_mut(&key).map(Value::take),
            Strategy::Overwrite | Strategy::Merge => None,
        };
        let value = match (before, value) {
            (Some(before), value) if strategy == Strategy::Client => both(before, value, strategy)?,
            (Some(before), Value::Null) => before,
            (Some(before), value) if is_empty(&before) => value,
            (Some(Value::String(before)), Value::String(value)) => Value::String(before + &value),
            (Some(before), value @ (Value::Object(_) | Value::Array(_))) => {
                both(before, value, strategy)?
            }
            (None, Value::Null) if strategy != Strategy::Client => continue,
            (_, value) => value,
        };
        old.insert(key, value);
    }
    Ok(old)
}

/// Returns whether a value counts as empty in a merge.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Bool(true) => false,
    }
}
