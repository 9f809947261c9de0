//! Functions that generate collections or split them.

use std::collections::VecDeque;

use indexmap::IndexSet;

use crate::call::Call;
use crate::error::{Error, Result};
use crate::function::{
    ANY, BOOL, Default, Function, INT, ITERABLE, LAMBDA, Param, function, method, opt, p,
};
use crate::iterate::{self, cursor, iter};
use crate::python;
use crate::value::Value;

const WITH_PREDICATE: &[Param] = &[p("collection", ITERABLE), p("predicate", LAMBDA)];

pub(super) const FUNCTIONS: &[Function] = &[
    function("range", &[p("stop", INT)], |call| range(0, call.int(0)?, 1)),
    function(
        "range",
        &[
            p("start", INT),
            p("stop", INT),
            opt("step", INT, Default::Int(1)),
        ],
        |call| range(call.int(0)?, call.int(1)?, call.int(2)?),
    ),
    function(
        "sequence",
        &[
            opt("start", INT, Default::Int(0)),
            opt("step", INT, Default::Int(1)),
        ],
        |call| {
            let (mut next, step) = (call.int(0)?, call.int(1)?);
            iter([0], move |_| {
                let number = next;
                next = next.saturating_add(step);
                Ok(Some(Value::Int(number)))
            })
        },
    ),
    method(
        "repeat",
        &[p("value", ANY), opt("times", INT, Default::Int(-1))],
        |call| {
            let (value, mut left) = (call.value(0), call.int(1)?);
            let endless = left < 0;
            iter([value.depth()], move |_| {
                left -= 1;
                Ok((endless || left >= 0).then(|| value.clone()))
            })
        },
    ),
    method("cycle", &[p("collection", ITERABLE)], cycle),
    method(
        "slice",
        &[p("collection", ITERABLE), p("length", INT)],
        slice,
    ),
    method("splitWhere", WITH_PREDICATE, split_where),
    method("sliceWhere", WITH_PREDICATE, slice_where),
    method(
        "splitAt",
        &[p("collection", ITERABLE), p("index", INT)],
        |call| {
            let items = call.items(0)?;
            let (_, at) = python::slice(0, call.int(1)?, items.len());
            Value::list(vec![
                Value::tuple(items[..at].to_vec())?,
                Value::tuple(items[at..].to_vec())?,
            ])
        },
    ),
    function(
        "generate",
        &[
            p("initial", ANY),
            p("predicate", LAMBDA),
            p("producer", LAMBDA),
            opt("selector", LAMBDA, Default::Null),
            opt("decycle", BOOL, Default::Bool(false)),
        ],
        generate,
    ),
    function(
        "generateMany",
        &[
            p("initial", ANY),
            p("producer", LAMBDA),
            opt("selector", LAMBDA, Default::Null),
            opt("decycle", BOOL, Default::Bool(false)),
            opt("depthFirst", BOOL, Default::Bool(false)),
        ],
        generate_many,
    ),
];

fn range(start: i128, stop: i128, step: i128) -> Result<Value> {
    if step == 0 {
        return Err(Error::new("the step of a range is zero"));
    }
    let mut next = start;
    iter([0], move |_| {
        let number = next;
        next = next.saturating_add(step);
        Ok((if step > 0 {
            number < stop
        } else {
            number > stop
        })
        .then_some(Value::Int(number)))
    })
}

fn cycle(call: &mut Call) -> Result<Value> {
    let mut items = call.cursor(0)?;
    let mut seen = Vec::new();
    let mut ended = false;
    let mut index = 0;
    iter([call.value(0).depth()], move |machine| {
        if !ended {
            if let Some(item) = items.next(machine)? {
                seen.push(item.clone());
                return Ok(Some(item));
            }
            ended = true;
        }
        let item = seen.get(index).cloned();
        index = (index + 1) % seen.len().max(1);
        Ok(item)
    })
}

fn slice(call: &mut Call) -> Result<Value> {
    let (mut items, length) = (call.cursor(0)?, call.int(1)?);
    iter([call.value(0).depth()], move |machine| {
        let length = usize::try_from(length)
            .map_err(|_| Error::new(format!("{length} is no number of items")))?;
        let mut part = Vec::new();
        while part.len() < length
            && let Some(item) = items.next(machine)?
        {
            part.push(item);
        }
        if part.is_empty() {
            Ok(None)
        } else {
            Value::tuple(part).map(Some)
        }
    })
}

