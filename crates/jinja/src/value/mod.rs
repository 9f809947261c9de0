//! Values as Python has them: lists and dictionaries that change in place, generators, ranges.

pub(crate) mod dict;
pub(crate) mod generator;
pub(crate) mod group;
pub(crate) mod list;
pub(crate) mod range;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::value::{Object, Tuple, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};
use slipway_pyvalue::{self as py, Entries, Key, PyValue, Sequence, View};

use crate::bounds;
use dict::{Dict, DictView};
use generator::Generator;
use group::Group;
use list::List;
use range::Range;

/// The content of a list or dictionary, which every name of it shares.
#[derive(Debug, Default)]
pub(crate) struct Shared<T>(Mutex<T>);

impl<T> Shared<T> {
    pub(crate) fn new(content: T) -> Self {
        Shared(Mutex::new(content))
    }

    /// Returns the content, for reading or changing. A panic of another thread does not matter: no
    /// change takes more than one step.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refuses an item that holds the collection it is added to: the collection's text would never end.
pub(crate) fn must_not_hold<T: Object + 'static>(
    state: &State<'_, '_>,
    item: &Value,
    collection: &T,
    name: &str,
) -> Result<(), Error> {
    bounds::visit(
        state,
        item,
        &|value| match value.downcast_object_ref::<T>() {
            Some(found) if std::ptr::eq(collection, found) => {
                Err(invalid(format!("{name} cannot hold itself")))
            }
            _ => Ok(()),
        },
    )
}

/// A value of a template as Python sees it.
#[derive(Clone, Debug)]
pub(crate) struct Py(pub Value);

impl PyValue for Py {
    fn view(&self) -> View<'_, Self> {
        let value = &self.0;
        match value.kind() {
            ValueKind::Undefined => View::Missing,
            ValueKind::None => View::None,
            ValueKind::Bool => View::Bool(value.is_true()),
            ValueKind::Number => match i128::try_from(value.clone()) {
                Ok(number) if value.is_integer() => View::Int(number),
                _ if value.is_integer() => View::Object(value.to_string().into()),
                _ => View::Float(f64::try_from(value.clone()).unwrap_or(f64::NAN)),
            },
            ValueKind::String => View::Str(value.as_str().unwrap_or_default()),
            ValueKind::Bytes => View::Object(bytes(value.as_bytes().unwrap_or_default()).into()),
            ValueKind::Map => View::Dict(entries(value)),
            ValueKind::Seq | ValueKind::Iterable => match opaque(value) {
                Some(text) => View::Object(text.into()),
                None => {
                    let items = value.try_iter().into_iter().flatten();
                    View::Sequence(
                        sequence(value),
                        Box::new(items.map(|item| Cow::Owned(Py(item)))),
                    )
                }
            },
            _ => View::Object(object(value).into()),
        }
    }

    fn is_markup(&self) -> bool {
        self.0.is_safe()
    }

    fn item(&self, key: &str) -> Option<Self> {
        let found = self.0.get_item(&Value::from(key)).ok()?;
        (!found.is_undefined()).then_some(Py(found))
    }
}

fn entries(value: &Value) -> Entries<'_, Py> {
    let keys = value.try_iter().into_iter().flatten();
    Box::new(keys.map(move |key| {
        let item = value.get_item(&key).unwrap_or_default();
        (Key::Value(Cow::Owned(Py(key))), Cow::Owned(Py(item)))
    }))
}

/// Returns the type of a collection.
fn sequence(value: &Value) -> Sequence {
    if value.is_tuple() || value.downcast_object_ref::<Group>().is_some() {
        return Sequence::Tuple;
    }
    match value.downcast_object_ref::<DictView>() {
        Some(view) => view.kind,
        None => Sequence::List,
    }
}

/// Returns the text of a collection that does not show its items.
fn opaque(value: &Value) -> Option<String> {
    if let Some(range) = value.downcast_object_ref::<Range>() {
        return Some(range.to_string());
    }
    let generator = value.downcast_object_ref::<Generator>()?;
    Some(format!("<{} object>", generator.name))
}

/// Returns the text of anything else, in Jinja2's words where it is minijinja's own.
fn object(value: &Value) -> String {
    let text = value.to_string();
    if let Some(name) = text
        .strip_prefix("<macro ")
        .and_then(|text| text.strip_suffix('>'))
    {
        return format!("<Macro '{name}'>");
    }
    let places = text
        .strip_prefix("<loop ")
        .and_then(|text| text.strip_suffix('>'));
    if let Some((index, length)) = places.and_then(|places| places.split_once('/')) {
        let index: usize = index.parse().unwrap_or_default();
        return format!("<LoopContext {}/{length}>", index + 1);
    }
    text
}

