//! Functions of sets. A map's keys and items count as sets where they do in Python.

use indexmap::IndexSet;

use super::lists::{flat_iterators, within};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::function::{ANY, Function, ITERABLE, SET, both, function, method, p};
use crate::iterate;
use crate::value::Value;

type Members = IndexSet<Value>;

macro_rules! compare {
    ($name:literal, $run:expr) => {
        function($name, &[p("left", SET), p("right", SET)], |call| {
            let run: fn(&Members, &Members) -> bool = $run;
            Ok(Value::Bool(run(&members(call, 0)?, &members(call, 1)?)))
        })
    };
}
macro_rules! combine {
    ($kind:ident $name:literal, $run:expr) => {
        $kind($name, &[p("left", SET), p("right", SET)], |call| {
            let run: fn(Members, &Members) -> Members = $run;
            Value::set(run(own_members(call)?, &members(call, 1)?))
        })
    };
}

pub(super) const FUNCTIONS: &[Function] = &[
    function("set", &[], |call| {
        let items = flat_iterators(call.rest(), call.machine)?;
        set(call, within(items, call.machine)?)
    })
    .rest(ANY),
    method("toSet", &[p("collection", ITERABLE)], |call| {
        set(call, call.items(0)?)
    }),
    both("len", &[p("set", SET)], |call| {
        Ok(Value::count(call.items(0)?.len()))
    }),
    compare!("#operator_<", |left, right| left.len() < right.len()
        && left.is_subset(right)),
    compare!("#operator_<=", |left, right| left.is_subset(right)),
    compare!("#operator_>", |left, right| left.len() > right.len()
        && left.is_superset(right)),
    compare!("#operator_>=", |left, right| left.is_superset(right)),
    combine!(method "union", |mut left, right| {
        left.extend(right.iter().cloned());
        left
    }),
    combine!(method "intersect", |mut left, right| {
        left.retain(|item| right.contains(item));
        left
    }),
    combine!(method "difference", subtract),
    combine!(function "#operator_-", subtract),
    combine!(method "symmetricDifference", |left, right| left.symmetric_difference(right).cloned().collect()),
    method("add", &[p("set", SET)], |call| {
        let mut left = own_members(call)?;
        for value in call.rest() {
            left.insert(value.into_key(call.machine)?);
        }
        Value::set(left)
    })
    .rest(ANY),
    method("remove", &[p("set", SET)], |call| {
        let mut unwanted = Members::new();
        for value in call.rest() {
            unwanted.insert(value.into_key(call.machine)?);
        }
        Value::set(subtract(own_members(call)?, &unwanted))
    })
    .rest(ANY),
];

fn subtract(mut left: Members, right: &Members) -> Members {
    left.retain(|item| !right.contains(item));
    left
}

fn set(call: &Call, items: Vec<Value>) -> Result<Value> {
    let items = items.into_iter().map(|item| item.into_key(call.machine));
    Value::set(items.collect::<Result<_>>()?)
}

fn members(call: &Call, index: usize) -> Result<Members> {
    let value = call.value(index);
    call.machine.spend(value.size())?;
    let items = iterate::items(&value, call.machine)?;
    items
        .into_iter()
        .map(|item| item.into_key(call.machine))
        .collect()
}

/// Returns the members of the first argument, which must be a set; values that resemble a set are refused.
fn own_members(call: &Call) -> Result<Members> {
    match call.value(0) {
        Value::Set(set) => {
            call.machine.spend(set.items.len())?;
            Ok(set.items.clone())
        }
        other => Err(Error::new(format!(
            "{} must be made a set first, with `toSet`",
            other.kind()
        ))),
    }
}
