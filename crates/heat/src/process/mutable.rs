//! Templates rewritten a little, and lists and maps that they change in place, as Python lets them:
//! `append`, `pop`, `update`, ….
//!
//! All lists and maps of the data are such. Those that a template writes down become such when they
//! are given a name: `{% set x = … %}` is read as `{% set x = (…)|_own %}`. And `{% include … %}` is
//! read inside a `with`, since what an included template sets is not seen outside of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use minijinja::value::{Enumerator, Object, ObjectRepr, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value};

/// Teaches an environment what [`adapt`] writes.
pub(super) fn install(environment: &mut Environment<'static>) {
    environment.add_filter("_own", own_list);
    environment.add_filter("_own_map", own_map);
}

/// A list: one object, however many names it has.
#[derive(Debug)]
struct List(Mutex<Vec<Value>>);

/// A map, the same way.
#[derive(Debug)]
struct Map(Mutex<IndexMap<Value, Value>>);

pub(super) fn list(items: Vec<Value>) -> Value {
    Value::from_object(List(Mutex::new(items)))
}

pub(super) fn map(entries: IndexMap<Value, Value>) -> Value {
    Value::from_object(Map(Mutex::new(entries)))
}

fn open<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

fn own_list(value: Value) -> Result<Value, Error> {
    // The sum of two lists is an iterable here.
    let is_list = matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable);
    if !is_list || value.downcast_object_ref::<List>().is_some() {
        return Ok(value);
    }
    Ok(list(value.try_iter()?.collect()))
}

fn own_map(value: Value) -> Result<Value, Error> {
    if value.kind() != ValueKind::Map || value.downcast_object_ref::<Map>().is_some() {
        return own_list(value);
    }
    let entries = value
        .try_iter()?
        .map(|key| Ok((key.clone(), value.get_item(&key)?)));
    Ok(map(entries.collect::<Result<_, Error>>()?))
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// Returns the position of a Python index in a sequence of this length.
fn position(index: &Value, length: usize) -> Option<usize> {
    let index = i64::try_from(index.clone()).ok()?;
    let length = i64::try_from(length).ok()?;
    usize::try_from(if index < 0 { index + length } else { index }).ok()
}

impl Object for List {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let items = open(&self.0);
        items.get(position(key, items.len())?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(open(&self.0).clone())
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        // What is added is collected first: it may be this very list.
        match (method, args) {
            ("append", [item]) => open(&self.0).push(item.clone()),
            ("extend", [more]) => {
                let more: Vec<Value> = more.try_iter()?.collect();
                open(&self.0).extend(more);
            }
            ("insert", [index, item]) => {
                let mut items = open(&self.0);
                let at = position(index, items.len()).unwrap_or(0).min(items.len());
                items.insert(at, item.clone());
            }
            ("remove", [item]) => {
                let mut items = open(&self.0);
                let at = items.iter().position(|known| known == item);
                items
                    .remove(at.ok_or_else(|| invalid("what is to be removed is not in the list"))?);
            }
            ("pop", [] | [_]) => {
                let mut items = open(&self.0);
                let last = items.len().checked_sub(1);
                let at = args
                    .first()
                    .map_or(last, |index| position(index, items.len()));
                let at = at.filter(|at| *at < items.len());
                return at
                    .map(|at| items.remove(at))
                    .ok_or_else(|| invalid("there is no such item to pop"));
            }
            ("clear", []) => open(&self.0).clear(),
            ("reverse", []) => open(&self.0).reverse(),
            ("copy", []) => return Ok(list(open(&self.0).clone())),
            ("index", [item]) => {
                let at = open(&self.0).iter().position(|known| known == item);
                return at
                    .map(Value::from)
                    .ok_or_else(|| invalid("what is looked for is not in the list"));
            }
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        }
        Ok(Value::from(()))
    }
}

impl Object for Map {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        open(&self.0).get(key).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(open(&self.0).keys().cloned().collect())
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match (method, args) {
            ("update", [more]) => {
                let entries = more
                    .try_iter()?
                    .map(|key| Ok((key.clone(), more.get_item(&key)?)));
                let entries = entries.collect::<Result<Vec<_>, Error>>()?;
                open(&self.0).extend(entries);
            }
            ("pop", [key] | [key, _]) => {
                let found = open(&self.0)
                    .shift_remove(key)
                    .or_else(|| args.get(1).cloned());
                return found.ok_or_else(|| invalid("there is no such key to pop"));
            }
            ("setdefault", [key] | [key, _]) => {
                let default = args.get(1).cloned().unwrap_or_default();
                return Ok(open(&self.0).entry(key.clone()).or_insert(default).clone());
            }
            ("clear", []) => open(&self.0).clear(),
            ("copy", []) => return Ok(map(open(&self.0).clone())),
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        }
        Ok(Value::from(()))
    }
}

