//! Functions of lists, and of any collection by position.

use crate::call::Call;
use crate::error::{Error, Result};
use crate::function::{
    ANY, Default, Function, INT, ITERABLE, ITERATOR, SEQUENCE, UNSET, both, function, method, opt,
    p,
};
use crate::iterate::{self, Cursor, cursor};
use crate::machine::Machine;
use crate::value::{Value, View};

pub(super) const FUNCTIONS: &[Function] = &[
    function("list", &[], |call| {
        let items = flat_iterators(call.rest(), call.machine)?;
        Value::tuple(within(items, call.machine)?)
    })
    .rest(ANY),
    function("#list", &[], |call| Value::tuple(call.rest())).rest(ANY),
    method("toList", &[p("collection", ITERABLE)], |call| {
        match call.value(0) {
            list @ Value::List(_) if is_tuple(&list) => Ok(list),
            _ => Value::tuple(call.items(0)?),
        }
    }),
    method("flatten", &[p("collection", ITERABLE)], flatten),
    function("#indexer", &[p("list", SEQUENCE), p("index", INT)], index),
    both("len", &[p("sequence", SEQUENCE)], |call| {
        Ok(Value::count(call.items(0)?.len()))
    }),
    both("len", &[p("collection", ITERATOR)], |call| {
        Ok(Value::count(call.items(0)?.len()))
    }),
    method("count", &[p("collection", ITERABLE)], |call| {
        Ok(Value::count(call.items(0)?.len()))
    }),
    function(
        "#operator_in",
        &[p("value", ANY), p("collection", ITERABLE)],
        |call| contains(call, 1, 0),
    ),
    method(
        "contains",
        &[p("collection", ITERABLE), p("value", ANY)],
        |call| contains(call, 0, 1),
    ),
    function(
        "#operator_+",
        &[p("left", ITERABLE), p("right", ITERABLE)],
        add,
    ),
    function(
        "#operator_*",
        &[p("left", SEQUENCE), p("right", INT)],
        |call| repeat(call, 0, 1),
    ),
    function(
        "#operator_*",
        &[p("left", INT), p("right", SEQUENCE)],
        |call| repeat(call, 1, 0),
    ),
    both("concat", &[], |call| {
        let parts = call
            .rest()
            .into_iter()
            .map(|part| iterate::limited(part, call.machine));
        chain(parts.collect::<Result<_>>()?)
    })
    .rest(ITERABLE),
    both("append", &[p("collection", ITERABLE)], |call| {
        chain(vec![call.value(0), Value::tuple(call.rest())?])
    })
    .rest(ANY),
    method(
        "delete",
        &[
            p("collection", ITERABLE),
            p("position", INT),
            opt("count", INT, Default::Int(1)),
        ],
        |call| {
            let none = Value::tuple(Vec::new())?;
            replace(call, call.int(1)?, call.int(2)?, none)
        },
    ),
    method(
        "replace",
        &[
            p("collection", ITERABLE),
            p("position", INT),
            p("value", ANY),
            opt("count", INT, Default::Int(1)),
        ],
        |call| {
            replace(
                call,
                call.int(1)?,
                call.int(3)?,
                Value::tuple(vec![call.value(2)])?,
            )
        },
    ),
    method(
        "replaceMany",
        &[
            p("collection", ITERABLE),
            p("position", INT),
            p("values", ITERABLE),
            opt("count", INT, Default::Int(1)),
        ],
        |call| replace(call, call.int(1)?, call.int(3)?, call.value(2)),
    ),
    method(
        "insert",
        &[p("collection", UNSET), p("position", INT), p("value", ANY)],
        |call| insert(call, Value::tuple(vec![call.value(2)])?, false),
    ),
    method(
        "insert",
        &[
            p("collection", SEQUENCE),
            p("position", INT),
            p("value", ANY),
        ],
        |call| {
            let mut items = call.items(0)?;
            items.insert(
                slipway_pyvalue::number::bound(call.int(1)?, items.len()),
                call.value(2),
            );
            Value::list(items)
        },
    ),
    method(
        "insertMany",
        &[
            p("collection", ITERABLE),
            p("position", INT),
            p("values", ITERABLE),
        ],
        |call| insert(call, call.value(2), true),
    ),
    method(
        "indexOf",
        &[p("collection", ITERABLE), p("item", ANY)],
        |call| position(call, false),
    ),
    method(
        "lastIndexOf",
        &[p("collection", ITERABLE), p("item", ANY)],
        |call| position(call, true),
    ),
];

