//! `list_join`, `list_concat`, `list_concat_unique`, `repeat`, `contains`, `filter`.

use std::collections::HashSet;

use indexmap::IndexSet;
use serde_json::{Map, Value};
use slipway_yaml::{Data, Node, take};

use super::strings::{joined, replaced};
use super::{Arguments, origin, wants};
use crate::error::{Problem, Result};
use crate::expression::{Context, Expression, compile, compile_each};
use crate::kind::kind_of;
use crate::stack::Stack;
use crate::version::Version;
use slipway_pyvalue::{self as py, Equal};

/// The number of elements that `repeat` may make.
const MOST_REPETITIONS: usize = 1_000_000;

/// The number of items that joined lists may have.
const MOST_ITEMS: usize = 1_000_000;

/// `[DELIMITER, LIST, …]`.
pub(super) fn compile_join(argument: Node, context: Context) -> Result<Vec<Expression>, Problem> {
    match argument.data {
        Data::List(items) if items.len() >= 2 => Ok(compile_each(items, context)),
        _ => Err(wants("a delimiter and one or more lists, in a list")),
    }
}

pub(super) fn join(arguments: &[Expression], stack: &Stack<'_>) -> Result<Value> {
    let Some((delimiter, lists)) = arguments.split_first() else {
        return Err(wants("a delimiter").into());
    };
    let mut parts = Vec::new();
    for (index, list) in lists.iter().enumerate() {
        let step = index + 1;
        let Some(list) = list
            .evaluate_item(stack)
            .map_err(|error| error.at(format_args!("[{step}]")))?
        else {
            continue;
        };
        match &*list {
            Value::Array(items) => {
                for item in items {
                    parts.push(join_part(item)?);
                }
            }
            other if !py::truth(other) => {}
            other => {
                return Err(wants(&format!("lists to join, not {}", kind_of(other))).into());
            }
        }
    }
    match delimiter.evaluate_text(stack)? {
        Some(delimiter) => Ok(Value::String(joined(&parts, &delimiter)?)),
        None => Err(wants("a string as delimiter").into()),
    }
}

/// `[DELIMITER, LIST]`, where the list has strings alone.
pub(super) fn join_strings(arguments: &[Expression], stack: &Stack<'_>) -> Result<Value> {
    let [delimiter, list] = super::two(arguments, stack)?;
    let parts = match &*list {
        Value::Null => Vec::new(),
        Value::Array(items) => items
            .iter()
            .map(|item| match item {
                Value::Null => Ok(String::new()),
                Value::String(text) => Ok(text.clone()),
                other => Err(wants(&format!("strings to join, not {}", kind_of(other)))),
            })
            .collect::<Result<_, _>>()?,
        other => return Err(wants(&format!("a list to join, not {}", kind_of(other))).into()),
    };
    match &*delimiter {
        Value::String(delimiter) => Ok(Value::String(joined(&parts, delimiter)?)),
        _ => Err(wants("a string as delimiter").into()),
    }
}

fn join_part(item: &Value) -> Result<String> {
    match item {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Array(_) | Value::Object(_) => Ok(py::json::dumps_sorted(item)),
        other => Err(wants(&format!(
            "strings, maps or lists to join, not {}",
            kind_of(other)
        ))
        .into()),
    }
}

pub(super) fn concat(lists: Value, unique: bool) -> Result<Value> {
    let Value::Array(lists) = lists else {
        return Err(wants("a list of lists").into());
    };
    let mut all = Vec::new();
    for list in lists {
        match list {
            Value::Null => {}
            Value::Array(items) if items.len() > MOST_ITEMS - all.len() => {
                return Err(wants(&format!("to make a list of at most {MOST_ITEMS} items")).into());
            }
            Value::Array(mut items) => all.append(&mut items),
            other => {
                return Err(wants(&format!("lists, not {}", kind_of(&other))).into());
            }
        }
    }
    if unique {
        let once: IndexSet<Equal<Value>> = all.into_iter().map(Equal).collect();
        all = once.into_iter().map(|Equal(item)| item).collect();
    }
    Ok(Value::Array(all))
}

pub(super) fn contains(value: &Value, sequence: &Value) -> Result<Value> {
    match (sequence, value) {
        (Value::Array(items), _) => {
            Ok(Value::Bool(items.iter().any(|item| py::equal(item, value))))
        }
        (Value::String(text), Value::String(part)) => Ok(Value::Bool(text.contains(part))),
        (Value::String(_), _) => Err(wants("a string to look for in a string").into()),
        _ => Err(wants("a list or text to look in").into()),
    }
}