/// Returns the `repr` of bytes.
fn bytes(bytes: &[u8]) -> String {
    let mut out = String::from("b'");
    for byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\'' => out.push_str("\\'"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x20..=0x7e => out.push(char::from(*byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('\'');
    out
}

/// Returns a list that can change.
pub fn list(items: Vec<Value>) -> Value {
    Value::from_object(List::new(items))
}

/// Returns a dictionary that can change.
pub fn dict(entries: impl IntoIterator<Item = (Value, Value)>) -> Value {
    Value::from_object(Dict::new(entries.into_iter().collect()))
}

pub(crate) fn tuple(items: Vec<Value>) -> Value {
    Value::from(Tuple::from(items))
}

pub(crate) fn texts<'t>(pieces: impl IntoIterator<Item = &'t str>) -> Value {
    list(pieces.into_iter().map(Value::from).collect())
}

/// Returns a list or dictionary that templates can change, made of one that they cannot.
pub(crate) fn own(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::Map => own_dict(state, value),
        ValueKind::Seq | ValueKind::Iterable => match value.downcast_object_ref::<List>() {
            Some(_) => Ok(value.clone()),
            None => Ok(list(bounds::items(state, value)?)),
        },
        _ => Ok(value.clone()),
    }
}

pub(crate) fn own_dict(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    if value.downcast_object_ref::<Dict>().is_some() {
        return Ok(value.clone());
    }
    Ok(dict(dict::entries_of(state, value)?))
}

/// Returns Python's name of a value's type.
pub(crate) fn type_name(value: &Value) -> &'static str {
    if value.downcast_object_ref::<Range>().is_some() {
        return "range";
    }
    if value.downcast_object_ref::<Generator>().is_some() {
        return "generator";
    }
    py::type_name(&Py(value.clone()))
}

/// Returns the integer that a value is, booleans included.
pub(crate) fn integer(value: &Value) -> Option<i128> {
    match value.kind() {
        ValueKind::Bool => Some(value.is_true().into()),
        ValueKind::Number if value.is_integer() => i128::try_from(value.clone()).ok(),
        _ => None,
    }
}

/// Returns the float that a number is.
pub(crate) fn real(value: &Value) -> Option<f64> {
    match value.kind() {
        ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
        ValueKind::Number => f64::try_from(value.clone()).ok(),
        _ => None,
    }
}

/// Returns true for what Python calls a list, tuple or other collection of items.
pub(crate) fn is_sequence(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable)
}

/// Returns the items that Python walks through.
pub(crate) fn iterate(state: &State<'_, '_>, value: &Value) -> Result<Vec<Value>, Error> {
    match value.kind() {
        ValueKind::Undefined | ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => {
            bounds::items(state, value)
        }
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            state.consume_fuel(text.len() as u64)?;
            Ok(text.chars().map(Value::from).collect())
        }
        _ => Err(invalid(format!(
            "'{}' object is not iterable",
            type_name(value)
        ))),
    }
}

/// Returns the order of two values; an error where Python has none.
pub(crate) fn order(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<Ordering, Error> {
    if let (Some(a), Some(b)) = (a.as_str(), b.as_str()) {
        return Ok(a.cmp(b));
    }
    if real(a).is_some() && real(b).is_some() {
        return Ok(a.cmp(b));
    }
    if is_sequence(a) && is_sequence(b) && sequence(a) == sequence(b) {
        let (a, b) = (bounds::items(state, a)?, bounds::items(state, b)?);
        for (a, b) in a.iter().zip(&b) {
            bounds::visit(state, a, &|_| Ok(()))?;
            if a != b {
                return order(state, a, b);
            }
        }
        return Ok(a.len().cmp(&b.len()));
    }
    if a.is_undefined() || b.is_undefined() {
        return Err(Error::new(
            ErrorKind::UndefinedError,
            "undefined value has no order",
        ));
    }
    let (a, b) = (type_name(a), type_name(b));
    Err(invalid(format!("'{a}' and '{b}' cannot be ordered")))
}

/// The most values that an error report shows.
const MOST_SHOWN: usize = 10_000;

/// Writes a value's `repr` for minijinja itself, which has no limits here. A value that is too large or
/// nests without end is shown as `[...]`.
pub(crate) fn render(value: &Value, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    match is_small(value, 0, &mut { MOST_SHOWN }) {
        true => py::repr::write_repr(f, &Py(value.clone())),
        false => f.write_str("[...]"),
    }
}

fn is_small(value: &Value, depth: usize, budget: &mut usize) -> bool {
    if *budget == 0 || depth > bounds::DEEPEST {
        return false;
    }
    *budget -= 1;
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable if opaque(value).is_none() => {
            let mut items = value.try_iter().into_iter().flatten();
            items.all(|item| is_small(&item, depth + 1, budget))
        }
        ValueKind::Map => {
            let mut keys = value.try_iter().into_iter().flatten();
            keys.all(|key| is_small(&value.get_item(&key).unwrap_or_default(), depth + 1, budget))
        }
        _ => true,
    }
}

/// Drops lists in lists one after another: they may nest deeper than the stack is.
pub(crate) fn drop_all(mut rest: Vec<Value>) {
    while let Some(value) = rest.pop() {
        if let Some(list) = value.downcast_object::<List>() {
            drop(value);
            if let Some(last) = Arc::into_inner(list) {
                rest.append(&mut last.items());
            }
        } else if let Some(dict) = value.downcast_object::<Dict>() {
            drop(value);
            if let Some(last) = Arc::into_inner(dict) {
                rest.extend(
                    last.entries()
                        .drain(..)
                        .flat_map(|(key, value)| [key, value]),
                );
            }
        }
    }
}

pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}
