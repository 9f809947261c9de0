//! The function `groupBy`.

use indexmap::IndexMap;

use crate::call::{Call, Lambda};
use crate::error::{Error, Kind, Result};
use crate::function::{Default, Function, ITERABLE, LAMBDA, method, opt, p};
use crate::iterate::iter;
use crate::machine::Machine;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[method(
    "groupBy",
    &[
        p("collection", ITERABLE),
        p("keySelector", LAMBDA),
        opt("valueSelector", LAMBDA, Default::Null),
        opt("aggregator", LAMBDA, Default::Null),
    ],
    group_by,
)];

fn group_by(call: &mut Call) -> Result<Value> {
    let (key_of, value_of) = (call.lambda(1)?, call.opt_lambda(2));
    let mut groups: IndexMap<Value, Vec<Value>> = IndexMap::new();
    let mut items = call.cursor(0)?;
    while let Some(item) = items.next(call.machine)? {
        let value = match &value_of {
            Some(value_of) => value_of.call(call.machine, std::slice::from_ref(&item))?,
            None => item.clone(),
        };
        let key = key_of.call(call.machine, &[item])?.into_key(call.machine)?;
        groups.entry(key).or_default().push(value);
    }
    let groups = groups
        .into_iter()
        .map(|(key, values)| Ok((key, Value::list(values)?)))
        .collect::<Result<Vec<_>>>()?;
    let groups = super::lists::within(groups, call.machine)?;
    let depths: Vec<u32> = groups
        .iter()
        .map(|(key, values)| key.depth().max(values.depth()))
        .collect();
    let mut aggregator = call.opt_lambda(3).map(Aggregator::new);
    let mut groups = groups.into_iter();
    iter(
        depths.into_iter().chain([call.context.depth()]),
        move |machine| {
            let Some((key, values)) = groups.next() else {
                return Ok(None);
            };
            match &mut aggregator {
                None => Value::tuple(vec![key, values]).map(Some),
                Some(aggregator) => aggregator.apply(machine, key, values).map(Some),
            }
        },
    )
}

/// The function that turns a group into one value. In older versions of YAQL it received the key with the
/// values. Expressions written that way still work, unless a result shows that they expect the values alone.
struct Aggregator {
    lambda: Lambda,
    may_want_key: bool,
    failure: Option<Error>,
}

impl Aggregator {
    fn new(lambda: Lambda) -> Self {
        Aggregator {
            lambda,
            may_want_key: true,
            failure: None,
        }
    }

    fn apply(&mut self, machine: &Machine, key: Value, values: Value) -> Result<Value> {
        if self.failure.is_none() {
            match self.lambda.call(machine, std::slice::from_ref(&values)) {
                Ok(result) => {
                    self.may_want_key &= looks_like_pair(&values, &result);
                    return Value::tuple(vec![key, result]);
                }
                Err(error) if matches!(error.kind(), Kind::NoMatch | Kind::Index) => {
                    self.failure = Some(error)
                }
                Err(error) => return Err(error),
            }
        }
        if self.may_want_key
            && let Ok(result) = self
                .lambda
                .call(machine, &[Value::tuple(vec![key, values])?])
            && length(&result) == Some(2)
        {
            return Ok(result);
        }
        Err(self
            .failure
            .clone()
            .unwrap_or_else(|| Error::new("a group cannot be aggregated")))
    }
}

/// Returns whether the result for a group of two values treats the first one as a key.
fn looks_like_pair(values: &Value, result: &Value) -> bool {
    match (values, result) {
        (Value::List(values), Value::List(result)) => {
            values.items.len() == 2 && result.items.len() == 2 && values.items[0] == result.items[0]
        }
        _ => false,
    }
}

fn length(value: &Value) -> Option<usize> {
    match value {
        Value::Str(text) => Some(text.chars().count()),
        Value::List(list) => Some(list.items.len()),
        Value::Map(map) | Value::View(map, _) => Some(map.entries.len()),
        Value::Set(set) => Some(set.items.len()),
        _ => None,
    }
}
