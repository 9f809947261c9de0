//! CloudFormation's functions, which the first versions of the template language have.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};
use slipway_pyvalue as py;
use slipway_yaml::{Data, Node};

use super::{Arguments, access, list_of, wants};
use crate::budget::Budget;
use crate::error::{Problem, Result};
use crate::expression::{Context, Expression, compile};
use crate::kind::kind_of;
use crate::stack::Stack;

/// Compiles `[{NAME: VALUE}, TEMPLATE]` of `Fn::Replace`.
pub(super) fn compile_replace(argument: Node, context: Context) -> Result<Arguments, Problem> {
    let shape = || wants("a map of values and a template, in a list");
    let [params, template] = compile_list(argument, context).ok_or_else(shape)?;
    match &params {
        Expression::Map(_) | Expression::Call(_) | Expression::Invalid(_) => {}
        _ => return Err(shape()),
    }
    Ok(Arguments::Replace { template, params })
}

/// Compiles `[DELIMITER, STRING]` of `Fn::Split`.
pub(super) fn compile_split(argument: Node, context: Context) -> Result<Arguments, Problem> {
    let items = compile_list::<2>(argument, context)
        .ok_or_else(|| wants("a delimiter and a string, in a list"))?;
    Ok(Arguments::Many(items.into()))
}

/// Compiles `[KEY, VALUE, LIST]` of `Fn::MemberListToMap`.
pub(super) fn compile_member_list(argument: Node, context: Context) -> Result<Arguments, Problem> {
    const SHAPE: &str = "the names of key and value, and a list of members";
    let items = list_of(argument, 3, SHAPE, context)?;
    match items.as_slice() {
        [Expression::Text(_), Expression::Text(_), _] => Ok(Arguments::Many(items)),
        _ => Err(wants(SHAPE)),
    }
}

/// Compiles the argument of `Fn::ResourceFacade`, whose names are CloudFormation's.
pub(super) fn compile_facade(argument: Node) -> Result<Arguments, Problem> {
    let name = match argument.as_str() {
        Some("Metadata") => "metadata",
        Some("DeletionPolicy") => "deletion_policy",
        Some("UpdatePolicy") => "update_policy",
        _ => return Err(wants("Metadata, DeletionPolicy or UpdatePolicy")),
    };
    Ok(Arguments::One(Expression::Text(name.into())))
}

fn compile_list<const N: usize>(argument: Node, context: Context) -> Option<[Expression; N]> {
    match argument.data {
        Data::List(items) if items.len() == N => {
            let items: Vec<_> = items
                .into_iter()
                .map(|item| compile(item, context))
                .collect();
            items.try_into().ok()
        }
        _ => None,
    }
}

/// `Ref`: a resource of that name, or else a parameter.
pub(super) fn reference(argument: &Expression, stack: &Stack<'_>) -> Result<Value> {
    if let Expression::Text(name) = argument
        && stack.template().resources.contains_key(name)
    {
        return access::get_resource(argument, stack);
    }
    let Some(name) = argument.evaluate_text(stack)? else {
        return Err(wants("the name of a resource or a parameter").into());
    };
    let value = stack.parameter(&name)?;
    Ok(stack.budget().copy(value)?)
}

/// `Fn::Select`: an item of a list or a map, which may be JSON in a string; an empty string if it is
/// missing.
pub(super) fn select(arguments: &[Expression], stack: &Stack<'_>) -> Result<Value> {
    let [index, collection] = super::two(arguments, stack)?;
    let collection = match &*collection {
        Value::String(text) if text.is_empty() => return Ok(empty()),
        Value::String(text) => {
            py::from_json(text).ok_or_else(|| wants("a list, a map, or JSON in a string"))?
        }
        _ => collection.into_owned(),
    };
    match collection {
        Value::Null => Ok(empty()),
        Value::Object(mut map) => match &*index {
            Value::String(key) => Ok(map.remove(key).unwrap_or_else(empty)),
            other => Err(wants(&format!("a string as key, not {}", kind_of(other))).into()),
        },
        Value::Array(mut items) => {
            let index = integer(&index).ok_or_else(|| wants("an integer as index"))?;
            Ok(match py::number::index(items.len(), index) {
                Some(at) => items.swap_remove(at),
                None => empty(),
            })
        }
        other => Err(wants(&format!("a list or a map, not {}", kind_of(&other))).into()),
    }
}

