//! `if`, and the functions of conditions.

use std::borrow::Cow;

use serde_json::Value;

use super::{Arguments, wants};
use crate::error::{Error, Problem, Result};
use crate::expression::{Context, Expression, compile, compile_each};
use crate::kind::kind_of;
use crate::stack::Stack;
use crate::version::Version;
use slipway_yaml::{Data, Node};

/// `[CONDITION, VALUE, OTHER VALUE]`. The last one may be missing from wallaby on; then the surrounding
/// list or map omits the value if the condition is false.
pub(super) fn compile_if(argument: Node, context: Context) -> Result<Arguments, Problem> {
    let conditional = Context {
        condition: true,
        ..context
    };
    let wrong =
        || wants("a condition, the value if it is true, and the value if it is not, in a list");
    let Data::List(parts) = argument.data else {
        return Err(wrong());
    };
    let fewest = if context.version >= Version::Wallaby {
        2
    } else {
        3
    };
    if parts.len() < fewest || parts.len() > 3 {
        return Err(wrong());
    }
    let mut parts = parts.into_iter();
    let (Some(condition), Some(then), otherwise) = (parts.next(), parts.next(), parts.next())
    else {
        return Err(wrong());
    };
    Ok(Arguments::If {
        condition: compile(condition, conditional),
        then: compile(then, context),
        otherwise: otherwise.map(|value| compile(value, context)),
    })
}

pub(super) fn result<'a>(
    condition: &'a Expression,
    then: &'a Expression,
    otherwise: Option<&'a Expression>,
    stack: &'a Stack<'_>,
) -> Result<Option<Cow<'a, Value>>> {
    match chosen(condition, then, otherwise, stack)? {
        (place, Some(value)) => value.evaluate_item(stack).map_err(|error| error.at(place)),
        (_, None) => Ok(None),
    }
}

/// Returns the chosen value and its place.
pub(super) fn chosen<'a>(
    condition: &Expression,
    then: &'a Expression,
    otherwise: Option<&'a Expression>,
    stack: &Stack<'_>,
) -> Result<(&'static str, Option<&'a Expression>)> {
    let enabled = match condition {
        Expression::Text(name) => stack.condition(name),
        _ => condition
            .evaluate(stack)
            .and_then(|condition| is_enabled(&condition, stack)),
    };
    Ok(match enabled.map_err(|error| error.at("[0]"))? {
        true => ("[1]", Some(then)),
        false => ("[2]", otherwise),
    })
}

/// Returns whether a condition, by its name or as a value, is true.
pub(crate) fn is_enabled(condition: &Value, stack: &Stack<'_>) -> Result<bool> {
    match condition {
        Value::Bool(value) => Ok(*value),
        Value::Null => Ok(true),
        Value::String(name) => stack.condition(name),
        other => Err(Error::from(Problem::Condition(format!(
            "{} is no condition",
            kind_of(other)
        )))),
    }
}

pub(super) fn compile_all(argument: Node, context: Context) -> Result<Vec<Expression>, Problem> {
    match argument.data {
        Data::List(items) if items.len() >= 2 => Ok(compile_each(items, context)),
        _ => Err(wants("a list of two conditions or more")),
    }
}

pub(super) fn all(conditions: &[Expression], stack: &Stack<'_>) -> Result<Value> {
    fold(conditions, true, stack)
}

pub(super) fn any(conditions: &[Expression], stack: &Stack<'_>) -> Result<Value> {
    fold(conditions, false, stack)
}

/// Evaluates all conditions; then the first one that is not `neutral` decides.
fn fold(conditions: &[Expression], neutral: bool, stack: &Stack<'_>) -> Result<Value> {
    let values = crate::expression::evaluate_list(conditions, stack)?;
    for (index, value) in values.iter().enumerate() {
        let enabled =
            is_enabled(value, stack).map_err(|error| error.at(format_args!("[{index}]")))?;
        if enabled != neutral {
            return Ok(Value::Bool(!neutral));
        }
    }
    Ok(Value::Bool(neutral))
}
