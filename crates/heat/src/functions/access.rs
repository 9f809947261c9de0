//! `get_param`, `get_attr`, `get_resource`, `get_file`, `resource_facade`.

use std::borrow::Cow;

use serde_json::Value;

use super::{Arguments, wants};
use crate::error::{Error, Problem, Result};
use crate::expression::{Context, Expression, compile};
use crate::stack::{Resource, Stack};
use crate::version::Version;
use slipway_pyvalue as py;
use slipway_yaml::{Data, Node};

/// `PARAMETER`, or a list of it and the path into it. A missing value is an empty string.
pub(super) fn get_param<'a>(
    argument: &'a Expression,
    stack: &'a Stack<'_>,
) -> Result<Cow<'a, Value>> {
    if let Expression::Text(name) = argument
        && !name.is_empty()
    {
        return Ok(Cow::Borrowed(&**stack.parameter(name)?));
    }
    let argument = argument.evaluate(stack)?;
    let (name, path) = match &*argument {
        Value::String(name) if !name.is_empty() => (name, &[][..]),
        Value::Array(items) => match items.split_first() {
            Some((Value::String(name), path)) => (name, path),
            _ => return Err(wants("the name of a parameter first").into()),
        },
        _ => return Err(wants("the name of a parameter, or a list of it and a path").into()),
    };
    let mut value = Cow::Borrowed(&**stack.parameter(name)?);
    for step in path {
        value = match step_into(value, step, parameter_step) {
            Some(value) => value,
            None => return Ok(Cow::Owned(Value::String(String::new()))),
        };
    }
    Ok(value)
}

enum Step<'a> {
    To(&'a Value),
    Character(Value),
}

/// A string with a number in it may be the index of a list.
fn parameter_step<'a>(value: &'a Value, step: &Value) -> Option<Step<'a>> {
    match (value, step) {
        (Value::Array(_) | Value::String(_), Value::String(text)) => {
            element(value, i64::try_from(py::number::int(text)?).ok()?)
        }
        _ => plain_step(value, step),
    }
}

fn plain_step<'a>(value: &'a Value, step: &Value) -> Option<Step<'a>> {
    match (value, step) {
        (Value::Object(map), Value::String(key)) => map.get(key).map(Step::To),
        (Value::Array(_) | Value::String(_), Value::Number(number)) => {
            element(value, number.as_i64()?)
        }
        (Value::Array(_) | Value::String(_), Value::Bool(number)) => {
            element(value, i64::from(*number))
        }
        _ => None,
    }
}

fn element(value: &Value, index: i64) -> Option<Step<'_>> {
    match value {
        Value::Array(items) => items
            .get(py::number::index(items.len(), index.into())?)
            .map(Step::To),
        Value::String(text) => {
            let at = py::number::index(text.chars().count(), index.into())?;
            let character = text.chars().nth(at)?;
            Some(Step::Character(Value::String(character.to_string())))
        }
        _ => None,
    }
}

/// Compiles `[RESOURCE, ATTRIBUTE, PATH…]`; from liberty on, the attribute may be missing.
pub(super) fn compile_get_attr(
    argument: Node,
    context: Context,
) -> Result<Vec<Expression>, Problem> {
    let fewest = if context.version < Version::Liberty {
        2
    } else {
        1
    };
    match compile(argument, context) {
        Expression::List(items) if items.len() >= fewest => Ok(items),
        _ => Err(wants(
            "a list of a resource, its attribute, and the path into it",
        )),
    }
}

/// Returns an attribute, or the value at a path in it; null if the path does not exist.
pub(super) fn get_attr<'a>(
    arguments: &'a [Expression],
    stack: &'a Stack<'_>,
) -> Result<Cow<'a, Value>> {
    attribute(arguments, stack, |resource, name, path| {
        resource.attribute(name, path, stack)
    })
}

