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
pub(crate) fn compile(value: Value, context: Context) -> Expression {
    match value {
        Value::Array(items) => compile_list(items, context),
        Value::Object(map) => compile_map(map, context),
        other => Expression::Literal(other),
    }
}

/// Finds the functions in each of a list's items.
pub(crate) fn compile_each(items: Vec<Value>, context: Context) -> Vec<Expression> {
    items
        .into_iter()
        .map(|item| compile(item, context))
        .collect()
}

fn compile_list(items: Vec<Value>, context: Context) -> Expression {
    let items = compile_each(items, context);
    if items.iter().all(is_literal) {
        return Expression::Literal(Value::Array(
            items.into_iter().filter_map(into_literal).collect(),
        ));
    }
    Expression::List(items)
}

fn compile_map(mut map: Map<String, Value>, context: Context) -> Expression {
    let mut keys = map.keys();
    if let (Some(name), None) = (keys.next(), keys.next()) {
        match Name::find(name, context) {
            Ok(Some(function)) => return compile_call(function, map, context),
            Ok(None) => {}
            Err(reason) => {
                return Expression::Invalid(Error::from(Problem::Function(reason)).at(name));
            }
        }
    }
    let items: Vec<_> = map
        .values_mut()
        .map(|item| compile(item.take(), context))
        .collect();
    if items.iter().all(is_literal) {
        let items = items.into_iter().filter_map(into_literal);
        for (place, item) in map.values_mut().zip(items) {
            *place = item;
        }
        return Expression::Literal(Value::Object(map));
    }
    let names = map.into_iter().map(|(name, _)| name);
    Expression::Map(names.zip(items).collect())
}

/// A map that is a function's name and its argument.
fn compile_call(function: Name, map: Map<String, Value>, context: Context) -> Expression {
    let Some((name, argument)) = map.into_iter().next() else {
        return Expression::Map(Vec::new());
    };
    match Call::compile(function, argument, context) {
        Ok(call) => Expression::Call(Box::new(call)),
        Err(problem) => Expression::Invalid(Error::from(problem).at(name)),
    }
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
