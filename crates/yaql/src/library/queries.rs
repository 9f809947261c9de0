//! Queries over collections. Most are evaluated lazily.

use crate::call::{Call, Lambda};
use crate::error::{Error, Result};
use crate::function::{
    ANY, Class, Default, Function, INT, ITERABLE, LAMBDA, Param, Type, both, method, opt, or_null,
    p,
};
use crate::iterate::{self, Cursor, cursor, iter};
use crate::machine::Machine;
use crate::value::Value;

const INT_OR_NULL: Type = or_null(Class::Int);
const WITH_PREDICATE: &[Param] = &[p("collection", ITERABLE), p("predicate", LAMBDA)];
const WITH_SELECTOR: &[Param] = &[p("collection", ITERABLE), p("selector", LAMBDA)];
const WITH_COUNT: &[Param] = &[p("collection", ITERABLE), p("count", INT)];
const MAY_HAVE_PREDICATE: &[Param] = &[
    p("collection", ITERABLE),
    opt("predicate", LAMBDA, Default::Null),
];
const WITH_INITIAL: &[Param] = &[
    p("collection", ITERABLE),
    opt("initial", ANY, Default::Absent),
];
const WITH_SEED: &[Param] = &[
    p("collection", ITERABLE),
    p("selector", LAMBDA),
    opt("seed", ANY, Default::Absent),
];
const WITH_DEFAULT: &[Param] = &[
    p("collection", ITERABLE),
    opt("default", ANY, Default::Absent),
];

pub(super) const FUNCTIONS: &[Function] = &[
    method("where", WITH_PREDICATE, filter),
    method("filter", WITH_PREDICATE, filter),
    method("select", WITH_SELECTOR, select),
    method("map", WITH_SELECTOR, select),
    method("selectMany", WITH_SELECTOR, select_many),
    method("skip", WITH_COUNT, skip),
    method("limit", WITH_COUNT, limit),
    method("take", WITH_COUNT, limit),
    method("takeWhile", WITH_PREDICATE, take_while),
    method("skipWhile", WITH_PREDICATE, skip_while),
    both(
        "distinct",
        &[
            p("collection", ITERABLE),
            opt("keySelector", LAMBDA, Default::Null),
        ],
        distinct,
    ),
    both(
        "enumerate",
        &[
            p("collection", ITERABLE),
            opt("start", INT_OR_NULL, Default::Int(0)),
        ],
        enumerate,
    ),
    both("any", MAY_HAVE_PREDICATE, |call| holds(call, true)),
    both("all", MAY_HAVE_PREDICATE, |call| holds(call, false)),
    method("memorize", &[p("collection", ITERABLE)], |call| {
        iterate::memorize(call.value(0), call.machine)
    }),
    method("sum", WITH_INITIAL, |call| fold_with(call, "#operator_+")),
    method("max", WITH_INITIAL, |call| fold_with(call, "max")),
    method("min", WITH_INITIAL, |call| fold_with(call, "min")),
    method("aggregate", WITH_SEED, aggregate),
    method("reduce", WITH_SEED, aggregate),
    method("accumulate", WITH_SEED, accumulate),
    method("first", WITH_DEFAULT, first),
    method("last", WITH_DEFAULT, last),
    method("single", &[p("collection", ITERABLE)], single),
    method(
        "join",
        &[
            p("collection1", ITERABLE),
            p("collection2", ITERABLE),
            p("predicate", LAMBDA),
            p("selector", LAMBDA),
        ],
        join,
    ),
    method("zip", &[], |call| zip(call, None)).rest(ITERABLE),
    method("zipLongest", &[], |call| {
        let default = call
            .keywords()
            .iter()
            .find(|(name, _)| **name == *"default")
            .map(|(_, value)| value.clone());
        zip(call, Some(default.unwrap_or(Value::Null)))
    })
    .rest(ITERABLE)
    .any_name(),
    method("indexWhere", WITH_PREDICATE, |call| {
        position_where(call, false)
    }),
    method("lastIndexWhere", WITH_PREDICATE, |call| {
        position_where(call, true)
    }),
    method("reverse", &[p("collection", ITERABLE)], |call| {
        let mut items = call.items(0)?;
        iter([call.value(0).depth()], move |_| Ok(items.pop()))
    }),
    method(
        "defaultIfEmpty",
        &[p("collection", ITERABLE), p("default", ITERABLE)],
        default_if_empty,
    ),
];

/// Returns the depths of the values that a lambda over a collection keeps.
fn held(call: &Call) -> [u32; 2] {
    [call.value(0).depth(), call.context.depth()]
}

fn filter(call: &mut Call) -> Result<Value> {
    let (mut items, predicate) = (call.cursor(0)?, call.lambda(1)?);
    iter(held(call), move |machine| {
        while let Some(item) = items.next(machine)? {
            if predicate
                .call(machine, std::slice::from_ref(&item))?
                .truth()
            {
                return Ok(Some(item));
            }
        }
        Ok(None)
    })
}

