//! Values of expressions: Python's kinds of values, compared and hashed as in Python.

use std::cell::{Cell, RefCell};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use super::context::Context;
use super::error::{Error, Result};
use super::iterate::{Iter, Memory};
use super::library::Ordering;
use super::machine::Machine;

/// The depth to which values may nest; an iterator that waits for another counts.
const DEPTH: u32 = 2000;

/// The size of a value. A shared part counts each time that it occurs, because a walk through the value
/// visits it each time.
const SIZE: usize = 50_000_000;

#[derive(Clone)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(Arc<str>),
    List(Rc<List>),
    Map(Rc<Map>),
    Set(Rc<Set>),
    /// The result of `keys`, `values` and `items`: a view of a map, not a list.
    View(Rc<Map>, View),
    /// An iterator, which can be read once.
    Iter(Rc<Iter>),
    /// An iterator that keeps the items it has produced.
    Memory(Rc<Memory>),
    /// A list that is sorted when it is read.
    Ordering(Rc<Ordering>),
    Regex(Rc<Pattern>),
    Context(Context),
    /// `key => value`, evaluated.
    Rule(Rc<(Value, Value)>),
}

/// Python's tuple, which most lists are, or its list, which is equal to no tuple and cannot be a key.
pub(super) struct List {
    pub fixed: bool,
    pub items: Vec<Value>,
    depth: u32,
    size: usize,
}

/// A map that cannot change, as data and literals are, or Python's dict, which cannot be a key.
pub(super) struct Map {
    pub fixed: bool,
    pub entries: IndexMap<Value, Value>,
    depth: u32,
    size: usize,
}

pub(super) struct Set {
    pub items: IndexSet<Value>,
    depth: u32,
    size: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Keys,
    Values,
    Items,
}

pub(super) struct Pattern {
    pub source: String,
    pub regex: slipway_pyregex::Regex,
}

/// Returns the depth of a value that contains values of these depths.
pub(super) fn around(depths: impl IntoIterator<Item = u32>) -> Result<u32> {
    let depth = depths.into_iter().max().unwrap_or(0) + 1;
    if depth > DEPTH {
        Err(Error::new(format!("values nest more than {DEPTH} deep")))
    } else {
        Ok(depth)
    }
}

fn total<'a>(values: impl Iterator<Item = &'a Value>) -> Result<usize> {
    let size = values.fold(1_usize, |sum, value| sum.saturating_add(value.size()));
    if size > SIZE {
        Err(Error::new("a value is too large"))
    } else {
        Ok(size)
    }
}

impl Value {
    pub fn str(text: impl Into<Arc<str>>) -> Self {
        Value::Str(text.into())
    }

    pub fn count(count: usize) -> Self {
        Value::Int(i128::try_from(count).unwrap_or(i128::MAX))
    }

    /// A tuple.
    pub fn tuple(items: Vec<Value>) -> Result<Self> {
        Value::sequence(items, true)
    }

    /// A list that is no tuple.
    pub fn list(items: Vec<Value>) -> Result<Self> {
        Value::sequence(items, false)
    }

    fn sequence(items: Vec<Value>, fixed: bool) -> Result<Self> {
        let depth = around(items.iter().map(Value::depth))?;
        let size = total(items.iter())?;
        Ok(Value::List(Rc::new(List {
            fixed,
            items,
            depth,
            size,
        })))
    }

    pub fn map(entries: IndexMap<Value, Value>, fixed: bool) -> Result<Self> {
        let depth = around(
            entries
                .iter()
                .map(|(key, value)| key.depth().max(value.depth())),
        )?;
        let size = total(entries.iter().flat_map(|(key, value)| [key, value]))?;
        Ok(Value::Map(Rc::new(Map {
            fixed,
            entries,
            depth,
            size,
        })))
    }

    pub fn set(items: IndexSet<Value>) -> Result<Self> {
        let depth = around(items.iter().map(Value::depth))?;
        let size = total(items.iter())?;
        Ok(Value::Set(Rc::new(Set { items, depth, size })))
    }

    pub fn depth(&self) -> u32 {
        match self {
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Str(_)
            | Value::Regex(_) => 0,
            Value::List(list) => list.depth,
            Value::Map(map) | Value::View(map, _) => map.depth,
            Value::Set(set) => set.depth,
            Value::Iter(iter) => iter.depth(),
            Value::Memory(memory) => memory.depth(),
            Value::Ordering(ordering) => ordering.depth(),
            Value::Context(context) => context.depth(),
            Value::Rule(rule) => rule.0.depth().max(rule.1.depth()) + 1,
        }
    }

    /// Returns the cost of a walk through the whole value, in steps.
    pub fn size(&self) -> usize {
        match self {
            Value::Str(text) => text.len() + 1,
            Value::List(list) => list.size,
            Value::Map(map) | Value::View(map, _) => map.size,
            Value::Set(set) => set.size,
            _ => 1,
        }
    }

    pub fn is_bool(&self) -> bool {
        matches!(self, Value::Bool(_))
    }

    /// Returns Python's `bool(value)`.
    pub fn truth(&self) -> bool {
        slipway_pyvalue::truth(self)
    }

