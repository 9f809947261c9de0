//! `str_replace` and its stricter forms, `str_split`, `digest`.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use md5::Md5;
use serde_json::{Map, Value};
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::{Arguments, Name, wants};
use crate::budget::Budget;
use crate::error::{Problem, Result};
use crate::expression::{Context, Expression, compile};
use crate::kind::kind_of;
use crate::stack::Stack;
use slipway_pyvalue as py;
use slipway_yaml::{Data, Node, take};

/// `{template, params: {NAME: VALUE}}`.
pub(super) fn compile_replace(argument: Node, context: Context) -> Result<Arguments, Problem> {
    let shape = || wants("a map of a template and its params");
    let Data::Map(mut map) = argument.data else {
        return Err(shape());
    };
    let template = take(&mut map, "template").ok_or_else(shape)?;
    let params = take(&mut map, "params").ok_or_else(shape)?;
    let params = compile(params, context);
    match &params {
        Expression::Map(_) | Expression::Call(_) | Expression::Invalid(_) => {}
        _ => return Err(wants("a map for params")),
    }
    Ok(Arguments::Replace {
        template: compile(template, context),
        params,
    })
}

pub(super) fn replace(
    name: Name,
    template: &Expression,
    params: &Expression,
    stack: &Stack<'_>,
) -> Result<Value> {
    let template = template
        .evaluate(stack)
        .map_err(|error| error.at("template"))?;
    let params = params.evaluate(stack).map_err(|error| error.at("params"))?;
    let Value::String(template) = &*template else {
        return Err(wants(&format!("a string as template, not {}", kind_of(&template))).into());
    };
    let Value::Object(params) = &*params else {
        return Err(wants("a map for params").into());
    };
    let replacements = replacements(params, name)?;
    let mut unused: BTreeSet<_> = params.keys().map(String::as_str).collect();
    let replaced = substitute(template, &replacements, &mut unused)?;
    let is_strict = matches!(name, Name::StrReplaceStrict | Name::StrReplaceVstrict);
    if is_strict && !unused.is_empty() {
        let unused: Vec<_> = unused.into_iter().collect();
        return Err(Problem::Function(format!(
            "the template has no {}, which params give a value",
            unused.join(", ")
        ))
        .into());
    }
    Ok(Value::String(replaced))
}

/// Returns the names to replace and their values: the longest first, then by the alphabet.
fn replacements(params: &Map<String, Value>, function: Name) -> Result<Vec<(&str, String)>> {
    let not_empty = function == Name::StrReplaceVstrict;
    let only_scalars = matches!(function, Name::StrReplaceScalars | Name::AwsReplace);
    let mut all = Vec::with_capacity(params.len());
    for (name, value) in params {
        if name.is_empty() {
            return Err(wants("names in params").into());
        }
        let text = match value {
            Value::Null => String::new(),
            Value::Array(_) | Value::Object(_) if only_scalars => {
                return Err(wants("strings or numbers in params").into());
            }
            Value::Array(_) | Value::Object(_) if not_empty && !py::truth(value) => String::new(),
            Value::Array(_) | Value::Object(_) => py::json::dumps_sorted(value),
            other => py::str(other),
        };
        if not_empty && text.is_empty() {
            return Err(Problem::Function(format!("the param {name} is empty")).into());
        }
        all.push((name.as_str(), text));
    }
    all.sort_by_key(|(name, _)| (Reverse(name.chars().count()), *name));
    Ok(all)
}