fn select(call: &mut Call) -> Result<Value> {
    let (mut items, selector) = (call.cursor(0)?, call.lambda(1)?);
    iter(held(call), move |machine| match items.next(machine)? {
        Some(item) => selector.call(machine, &[item]).map(Some),
        None => Ok(None),
    })
}

fn select_many(call: &mut Call) -> Result<Value> {
    let (mut items, selector) = (call.cursor(0)?, call.lambda(1)?);
    let mut inner: Option<Cursor> = None;
    iter(held(call), move |machine| {
        loop {
            if let Some(items) = &mut inner
                && let Some(item) = items.next(machine)?
            {
                return Ok(Some(item));
            }
            inner = None;
            let Some(item) = items.next(machine)? else {
                return Ok(None);
            };
            let selected = selector.call(machine, &[item])?;
            if !iterate::is_iterable(&selected) {
                return Ok(Some(selected));
            }
            inner = Some(cursor(&selected, machine)?);
        }
    })
}

fn amount(call: &Call) -> Result<usize> {
    let count = call.int(1)?;
    usize::try_from(count).map_err(|_| Error::new(format!("{count} is no number of items")))
}

fn skip(call: &mut Call) -> Result<Value> {
    let (mut items, mut left) = (call.cursor(0)?, amount(call)?);
    iter(held(call), move |machine| {
        while left > 0 {
            left -= 1;
            if items.next(machine)?.is_none() {
                return Ok(None);
            }
        }
        items.next(machine)
    })
}

fn limit(call: &mut Call) -> Result<Value> {
    let (mut items, mut left) = (call.cursor(0)?, amount(call)?);
    iter(held(call), move |machine| {
        if left == 0 {
            return Ok(None);
        }
        left -= 1;
        items.next(machine)
    })
}

fn take_while(call: &mut Call) -> Result<Value> {
    let (mut items, predicate) = (call.cursor(0)?, call.lambda(1)?);
    iter(held(call), move |machine| match items.next(machine)? {
        Some(item)
            if predicate
                .call(machine, std::slice::from_ref(&item))?
                .truth() =>
        {
            Ok(Some(item))
        }
        _ => Ok(None),
    })
}

fn skip_while(call: &mut Call) -> Result<Value> {
    let (mut items, predicate) = (call.cursor(0)?, call.lambda(1)?);
    let mut skipping = true;
    iter(held(call), move |machine| {
        while let Some(item) = items.next(machine)? {
            skipping = skipping
                && predicate
                    .call(machine, std::slice::from_ref(&item))?
                    .truth();
            if !skipping {
                return Ok(Some(item));
            }
        }
        Ok(None)
    })
}

fn distinct(call: &mut Call) -> Result<Value> {
    let (mut items, key_of) = (call.cursor(0)?, call.opt_lambda(1));
    let mut seen = indexmap::IndexSet::new();
    iter(held(call), move |machine| {
        while let Some(item) = items.next(machine)? {
            let key = match &key_of {
                Some(key_of) => key_of.call(machine, std::slice::from_ref(&item))?,
                None => item.clone(),
            };
            if seen.insert(key.into_key(machine)?) {
                return Ok(Some(item));
            }
        }
        Ok(None)
    })
}

fn enumerate(call: &mut Call) -> Result<Value> {
    let (mut items, mut index) = (call.cursor(0)?, call.value(1));
    iter(held(call), move |machine| {
        // Null is taken for a number only until there is something to count.
        let next = match index {
            Value::Int(number) => number,
            Value::Bool(value) => value.into(),
            _ => return Err(Error::new("what to count from is not an integer")),
        };
        let Some(item) = items.next(machine)? else {
            return Ok(None);
        };
        index = Value::Int(next.saturating_add(1));
        Value::list(vec![Value::Int(next), item]).map(Some)
    })
}

/// Returns whether the predicate has this result for any item.
fn holds(call: &Call, wanted: bool) -> Result<Value> {
    let (mut items, predicate) = (call.cursor(0)?, call.opt_lambda(1));
    while let Some(item) = items.next(call.machine)? {
        let truth = match &predicate {
            Some(predicate) => predicate.call(call.machine, &[item])?.truth(),
            // Without a predicate, `any()` tests whether items exist, and `all()` tests their truth.
            None => wanted || item.truth(),
        };
        if truth == wanted {
            return Ok(Value::Bool(wanted));
        }
    }
    Ok(Value::Bool(!wanted))
}

fn fold(
    machine: &Machine,
    mut items: Cursor,
    seed: Option<Value>,
    combine: impl Fn(&[Value]) -> Result<Value>,
) -> Result<Value> {
    let mut total = match seed {
        Some(seed) => seed,
        None => items
            .next(machine)?
            .ok_or_else(|| Error::new("an empty collection, and nothing to begin with"))?,
    };
    while let Some(item) = items.next(machine)? {
        total = combine(&[total, item])?;
    }
    Ok(total)
}

