//! From what is written to what can be worked out.

use serde_json::{Map, Value};

use super::Expression;
use crate::error::{Error, Problem};
use crate::functions::{Call, Name};
use crate::version::Version;
use crate::yaml::{Entries, Node};

/// Where a value is written, which decides what functions there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context {
    pub(crate) version: Version,
    /// Conditions know other functions than values do.
    pub(crate) condition: bool,
}

/// Finds the functions in a value.
pub(crate) fn compile(value: Node, context: Context) -> Expression {
    match value {
        Node::Scalar(value) => Expression::Literal(value),
        Node::List(items) => compile_list(items, context),
        Node::Map(entries) => compile_map(entries, context),
    }
}

/// Finds the functions in each of a list's items.
pub(crate) fn compile_each(items: Vec<Node>, context: Context) -> Vec<Expression> {
    items
        .into_iter()
        .map(|item| compile(item, context))
        .collect()
}

fn compile_list(items: Vec<Node>, context: Context) -> Expression {
    let items = compile_each(items, context);
    if items.iter().all(is_literal) {
        return Expression::Literal(Value::Array(
            items.into_iter().filter_map(into_literal).collect(),
        ));
    }
    Expression::List(items)
}

fn compile_map(mut entries: Entries, context: Context) -> Expression {
    if let [(name, _)] = entries.as_slice() {
        match Name::find(name, context) {
            Ok(Some(function)) => {
                if let Some((name, argument)) = entries.pop() {
                    return compile_call(function, &name, argument, context);
                }
            }
            Ok(None) => {}
            Err(reason) => {
                return Expression::Invalid(Error::from(Problem::Function(reason)).at(name));
            }
        }
    }
    let entries: Vec<_> = entries
        .into_iter()
        .map(|(key, item)| (key, compile(item, context)))
        .collect();
    if entries.iter().all(|(_, item)| is_literal(item)) {
        let mut map = Map::with_capacity(entries.len());
        for (key, item) in entries {
            if let Some(value) = into_literal(item) {
                map.insert(key, value);
            }
        }
        return Expression::Literal(Value::Object(map));
    }
    Expression::Map(entries)
}

fn compile_call(function: Name, name: &str, argument: Node, context: Context) -> Expression {
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
