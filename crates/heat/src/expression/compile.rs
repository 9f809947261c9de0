//! From what is written to what can be worked out.

use serde_json::{Map, Value};

use super::Expression;
use crate::error::{Error, Problem};
use crate::functions::{Call, Name};
use crate::version::Version;

/// Where a value is written, which decides what functions there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context {
    pub(crate) version: Version,
    /// Conditions know other functions than values do.
    pub(crate) condition: bool,
}

/// Finds the functions in a value.
pub(crate) fn compile(value: &Value, context: Context) -> Expression {
    match value {
        Value::Array(items) => compile_list(items, context),
        Value::Object(map) => compile_map(map, context),
        other => Expression::Literal(other.clone()),
    }
}

fn compile_list(items: &[Value], context: Context) -> Expression {
    let items: Vec<_> = items.iter().map(|item| compile(item, context)).collect();
    if items.iter().all(is_literal) {
        return Expression::Literal(Value::Array(
            items.into_iter().filter_map(into_literal).collect(),
        ));
    }
    Expression::List(items)
}

fn compile_map(map: &Map<String, Value>, context: Context) -> Expression {
    let mut entries = map.iter();
    if let (Some((name, argument)), None) = (entries.next(), entries.next()) {
        match Name::find(name, context) {
            Ok(Some(function)) => {
                return match Call::compile(function, argument, context) {
                    Ok(call) => Expression::Call(Box::new(call)),
                    Err(problem) => Expression::Invalid(Error::from(problem).at(name)),
                };
            }
            Ok(None) => {}
            Err(reason) => {
                return Expression::Invalid(Error::from(Problem::Function(reason)).at(name));
            }
        }
    }
    let entries: Vec<_> = map
        .iter()
        .map(|(key, item)| (key.clone(), compile(item, context)))
        .collect();
    if entries.iter().all(|(_, item)| is_literal(item)) {
        return Expression::Literal(Value::Object(
            entries
                .into_iter()
                .filter_map(|(key, item)| Some((key, into_literal(item)?)))
                .collect(),
        ));
    }
    Expression::Map(entries)
}

fn is_literal(expression: &Expression) -> bool {
    matches!(expression, Expression::Literal(_))
}

fn into_literal(expression: Expression) -> Option<Value> {
    match expression {
        Expression::Literal(value) => Some(value),
        _ => None,
    }
}