/// The template with what is given a name made an object of its own. No line changes its number.
pub(super) fn adapt(source: &str) -> String {
    let mut out = String::with_capacity(source.len() + 64);
    let mut rest = source;
    while let Some(at) = rest
        .find("{%")
        .into_iter()
        .chain(rest.find("{#"))
        .chain(rest.find("{{"))
        .min()
    {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        let length = match &tag[..2] {
            "{#" => tag.find("#}").map_or(tag.len(), |end| end + 2),
            "{{" => tag_end(tag, "}}"),
            _ => tag_end(tag, "%}"),
        };
        let (tag, after) = tag.split_at(length);
        rest = after;
        if is_raw(tag) {
            let end = raw_end(rest);
            out.push_str(tag);
            out.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        if let Some(include) = include(tag) {
            out.push_str(&include);
            continue;
        }
        match assigned(tag) {
            Some((start, end)) => {
                let filter = if tag[start..end].trim_start().starts_with('{') {
                    "_own_map"
                } else {
                    "_own"
                };
                out.push_str(&format!(
                    "{}({})|{filter}{}",
                    &tag[..start],
                    &tag[start..end],
                    &tag[end..]
                ));
            }
            None => out.push_str(tag),
        }
    }
    out.push_str(rest);
    out
}

/// Returns the end of a tag. Its closing mark may also be in a string.
fn tag_end(tag: &str, close: &str) -> usize {
    let bytes = tag.as_bytes();
    let mut quote = None;
    let mut at = 2;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(open), byte) if byte == open => quote = None,
            (None, byte @ (b'"' | b'\'')) => quote = Some(byte),
            (None, _) if bytes[at..].starts_with(close.as_bytes()) => return at + close.len(),
            _ => {}
        }
        at += 1;
    }
    tag.len()
}

/// The words of a statement's tag.
fn statement(tag: &str) -> Option<&str> {
    let inner = tag.strip_prefix("{%")?.strip_suffix("%}")?;
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
    Some(inner.strip_suffix(['-', '+']).unwrap_or(inner))
}

fn is_raw(tag: &str) -> bool {
    statement(tag).is_some_and(|inner| inner.trim() == "raw")
}

/// Returns the end of a part that is not searched.
fn raw_end(rest: &str) -> usize {
    let mut from = 0;
    while let Some(at) = rest[from..].find("{%").map(|at| from + at) {
        let end = at + tag_end(&rest[at..], "%}");
        if statement(&rest[at..end]).is_some_and(|inner| inner.trim() == "endraw") {
            return end;
        }
        from = at + 2;
    }
    rest.len()
}

/// Keeps the variables that an included template sets inside it.
fn include(tag: &str) -> Option<String> {
    let inner = statement(tag)?;
    let named = inner.trim_start().strip_prefix("include")?;
    if !named.starts_with(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '[' | '(')) {
        return None;
    }
    let start = tag.find(inner)?;
    let (open, close) = (&tag[..start], &tag[start + inner.len()..]);
    Some(format!("{open} with %}}{{%{inner}%}}{{% endwith {close}"))
}

/// Returns the position of the right side of `{% set name = … %}`.
fn assigned(tag: &str) -> Option<(usize, usize)> {
    let inner = statement(tag)?;
    let offset = tag.find(inner)?;
    let rest = inner.trim_start().strip_prefix("set")?;
    if !rest.starts_with(char::is_whitespace) {
        return None;
    }
    let equals = rest.find('=')?;
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ',' | ' ');
    let value = rest[equals + 1..].trim_end();
    if !rest[..equals].chars().all(is_name) || value.trim().is_empty() {
        return None;
    }
    let start = offset + inner.len() - rest.len() + equals + 1;
    Some((start, start + value.len()))
}
