//! Strings as Python writes and reads them.

use std::borrow::Cow;

use slipway_pyvalue::{self as py, PyValue, Sequence, repr};

use super::error::{Error, Result};
use super::machine::Machine;
use super::value::{Value, View, whole};

/// Returns `str(value)` as YAQL does: null, true and false are written as in YAQL.
pub(super) fn text(value: &Value, machine: &Machine) -> Result<String> {
    Ok(match value {
        Value::Null => "null".to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Str(text) => {
            machine.spend(text.len())?;
            text.to_string()
        }
        _ => {
            machine.spend(value.size().saturating_mul(4))?;
            let mut out = String::new();
            represent(value, &mut out)?;
            out
        }
    })
}

/// Writes Python's `repr`. Iterators and contexts have none here.
fn represent(value: &Value, out: &mut String) -> Result<()> {
    check_text(value)?;
    // Writing to a string does not fail.
    let _ = repr::write_repr(out, value);
    Ok(())
}

/// Refuses values without a `repr`, and those that hold one.
fn check_text(value: &Value) -> Result<()> {
    match value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => Ok(()),
        Value::List(list) => list.items.iter().try_for_each(check_text),
        Value::Map(map) | Value::View(map, _) => map
            .entries
            .iter()
            .try_for_each(|(key, value)| check_text(key).and_then(|()| check_text(value))),
        Value::Set(set) => set.items.iter().try_for_each(check_text),
        Value::Iter(_)
        | Value::Memory(_)
        | Value::Ordering(_)
        | Value::Regex(_)
        | Value::Context(_)
        | Value::Rule(_) => Err(Error::new(format!("{} has no text", value.kind()))),
    }
}

impl PyValue for Value {
    fn view(&self) -> py::View<'_, Self> {
        match self {
            Value::Null => py::View::None,
            Value::Bool(value) => py::View::Bool(*value),
            Value::Int(number) => py::View::Int(*number),
            Value::Float(number) => py::View::Float(*number),
            Value::Str(text) => py::View::Str(text),
            Value::List(list) => {
                let kind = if list.fixed {
                    Sequence::Tuple
                } else {
                    Sequence::List
                };
                py::View::Sequence(kind, borrowed(list.items.iter()))
            }
            Value::Map(map) => {
                let entry =
                    |(key, value)| (py::Key::Value(Cow::Borrowed(key)), Cow::Borrowed(value));
                py::View::Dict(Box::new(map.entries.iter().map(entry)))
            }
            Value::Set(set) => py::View::Sequence(Sequence::FrozenSet, borrowed(set.items.iter())),
            Value::View(map, view) if map.fixed => {
                let name = match view {
                    View::Keys => "KeysView",
                    View::Values => "ValuesView",
                    View::Items => "ItemsView",
                };
                let map = py::repr(&Value::Map(map.clone()));
                py::View::Object(format!("{name}({map})").into())
            }
            Value::View(map, View::Keys) => {
                py::View::Sequence(Sequence::DictKeys, borrowed(map.entries.keys()))
            }
            Value::View(map, View::Values) => {
                py::View::Sequence(Sequence::DictValues, borrowed(map.entries.values()))
            }
            Value::View(map, View::Items) => {
                let items = map.entries.iter();
                let pairs =
                    items.map(|(key, value)| Value::tuple(vec![key.clone(), value.clone()]));
                let pairs = pairs.filter_map(Result::ok).map(Cow::Owned);
                py::View::Sequence(Sequence::DictItems, Box::new(pairs))
            }
            Value::Iter(_)
            | Value::Memory(_)
            | Value::Ordering(_)
            | Value::Regex(_)
            | Value::Context(_)
            | Value::Rule(_) => py::View::Object(self.kind().into()),
        }
    }

    fn item(&self, key: &str) -> Option<Self> {
        match self {
            Value::Map(map) => map.entries.get(&Value::str(key)).cloned(),
            _ => None,
        }
    }
}

fn borrowed<'a>(items: impl Iterator<Item = &'a Value> + 'a) -> py::Items<'a, Value> {
    Box::new(items.map(Cow::Borrowed))
}

/// Returns `int(text)`.
pub(super) fn parse_int(text: &str) -> Result<i128> {
    py::number::int(text).ok_or_else(|| Error::new("the string is no integer"))
}

/// Returns `float(text)`.
pub(super) fn parse_float(text: &str) -> Result<f64> {
    py::number::float(text).ok_or_else(|| Error::new("the string is no number"))
}

/// Returns the bounds of `[start:stop]` in something of this length.
pub(super) fn slice(start: i128, stop: i128, length: usize) -> (usize, usize) {
    let start = py::number::bound(start, length);
    (start, py::number::bound(stop, length).max(start))
}

/// `float(int)`, which cannot fail for what an `i128` holds.
#[expect(clippy::cast_precision_loss, reason = "that is what Python does")]
pub(super) fn real(number: i128) -> f64 {
    number as f64
}

/// `int(float)`: towards zero.
pub(super) fn truncate(number: f64) -> Result<i128> {
    whole(number.trunc()).ok_or_else(|| Error::new("the number is too large for an integer"))
}