fn empty() -> Value {
    Value::String(String::new())
}

/// Python's `int()` of a value that it takes.
fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::String(text) => py::number::int(text),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Some(number.into()),
            None => number.as_f64().map(|number| number.trunc() as i128),
        },
        Value::Bool(value) => Some(i128::from(*value)),
        _ => None,
    }
}

/// `Fn::Split`.
pub(super) fn split(arguments: &[Expression], stack: &Stack<'_>) -> Result<Value> {
    let [delimiter, text] = arguments else {
        return Err(wants("a delimiter and a string, in a list").into());
    };
    let Some(delimiter) = delimiter.as_text().filter(|text| !text.is_empty()) else {
        return Err(wants("a string as delimiter").into());
    };
    let Some(text) = text.evaluate_text(stack)? else {
        return Err(wants("a string to split").into());
    };
    stack
        .budget()
        .spend_on_many(text.matches(delimiter).count())?;
    Ok(Value::Array(
        text.split(delimiter).map(Value::from).collect(),
    ))
}

/// `Fn::Base64`, which converts nothing: user data reaches a server as it is.
pub(super) fn base64(argument: &Expression, stack: &Stack<'_>) -> Result<Value> {
    match argument.evaluate_text(stack)? {
        Some(text) => Ok(Value::String(text.into_owned())),
        None => Err(wants("a string").into()),
    }
}

/// `Fn::MemberListToMap`: `.member.0.KEY=a` and `.member.0.VALUE=b` make `{a: b}`.
pub(super) fn member_list_to_map(arguments: &[Expression], stack: &Stack<'_>) -> Result<Value> {
    let [Expression::Text(key), Expression::Text(value), list] = arguments else {
        return Err(wants("the names of key and value, and a list of members").into());
    };
    let list = list.evaluate(stack)?;
    let Value::Array(items) = &*list else {
        return Err(wants("a list of members").into());
    };
    member_map(key, value, items, stack.budget())
}

fn member_map(key: &str, value: &str, items: &[Value], budget: &Budget) -> Result<Value> {
    // A duplicate member keeps its first position and gets its last value.
    let mut places = HashMap::new();
    let mut members: Vec<(&str, &str)> = Vec::new();
    for item in items {
        let Some((name, text)) = item.as_str().and_then(|item| item.split_once('=')) else {
            return Err(wants("members such as .member.0.Name=value").into());
        };
        let place = *places.entry(name).or_insert(members.len());
        match members.get_mut(place) {
            Some(member) => member.1 = text,
            None => members.push((name, text)),
        }
    }
    let mut numbered: BTreeMap<u128, HashMap<&str, &str>> = BTreeMap::new();
    for (name, text) in members {
        if let Some((number, field)) = member(name) {
            numbered.entry(number).or_default().insert(field, text);
        }
    }
    let mut map = Map::new();
    for fields in numbered.values() {
        if let (Some(key), Some(value)) = (fields.get(key), fields.get(value)) {
            budget.spend_on_text(value)?;
            map.insert((*key).to_owned(), Value::from(*value));
        }
    }
    Ok(Value::Object(map))
}

/// Reads `.member.NUMBER.FIELD`.
fn member(name: &str) -> Option<(u128, &str)> {
    let (number, field) = name.strip_prefix(".member.")?.split_once('.')?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    // The field ends with the line.
    let field = field.split('\n').next().unwrap_or_default();
    Some((number.parse().ok().filter(|_| digits)?, field))
}
