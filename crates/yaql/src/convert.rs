//! Conversions between JSON and YAQL's values.

use indexmap::IndexMap;
use serde_json::{Map, Number};

use super::error::{Error, Result};
use super::iterate::items;
use super::machine::Machine;
use super::value::{Value, View};

/// Converts data to immutable values.
pub(super) fn value(data: &serde_json::Value, machine: &Machine) -> Result<Value> {
    let _level = machine.deeper()?;
    machine.spend(1)?;
    Ok(match data {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(number) => match (number.as_i128(), number.as_f64()) {
            (Some(number), _) => Value::Int(number),
            (None, number) => Value::Float(number.unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::str(text.as_str()),
        serde_json::Value::Array(items) => Value::tuple(
            items
                .iter()
                .map(|item| value(item, machine))
                .collect::<Result<_>>()?,
        )?,
        serde_json::Value::Object(entries) => {
            let entries = entries
                .iter()
                .map(|(key, item)| Ok((Value::str(key.as_str()), value(item, machine)?)));
            Value::map(entries.collect::<Result<IndexMap<_, _>>>()?, true)?
        }
    })
}

/// Converts a result to data: iterators are read to their end, sets become lists in the order of their
/// members' creation, and keys become JSON's strings.
pub(super) fn data(value: &Value, machine: &Machine) -> Result<serde_json::Value> {
    let _level = machine.deeper()?;
    machine.spend(1)?;
    Ok(match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => serde_json::Value::Bool(*value),
        Value::Int(number) => Number::from_i128(*number)
            .map(serde_json::Value::Number)
            .ok_or_else(too_large)?,
        Value::Float(number) => Number::from_f64(*number)
            .map(serde_json::Value::Number)
            .ok_or_else(too_large)?,
        Value::Str(text) => {
            machine.spend(text.len())?;
            serde_json::Value::String(text.to_string())
        }
        Value::Map(map) => {
            let entries = map
                .entries
                .iter()
                .map(|(name, value)| Ok((key(name)?, data(value, machine)?)));
            serde_json::Value::Object(entries.collect::<Result<Map<_, _>>>()?)
        }
        Value::Set(_) | Value::View(_, View::Keys | View::Items) => list(value, machine, true)?,
        Value::List(_)
        | Value::View(..)
        | Value::Iter(_)
        | Value::Memory(_)
        | Value::Ordering(_) => list(value, machine, false)?,
        Value::Regex(_) | Value::Context(_) | Value::Rule(_) => {
            return Err(Error::new(format!(
                "the expression's result is {}, which is no data",
                value.kind()
            )));
        }
    })
}

fn list(value: &Value, machine: &Machine, set: bool) -> Result<serde_json::Value> {
    let items = items(&super::iterate::limited(value.clone(), machine)?, machine)?;
    if set && items.iter().any(|item| !is_plain(item)) {
        return Err(Error::new(
            "the expression's result is a set of lists or maps; `list` or `toList` makes it a list",
        ));
    }
    items
        .iter()
        .map(|item| data(item, machine))
        .collect::<Result<_>>()
        .map(serde_json::Value::Array)
}

/// Returns whether a value can be a member of a set after its conversion to data.
fn is_plain(value: &Value) -> bool {
    matches!(
        value,
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_)
    )
}

fn key(value: &Value) -> Result<String> {
    Ok(match value {
        Value::Str(text) => text.to_string(),
        Value::Null => "null".to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => slipway_pyvalue::repr::float(*number),
        _ => {
            return Err(Error::new(format!(
                "{} cannot be a key of the expression's result",
                value.kind()
            )));
        }
    })
}

fn too_large() -> Error {
    Error::new("the expression's result has a number that is too large")
}
