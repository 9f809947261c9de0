//! `range`.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr};
use minijinja::{Error, Value};

use super::{integer, invalid};
use crate::arguments::split;

/// The most numbers that a range has, as in Jinja2's sandbox.
const MOST: i128 = 100_000;

/// A range of integers.
#[derive(Debug)]
pub(crate) struct Range {
    start: i128,
    stop: i128,
    step: i128,
    length: usize,
}

impl Range {
    /// Returns `range(stop)`, `range(start, stop)` or `range(start, stop, step)`.
    pub fn of(args: &[Value]) -> Result<Value, Error> {
        let numbers = split(args)
            .0
            .iter()
            .map(|number| integer(number).ok_or_else(|| invalid("range needs integers")));
        let (start, stop, step) = match numbers.collect::<Result<Vec<_>, _>>()?[..] {
            [stop] => (0, stop, 1),
            [start, stop] => (start, stop, 1),
            [_, _, 0] => return Err(invalid("range needs a step other than zero")),
            [start, stop, step] => (start, stop, step),
            _ => return Err(invalid("range needs one to three integers")),
        };
        let distance = if step > 0 {
            stop.saturating_sub(start)
        } else {
            start.saturating_sub(stop)
        };
        let step_size = step.saturating_abs();
        let length = distance.max(0).saturating_add(step_size - 1) / step_size;
        match usize::try_from(length) {
            Ok(length) if i128::try_from(length).is_ok_and(|length| length <= MOST) => {
                Ok(Value::from_object(Range {
                    start,
                    stop,
                    step,
                    length,
                }))
            }
            _ => Err(invalid(format!(
                "range has too many numbers: at most {MOST}"
            ))),
        }
    }

    fn at(&self, index: usize) -> Option<Value> {
        if index >= self.length {
            return None;
        }
        let index = i128::try_from(index).ok()?;
        Some(number(self.start + index * self.step))
    }
}

/// Returns an integer as minijinja writes them itself.
pub(crate) fn number(number: i128) -> Value {
    match i64::try_from(number) {
        Ok(number) => Value::from(number),
        Err(_) => Value::from(number),
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            1 => write!(f, "range({}, {})", self.start, self.stop),
            step => write!(f, "range({}, {}, {step})", self.start, self.stop),
        }
    }
}

impl Object for Range {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.at(key.as_usize()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.length)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
