//! A document as it is written: maps are lists of entries until something wants to look up in them,
//! which most maps of a template never are.

use std::collections::HashSet;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::budget::{self, Budget};
use crate::error::Problem;

/// A value, in which what is neither list nor map is one of JSON's.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Scalar(Value),
    List(Vec<Node>),
    Map(Entries),
}

/// A map's entries, as they are written; each key is there once.
pub(crate) type Entries = Vec<(String, Node)>;

/// How many keys are compared with one another rather than put into a set.
const FEW: usize = 8;

impl Node {
    /// The value for what looks up in it.
    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Scalar(value) => value,
            Self::List(items) => Value::Array(items.into_iter().map(Self::into_value).collect()),
            Self::Map(entries) => {
                let mut map = Map::with_capacity(entries.len());
                for (key, item) in entries {
                    map.insert(key, item.into_value());
                }
                Value::Object(map)
            }
        }
    }

    /// The text that it is, if it is one.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Scalar(value) => value.as_str(),
            _ => None,
        }
    }

    /// Whether it is null.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Scalar(Value::Null))
    }

    /// A copy, which counts.
    pub(super) fn copy(&self, copies: &Budget) -> Result<Self, Problem> {
        copies.spend(self.weight())?;
        Ok(self.clone())
    }

    /// What its value takes.
    fn weight(&self) -> usize {
        match self {
            Self::Scalar(value) => budget::weight(value),
            Self::List(items) => size_of::<Value>() + items.iter().map(Self::weight).sum::<usize>(),
            Self::Map(entries) => {
                let entries = entries.iter();
                let weights = entries.map(|(key, item)| budget::key_weight(key) + item.weight());
                size_of::<Value>() + weights.sum::<usize>()
            }
        }
    }
}

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        match value {
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Object(map) => {
                let entries = map.into_iter();
                Self::Map(entries.map(|(key, item)| (key, item.into())).collect())
            }
            other => Self::Scalar(other),
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

fn repeats(entries: &[(String, Node)]) -> bool {
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