pub(super) fn is_tuple(value: &Value) -> bool {
    matches!(value, Value::List(list) if list.fixed)
}

/// Replaces iterators by their items; other collections stay unchanged.
pub(super) fn flat_iterators(values: Vec<Value>, machine: &Machine) -> Result<Vec<Value>> {
    let mut out = Vec::new();
    for value in values {
        if iterate::is_iterator(&value) {
            let _level = machine.deeper()?;
            out.extend(flat_iterators(iterate::items(&value, machine)?, machine)?);
        } else {
            out.push(value);
        }
    }
    Ok(out)
}

/// Returns the same items; too many for a collection are an error.
pub(super) fn within<T>(items: Vec<T>, machine: &Machine) -> Result<Vec<T>> {
    let limit = machine.limits().items;
    if items.len() > limit {
        Err(Error::new(format!(
            "a collection has more than {limit} items"
        )))
    } else {
        Ok(items)
    }
}

fn flatten(call: &mut Call) -> Result<Value> {
    let mut open = vec![call.cursor(0)?];
    iterate::iter([call.value(0).depth()], move |machine| {
        while let Some(innermost) = open.last_mut() {
            match innermost.next(machine)? {
                None => {
                    open.pop();
                }
                Some(item) if iterate::is_iterable(&item) => open.push(cursor(&item, machine)?),
                Some(item) => return Ok(Some(item)),
            }
        }
        Ok(None)
    })
}

fn index(call: &mut Call) -> Result<Value> {
    let Value::List(list) = call.value(0) else {
        return Err(Error::new("not a list"));
    };
    let index = call.int(1)?;
    let length = i128::try_from(list.items.len()).unwrap_or(i128::MAX);
    let from_start = if index < 0 {
        index.saturating_add(length)
    } else {
        index
    };
    let item = usize::try_from(from_start)
        .ok()
        .and_then(|index| list.items.get(index));
    item.cloned().ok_or_else(|| {
        let items = slipway_suggest::count(list.items.len(), "item");
        Error::index(format!("the list has no index {index}; it has {items}"))
    })
}

fn contains(call: &Call, collection: usize, value: usize) -> Result<Value> {
    let (collection, value) = (call.value(collection), call.value(value));
    Ok(Value::Bool(match &collection {
        Value::Set(set) => {
            // Python looks for a set in a set as if it could be a member.
            set.items.contains(&value.into_key(call.machine)?)
        }
        Value::View(map, View::Keys) => map.entries.contains_key(&value.into_key(call.machine)?),
        Value::View(map, View::Items) => match pair(&value, map.fixed)? {
            Some((key, value)) => map
                .entries
                .get(&key.into_key(call.machine)?)
                .is_some_and(|known| *known == value),
            None => false,
        },
        _ => {
            let mut items = cursor(&collection, call.machine)?;
            while let Some(item) = items.next(call.machine)? {
                call.machine.spend(item.size().min(value.size()))?;
                if item == value {
                    return Ok(Value::Bool(true));
                }
            }
            false
        }
    }))
}

/// The key and the value to search for among a map's items. The items of data accept only a pair.
fn pair(value: &Value, fixed: bool) -> Result<Option<(Value, Value)>> {
    match value {
        Value::List(list) if list.items.len() == 2 && (list.fixed || fixed) => {
            Ok(Some((list.items[0].clone(), list.items[1].clone())))
        }
        Value::Str(text) if fixed && text.chars().count() == 2 => {
            let mut chars = text.chars().map(|c| Value::str(c.to_string()));
            Ok(chars.next().zip(chars.next()))
        }
        _ if fixed => Err(Error::new(
            "what is looked for among a map's items is no pair",
        )),
        _ => Ok(None),
    }
}

