//! Values in a template, in which functions may be called.

mod compile;

use std::borrow::Cow;
use std::sync::Arc;

use compact_str::CompactString;
use indexmap::IndexSet;
use serde_json::{Map, Number, Value};

use crate::error::{Error, Result};
use crate::functions::Call;
use crate::stack::Stack;

pub(crate) use compile::{Context, compile, compile_each};

/// A value that may have to be evaluated. It has less than half of a value's size, because a template
/// has many.
#[derive(Debug)]
pub(crate) enum Expression {
    Null,
    Bool(bool),
    Number(Number),
    Text(CompactString),
    List(Vec<Expression>),
    Map(Vec<(CompactString, Expression)>),
    Call(Box<Call>),
    /// An invalid value. It is an error only when it is needed: `if` evaluates the chosen value alone.
    Invalid(Box<Error>),
}

impl From<&Value> for Expression {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(text.into()),
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Object(map) => {
                let entries = map.iter();
                Self::Map(
                    entries
                        .map(|(key, item)| (key.into(), item.into()))
                        .collect(),
                )
            }
        }
    }
}

impl Expression {
    /// The value.
    pub(crate) fn evaluate<'a>(&'a self, stack: &'a Stack<'_>) -> Result<Cow<'a, Value>> {
        Ok(self
            .evaluate_item(stack)?
            .unwrap_or(Cow::Owned(Value::Null)))
    }

    /// The value, if it is a string.
    pub(crate) fn evaluate_text<'a>(
        &'a self,
        stack: &'a Stack<'_>,
    ) -> Result<Option<Cow<'a, str>>> {
        if let Self::Text(text) = self {
            return Ok(Some(Cow::Borrowed(text)));
        }
        Ok(match self.evaluate(stack)? {
            Cow::Borrowed(Value::String(text)) => Some(Cow::Borrowed(text)),
            Cow::Owned(Value::String(text)) => Some(Cow::Owned(text)),
            _ => None,
        })
    }

    /// Reports the errors that Heat finds when it reads a value, even if the value is not needed: invalid
    /// calls, and invalid conditions of `if`.
    pub(crate) fn check(&self, stack: &Stack<'_>) -> Result<()> {
        match self {
            Self::List(items) => items.iter().enumerate().try_for_each(|(index, item)| {
                let checked = item.check(stack);
                checked.map_err(|error| error.at(format_args!("[{index}]")))
            }),
            Self::Map(entries) => entries
                .iter()
                .try_for_each(|(key, item)| item.check(stack).map_err(|error| error.at(key))),
            Self::Call(call) => call.check(stack),
            Self::Invalid(error) => Err(Error::clone(error)),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => Ok(()),
        }
    }

    /// Adds the parameters that it asks for.
    pub(crate) fn parameters(&self, found: &mut IndexSet<String>) {
        match self {
            Self::List(items) => items.iter().for_each(|item| item.parameters(found)),
            Self::Map(entries) => entries.iter().for_each(|(_, item)| item.parameters(found)),
            Self::Call(call) => call.parameters(found),
            _ => {}
        }
    }

    /// Calls `visit` with the name of each resource that it refers to.
    pub(crate) fn resources<'a>(&'a self, visit: &mut impl FnMut(&'a str)) {
        match self {
            Self::List(items) => items.iter().for_each(|item| item.resources(visit)),
            Self::Map(entries) => entries.iter().for_each(|(_, item)| item.resources(visit)),
            Self::Call(call) => call.resources(visit),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Invalid(_) => {}
        }
    }

    /// The string as it is written in the template.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the value, owned.
    pub(crate) fn owned(&self, stack: &Stack<'_>) -> Result<Value> {
        let value = self.evaluate(stack)?;
        Ok(stack.budget().own(value)?)
    }

    /// Returns the value; `None` where the surrounding list or map omits it.
    pub(crate) fn evaluate_item<'a>(
        &'a self,
        stack: &'a Stack<'_>,
    ) -> Result<Option<Cow<'a, Value>>> {
        Ok(Some(match self {
            Self::Null => Cow::Owned(Value::Null),
            Self::Bool(value) => Cow::Owned(Value::Bool(*value)),
            Self::Number(number) => Cow::Owned(Value::Number(number.clone())),
            Self::Text(text) => {
                stack.budget().spend_on_text(text)?;
                Cow::Owned(Value::String(text.as_str().to_owned()))
            }
            Self::List(items) => Cow::Owned(Value::Array(evaluate_list(items, stack)?)),
            Self::Map(entries) => Cow::Owned(Value::Object(evaluate_map(entries, stack)?)),
            Self::Call(call) => return call.evaluate(stack),
            Self::Invalid(error) => return Err(Error::clone(error)),
        }))
    }

    /// Returns the value, shared with the parameter if it is one whole parameter.
    pub(crate) fn evaluate_shared(&self, stack: &Stack<'_>) -> Result<Option<Arc<Value>>> {
        if let Self::Call(call) = self
            && let Some(name) = call.whole_parameter()
        {
            return match stack.parameter(name) {
                Ok(value) => Ok(Some(Arc::clone(value))),
                Err(error) => Err(error.at("get_param")),
            };
        }
        match self.evaluate_item(stack)? {
            Some(value) => Ok(Some(Arc::new(stack.budget().own(value)?))),
            None => Ok(None),
        }
    }
}

pub(crate) fn evaluate_list(items: &[Expression], stack: &Stack<'_>) -> Result<Vec<Value>> {
    let mut list = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let step = |error: Error| error.at(format_args!("[{index}]"));
        if let Some(value) = item.evaluate_item(stack).map_err(step)? {
            let value = stack.budget().own(value);
            list.push(value.map_err(|problem| step(problem.into()))?);
        }
    }
    Ok(list)
}

fn evaluate_map(
    entries: &[(CompactString, Expression)],
    stack: &Stack<'_>,
) -> Result<Map<String, Value>> {
    let mut map = Map::with_capacity(entries.len());
    evaluate_into(&mut map, entries, stack)?;
    Ok(map)
}

/// Adds a map's entries to others and replaces those of the same keys.
pub(crate) fn evaluate_into(
    map: &mut Map<String, Value>,
    entries: &[(CompactString, Expression)],
    stack: &Stack<'_>,
) -> Result<()> {
    for (key, item) in entries {
        let step = |error: Error| error.at(key);
        if let Some(value) = item.evaluate_item(stack).map_err(step)? {
            let value = stack.budget().own(value);
            let value = value.map_err(|problem| step(problem.into()))?;
            map.insert(key.as_str().to_owned(), value);
        }
    }
    Ok(())
}