/// Replaces names. The text of an inserted value is not searched again.
fn substitute<'a>(
    text: &str,
    mut replacements: &[(&'a str, String)],
    unused: &mut BTreeSet<&'a str>,
) -> Result<String, Problem> {
    let (name, value) = loop {
        let Some(((name, value), rest)) = replacements.split_first() else {
            return Ok(text.to_owned());
        };
        replacements = rest;
        if text.contains(name) {
            break (name, value);
        }
    };
    unused.remove(name);
    // It recurses once for each name in the text.
    let parts = stacker::maybe_grow(RED_ZONE, MORE_STACK, || {
        text.split(name)
            .map(|part| substitute(part, replacements, unused))
            .collect::<Result<Vec<_>, _>>()
    })?;
    joined(&parts, value)
}

const RED_ZONE: usize = 64 << 10;
const MORE_STACK: usize = 1 << 20;

/// The maximum length of a string: nested replacements grow fast.
const LONGEST: usize = 16 << 20;

/// The parts with a delimiter between them.
pub(super) fn joined(parts: &[String], delimiter: &str) -> Result<String, Problem> {
    let delimiters = delimiter
        .len()
        .saturating_mul(parts.len().saturating_sub(1));
    let length = parts
        .iter()
        .map(String::len)
        .fold(delimiters, usize::saturating_add);
    short_enough(length)?;
    Ok(parts.join(delimiter))
}

fn short_enough(length: usize) -> Result<(), Problem> {
    if length > LONGEST {
        return Err(wants(&format!(
            "to make a string of at most {LONGEST} bytes"
        )));
    }
    Ok(())
}

/// The text with every `name` in it replaced.
pub(super) fn replaced(text: &str, name: &str, value: &str) -> Result<String, Problem> {
    let count = text.matches(name).count();
    short_enough(text.len().saturating_add(count.saturating_mul(value.len())))?;
    Ok(text.replace(name, value))
}

/// `[DELIMITER, TEXT]`, or with an index third.
pub(super) fn split(arguments: &Value, budget: &Budget) -> Result<Value> {
    let Value::Array(arguments) = arguments else {
        return Err(wants("a delimiter, a string and perhaps an index, in a list").into());
    };
    let [delimiter, text, rest @ ..] = arguments.as_slice() else {
        return Err(wants("a delimiter and a string").into());
    };
    let text = match text {
        Value::Null => return Ok(Value::Null),
        Value::String(text) => text,
        other => {
            return Err(wants(&format!("a string, not {}", kind_of(other))).into());
        }
    };
    let parts: Vec<&str> = match delimiter {
        Value::String(delimiter) if !delimiter.is_empty() => {
            budget.spend_on_many(text.matches(delimiter.as_str()).count())?;
            text.split(delimiter).collect()
        }
        Value::Null => {
            budget.spend_on_many(text.split_whitespace().count())?;
            text.split_whitespace().collect()
        }
        _ => return Err(wants("a string as delimiter").into()),
    };
    let Some(index) = rest.first() else {
        return Ok(Value::Array(parts.into_iter().map(Value::from).collect()));
    };
    let index = match index {
        Value::String(text) => py::number::int(text).and_then(|number| i64::try_from(number).ok()),
        Value::Number(_) | Value::Bool(_) => Some(py::float(index) as i64),
        _ => None,
    };
    let index = index.ok_or_else(|| wants("a number as index"))?;
    py::number::index(parts.len(), index.into())
        .and_then(|at| parts.get(at))
        .map(|part| Value::from(*part))
        .ok_or_else(|| {
            wants(&format!(
                "an index from 0 to {}",
                parts.len().saturating_sub(1)
            ))
            .into()
        })
}

/// `[ALGORITHM, TEXT]`.
pub(super) fn digest(arguments: &Value) -> Result<Value> {
    let arguments = arguments.as_array().map_or(&[][..], Vec::as_slice);
    let [Value::String(algorithm), Value::String(text)] = arguments else {
        return Err(wants("an algorithm and a string, in a list").into());
    };
    let bytes = text
        .chars()
        .map(|character| u8::try_from(character as u32).ok())
        .collect::<Option<Vec<u8>>>()
        .ok_or_else(|| wants("a string of Latin-1 characters"))?;
    let sum = match algorithm.to_lowercase().as_str() {
        "md5" => hex::encode(Md5::digest(&bytes)),
        "sha1" => hex::encode(Sha1::digest(&bytes)),
        "sha224" => hex::encode(Sha224::digest(&bytes)),
        "sha256" => hex::encode(Sha256::digest(&bytes)),
        "sha384" => hex::encode(Sha384::digest(&bytes)),
        "sha512" => hex::encode(Sha512::digest(&bytes)),
        _ => {
            return Err(wants("md5, sha1, sha224, sha256, sha384 or sha512 as algorithm").into());
        }
    };
    Ok(Value::String(sum))
}
