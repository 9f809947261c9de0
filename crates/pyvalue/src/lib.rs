//! Python's semantics of values, for every kind of value that Slipway has.
//!
//! The tools that Slipway replaces are written in Python, and what they write depends on it: which
//! values count as false, how a list is printed, how `json.dumps` escapes, how `"%5.1f"` rounds.
//! This crate is the one home of these rules. A kind of value takes part by implementing
//! [`PyValue`]; `serde_json::Value` does here, the values of templates and of YAQL do in their own
//! crates.
//!
//! ```
//! use serde_json::json;
//! use slipway_pyvalue as py;
//!
//! let value = json!({"name": "it's", "ports": [80, 1.0, null]});
//! assert!(py::truth(&value));
//! assert_eq!(py::str(&value), r#"{'name': "it's", 'ports': [80, 1.0, None]}"#);
//! assert_eq!(py::json::dumps(&value), r#"{"name": "it's", "ports": [80, 1.0, null]}"#);
//! assert_eq!(py::percent::format("%-4s|%05.1f", &[json!("a"), json!(2.25)], 100), Ok("a   |002.2".to_owned()));
//! ```
//!
//! Limits: integers have 128 bits. Nothing here bounds how deep values nest: [`repr`](fn@repr) and
//! [`json`] recurse, so a caller that takes values from outside checks their depth first. Formats
//! are bounded by the number of bytes that the caller allows.

pub mod compare;
pub mod format;
pub mod json;
mod json_value;
pub mod number;
pub mod percent;
pub mod repr;
mod spec;
pub mod text;

use std::borrow::Cow;

pub use compare::{Equal, equal};
pub use json_value::{float, from_json, number};
pub use repr::{repr, str};
pub use spec::FormatError;

/// A value that Python's rules apply to.
pub trait PyValue: Clone {
    /// Returns the value as Python sees it.
    fn view(&self) -> View<'_, Self>;

    /// Returns true for a string that is `Markup`, which its `repr` says.
    fn is_markup(&self) -> bool {
        false
    }

    /// Returns the item of a dictionary under a string key, for `%(key)s` and `{0[key]}`.
    fn item(&self, key: &str) -> Option<Self>;
}

/// The items of a sequence.
pub type Items<'a, V> = Box<dyn Iterator<Item = Cow<'a, V>> + 'a>;

/// The entries of a dictionary.
pub type Entries<'a, V> = Box<dyn Iterator<Item = (Key<'a, V>, Cow<'a, V>)> + 'a>;

/// A value as Python sees it.
pub enum View<'a, V: Clone> {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An `int`.
    Int(i128),
    /// A `float`.
    Float(f64),
    /// A `str`.
    Str(&'a str),
    /// A list, tuple or other collection without keys.
    Sequence(Sequence, Items<'a, V>),
    /// A `dict`.
    Dict(Entries<'a, V>),
    /// Any other object, by its `repr`.
    Object(Cow<'a, str>),
    /// Jinja2's undefined value: an empty string, and `Undefined` inside of collections.
    Missing,
}

/// The key of a dictionary's entry.
pub enum Key<'a, V: Clone> {
    /// A string.
    Str(&'a str),
    /// Any other value.
    Value(Cow<'a, V>),
}

/// The types of collections without keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sequence {
    /// `[1, 2]`
    List,
    /// `(1, 2)`
    Tuple,
    /// `{1, 2}`
    Set,
    /// `frozenset({1, 2})`
    FrozenSet,
    /// `dict_keys([1, 2])`
    DictKeys,
    /// `dict_values([1, 2])`
    DictValues,
    /// `dict_items([(1, 2)])`
    DictItems,
}

/// Returns `bool(value)`.
pub fn truth<V: PyValue>(value: &V) -> bool {
    match value.view() {
        View::None => false,
        View::Bool(value) => value,
        View::Int(number) => number != 0,
        View::Float(number) => number != 0.0,
        View::Str(text) => !text.is_empty(),
        View::Sequence(_, mut items) => items.next().is_some(),
        View::Dict(mut entries) => entries.next().is_some(),
        View::Object(_) => true,
        View::Missing => false,
    }
}

/// Returns Python's name of a value's type.
pub fn type_name<V: PyValue>(value: &V) -> &'static str {
    match value.view() {
        View::None => "NoneType",
        View::Bool(_) => "bool",
        View::Int(_) => "int",
        View::Float(_) => "float",
        View::Str(_) => "str",
        View::Sequence(sequence, _) => match sequence {
            Sequence::List => "list",
            Sequence::Tuple => "tuple",
            Sequence::Set => "set",
            Sequence::FrozenSet => "frozenset",
            Sequence::DictKeys => "dict_keys",
            Sequence::DictValues => "dict_values",
            Sequence::DictItems => "dict_items",
        },
        View::Dict(_) => "dict",
        View::Object(_) => "object",
        View::Missing => "Undefined",
    }
}
