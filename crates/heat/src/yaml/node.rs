//! A document as it is written: maps are lists of entries until something wants to look up in them,
//! which most maps of a template never are.

use std::collections::HashSet;

use compact_str::CompactString;
use indexmap::IndexMap;
use serde_json::{Map, Number, Value};

use crate::budget::{self, Budget};
use crate::error::Problem;

/// A value, which takes less than half of what one of JSON's does.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    Number(Number),
    Text(CompactString),
    List(Vec<Node>),
    Map(Entries),
}

/// A map's entries, as they are written; each key is there once.
pub(crate) type Entries = Vec<(CompactString, Node)>;

/// How many keys are compared with one another rather than put into a set.
const FEW: usize = 8;

impl Node {
    /// The value for what looks up in it.
    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(number) => Value::Number(number),
            Self::Text(text) => Value::String(text.into()),
            Self::List(items) => Value::Array(items.into_iter().map(Self::into_value).collect()),
            Self::Map(entries) => {
                let mut map = Map::with_capacity(entries.len());
                for (key, item) in entries {
                    map.insert(key.into(), item.into_value());
                }
                Value::Object(map)
            }
        }
    }

    /// The text that it is, if it is one.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is null.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// A copy, which counts.
    pub(super) fn copy(&self, copies: &Budget) -> Result<Self, Problem> {
        copies.spend(self.weight())?;
        Ok(self.clone())
    }

    /// What its value takes.
    fn weight(&self) -> usize {
        let inside = match self {
            Self::Null | Self::Bool(_) | Self::Number(_) => 0,
            Self::Text(text) => text.len(),
            Self::List(items) => items.iter().map(Self::weight).sum(),
            Self::Map(entries) => {
                let entries = entries.iter();
                let weights = entries.map(|(key, item)| budget::key_weight(key) + item.weight());
                weights.sum()
            }
        };
        size_of::<Value>() + inside
    }
}

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(number) => Self::Number(number),
            Value::String(text) => Self::Text(text.into()),
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Object(map) => {
                let entries = map.into_iter();
                Self::Map(
                    entries
                        .map(|(key, item)| (key.into(), item.into()))
                        .collect(),
                )
            }
        }
    }
}

/// Takes an entry out, if it is there; the order of the others is lost.
pub(crate) fn take(entries: &mut Entries, name: &str) -> Option<Node> {
    let index = entries.iter().position(|(key, _)| key == name)?;
    Some(entries.swap_remove(index).1)
}

/// Each key once, where it was first, with what it was given last.
pub(super) fn unique(entries: Entries) -> Entries {
    if !repeats(&entries) {
        return entries;
    }
    let once: IndexMap<_, _, foldhash::fast::RandomState> = entries.into_iter().collect();
    once.into_iter().collect()
}

fn repeats(entries: &[(CompactString, Node)]) -> bool {
    if entries.len() <= FEW {
        let mut rest = entries;
        while let [(key, _), others @ ..] = rest {
            if others.iter().any(|(other, _)| other == key) {
                return true;
            }
            rest = others;
        }
        return false;
    }
    let mut known =
        HashSet::with_capacity_and_hasher(entries.len(), foldhash::fast::RandomState::default());
    entries.iter().any(|(key, _)| !known.insert(key.as_str()))
}