/// Returns the parts between items for which the predicate holds.
fn split_where(call: &mut Call) -> Result<Value> {
    let (items, predicate) = (call.value(0), call.lambda(1)?);
    let mut items = Some(items);
    let depths = [call.value(0).depth(), call.context.depth()];
    let mut list = Vec::new();
    let mut end = 0;
    let mut start = 0;
    iter(depths, move |machine| {
        if let Some(items) = items.take() {
            list = iterate::items(&items, machine)?;
        }
        while end < list.len() {
            let splits = predicate.call(machine, &[list[end].clone()])?.truth();
            end += 1;
            if splits {
                let part = list[start..end - 1].to_vec();
                start = end;
                return Value::tuple(part).map(Some);
            }
        }
        let part = list[start..].to_vec();
        start = list.len();
        if part.is_empty() {
            Ok(None)
        } else {
            Value::tuple(part).map(Some)
        }
    })
}

/// Returns runs of items for which the predicate has the same result.
fn slice_where(call: &mut Call) -> Result<Value> {
    let (items, predicate) = (call.value(0), call.lambda(1)?);
    let depths = [items.depth(), call.context.depth()];
    let mut items = Some(items);
    let mut list = Vec::new();
    let mut end = 0;
    let mut start = 0;
    let mut before: Option<Value> = None;
    iter(depths, move |machine| {
        if let Some(items) = items.take() {
            list = iterate::items(&items, machine)?;
        }
        while end < list.len() {
            let now = predicate.call(machine, &[list[end].clone()])?;
            let changes = before.as_ref().is_some_and(|before| *before != now);
            before = Some(now);
            end += 1;
            if changes {
                let part = list[start..end - 1].to_vec();
                start = end - 1;
                return Value::tuple(part).map(Some);
            }
        }
        let part = list[start..].to_vec();
        start = list.len();
        if part.is_empty() {
            Ok(None)
        } else {
            Value::tuple(part).map(Some)
        }
    })
}

fn generate(call: &mut Call) -> Result<Value> {
    let (predicate, producer, selector) = (call.lambda(1)?, call.lambda(2)?, call.opt_lambda(3));
    let mut past = call.value(4).truth().then(IndexSet::new);
    let initial = call.value(0);
    let depths = [initial.depth(), call.context.depth()];
    let mut current = Some(initial);
    let mut begun = false;
    iter(depths, move |machine| {
        let Some(mut value) = current.take() else {
            return Ok(None);
        };
        if begun {
            value = producer.call(machine, &[value])?;
        }
        begun = true;
        if !predicate
            .call(machine, std::slice::from_ref(&value))?
            .truth()
        {
            return Ok(None);
        }
        if let Some(past) = &mut past
            && !past.insert(value.clone().into_key(machine)?)
        {
            return Ok(None);
        }
        let result = match &selector {
            Some(selector) => selector.call(machine, std::slice::from_ref(&value))?,
            None => value.clone(),
        };
        current = Some(value);
        Ok(Some(result))
    })
}

fn generate_many(call: &mut Call) -> Result<Value> {
    let (producer, selector, depth_first) =
        (call.lambda(1)?, call.opt_lambda(2), call.value(4).truth());
    let mut past = call.value(3).truth().then(IndexSet::new);
    let initial = call.value(0);
    let depths = [initial.depth(), call.context.depth()];
    let mut queue = VecDeque::from([initial]);
    let mut last: Option<Value> = None;
    iter(depths, move |machine| {
        if let Some(item) = last.take() {
            let produced = producer.call(machine, &[item])?;
            let mut produced = cursor(&produced, machine)?.rest(machine)?;
            if depth_first {
                while let Some(item) = produced.pop() {
                    queue.push_front(item);
                }
            } else {
                queue.extend(produced);
            }
        }
        while let Some(item) = queue.pop_front() {
            if let Some(past) = &mut past
                && !past.insert(item.clone().into_key(machine)?)
            {
                continue;
            }
            last = Some(item.clone());
            return match &selector {
                Some(selector) => selector.call(machine, &[item]).map(Some),
                None => Ok(Some(item)),
            };
        }
        Ok(None)
    })
}
