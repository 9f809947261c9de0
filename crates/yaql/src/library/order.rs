//! Sorting, which happens when the result is read.

use std::cell::RefCell;
use std::cmp;
use std::rc::Rc;

use crate::call::{Call, Lambda, delegate};
use crate::context::Context;
use crate::error::Result;
use crate::function::{Function, ITERABLE, LAMBDA, ORDERING, Param, method, p};
use crate::iterate;
use crate::machine::Machine;
use crate::value::{List, Value};

const BY: &[Param] = &[p("collection", ITERABLE), p("selector", LAMBDA)];
const THEN_BY: &[Param] = &[p("collection", ORDERING), p("selector", LAMBDA)];

pub(super) const FUNCTIONS: &[Function] = &[
    method("orderBy", BY, |call| order_by(call, false)),
    method("orderByDescending", BY, |call| order_by(call, true)),
    method("thenBy", THEN_BY, |call| then_by(call, false)),
    method("thenByDescending", THEN_BY, |call| then_by(call, true)),
];

/// A collection and its sort keys.
pub(crate) struct Ordering {
    collection: Value,
    context: Context,
    /// The keys to compare by; each says whether the greater comes first.
    by: RefCell<Vec<(Lambda, bool)>>,
    sorted: RefCell<Option<Rc<List>>>,
}

impl Ordering {
    pub fn depth(&self) -> u32 {
        let by = self.by.borrow();
        let deepest = by
            .iter()
            .map(|(selector, _)| selector.depth())
            .max()
            .unwrap_or(0);
        self.collection
            .depth()
            .max(self.context.depth())
            .max(deepest)
            + 1
    }

    pub fn sorted(&self, machine: &Machine) -> Result<Rc<List>> {
        if let Some(sorted) = &*self.sorted.borrow() {
            return Ok(sorted.clone());
        }
        let items = sort(
            iterate::items(&self.collection, machine)?,
            &|left, right| self.compare(machine, left, right),
        )?;
        let Value::List(sorted) = Value::tuple(items)? else {
            return Err(crate::Error::new("not a list"));
        };
        *self.sorted.borrow_mut() = Some(sorted.clone());
        Ok(sorted)
    }

    fn compare(&self, machine: &Machine, left: &Value, right: &Value) -> Result<cmp::Ordering> {
        let by = self.by.borrow().clone();
        for (selector, descending) in by {
            let pair = [
                selector.call(machine, std::slice::from_ref(left))?,
                selector.call(machine, std::slice::from_ref(right))?,
            ];
            let order = if delegate(machine, &self.context, "#operator_<", &pair)?.truth() {
                cmp::Ordering::Less
            } else if delegate(machine, &self.context, "#operator_>", &pair)?.truth() {
                cmp::Ordering::Greater
            } else {
                continue;
            };
            return Ok(if descending { order.reverse() } else { order });
        }
        Ok(cmp::Ordering::Equal)
    }
}

/// Sorts stably by a comparison that may fail.
fn sort(
    mut items: Vec<Value>,
    compare: &dyn Fn(&Value, &Value) -> Result<cmp::Ordering>,
) -> Result<Vec<Value>> {
    if items.len() < 2 {
        return Ok(items);
    }
    let right = sort(items.split_off(items.len() / 2), compare)?;
    let left = sort(items, compare)?;
    let mut sorted = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(one), Some(other)) = (left.peek(), right.peek()) {
        let right_first = compare(other, one)?.is_lt();
        sorted.extend(if right_first {
            right.next()
        } else {
            left.next()
        });
    }
    sorted.extend(left);
    sorted.extend(right);
    Ok(sorted)
}

fn order_by(call: &mut Call, descending: bool) -> Result<Value> {
    Ok(Value::Ordering(Rc::new(Ordering {
        collection: call.value(0),
        context: call.context.clone(),
        by: RefCell::new(vec![(call.lambda(1)?, descending)]),
        sorted: RefCell::default(),
    })))
}

/// Changes the given ordering itself, as YAQL does.
fn then_by(call: &mut Call, descending: bool) -> Result<Value> {
    let value = call.value(0);
    if let Value::Ordering(ordering) = &value {
        ordering.by.borrow_mut().push((call.lambda(1)?, descending));
    }
    Ok(value)
}
