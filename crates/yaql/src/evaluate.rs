//! The evaluation of a syntax tree.

use std::sync::Arc;

use slipway_suggest::nearest;

use super::call::{self, Arg};
use super::context::Context;
use super::error::{Error, Result};
use super::iterate;
use super::machine::Machine;
use super::syntax::{Expr, Literal};
use super::value::Value;

pub(super) fn evaluate(machine: &Machine, expr: &Arc<Expr>, context: &Context) -> Result<Value> {
    let _level = machine.deeper()?;
    machine.spend(1)?;
    if let Some(value) = constant(expr) {
        return Ok(value);
    }
    match &**expr {
        Expr::Variable(name) => Ok(context.get(name)),
        Expr::Call { name, args } => {
            call::call(machine, context, name, None, arguments(args), Vec::new())
        }
        Expr::Operator { name, args } => {
            call::call(machine, context, name, None, arguments(args), Vec::new())
        }
        Expr::Dot {
            receiver,
            member,
            unless_null,
        } => {
            let receiver = evaluate(machine, receiver, context)?;
            if *unless_null && matches!(receiver, Value::Null) {
                return Ok(Value::Null);
            }
            member_of(machine, receiver, member, context)
        }
        Expr::Wrap(inner) => evaluate(machine, inner, context),
        Expr::Rule(key, value) => Ok(Value::Rule(std::rc::Rc::new((
            evaluate(machine, key, context)?,
            evaluate(machine, value, context)?,
        )))),
        Expr::Literal(_) | Expr::Keyword(_) | Expr::Skipped => {
            Err(Error::new("an argument is left out"))
        }
    }
}

/// Returns the value of a literal.
pub(super) fn constant(expr: &Expr) -> Option<Value> {
    Some(match expr {
        Expr::Literal(Literal::Null) => Value::Null,
        Expr::Literal(Literal::Bool(value)) => Value::Bool(*value),
        Expr::Literal(Literal::Int(number)) => Value::Int(*number),
        Expr::Literal(Literal::Float(number)) => Value::Float(*number),
        Expr::Literal(Literal::Str(text)) | Expr::Keyword(text) => Value::Str(text.clone()),
        _ => return None,
    })
}

fn arguments(args: &[Arc<Expr>]) -> Vec<Arg> {
    let argument = |arg: &Arc<Expr>| {
        if matches!(**arg, Expr::Skipped) {
            Arg::Skipped
        } else {
            Arg::Expr(arg.clone())
        }
    };
    args.iter().map(argument).collect()
}

/// Evaluates the part after a dot: a method, or a key. A key of a list is that key of each of its items.
fn member_of(
    machine: &Machine,
    receiver: Value,
    member: &Arc<Expr>,
    context: &Context,
) -> Result<Value> {
    match &**member {
        Expr::Call { name, args } => call::call(
            machine,
            context,
            name,
            Some(receiver),
            arguments(args),
            Vec::new(),
        ),
        Expr::Keyword(key) => match receiver {
            Value::Map(map) => map
                .entries
                .get(&Value::Str(key.clone()))
                .cloned()
                .ok_or_else(|| {
                    let known: Vec<&str> = map.entries.keys().filter_map(as_str).collect();
                    Error::new(match nearest(key, known) {
                        Some(nearest) => format!("the map has no key `{key}`; it has `{nearest}`"),
                        None => format!("the map has no key `{key}`"),
                    })
                }),
            list if iterate::is_iterable(&list) => {
                let list = iterate::limited(list, machine)?;
                let depth = list.depth().max(context.depth());
                let mut cursor = iterate::cursor(&list, machine)?;
                let (member, context) = (member.clone(), context.clone());
                iterate::iter([depth], move |machine| match cursor.next(machine)? {
                    None => Ok(None),
                    Some(item) => {
                        let _level = machine.deeper()?;
                        member_of(machine, item, &member, &context).map(Some)
                    }
                })
            }
            other => Err(Error::new(format!("{} has no key `{key}`", other.kind()))),
        },
        _ => Err(Error::no_match(
            "what follows a dot is neither a key nor a method",
        )),
    }
}

fn as_str(value: &Value) -> Option<&str> {
    if let Value::Str(text) = value {
        Some(text)
    } else {
        None
    }
}
