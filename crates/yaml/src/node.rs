//! A document as it is written: a map is a list of its entries, because most maps are walked through
//! and never searched.

use std::collections::HashSet;

use compact_str::CompactString;
use indexmap::IndexMap;
use serde_json::{Map, Number, Value};

use crate::error::{Error, Position, Step};

/// A value and its position.
#[derive(Clone, Debug)]
pub struct Node {
    /// The position: of a map's value, that of its key.
    pub at: Position,
    /// The value.
    pub data: Data,
}

/// A value. It has half the size of a [`serde_json::Value`], because a document has many.
#[derive(Clone, Debug)]
pub enum Data {
    /// `null`, `~`, or nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    Text(CompactString),
    /// A list.
    List(Vec<Node>),
    /// A map.
    Map(Entries),
}

/// The entries of a map in order; each key occurs once.
pub type Entries = Vec<(CompactString, Node)>;

/// The most keys that are compared with each other; more are put into a set.
const FEW: usize = 8;

impl Node {
    /// Returns the value as JSON's.
    pub fn into_value(self) -> Value {
        match self.data {
            Data::Null => Value::Null,
            Data::Bool(value) => Value::Bool(value),
            Data::Number(number) => Value::Number(number),
            Data::Text(text) => Value::String(text.into()),
            Data::List(items) => Value::Array(items.into_iter().map(Self::into_value).collect()),
            Data::Map(entries) => {
                let mut map = Map::with_capacity(entries.len());
                for (key, item) in entries {
                    map.insert(key.into(), item.into_value());
                }
                Value::Object(map)
            }
        }
    }

    /// Returns the string that it is, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self.data, Data::Null)
    }

    /// Returns a map's value under a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.data {
            Data::Map(entries) => entries
                .iter()
                .find_map(|(name, value)| (name == key).then_some(value)),
            _ => None,
        }
    }

    /// Returns the position of the deepest part of a path that the document has; nothing if it has
    /// none of it.
    pub fn position_of(&self, path: &[Step]) -> Option<Position> {
        let mut node = self;
        let mut found = None;
        for step in path {
            let next = match (step, &node.data) {
                (Step::Key(key), _) => node.get(key),
                (Step::Item(index), Data::List(items)) => items.get(*index),
                (Step::Item(_), _) => None,
            };
            let Some(next) = next else {
                break;
            };
            found = Some(next.at);
            node = next;
        }
        found
    }

    /// Returns the number of bytes that its value takes.
    fn weight(&self) -> usize {
        let inside = match &self.data {
            Data::Null | Data::Bool(_) | Data::Number(_) => 0,
            Data::Text(text) => text.len(),
            Data::List(items) => items.iter().map(Self::weight).sum(),
            Data::Map(entries) => {
                let entries = entries.iter();
                let weights = entries.map(|(key, item)| ENTRY + key.len() + item.weight());
                weights.sum()
            }
        };
        size_of::<Value>() + inside
    }
}

/// Bytes that a map's entry takes besides its key's text and its value.
const ENTRY: usize = 40;

/// The number of bytes that may still be copied.
pub(crate) struct Weights(usize);

impl Weights {
    pub(crate) fn new(bytes: usize) -> Weights {
        Weights(bytes)
    }

    pub(crate) fn copy(&mut self, value: &Node) -> Result<Node, &'static str> {
        let remaining = self.0.checked_sub(value.weight());
        self.0 = remaining.ok_or("anchors and aliases make too large a value")?;
        Ok(value.clone())
    }
}

/// Removes and returns an entry. The order of the others changes.
pub fn take(entries: &mut Entries, name: &str) -> Option<Node> {
    let index = entries.iter().position(|(key, _)| key == name)?;
    Some(entries.swap_remove(index).1)
}

/// Returns each key once, where it was first, with its last value.
///
/// # Errors
/// A key is there twice, and that is to be refused.
pub(crate) fn unique(entries: Entries, refuse: bool) -> Result<Entries, Error> {
    match second(&entries) {
        None => Ok(entries),
        Some((key, node)) if refuse => Err(Error {
            position: Some(node.at),
            path: vec![Step::Key(key.to_string())],
            problem: crate::Problem::Syntax("duplicate key".to_owned()),
        }),
        Some(_) => {
            let once: IndexMap<_, _, foldhash::fast::RandomState> = entries.into_iter().collect();
            Ok(once.into_iter().collect())
        }
    }
}

/// Returns the first entry whose key was there before.
fn second(entries: &[(CompactString, Node)]) -> Option<&(CompactString, Node)> {
    if entries.len() <= FEW {
        let mut rest = entries.iter().enumerate();
        return rest.find_map(|(index, entry)| {
            let before = &entries[..index];
            let repeats = before.iter().any(|(key, _)| *key == entry.0);
            repeats.then_some(entry)
        });
    }
    let mut known =
        HashSet::with_capacity_and_hasher(entries.len(), foldhash::fast::RandomState::default());
    entries.iter().find(|(key, _)| !known.insert(key.as_str()))
}
