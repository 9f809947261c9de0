//! Functions of maps.

use indexmap::IndexMap;

use crate::call::Call;
use crate::error::{Error, Result};
use crate::function::{
    ANY, Default, Function, INT, ITERABLE, LAMBDA, MAP, RULE, both, function, method, opt, p,
};
use crate::iterate::cursor;
use crate::machine::Machine;
use crate::value::{Map, Value, View};

pub(super) const FUNCTIONS: &[Function] = &[
    function("dict", &[], from_rules).rest(RULE).rules(),
    function("#map", &[], from_rules).rest(RULE).rules(),
    function("dict", &[p("items", ITERABLE)], from_pairs).rules(),
    method(
        "toDict",
        &[
            p("collection", ITERABLE),
            p("keySelector", LAMBDA),
            opt("valueSelector", LAMBDA, Default::Null),
        ],
        to_dict,
    ),
    function("#indexer", &[p("dict", MAP), p("key", ANY)], |call| {
        let key = call.value(1);
        let known = find(call, 0, 1)?;
        known.ok_or_else(|| match key {
            Value::Str(key) => Error::new(format!("the map has no key `{key}`")),
            _ => Error::new("the map has no such key"),
        })
    }),
    function(
        "#indexer",
        &[p("dict", MAP), p("key", ANY), p("default", ANY)],
        |call| Ok(find(call, 0, 1)?.unwrap_or_else(|| call.value(2))),
    ),
    method(
        "get",
        &[
            p("dict", MAP),
            p("key", ANY),
            opt("default", ANY, Default::Null),
        ],
        |call| Ok(find(call, 0, 1)?.unwrap_or_else(|| call.value(2))),
    ),
    method(
        "set",
        &[p("dict", MAP), p("key", ANY), p("value", ANY)],
        |call| with(call, vec![(call.value(1), call.value(2))]),
    )
    .rules(),
    method("set", &[p("dict", MAP), p("replacements", MAP)], |call| {
        let replacements = call.map(1)?;
        with(
            call,
            replacements
                .entries
                .iter()
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        )
    })
    .rules(),
    method("set", &[p("dict", MAP)], |call| with(call, rules(call)))
        .rest(RULE)
        .rules(),
    method("keys", &[p("dict", MAP)], |call| {
        Ok(Value::View(call.map(0)?, View::Keys))
    }),
    method("values", &[p("dict", MAP)], |call| {
        Ok(Value::View(call.map(0)?, View::Values))
    }),
    method("items", &[p("dict", MAP)], |call| {
        Ok(Value::View(call.map(0)?, View::Items))
    }),
    method("containsKey", &[p("dict", MAP), p("key", ANY)], |call| {
        Ok(Value::Bool(find(call, 0, 1)?.is_some()))
    }),
    method(
        "containsValue",
        &[p("dict", MAP), p("value", ANY)],
        |call| {
            let (map, wanted) = (call.map(0)?, call.value(1));
            call.machine.spend(Value::Map(map.clone()).size())?;
            Ok(Value::Bool(
                map.entries.values().any(|value| *value == wanted),
            ))
        },
    ),
    function("#operator_+", &[p("left", MAP), p("right", MAP)], |call| {
        let right = call.map(1)?;
        with(
            call,
            right
                .entries
                .iter()
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        )
    }),
    both("len", &[p("dict", MAP)], |call| {
        Ok(Value::count(call.map(0)?.entries.len()))
    }),
    method("delete", &[p("dict", MAP)], |call| {
        without(call, call.rest())
    })
    .rest(ANY),
    method(
        "deleteAll",
        &[p("dict", MAP), p("keys", ITERABLE)],
        |call| without(call, call.items(1)?),
    ),
    method(
        "mergeWith",
        &[
            p("dict", MAP),
            p("another", MAP),
            opt("listMerger", LAMBDA, Default::Null),
            opt("itemMerger", LAMBDA, Default::Null),
            opt("maxLevels", INT, Default::Int(0)),
        ],
        merge_with,
    ),
];

/// The values of `key => value` arguments.
fn rules(call: &Call) -> Vec<(Value, Value)> {
    let rule = |value: Value| {
        if let Value::Rule(rule) = value {
            Some((rule.0.clone(), rule.1.clone()))
        } else {
            None
        }
    };
    call.rest().into_iter().filter_map(rule).collect()
}

fn from_rules(call: &mut Call) -> Result<Value> {
    let mut entries = IndexMap::new();
    for (key, value) in rules(call) {
        entries.insert(key.into_key(call.machine)?, value);
    }
    Value::map(entries, true)
}

