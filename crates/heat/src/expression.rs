//! Values in a template, in which functions may be called.

mod compile;

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::functions::Call;
use crate::stack::Stack;

pub(crate) use compile::{Context, compile, compile_each};

/// A value that may have to be worked out.
#[derive(Debug)]
pub(crate) enum Expression {
    /// Without functions.
    Literal(Value),
    List(Vec<Expression>),
    Map(Vec<(String, Expression)>),
    Call(Box<Call>),
    /// Wrong, which matters only if it is needed: what `if` does not choose is not looked at.
    Invalid(Error),
}

impl Expression {
    /// The value.
    pub(crate) fn evaluate<'a>(&'a self, stack: &'a Stack<'_>) -> Result<Cow<'a, Value>> {
        Ok(self
            .evaluate_item(stack)?
            .unwrap_or(Cow::Owned(Value::Null)))
    }

    /// The value, as one's own.
    pub(crate) fn owned(&self, stack: &Stack<'_>) -> Result<Value> {
        let value = self.evaluate(stack)?;
        Ok(stack.budget().own(value)?)
    }

    /// The value, or nothing where it is to be left out of the list or map around it.
    pub(crate) fn evaluate_item<'a>(
        &'a self,
        stack: &'a Stack<'_>,
    ) -> Result<Option<Cow<'a, Value>>> {
        Ok(Some(match self {
            Self::Literal(value) => Cow::Borrowed(value),
            Self::List(items) => Cow::Owned(Value::Array(evaluate_list(items, stack)?)),
            Self::Map(entries) => Cow::Owned(Value::Object(evaluate_map(entries, stack)?)),
            Self::Call(call) => return call.evaluate(stack),
            Self::Invalid(error) => return Err(error.clone()),
        }))
    }

    /// The value, shared with the parameter that it is, if it is one whole.
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

fn evaluate_map(entries: &[(String, Expression)], stack: &Stack<'_>) -> Result<Map<String, Value>> {
    let mut map = Map::with_capacity(entries.len());
    for (key, item) in entries {
        let step = |error: Error| error.at(key);
        if let Some(value) = item.evaluate_item(stack).map_err(step)? {
            let value = stack.budget().own(value);
            map.insert(key.clone(), value.map_err(|problem| step(problem.into()))?);
        }
    }
    Ok(map)
}
