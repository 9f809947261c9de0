//! Functions of any value: equality, order, conversions, tests of its type.

use crate::call::Call;
use crate::error::{Error, Result};
use crate::function::{ANY, Function, NOT_NULL, NULL, STR, function, p};
use crate::iterate;
use crate::overload::is_set;
use crate::python;
use crate::value::Value;

/// Null is less than anything else.
macro_rules! with_null {
    ($operator:literal, $left:literal, $right:literal, $both:literal) => {
        [
            function($operator, &[p("left", NULL), p("right", NOT_NULL)], |_| {
                Ok(Value::Bool($left))
            }),
            function($operator, &[p("left", NOT_NULL), p("right", NULL)], |_| {
                Ok(Value::Bool($right))
            }),
            function($operator, &[p("left", NULL), p("right", NULL)], |_| {
                Ok(Value::Bool($both))
            }),
        ]
    };
}

const LESS: [Function; 3] = with_null!("#operator_<", true, false, false);
const LESS_OR_EQUAL: [Function; 3] = with_null!("#operator_<=", true, false, true);
const GREATER: [Function; 3] = with_null!("#operator_>", false, true, false);
const GREATER_OR_EQUAL: [Function; 3] = with_null!("#operator_>=", false, true, true);

pub(super) const FUNCTIONS: &[Function] = &{
    let [a, b, c] = LESS;
    let [d, e, f] = LESS_OR_EQUAL;
    let [g, h, i] = GREATER;
    let [j, k, l] = GREATER_OR_EQUAL;
    [
        a,
        b,
        c,
        d,
        e,
        f,
        g,
        h,
        i,
        j,
        k,
        l,
        function("*equal", &[p("left", ANY), p("right", ANY)], |call| {
            Ok(Value::Bool(equal(call)?))
        }),
        function("*not_equal", &[p("left", ANY), p("right", ANY)], |call| {
            Ok(Value::Bool(!equal(call)?))
        }),
        function("bool", &[p("value", ANY)], |call| {
            Ok(Value::Bool(call.value(0).truth()))
        }),
        function("int", &[p("value", ANY)], int),
        function("float", &[p("value", ANY)], float),
        function("str", &[p("value", ANY)], |call| {
            Ok(Value::str(python::text(&call.value(0), call.machine)?))
        }),
        function("isBoolean", &[p("value", ANY)], |call| {
            is(call, |value| matches!(value, Value::Bool(_)))
        }),
        function("isInteger", &[p("value", ANY)], |call| {
            is(call, |value| matches!(value, Value::Int(_)))
        }),
        function("isNumber", &[p("value", ANY)], |call| {
            is(call, |value| {
                matches!(value, Value::Int(_) | Value::Float(_))
            })
        }),
        function("isString", &[p("arg", ANY)], |call| {
            is(call, |value| matches!(value, Value::Str(_)))
        }),
        function("isList", &[p("arg", ANY)], |call| {
            is(call, |value| matches!(value, Value::List(_)))
        }),
        function("isDict", &[p("arg", ANY)], |call| {
            is(call, |value| matches!(value, Value::Map(_)))
        }),
        function("isSet", &[p("arg", ANY)], |call| is(call, is_set)),
        function("isIterable", &[p("value", ANY)], |call| {
            is(call, iterate::is_iterable)
        }),
        function("isRegex", &[p("value", ANY)], |call| {
            is(call, |value| matches!(value, Value::Regex(_)))
        }),
        function("hex", &[p("num", ANY)], hex),
        function("escapeRegex", &[p("string", STR)], super::regex::escape),
    ]
};

fn is(call: &Call, wanted: fn(&Value) -> bool) -> Result<Value> {
    Ok(Value::Bool(wanted(&call.value(0))))
}

fn equal(call: &Call) -> Result<bool> {
    let (left, right) = (call.value(0), call.value(1));
    call.machine.spend(left.size().min(right.size()))?;
    Ok(left == right)
}

fn int(call: &mut Call) -> Result<Value> {
    Ok(Value::Int(match call.value(0) {
        Value::Null => 0,
        Value::Bool(value) => value.into(),
        Value::Int(number) => number,
        Value::Float(number) => python::truncate(number)?,
        Value::Str(text) => python::parse_int(&text)?,
        other => return Err(Error::new(format!("{} is no integer", other.kind()))),
    }))
}

fn float(call: &mut Call) -> Result<Value> {
    Ok(Value::Float(match call.value(0) {
        Value::Null => 0.0,
        Value::Bool(value) => f64::from(u8::from(value)),
        Value::Int(number) => python::real(number),
        Value::Float(number) => number,
        Value::Str(text) => python::parse_float(&text)?,
        other => return Err(Error::new(format!("{} is no number", other.kind()))),
    }))
}

fn hex(call: &mut Call) -> Result<Value> {
    match call.value(0) {
        Value::Int(number) if number < 0 => {
            Ok(Value::str(format!("-{:#x}", number.unsigned_abs())))
        }
        Value::Int(number) => Ok(Value::str(format!("{number:#x}"))),
        other => Err(Error::new(format!("{} is no integer", other.kind()))),
    }
}
