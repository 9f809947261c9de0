//! Iteration over values, and lazy collections.

use std::cell::RefCell;
use std::rc::Rc;

use super::error::{Error, Result};
use super::machine::Machine;
use super::value::{List, Map, Set, Shared, Value, View, around};

type Pull = Box<dyn FnMut(&Machine) -> Result<Option<Value>>>;

/// An iterator. Each item goes to the first reader that takes it.
pub(super) struct Iter {
    depth: u32,
    pull: RefCell<Option<Pull>>,
}

impl Iter {
    pub fn depth(&self) -> u32 {
        self.depth
    }

    fn next(&self, machine: &Machine) -> Result<Option<Value>> {
        let _level = machine.deeper()?;
        machine.spend(1)?;
        let Ok(mut pull) = self.pull.try_borrow_mut() else {
            return Err(Error::new("an iterator asks itself for its next item"));
        };
        let Some(next) = pull.as_mut() else {
            return Ok(None);
        };
        let item = next(machine);
        if !matches!(item, Ok(Some(_))) {
            *pull = None;
        }
        item
    }
}

/// Makes an iterator that keeps values of these depths.
pub(super) fn iter(
    holds: impl IntoIterator<Item = u32>,
    pull: impl FnMut(&Machine) -> Result<Option<Value>> + 'static,
) -> Result<Value> {
    Ok(Value::Iter(Rc::new(Iter {
        depth: around(holds)?,
        pull: RefCell::new(Some(Box::new(pull))),
    })))
}

/// An iterator that keeps its items, so that they can be read again.
pub(super) struct Memory {
    depth: u32,
    source: RefCell<Cursor>,
    items: RefCell<Vec<Value>>,
}

impl Memory {
    pub fn depth(&self) -> u32 {
        self.depth
    }

    fn item(&self, index: usize, machine: &Machine) -> Result<Option<Value>> {
        if let Some(item) = self.items.borrow().get(index) {
            return Ok(Some(item.clone()));
        }
        let Ok(mut source) = self.source.try_borrow_mut() else {
            return Err(Error::new("an iterator asks itself for its next item"));
        };
        let item = source.next(machine)?;
        self.items.borrow_mut().extend(item.clone());
        Ok(item)
    }
}

/// Makes an iterator that can be read again.
pub(super) fn memorize(value: Value, machine: &Machine) -> Result<Value> {
    if !is_iterator(&value) {
        return Ok(value);
    }
    let depth = around([value.depth()])?;
    let source = RefCell::new(cursor(&value, machine)?);
    Ok(Value::Memory(Rc::new(Memory {
        depth,
        source,
        items: RefCell::default(),
    })))
}

/// A position in an iteration.
pub(super) enum Cursor {
    List(Rc<List>, usize),
    Map(Rc<Map>, View, usize),
    Set(Rc<Set>, usize),
    Chars(Vec<Value>),
    Iter(Rc<Iter>),
    Memory(Rc<Memory>, usize),
}

impl Cursor {
    pub fn next(&mut self, machine: &Machine) -> Result<Option<Value>> {
        machine.spend(1)?;
        let at = |index: &mut usize| {
            *index += 1;
            *index - 1
        };
        Ok(match self {
            Cursor::List(list, index) => list.items.get(at(index)).cloned(),
            Cursor::Set(set, index) => set.items.get_index(at(index)).cloned(),
            Cursor::Map(map, view, index) => match map.entries.get_index(at(index)) {
                None => None,
                Some((key, _)) if *view == View::Keys => Some(key.clone()),
                Some((_, value)) if *view == View::Values => Some(value.clone()),
                Some((key, value)) => Some(Value::tuple(vec![key.clone(), value.clone()])?),
            },
            Cursor::Chars(rest) => rest.pop(),
            Cursor::Iter(iter) => iter.next(machine)?,
            Cursor::Memory(memory, index) => memory.item(at(index), machine)?,
        })
    }

    /// Returns all remaining items.
    pub fn rest(mut self, machine: &Machine) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        while let Some(item) = self.next(machine)? {
            items.push(item);
        }
        Ok(items)
    }
}

/// Starts an iteration as Python's `iter` does: over the characters of a string, the keys of a map.
pub(super) fn cursor(value: &Value, machine: &Machine) -> Result<Cursor> {
    Ok(match value {
        Value::List(list) => Cursor::List(list.clone(), 0),
        Value::Map(map) => Cursor::Map(map.clone(), View::Keys, 0),
        Value::View(map, view) => Cursor::Map(map.clone(), *view, 0),
        Value::Set(set) => Cursor::Set(set.clone(), 0),
        Value::Iter(iter) => Cursor::Iter(iter.clone()),
        Value::Memory(memory) => Cursor::Memory(memory.clone(), 0),
        Value::Ordering(ordering) => Cursor::List(ordering.sorted(machine)?, 0),
        Value::Str(text) => {
            machine.spend(text.len())?;
            Cursor::Chars(
                text.chars()
                    .rev()
                    .map(|c| Value::str(c.to_string()))
                    .collect(),
            )
        }
        _ => return Err(Error::new(format!("{} has no items", value.kind()))),
    })
}

/// All items of a value.
pub(super) fn items(value: &Value, machine: &Machine) -> Result<Vec<Value>> {
    cursor(value, machine)?.rest(machine)
}

/// Returns the items of a collection; strings and maps are not collections in YAQL.
pub(super) fn is_iterable(value: &Value) -> bool {
    matches!(
        value,
        Value::List(_)
            | Value::Set(_)
            | Value::View(..)
            | Value::Iter(_)
            | Value::Memory(_)
            | Value::Ordering(_)
    )
}

pub(super) fn is_iterator(value: &Value) -> bool {
    matches!(value, Value::Iter(_) | Value::Memory(_))
}

/// Returns the same collection with a limit. More items are an error: at once if their number is known,
/// otherwise at the first item beyond the limit.
pub(super) fn limited(value: Value, machine: &Machine) -> Result<Value> {
    let limit = machine.limits().items;
    let known = match &value {
        Value::List(list) => Some(list.items.len()),
        Value::Map(map) | Value::View(map, View::Keys | View::Items) => Some(map.entries.len()),
        Value::Set(set) => Some(set.items.len()),
        _ => None,
    };
    match known {
        Some(count) if count > limit => Err(too_many(limit)),
        Some(_) => Ok(value),
        None => {
            let holds = value.depth();
            let source: Shared<Option<Cursor>> = Rc::default();
            let mut count = 0;
            iter([holds], move |machine| {
                let mut source = source.borrow_mut();
                let source = match &mut *source {
                    Some(source) => source,
                    none => none.insert(cursor(&value, machine)?),
                };
                let item = source.next(machine)?;
                if item.is_some() && count >= limit {
                    return Err(too_many(limit));
                }
                count += 1;
                Ok(item)
            })
        }
    }
}

fn too_many(limit: usize) -> Error {
    Error::new(format!("a collection has more than {limit} items"))
}