fn from_pairs(call: &mut Call) -> Result<Value> {
    let mut entries = IndexMap::new();
    let mut items = call.cursor(0)?;
    while let Some(item) = items.next(call.machine)? {
        let mut pair = cursor(&item, call.machine)?;
        match (pair.next(call.machine)?, pair.next(call.machine)?) {
            (Some(key), Some(value)) => entries.insert(key.into_key(call.machine)?, value),
            _ => {
                return Err(Error::new(
                    "a map is made of pairs, and an item has fewer than two parts",
                ));
            }
        };
    }
    Value::map(entries, true)
}

fn to_dict(call: &mut Call) -> Result<Value> {
    let (key_of, value_of) = (call.lambda(1)?, call.opt_lambda(2));
    let mut entries = IndexMap::new();
    let mut items = call.cursor(0)?;
    while let Some(item) = items.next(call.machine)? {
        let key = key_of.call(call.machine, std::slice::from_ref(&item))?;
        let value = match &value_of {
            Some(value_of) => value_of.call(call.machine, &[item])?,
            None => item,
        };
        entries.insert(key.into_key(call.machine)?, value);
    }
    Value::map(entries, false)
}

fn find(call: &Call, map: usize, key: usize) -> Result<Option<Value>> {
    Ok(call
        .map(map)?
        .entries
        .get(&call.value(key).into_key(call.machine)?)
        .cloned())
}

/// Returns the map with these entries. They replace those of the same keys; new keys come last.
fn with(call: &Call, changes: Vec<(Value, Value)>) -> Result<Value> {
    let map = call.map(0)?;
    call.machine.spend(map.entries.len() + changes.len())?;
    let mut entries = map.entries.clone();
    for (key, value) in changes {
        entries.insert(key.into_key(call.machine)?, value);
    }
    Value::map(entries, true)
}

fn without(call: &Call, keys: Vec<Value>) -> Result<Value> {
    let map = call.map(0)?;
    call.machine.spend(map.entries.len())?;
    let mut unwanted = indexmap::IndexSet::new();
    for key in keys {
        unwanted.insert(key.into_key(call.machine)?);
    }
    let kept = map
        .entries
        .iter()
        .filter(|(key, _)| !unwanted.contains(*key));
    Value::map(
        kept.map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        false,
    )
}

/// The rule that merges two values of one key.
type Merger<'a> = &'a dyn Fn(&Machine, &Value, &Value) -> Result<Value>;

fn merge_with(call: &mut Call) -> Result<Value> {
    let (lists, items) = (call.opt_lambda(2), call.opt_lambda(3));
    let merge_lists = |machine: &Machine, left: &Value, right: &Value| match &lists {
        Some(lambda) => lambda.call(machine, &[left.clone(), right.clone()]),
        None => union(machine, left, right),
    };
    let merge_items = |machine: &Machine, left: &Value, right: &Value| match &items {
        Some(lambda) => lambda.call(machine, &[left.clone(), right.clone()]),
        None => Ok(right.clone()),
    };
    merge(
        call.machine,
        &*call.map(0)?,
        &*call.map(1)?,
        &merge_lists,
        &merge_items,
        call.int(4)?,
    )
}

/// Returns the items of two lists, each once.
fn union(machine: &Machine, left: &Value, right: &Value) -> Result<Value> {
    match (left, right) {
        (Value::List(left), Value::List(right)) if left.fixed == right.fixed => {
            let mut items = indexmap::IndexSet::new();
            for item in left.items.iter().chain(&right.items) {
                machine.spend(1)?;
                items.insert(item.clone().into_key(machine)?);
            }
            Value::tuple(super::lists::within(items.into_iter().collect(), machine)?)
        }
        _ => Err(Error::new("lists of different kinds cannot be merged")),
    }
}

fn merge(
    machine: &Machine,
    left: &Map,
    right: &Map,
    lists: Merger,
    items: Merger,
    levels: i128,
) -> Result<Value> {
    let _level = machine.deeper()?;
    machine.spend(left.entries.len() + right.entries.len())?;
    let cannot = |one: &Value, other: &Value| {
        Error::new(format!(
            "{} cannot be merged with {}",
            one.kind(),
            other.kind()
        ))
    };
    let mut merged = IndexMap::with_capacity(left.entries.len());
    for (key, one) in &left.entries {
        let value = match right.entries.get(key) {
            None => one.clone(),
            Some(Value::Map(other)) if levels != 1 => match one {
                Value::Map(one) => merge(
                    machine,
                    one,
                    other,
                    lists,
                    items,
                    if levels == 0 { 0 } else { levels - 1 },
                )?,
                _ => return Err(cannot(one, &Value::Map(other.clone()))),
            },
            Some(other @ Value::List(_)) if levels != 1 => {
                if !matches!(one, Value::List(_)) {
                    return Err(cannot(one, other));
                }
                lists(machine, one, other)?
            }
            Some(other) => items(machine, one, other)?,
        };
        merged.insert(key.clone(), value);
    }
    for (key, value) in &right.entries {
        if !merged.contains_key(key) {
            merged.insert(key.clone(), value.clone());
        }
    }
    Value::map(merged, false)
}