/// Does the same, with the path into the whole attribute: it counts where that is a list of the
/// attributes of several resources.
pub(super) fn get_attr_then_select<'a>(
    arguments: &'a [Expression],
    stack: &'a Stack<'_>,
) -> Result<Cow<'a, Value>> {
    attribute(arguments, stack, |resource, name, path| {
        Ok(select(resource.attribute(name, &[], stack)?, path))
    })
}

fn attribute<'a, 'r: 'a>(
    arguments: &'a [Expression],
    stack: &'a Stack<'r>,
    find: impl FnOnce(&'a Resource<'r>, &str, &[Cow<'_, Value>]) -> Result<Cow<'a, Value>>,
) -> Result<Cow<'a, Value>> {
    let Some((resource, rest)) = arguments.split_first() else {
        return Err(wants("a resource").into());
    };
    let Some(resource) = resource.evaluate_text(stack)? else {
        return Err(wants("the name of a resource first").into());
    };
    let resource = stack.resource(&resource)?;
    let Some((attribute, path)) = rest.split_first() else {
        return resource.attributes(stack).map(Cow::Owned);
    };
    let attribute = attribute.evaluate_text(stack)?;
    let path = path
        .iter()
        .map(|step| step.evaluate(stack))
        .collect::<Result<Vec<_>>>()?;
    let Some(attribute) = attribute else {
        return Err(wants("the name of an attribute second").into());
    };
    find(resource, &attribute, &path)
}

/// Returns the value at a path.
pub(crate) fn select<'a>(mut value: Cow<'a, Value>, path: &[Cow<'_, Value>]) -> Cow<'a, Value> {
    for step in path {
        value = match step_into(value, step, plain_step) {
            Some(value) => value,
            None => return Cow::Owned(Value::Null),
        };
    }
    value
}

fn step_into<'a>(
    value: Cow<'a, Value>,
    step: &Value,
    find: impl for<'b> Fn(&'b Value, &Value) -> Option<Step<'b>>,
) -> Option<Cow<'a, Value>> {
    match value {
        Cow::Borrowed(value) => match find(value, step)? {
            Step::To(value) => Some(Cow::Borrowed(value)),
            Step::Character(value) => Some(Cow::Owned(value)),
        },
        Cow::Owned(value) => match find(&value, step)? {
            Step::To(value) => Some(Cow::Owned(value.clone())),
            Step::Character(value) => Some(Cow::Owned(value)),
        },
    }
}

/// Returns a resource's reference. In a stack that is not created, this is the resource's name.
pub(super) fn get_resource(argument: &Expression, stack: &Stack<'_>) -> Result<Value> {
    let Some(name) = argument.evaluate_text(stack)? else {
        return Err(wants("the name of a resource").into());
    };
    stack.find_resource(&name)?;
    match stack.birth() {
        Some(birth) => stack.resource(&name)?.reference(&name, birth),
        None => Ok(Value::String(name.into_owned())),
    }
}

pub(super) fn get_file(argument: &Expression, stack: &Stack<'_>) -> Result<Value> {
    let Some(path) = argument.evaluate_text(stack)? else {
        return Err(wants("the path of a file").into());
    };
    let content = stack
        .resolver()
        .file(stack.template(), &path)
        .map_err(|reason| Error::from(Problem::Function(format!("{path}: {reason}"))))?;
    Ok(Value::String(content))
}

pub(super) fn compile_facade(argument: Node) -> Result<Arguments, Problem> {
    const KNOWN: [&str; 3] = ["metadata", "deletion_policy", "update_policy"];
    match argument.data {
        Data::Text(name) if KNOWN.contains(&name.as_str()) => {
            Ok(Arguments::One(Expression::Text(name)))
        }
        _ => Err(wants("metadata, deletion_policy or update_policy")),
    }
}

pub(super) fn facade(argument: &Expression, stack: &Stack<'_>) -> Result<Value> {
    let name = argument.evaluate_text(stack)?;
    let found = name.and_then(|name| stack.facade(&name));
    found.cloned().ok_or_else(|| {
        let reason = "the resource that this template stands behind is not known";
        Problem::Function(reason.to_owned()).into()
    })
}