fn add(call: &mut Call) -> Result<Value> {
    match (call.value(0), call.value(1)) {
        (Value::List(left), Value::List(right)) if left.fixed && right.fixed => {
            call.machine.spend(left.items.len() + right.items.len())?;
            Value::tuple(left.items.iter().chain(&right.items).cloned().collect())
        }
        (Value::Set(left), Value::Set(right)) => {
            call.machine.spend(left.items.len() + right.items.len())?;
            Value::set(left.items.union(&right.items).cloned().collect())
        }
        (left, right) => chain(vec![left, right]),
    }
}

/// Concatenates collections; the iteration of each begins when it is reached.
fn chain(parts: Vec<Value>) -> Result<Value> {
    let depths: Vec<u32> = parts.iter().map(Value::depth).collect();
    let mut parts = parts.into_iter();
    let mut current: Option<Cursor> = None;
    iterate::iter(depths, move |machine| {
        loop {
            if let Some(current) = &mut current
                && let Some(item) = current.next(machine)?
            {
                return Ok(Some(item));
            }
            match parts.next() {
                Some(part) => current = Some(cursor(&part, machine)?),
                None => return Ok(None),
            }
        }
    })
}

fn repeat(call: &Call, list: usize, times: usize) -> Result<Value> {
    let Value::List(list) = call.value(list) else {
        return Err(Error::new("not a list"));
    };
    let times = usize::try_from(call.int(times)?.max(0)).unwrap_or(usize::MAX);
    call.machine.spend(list.items.len().saturating_mul(times))?;
    let items = std::iter::repeat_n(&list.items, if list.items.is_empty() { 0 } else { times })
        .flatten()
        .cloned()
        .collect();
    if list.fixed {
        Value::tuple(items)
    } else {
        Value::list(items)
    }
}

/// Replaces the items at a position by these values; all items from there on if the count is negative.
/// If the position has no item, nothing is inserted.
fn replace(call: &Call, position: i128, count: i128, values: Value) -> Result<Value> {
    let depths = [call.value(0).depth(), values.depth()];
    let mut items = call.cursor(0)?;
    let mut index = 0;
    let mut inserted: Option<Cursor> = None;
    let mut done = false;
    iterate::iter(depths, move |machine| {
        loop {
            if let Some(values) = &mut inserted
                && let Some(value) = values.next(machine)?
            {
                return Ok(Some(value));
            }
            inserted = None;
            let Some(item) = items.next(machine)? else {
                return Ok(None);
            };
            let at: i128 = index;
            index += 1;
            let replaced = at >= position && (count < 0 || at < position.saturating_add(count));
            if !replaced {
                return Ok(Some(item));
            }
            if !done {
                done = true;
                inserted = Some(cursor(&values, machine)?);
            }
        }
    })
}

/// Inserts these values before the item at a position, or at the end if the position has no item.
fn insert(call: &Call, values: Value, before_all: bool) -> Result<Value> {
    let depths = [call.value(0).depth(), values.depth()];
    let position = call.int(1)?;
    let mut items = call.cursor(0)?;
    let mut index: i128 = -1;
    let mut inserted: Option<Cursor> = None;
    let mut held: Option<Value> = None;
    let mut begun = false;
    let mut ended = false;
    iterate::iter(depths, move |machine| {
        if !begun {
            begun = true;
            if before_all && position < 0 {
                inserted = Some(cursor(&values, machine)?);
            }
        }
        loop {
            if let Some(values) = &mut inserted
                && let Some(value) = values.next(machine)?
            {
                return Ok(Some(value));
            }
            inserted = None;
            if let Some(item) = held.take() {
                return Ok(Some(item));
            }
            if ended {
                return Ok(None);
            }
            match items.next(machine)? {
                Some(item) => {
                    index += 1;
                    if index != position {
                        return Ok(Some(item));
                    }
                    inserted = Some(cursor(&values, machine)?);
                    held = Some(item);
                }
                None => {
                    ended = true;
                    if position > index {
                        inserted = Some(cursor(&values, machine)?);
                    }
                }
            }
        }
    })
}

fn position(call: &Call, last: bool) -> Result<Value> {
    let wanted = call.value(1);
    let mut items = call.cursor(0)?;
    let mut found = Value::Int(-1);
    let mut index = 0;
    while let Some(item) = items.next(call.machine)? {
        call.machine.spend(item.size().min(wanted.size()))?;
        if item == wanted {
            found = Value::count(index);
            if !last {
                break;
            }
        }
        index += 1;
    }
    Ok(found)
}