fn fold_with(call: &mut Call, function: &str) -> Result<Value> {
    fold(call.machine, call.cursor(0)?, call.argument(1), |pair| {
        call.delegate(function, pair)
    })
}

fn aggregate(call: &mut Call) -> Result<Value> {
    let selector = call.lambda(1)?;
    fold(call.machine, call.cursor(0)?, call.argument(2), |pair| {
        selector.call(call.machine, pair)
    })
}

fn accumulate(call: &mut Call) -> Result<Value> {
    let (mut items, selector, mut seed) = (call.cursor(0)?, call.lambda(1)?, call.argument(2));
    let depths = [
        call.value(0).depth(),
        call.context.depth(),
        call.value(2).depth(),
    ];
    let mut total: Option<Value> = None;
    iter(depths, move |machine| {
        let next = match (&total, seed.take()) {
            (None, Some(seed)) => seed,
            (None, None) => items
                .next(machine)?
                .ok_or_else(|| Error::new("an empty collection, and nothing to begin with"))?,
            (Some(sum), _) => match items.next(machine)? {
                Some(item) => selector.call(machine, &[sum.clone(), item])?,
                None => return Ok(None),
            },
        };
        total = Some(next.clone());
        Ok(Some(next))
    })
}

fn none() -> Error {
    Error::new("the collection is empty")
}

fn first(call: &mut Call) -> Result<Value> {
    call.cursor(0)?
        .next(call.machine)?
        .or_else(|| call.argument(1))
        .ok_or_else(none)
}

fn last(call: &mut Call) -> Result<Value> {
    let mut items = call.cursor(0)?;
    let mut found = call.argument(1);
    while let Some(item) = items.next(call.machine)? {
        found = Some(item);
    }
    found.ok_or_else(none)
}

fn single(call: &mut Call) -> Result<Value> {
    let mut items = call.cursor(0)?;
    let found = items.next(call.machine)?.ok_or_else(none)?;
    match items.next(call.machine)? {
        None => Ok(found),
        Some(_) => Err(Error::new("the collection has more than one item")),
    }
}

fn join(call: &mut Call) -> Result<Value> {
    let (predicate, selector): (Lambda, Lambda) = (call.lambda(2)?, call.lambda(3)?);
    let right = iterate::memorize(call.value(1), call.machine)?;
    let mut left = call.cursor(0)?;
    let mut pairs: Option<(Value, Cursor)> = None;
    let depths = [call.value(0).depth(), right.depth(), call.context.depth()];
    iter(depths, move |machine| {
        loop {
            if let Some((one, others)) = &mut pairs {
                while let Some(other) = others.next(machine)? {
                    let pair = [one.clone(), other];
                    if predicate.call(machine, &pair)?.truth() {
                        return selector.call(machine, &pair).map(Some);
                    }
                }
            }
            match left.next(machine)? {
                Some(one) => pairs = Some((one, cursor(&right, machine)?)),
                None => return Ok(None),
            }
        }
    })
}

/// Combines the items at the same position. It ends with the shortest collection, or with the longest one
/// if there is a value for the gaps.
fn zip(call: &Call, gap: Option<Value>) -> Result<Value> {
    let parts = call.rest();
    let depths: Vec<u32> = parts.iter().map(Value::depth).collect();
    let mut parts = parts
        .iter()
        .map(|part| cursor(part, call.machine).map(Some))
        .collect::<Result<Vec<Option<Cursor>>>>()?;
    iter(depths, move |machine| {
        let mut items = Vec::with_capacity(parts.len());
        for part in &mut parts {
            let next = match part {
                Some(cursor) => cursor.next(machine)?,
                None => None,
            };
            match (next, &gap) {
                (Some(item), _) => items.push(item),
                (None, None) => return Ok(None),
                (None, Some(gap)) => {
                    *part = None;
                    items.push(gap.clone());
                }
            }
        }
        if parts.iter().all(Option::is_none) {
            return Ok(None);
        }
        Value::tuple(items).map(Some)
    })
}

fn position_where(call: &Call, last: bool) -> Result<Value> {
    let (mut items, predicate) = (call.cursor(0)?, call.lambda(1)?);
    let mut found = Value::Int(-1);
    let mut index = 0;
    while let Some(item) = items.next(call.machine)? {
        if predicate.call(call.machine, &[item])?.truth() {
            found = Value::count(index);
            if !last {
                break;
            }
        }
        index += 1;
    }
    Ok(found)
}

fn default_if_empty(call: &mut Call) -> Result<Value> {
    let collection = iterate::memorize(call.value(0), call.machine)?;
    Ok(
        match cursor(&collection, call.machine)?.next(call.machine)? {
            Some(_) => collection,
            None => call.value(1),
        },
    )
}
