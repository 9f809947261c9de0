//! `map_merge` and `map_replace`.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::wants;
use crate::budget::Budget;
use crate::error::{Problem, Result};
use crate::expression::{Expression, evaluate_into};
use crate::kind::kind_of;
use crate::stack::Stack;
use slipway_pyvalue as py;

/// Merges maps in their order: the last one wins.
pub(super) fn merge(argument: &Expression, stack: &Stack<'_>) -> Result<Value> {
    let budget = stack.budget();
    let mut merged = Map::new();
    if let Expression::List(maps) = argument {
        for (index, map) in maps.iter().enumerate() {
            let step = |error: crate::Error| error.at(format_args!("[{index}]"));
            if let Expression::Map(entries) = map {
                evaluate_into(&mut merged, entries, stack).map_err(step)?;
            } else if let Some(map) = map.evaluate_item(stack).map_err(step)? {
                take(&mut merged, map, budget).map_err(|problem| step(problem.into()))?;
            }
        }
        return Ok(Value::Object(merged));
    }
    match argument.evaluate(stack)? {
        Cow::Borrowed(Value::Array(maps)) => {
            for map in maps {
                take(&mut merged, Cow::Borrowed(map), budget)?;
            }
        }
        Cow::Owned(Value::Array(maps)) => {
            for map in maps {
                take(&mut merged, Cow::Owned(map), budget)?;
            }
        }
        Cow::Borrowed(Value::String(text)) if text.is_empty() => {}
        Cow::Owned(Value::String(text)) if text.is_empty() => {}
        _ => return Err(wants("a list of maps").into()),
    }
    Ok(Value::Object(merged))
}

fn take(
    merged: &mut Map<String, Value>,
    map: Cow<'_, Value>,
    budget: &Budget,
) -> Result<(), Problem> {
    match map {
        Cow::Owned(Value::Object(map)) => {
            if merged.is_empty() {
                *merged = map;
            } else {
                merged.extend(map);
            }
        }
        Cow::Borrowed(Value::Object(map)) if merged.is_empty() => *merged = budget.copy_map(map)?,
        Cow::Borrowed(Value::Object(map)) => {
            for (key, value) in map {
                merged.insert(key.clone(), budget.copy(value)?);
            }
        }
        Cow::Borrowed(Value::Null) | Cow::Owned(Value::Null) => {}
        other => {
            return Err(wants(&format!("maps to merge, not {}", kind_of(&other))));
        }
    }
    Ok(())
}

/// `[MAP, {keys: {OLD: NEW}, values: {OLD: NEW}}]`.
pub(super) fn replace(arguments: Value, budget: &Budget) -> Result<Value> {
    const SHAPE: &str = "a map, and a map of the keys and values to replace, in a list";
    let Value::Array(arguments) = arguments else {
        return Err(wants(SHAPE).into());
    };
    let [map, replacements] = <[Value; 2]>::try_from(arguments).map_err(|_| wants(SHAPE))?;
    let map = map_or_nothing(map)?;
    let mut replacements = map_or_nothing(replacements)?;
    let keys = map_or_nothing(replacements.remove("keys").unwrap_or_default())?;
    let values = map_or_nothing(replacements.remove("values").unwrap_or_default())?;
    if let Some(other) = replacements.keys().next() {
        return Err(wants(&format!("keys and values to replace, not {other}")).into());
    }
    let mut replaced = Map::with_capacity(map.len());
    for (key, value) in &map {
        let new_key = match keys.get(key) {
            None | Some(Value::Null) => key.clone(),
            Some(new) => {
                let new = key_text(new)?;
                if (map.contains_key(&new) && new != *key) || replaced.contains_key(&new) {
                    return Err(Problem::Function(format!(
                        "the key {key} would become {new}, which is there already"
                    ))
                    .into());
                }
                new
            }
        };
        replaced.insert(new_key, replaced_value(value, &values, budget)?);
    }
    Ok(Value::Object(replaced))
}

fn replaced_value(
    value: &Value,
    values: &Map<String, Value>,
    budget: &Budget,
) -> Result<Value, Problem> {
    let found = value.as_str().and_then(|text| values.get(text));
    budget.copy(found.unwrap_or(value))
}

fn key_text(value: &Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Array(_) | Value::Object(_) => Err(wants("strings as keys").into()),
        other => Ok(py::json::dumps(other)),
    }
}

fn map_or_nothing(value: Value) -> Result<Map<String, Value>> {
    match value {
        Value::Null => Ok(Map::new()),
        Value::Object(map) => Ok(map),
        other => Err(wants(&format!("maps, not {}", kind_of(&other))).into()),
    }
}
