//! Dictionaries, and what `keys`, `values` and `items` return.

use std::sync::{Arc, MutexGuard};

use indexmap::IndexMap;
use minijinja::value::{Enumerator, Object, ObjectRepr, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};
use slipway_pyvalue::Sequence;

use super::{Shared, dict, drop_all, invalid, iterate, must_not_hold, render, tuple};
use crate::arguments::bind;
use crate::bounds;
use crate::methods::DictMethod;

/// A dictionary as Python has it: one object, however many names it has.
#[derive(Debug, Default)]
pub struct Dict(Shared<IndexMap<Value, Value>>);

impl Dict {
    /// Returns a dictionary of these entries.
    pub fn new(entries: IndexMap<Value, Value>) -> Self {
        Dict(Shared::new(entries))
    }

    /// Returns the entries, for reading or changing.
    pub fn entries(&self) -> MutexGuard<'_, IndexMap<Value, Value>> {
        self.0.lock()
    }

    fn insert(&self, state: &State<'_, '_>, key: Value, value: Value) -> Result<(), Error> {
        check_key(state, &key)?;
        must_not_hold(state, &value, self, "a dictionary")?;
        self.entries().insert(key, value);
        Ok(())
    }

    /// Adds the entries of mappings or pairs, and those of keyword arguments.
    fn update(&self, state: &State<'_, '_>, args: &[Value]) -> Result<(), Error> {
        let (positional, named) = crate::arguments::split(args);
        for value in positional {
            for (key, value) in pairs(state, value)? {
                self.insert(state, key, value)?;
            }
        }
        for (key, value) in named {
            self.insert(state, Value::from(key), value)?;
        }
        Ok(())
    }
}

/// Refuses keys that can change.
pub(crate) fn check_key(state: &State<'_, '_>, key: &Value) -> Result<(), Error> {
    bounds::visit(state, key, &|part| {
        let is_fixed = part.is_tuple() || !matches!(part.kind(), ValueKind::Seq | ValueKind::Map);
        match is_fixed {
            true => Ok(()),
            false => Err(invalid(format!(
                "unhashable type: '{}'",
                super::type_name(part)
            ))),
        }
    })
}

/// Returns the entries of a mapping.
pub(crate) fn entries_of(
    state: &State<'_, '_>,
    mapping: &Value,
) -> Result<Vec<(Value, Value)>, Error> {
    let keys = bounds::items(state, mapping)?.into_iter();
    keys.map(|key| Ok((key.clone(), mapping.get_item(&key)?)))
        .collect()
}

/// Returns the entries that `dict(…)` and `update` take: of a mapping, or of pairs.
pub(crate) fn pairs(state: &State<'_, '_>, value: &Value) -> Result<Vec<(Value, Value)>, Error> {
    if value.kind() == ValueKind::Map {
        return entries_of(state, value);
    }
    let mut pairs = Vec::new();
    for pair in iterate(state, value)? {
        match &iterate(state, &pair)?[..] {
            [key, value] => pairs.push((key.clone(), value.clone())),
            _ => return Err(invalid("a dictionary is made of pairs")),
        }
    }
    Ok(pairs)
}

impl Object for Dict {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.entries().get(key).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.entries().keys().cloned().collect())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.entries().len())
    }

    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        render(&Value::from_dyn_object(Arc::clone(self)), f)
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let missing = || invalid(format!("{method} needs a key"));
        let kind = DictMethod::by_name(method).ok_or(ErrorKind::UnknownMethod)?;
        match kind {
            DictMethod::Update => {
                self.update(state, args)?;
                Ok(Value::from(()))
            }
            DictMethod::Pop => {
                let [key, default] = bind(method, args, ["key", "default"])?;
                let key = key.ok_or_else(missing)?;
                bounds::searches(state, 1, self.entries().len())?;
                let found = self.entries().shift_remove(&key).or(default);
                let text = bounds::text(state, &key)?;
                found.ok_or_else(|| invalid(format!("there is no key {text}")))
            }
            DictMethod::Popitem => {
                let last = self.entries().pop();
                let (key, value) = last.ok_or_else(|| invalid("the dictionary is empty"))?;
                Ok(tuple(vec![key, value]))
            }
            DictMethod::Setdefault => {
                let [key, default] = bind(method, args, ["key", "default"])?;
                let key = key.ok_or_else(missing)?;
                let known = self.entries().get(&key).cloned();
                if let Some(known) = known {
                    return Ok(known);
                }
                let default = default.unwrap_or(Value::from(()));
                self.insert(state, key, default.clone())?;
                Ok(default)
            }
            DictMethod::Clear => {
                self.entries().clear();
                Ok(Value::from(()))
            }
            DictMethod::Get
            | DictMethod::Keys
            | DictMethod::Values
            | DictMethod::Items
            | DictMethod::Copy => {
                let entries = self.entries().clone();
                state.consume_fuel(entries.len() as u64)?;
                read(&entries, method, args)
            }
        }
    }
}

/// Calls a method that changes nothing.
fn read(entries: &IndexMap<Value, Value>, method: &str, args: &[Value]) -> Result<Value, Error> {
    let view = |kind, items: Vec<Value>| Ok(Value::from_object(DictView { kind, items }));
    match DictMethod::by_name(method) {
        Some(DictMethod::Get) => {
            let [key, default] = bind(method, args, ["key", "default"])?;
            let key = key.ok_or_else(|| invalid("get needs a key"))?;
            let default = || default.unwrap_or(Value::from(()));
            Ok(entries.get(&key).cloned().unwrap_or_else(default))
        }
        Some(DictMethod::Keys) => view(Sequence::DictKeys, entries.keys().cloned().collect()),
        Some(DictMethod::Values) => view(Sequence::DictValues, entries.values().cloned().collect()),
        Some(DictMethod::Items) => {
            let pairs = entries
                .iter()
                .map(|(key, value)| tuple(vec![key.clone(), value.clone()]));
            view(Sequence::DictItems, pairs.collect())
        }
        Some(DictMethod::Copy) => Ok(dict(entries.clone())),
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

/// Calls a method of a mapping other than a [`Dict`], which cannot change.
pub(crate) fn of_mapping(
    state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    let entries: IndexMap<Value, Value> = pairs(state, value)?.into_iter().collect();
    read(&entries, method, args)
}

/// Returns `dict(…)`.
pub(crate) fn new(state: &State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let made = Dict::default();
    made.update(state, args)?;
    Ok(Value::from_object(made))
}

impl Drop for Dict {
    fn drop(&mut self) {
        let entries = std::mem::take(&mut *self.entries());
        drop_all(
            entries
                .into_iter()
                .flat_map(|(key, value)| [key, value])
                .collect(),
        );
    }
}

/// The keys, values or items of a dictionary.
#[derive(Debug)]
pub(crate) struct DictView {
    pub kind: Sequence,
    items: Vec<Value>,
}

impl Object for DictView {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let view = Arc::clone(self);
        let items = (0..view.items.len()).map(move |at| view.items[at].clone());
        Enumerator::Iter(Box::new(items))
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.items.len())
    }

    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        render(&Value::from_dyn_object(Arc::clone(self)), f)
    }
}