    /// Returns the name of its type, for errors. The value itself may be a secret.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Int(_) => "an integer",
            Value::Float(_) => "a number",
            Value::Str(_) => "a string",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Set(_) => "a set",
            Value::View(_, View::Keys) => "a map's keys",
            Value::View(_, View::Values) => "a map's values",
            Value::View(_, View::Items) => "a map's items",
            Value::Iter(_) | Value::Memory(_) | Value::Ordering(_) => "an iterator",
            Value::Regex(_) => "a regular expression",
            Value::Context(_) => "a context",
            Value::Rule(_) => "a key with a value",
        }
    }

    /// Returns the value itself, if it can be a key or a member of a set.
    pub fn into_key(self, machine: &Machine) -> Result<Self> {
        machine.spend(self.size())?;
        self.check_key()?;
        Ok(self)
    }

    fn check_key(&self) -> Result<()> {
        match self {
            Value::List(list) if list.fixed => list.items.iter().try_for_each(Value::check_key),
            Value::Map(map) if map.fixed => map
                .entries
                .iter()
                .try_for_each(|(key, value)| key.check_key().and_then(|()| value.check_key())),
            Value::List(_) | Value::Map(_) | Value::View(_, View::Keys | View::Items) => Err(
                Error::new(format!("{} cannot be a key, nor in a set", self.kind())),
            ),
            _ => Ok(()),
        }
    }

    /// Returns the items, if Python treats the value as a set.
    fn as_set(&self) -> Option<IndexSet<Value>> {
        match self {
            Value::Set(set) => Some(set.items.clone()),
            Value::View(map, View::Keys) => Some(map.entries.keys().cloned().collect()),
            Value::View(map, View::Items) => {
                let items = map
                    .entries
                    .iter()
                    .map(|(key, value)| Value::tuple(vec![key.clone(), value.clone()]));
                items.collect::<Result<_>>().ok()
            }
            _ => None,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        use Value::{
            Bool, Context, Float, Int, Iter, List, Map, Memory, Null, Ordering, Regex, Rule, Str,
            View,
        };
        if let (Some(left), Some(right)) = (number(self), number(other)) {
            return left == right;
        }
        match (self, other) {
            (Null, Null) => true,
            (Bool(_) | Int(_) | Float(_), _) => false,
            (Str(left), Str(right)) => left == right,
            (List(left), List(right)) => {
                Rc::ptr_eq(left, right) || left.fixed == right.fixed && left.items == right.items
            }
            (Map(left), Map(right)) => Rc::ptr_eq(left, right) || left.entries == right.entries,
            (View(left, self::View::Values), View(right, self::View::Values)) => {
                Rc::ptr_eq(left, right)
            }
            (Iter(left), Iter(right)) => Rc::ptr_eq(left, right),
            (Memory(left), Memory(right)) => Rc::ptr_eq(left, right),
            (Ordering(left), Ordering(right)) => Rc::ptr_eq(left, right),
            (Regex(left), Regex(right)) => left.source == right.source,
            (Context(left), Context(right)) => left.is(right),
            (Rule(left), Rule(right)) => Rc::ptr_eq(left, right),
            _ => match (self.as_set(), other.as_set()) {
                (Some(left), Some(right)) => left == right,
                _ => false,
            },
        }
    }
}

impl Eq for Value {}

/// A number to compare by: `1`, `1.0` and `true` are one key.
#[derive(PartialEq)]
enum Number {
    Whole(i128),
    Real(f64),
}

fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Bool(value) => Some(Number::Whole(i128::from(*value))),
        Value::Int(number) => Some(Number::Whole(*number)),
        Value::Float(number) => Some(whole(*number).map_or(Number::Real(*number), Number::Whole)),
        _ => None,
    }
}

/// Returns the integer that equals a float.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
pub(super) fn whole(number: f64) -> Option<i128> {
    (number.fract() == 0.0 && number.abs() < 1e38).then_some(number as i128)
}

fn fixed(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match number(self) {
            Some(Number::Whole(number)) => return number.hash(state),
            Some(Number::Real(number)) => return number.to_bits().hash(state),
            None => {}
        }
        match self {
            Value::Str(text) => text.hash(state),
            Value::List(list) => list.items.hash(state),
            // Maps and sets are equal in any order.
            Value::Map(map) => map
                .entries
                .iter()
                .fold(0, |sum: u64, entry| sum.wrapping_add(fixed(&entry)))
                .hash(state),
            Value::Set(set) => set
                .items
                .iter()
                .fold(0, |sum: u64, item| sum.wrapping_add(fixed(item)))
                .hash(state),
            _ => 0.hash(state),
        }
    }
}

/// A counter of nested calls: it grows at the entry of a call and shrinks at its exit.
pub(super) struct Level<'a>(&'a Cell<u32>);

impl<'a> Level<'a> {
    pub fn enter(level: &'a Cell<u32>, limit: u32) -> Result<Self> {
        if level.get() >= limit {
            return Err(Error::new("the expression's calls nest too deep"));
        }
        level.set(level.get() + 1);
        Ok(Level(level))
    }
}

impl Drop for Level<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// A part that several values can share.
pub(super) type Shared<T> = Rc<RefCell<T>>;
