//! The compilation of values to expressions.

use slipway_yaml::{Data, Entries, Node};

use super::Expression;
use crate::error::{Error, Problem};
use crate::functions::{Call, Function};
use crate::version::Version;

/// The place of a value, which decides which functions exist.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context {
    pub(crate) version: Version,
    /// The value is a condition, which knows other functions.
    pub(crate) condition: bool,
}

/// Finds the functions in a value.
pub(crate) fn compile(value: Node, context: Context) -> Expression {
    match value.data {
        Data::Null => Expression::Null,
        Data::Bool(value) => Expression::Bool(value),
        Data::Number(number) => Expression::Number(number),
        Data::Text(text) => Expression::Text(text),
        Data::List(items) => Expression::List(compile_each(items, context)),
        Data::Map(entries) => compile_map(entries, context),
    }
}

/// Finds the functions in each of a list's items.
pub(crate) fn compile_each(items: Vec<Node>, context: Context) -> Vec<Expression> {
    items
        .into_iter()
        .map(|item| compile(item, context))
        .collect()
}

fn compile_map(mut entries: Entries, context: Context) -> Expression {
    if let [(name, _)] = entries.as_slice() {
        match Function::find(name, context) {
            Ok(Some(function)) => {
                if let Some((name, argument)) = entries.pop() {
                    return compile_call(function, &name, argument, context);
                }
            }
            Ok(None) => {}
            Err(reason) => {
                return invalid(Problem::Function(reason), name);
            }
        }
    }
    let entries = entries.into_iter();
    Expression::Map(
        entries
            .map(|(key, item)| (key, compile(item, context)))
            .collect(),
    )
}

fn compile_call(
    function: &'static Function,
    name: &str,
    argument: Node,
    context: Context,
) -> Expression {
    match Call::compile(function, argument, context) {
        Ok(call) => Expression::Call(Box::new(call)),
        Err(problem) => invalid(problem, name),
    }
}

fn invalid(problem: Problem, function: &str) -> Expression {
    Expression::Invalid(Box::new(Error::from(problem).at(function)))
}
