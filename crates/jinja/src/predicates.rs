//! Jinja2's tests.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr, Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use crate::arguments::bind;
use crate::bounds;
use crate::operators::{holds, values};
use crate::value::{integer, invalid, real, type_name};

/// minijinja's tests that Jinja2 does not have.
const FOREIGN: [&str; 4] = ["endingwith", "int", "safe", "startingwith"];

/// The names of a comparison as a test, and its operator.
const COMPARISONS: [(&[&str], &str); 7] = [
    (&["eq", "equalto", "=="], "=="),
    (&["ne", "!="], "!="),
    (&["lt", "lessthan", "<"], "<"),
    (&["le", "<="], "<="),
    (&["gt", "greaterthan", ">"], ">"),
    (&["ge", ">="], ">="),
    (&["in"], "in"),
];

pub(crate) fn install(env: &mut Environment<'static>) {
    for (names, operator) in COMPARISONS {
        for name in names {
            env.add_test(*name, move |state: &State<'_, '_>, a: Value, b: Value| {
                holds(state, operator, &a, &b)
            });
        }
    }
    add(env, "boolean", |value| Ok(value.kind() == ValueKind::Bool));
    add(env, "callable", |value| Ok(is_callable(value)));
    add(env, "even", |value| parity(value, 0.0));
    add(env, "odd", |value| parity(value, 1.0));
    add(env, "escaped", |value| Ok(value.is_safe()));
    add(env, "false", |value| {
        Ok(value.kind() == ValueKind::Bool && !value.is_true())
    });
    add(env, "true", |value| {
        Ok(value.kind() == ValueKind::Bool && value.is_true())
    });
    add(env, "float", |value| {
        Ok(value.is_number() && !value.is_integer())
    });
    add(env, "integer", |value| Ok(value.is_integer()));
    add(env, "number", |value| Ok(real(value).is_some()));
    add(env, "none", |value| Ok(value.is_none()));
    add(env, "string", |value| Ok(value.kind() == ValueKind::String));
    add(env, "mapping", |value| Ok(value.kind() == ValueKind::Map));
    add(env, "iterable", |value| {
        use ValueKind::{Bytes, Iterable, Map, Seq, String, Undefined};
        Ok(matches!(
            value.kind(),
            Seq | Iterable | Map | String | Bytes | Undefined
        ))
    });
    add(env, "sequence", |value| {
        use ValueKind::{Bytes, Map, Seq, String, Undefined};
        Ok(matches!(
            value.kind(),
            Seq | Map | String | Bytes | Undefined
        ))
    });
    text(env, "lower", |text| {
        slipway_pyvalue::text::is_all(text, char::is_lowercase, char::is_uppercase)
    });
    text(env, "upper", |text| {
        slipway_pyvalue::text::is_all(text, char::is_uppercase, char::is_lowercase)
    });
    env.add_test("divisibleby", |value: Value, by: Value| {
        match (integer(&value), integer(&by)) {
            (_, Some(0)) => Err(invalid("division by zero")),
            (Some(value), Some(by)) => Ok(value % by == 0),
            _ => match (real(&value), real(&by)) {
                (Some(value), Some(by)) => Ok(value % by == 0.0),
                _ => Err(invalid("divisibleby needs numbers")),
            },
        }
    });
    env.add_test("filter", |state: &mut State<'_, '_>, value: Value| {
        is_known(state, &value, false)
    });
    env.add_test("test", |state: &mut State<'_, '_>, value: Value| {
        is_known(state, &value, true)
    });
    for name in FOREIGN {
        env.remove_test(name);
    }
}

fn add(
    env: &mut Environment<'static>,
    name: &'static str,
    test: fn(&Value) -> Result<bool, Error>,
) {
    env.add_test(name, move |_: &State<'_, '_>, args: Rest<ValueOrKwargs>| {
        let [value] = bind(name, &values(args), ["value"])?;
        test(&value.unwrap_or_default())
    });
}

fn text(env: &mut Environment<'static>, name: &'static str, test: fn(&str) -> bool) {
    env.add_test(name, move |state: &State<'_, '_>, value: Value| {
        bounds::text(state, &value).map(|text| test(&text))
    });
}

/// Returns true for the name of a filter or test. minijinja tells by what it says of a call.
fn is_known(state: &mut State<'_, '_>, name: &Value, is_test: bool) -> bool {
    let Some(name) = name.as_str() else {
        return false;
    };
    let error = match is_test {
        true => state.perform_test(name, &[]).err(),
        false => state.apply_filter(name, &[]).err(),
    };
    let unknown = [ErrorKind::UnknownFilter, ErrorKind::UnknownTest];
    !error.is_some_and(|error| unknown.contains(&error.kind()))
}

fn parity(value: &Value, wanted: f64) -> Result<bool, Error> {
    if let Some(number) = integer(value) {
        return Ok(number.rem_euclid(2) == i128::from(wanted != 0.0));
    }
    let number = real(value);
    let number =
        number.ok_or_else(|| invalid(format!("'{}' has no remainder", type_name(value))))?;
    Ok(number.rem_euclid(2.0) == wanted)
}

/// Functions, macros and methods, which minijinja has as plain objects.
fn is_callable(value: &Value) -> bool {
    // Jinja2's undefined value may be called, and fails then.
    if value.is_undefined() {
        return true;
    }
    if value.kind() != ValueKind::Plain {
        return value.downcast_object_ref::<Method>().is_some() || is_macro(value);
    }
    let text = value.to_string();
    !(text.starts_with("<jinja2.utils.Cycler") || text.starts_with("<loop "))
}

fn is_macro(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|object| object.to_string().starts_with("<macro "))
}

/// A method of a value that is not called.
#[derive(Debug)]
struct Method {
    owner: Value,
    name: String,
}

pub(crate) fn bound_method(owner: &Value, name: &str) -> Value {
    Value::from_object(Method {
        owner: owner.clone(),
        name: name.to_owned(),
    })
}

impl Object for Method {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        self.owner.call_method(state, &self.name, args)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<built-in method {} of {} object>",
            self.name,
            type_name(&self.owner)
        )
    }
}
