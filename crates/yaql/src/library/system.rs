//! Functions that set variables and evaluate with them.

use std::sync::Arc;

use crate::call::{self, Arg, Call};
use crate::error::{Error, Result};
use crate::function::{
    ANY, CONTEXT, CONTEXT_LAMBDA, Default, Function, ITERABLE, LAMBDA, MAP, SEQUENCE, STR,
    function, method, opt, p,
};
use crate::iterate::{self, Cursor};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    function("let", &[], let_names).rest(ANY).any_name(),
    function("with", &[], let_names).rest(ANY),
    function(
        "#operator_->",
        &[p("left", CONTEXT), p("right", CONTEXT_LAMBDA)],
        send,
    ),
    method("unpack", &[p("sequence", ITERABLE)], unpack).rest(STR),
    function("def", &[p("name", STR), p("func", LAMBDA)], define),
    method(
        "assert",
        &[
            p("obj", ANY),
            p("condition", LAMBDA),
            opt("message", STR, Default::Str("Assertion failed")),
        ],
        assert,
    ),
    function(
        "call",
        &[p("name", STR), p("args", SEQUENCE), p("kwargs", MAP)],
        call_by_name,
    ),
];

fn set(call: &Call, name: &str, value: Value) -> Result<()> {
    let name = name.strip_prefix('$').unwrap_or(name);
    call.context.set(
        if name.is_empty() {
            "1".into()
        } else {
            name.into()
        },
        value,
    )
}

fn let_names(call: &mut Call) -> Result<Value> {
    for (index, value) in call.rest().into_iter().enumerate() {
        set(call, &(index + 1).to_string(), value)?;
    }
    for (name, value) in call.keywords() {
        set(call, name, value.clone())?;
    }
    Ok(Value::Context(call.context.clone()))
}

fn send(call: &mut Call) -> Result<Value> {
    match call.value(0) {
        Value::Context(context) => call.lambda(1)?.call_in(call.machine, &context),
        other => Err(Error::new(format!(
            "what is before `->` is {}, not a context",
            other.kind()
        ))),
    }
}

fn unpack(call: &mut Call) -> Result<Value> {
    let names = call.rest();
    let mut items = call.cursor(0)?;
    let mut taken = Vec::new();
    while taken.len() <= names.len()
        && let Some(item) = items.next(call.machine)?
    {
        taken.push(item);
    }
    if names.is_empty() {
        // An iterator loses the item that was taken, as in Python.
        let rest = if matches!(items, Cursor::Iter(_)) {
            items
        } else {
            call.cursor(0)?
        };
        for (index, item) in rest.rest(call.machine)?.into_iter().enumerate() {
            set(call, &(index + 1).to_string(), item)?;
        }
    } else if names.len() != taken.len() {
        return Err(Error::new(format!(
            "{} names are not for {} items",
            names.len(),
            taken.len()
        )));
    } else {
        for (name, item) in names.iter().zip(taken) {
            if let Value::Str(name) = name {
                set(call, name, item)?;
            }
        }
    }
    Ok(Value::Context(call.context.clone()))
}

fn define(call: &mut Call) -> Result<Value> {
    let name = call.str(0)?;
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return Err(Error::new("a function's name must begin with a letter"));
    }
    call.context.define(
        camel_case(name.trim_end_matches('_')),
        call.lambda(1)?.body(),
    );
    Ok(Value::Context(call.context.clone()))
}

/// Functions that expressions define are named as YAQL's own: `my_name` is called `myName`.
fn camel_case(name: &str) -> Arc<str> {
    let mut out = String::with_capacity(name.len());
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        match rest.peek() {
            Some(next)
                if c == '_' && !out.is_empty() && (next.is_alphanumeric() || *next == '_') =>
            {
                out.extend(next.to_uppercase());
                rest.next();
            }
            _ => out.push(c),
        }
    }
    out.into()
}

fn assert(call: &mut Call) -> Result<Value> {
    let value = iterate::memorize(call.value(0), call.machine)?;
    if call
        .lambda(1)?
        .call(call.machine, std::slice::from_ref(&value))?
        .truth()
    {
        Ok(value)
    } else {
        Err(Error::new(call.str(2)?))
    }
}

fn call_by_name(call: &mut Call) -> Result<Value> {
    let args = call.items(1)?.into_iter().map(Arg::Value).collect();
    let mut named = Vec::new();
    for (name, value) in &call.map(2)?.entries {
        match name {
            Value::Str(name) => named.push((name.clone(), Arg::Value(value.clone()))),
            other => {
                return Err(Error::new(format!(
                    "{} is no argument's name",
                    other.kind()
                )));
            }
        }
    }
    call::call(
        call.machine,
        &call.context,
        &call.str(0)?,
        None,
        args,
        named,
    )
}