/// `[VALUES, LIST]`: the list without the values, which are not evaluated if the list is empty.
pub(super) fn filter(arguments: &[Expression], stack: &Stack<'_>) -> Result<Value> {
    let [values, list] = arguments else {
        return Err(wants("two values").into());
    };
    let list = list.evaluate(stack).map_err(|error| error.at("[1]"))?;
    if !py::truth(&*list) {
        values.check(stack).map_err(|error| error.at("[0]"))?;
        return Ok(stack.budget().own(list)?);
    }
    let Value::Array(items) = &*list else {
        return Err(wants("a list to leave values out of").into());
    };
    let values = values.evaluate(stack).map_err(|error| error.at("[0]"))?;
    if !py::truth(&*values) {
        return Ok(stack.budget().own(list)?);
    }
    let Value::Array(values) = &*values else {
        return Err(wants("a list of the values to leave out").into());
    };
    let values: HashSet<Equal<&Value>> = values.iter().map(Equal).collect();
    let kept = items.iter().filter(|item| !values.contains(&Equal(*item)));
    let kept = kept.map(|item| stack.budget().copy(item));
    Ok(Value::Array(kept.collect::<Result<_, _>>()?))
}

/// `{template, for_each: {NAME: LIST, …}, permutations}`.
pub(super) fn compile_repeat(argument: Node, context: Context) -> Result<Arguments, Problem> {
    let shape = || wants("a map of a template and for_each");
    let Data::Map(mut map) = argument.data else {
        return Err(shape());
    };
    let template = take(&mut map, "template").ok_or_else(shape)?;
    let for_each = take(&mut map, "for_each").ok_or_else(shape)?;
    let permutations = match take(&mut map, "permutations") {
        Some(value) if context.version >= Version::Pike => value
            .into_value()
            .as_bool()
            .ok_or_else(|| wants("true or false for permutations"))?,
        _ => true,
    };
    Ok(Arguments::Repeat {
        maps: permutations && context.version >= Version::Newton,
        template: compile(template, context),
        for_each: compile(for_each, context),
        permutations,
    })
}

pub(super) fn repeat(
    template: &Expression,
    for_each: &Expression,
    permutations: bool,
    maps: bool,
    stack: &Stack<'_>,
) -> Result<Value> {
    let values = for_each
        .evaluate(stack)
        .map_err(|error| error.at("for_each"))?;
    let no_lists = || {
        let origin = origin(for_each);
        Problem::Function(format!("it wants lists in for_each{origin}"))
    };
    let Value::Object(for_each) = &*values else {
        return Err(wants("a map for for_each").into());
    };
    if for_each.is_empty() {
        return Err(wants("a name and a list in for_each").into());
    }
    let mut names = Vec::with_capacity(for_each.len());
    let mut lists = Vec::with_capacity(for_each.len());
    let mut lengths = Vec::new();
    for (name, values) in for_each {
        let values = match values {
            Value::Null => Vec::new(),
            Value::Array(items) => {
                lengths.push(items.len());
                items.clone()
            }
            Value::Object(map) if maps => map.keys().cloned().map(Value::String).collect(),
            _ => return Err(no_lists().into()),
        };
        names.push(name.as_str());
        lists.push(values);
    }
    if !permutations && lengths.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err(wants("lists of one length where permutations is false").into());
    }
    let template = template
        .evaluate(stack)
        .map_err(|error| error.at("template"))?;
    let count = if permutations {
        lists
            .iter()
            .try_fold(1_usize, |count, list| count.checked_mul(list.len()))
    } else {
        lists.iter().map(Vec::len).min()
    };
    let count = count
        .filter(|count| *count <= MOST_REPETITIONS)
        .ok_or_else(|| wants("fewer repetitions"))?;
    let mut results = Vec::with_capacity(count);
    for round in 0..count {
        let values = pick(&lists, round, permutations);
        let result = substitute(&template, &names, &values)?;
        stack.budget().spend_on(&result)?;
        results.push(result);
    }
    Ok(Value::Array(results))
}

/// Returns one value of each list; in permutations, the last list's values change fastest.
fn pick(lists: &[Vec<Value>], round: usize, permutations: bool) -> Vec<&Value> {
    if !permutations {
        return lists.iter().filter_map(|list| list.get(round)).collect();
    }
    let mut rest = round;
    let mut values: Vec<_> = lists
        .iter()
        .rev()
        .filter_map(|list| {
            let value = list.get(rest % list.len());
            rest /= list.len();
            value
        })
        .collect();
    values.reverse();
    values
}

fn substitute(template: &Value, names: &[&str], values: &[&Value]) -> Result<Value> {
    Ok(match template {
        Value::String(text) => Value::String(substitute_text(text, names, values)?),
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| substitute(item, names, values))
                .collect::<Result<_>>()?,
        ),
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, item)| {
                    Ok((
                        substitute_text(key, names, values)?,
                        substitute(item, names, values)?,
                    ))
                })
                .collect::<Result<Map<_, _>>>()?,
        ),
        other => other.clone(),
    })
}

fn substitute_text(text: &str, names: &[&str], values: &[&Value]) -> Result<String> {
    let mut text = text.to_owned();
    for (name, value) in names.iter().zip(values) {
        let Value::String(value) = value else {
            return Err(wants(&format!("strings in for_each, not {}", kind_of(value))).into());
        };
        text = replaced(&text, name, value)?;
    }
    Ok(text)
}
