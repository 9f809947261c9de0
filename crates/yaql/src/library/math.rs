//! Arithmetic, with Python's rules: division and remainder round down, integers stay integers.

use crate::call::Call;
use crate::error::{Error, Result};
use crate::function::{
    ANY, Class, Default, Function, INT, NUMBER, Type, function, opt, or_null, p,
};
use crate::python::real;
use crate::value::Value;

const NUMBER_OR_NULL: Type = or_null(Class::Number);

macro_rules! binary {
    ($name:literal, $run:expr) => {
        function($name, &[p("left", NUMBER), p("right", NUMBER)], $run)
    };
}
macro_rules! shift {
    ($name:literal, $run:expr) => {
        function($name, &[p("value", INT), p("bitsNumber", INT)], |call| {
            let run: fn(i128, u32) -> Option<i128> = $run;
            let bits = u32::try_from(call.int(1)?).map_err(|_| too_large())?;
            run(call.int(0)?, bits)
                .map(Value::Int)
                .ok_or_else(too_large)
        })
    };
}
macro_rules! bits {
    ($name:literal, $run:expr) => {
        function($name, &[p("left", INT), p("right", INT)], |call| {
            let run: fn(i128, i128) -> i128 = $run;
            let bits = run(call.int(0)?, call.int(1)?);
            // The result of two booleans is a boolean.
            let booleans = (call.value(0).is_bool()) && call.value(1).is_bool();
            Ok(if booleans {
                Value::Bool(bits != 0)
            } else {
                Value::Int(bits)
            })
        })
    };
}

pub(super) const FUNCTIONS: &[Function] = &[
    binary!("#operator_+", |call| arithmetic(
        call,
        i128::checked_add,
        |left, right| left + right
    )),
    binary!("#operator_-", |call| arithmetic(
        call,
        i128::checked_sub,
        |left, right| left - right
    )),
    binary!("#operator_*", |call| arithmetic(
        call,
        i128::checked_mul,
        |left, right| left * right
    )),
    binary!("#operator_/", divide),
    binary!("#operator_mod", remainder),
    binary!("#operator_>", |call| compare(call, |order| order
        .is_some_and(std::cmp::Ordering::is_gt))),
    binary!("#operator_>=", |call| compare(call, |order| order
        .is_some_and(std::cmp::Ordering::is_ge))),
    binary!("#operator_<", |call| compare(call, |order| order
        .is_some_and(std::cmp::Ordering::is_lt))),
    binary!("#operator_<=", |call| compare(call, |order| order
        .is_some_and(std::cmp::Ordering::is_le))),
    function("#unary_operator_+", &[p("op", NUMBER)], |call| {
        Ok(call.value(0))
    }),
    function("#unary_operator_-", &[p("op", NUMBER)], |call| {
        single(call, i128::checked_neg, |number| -number)
    }),
    function("abs", &[p("op", NUMBER)], |call| {
        single(call, i128::checked_abs, f64::abs)
    }),
    bits!("bitwiseAnd", |left, right| left & right),
    bits!("bitwiseOr", |left, right| left | right),
    bits!("bitwiseXor", |left, right| left ^ right),
    function("bitwiseNot", &[p("arg", INT)], |call| {
        Ok(Value::Int(!call.int(0)?))
    }),
    shift!("shiftBitsRight", |value, bits| Some(value >> bits.min(127))),
    shift!("shiftBitsLeft", |value, bits| match value {
        0 => Some(0),
        _ => value.checked_mul(2_i128.checked_pow(bits)?),
    }),
    function("max", &[p("a", ANY), p("b", ANY)], |call| {
        greater(call, true)
    }),
    function("min", &[p("a", ANY), p("b", ANY)], |call| {
        greater(call, false)
    }),
    function(
        "pow",
        &[
            p("a", NUMBER),
            p("b", NUMBER),
            opt("c", NUMBER_OR_NULL, Default::Null),
        ],
        pow,
    ),
    function("sign", &[p("num", NUMBER)], |call| {
        single(
            call,
            |number| Some(number.signum()),
            |number| {
                if number == 0.0 || number.is_nan() {
                    0.0
                } else {
                    number.signum()
                }
            },
        )
        .map(|sign| {
            if let Value::Float(sign) = sign {
                Value::Int(if sign > 0.0 {
                    1
                } else {
                    -i128::from(sign < 0.0)
                })
            } else {
                sign
            }
        })
    }),
    function(
        "round",
        &[p("number", NUMBER), opt("ndigits", INT, Default::Int(0))],
        round,
    ),
];

fn too_large() -> Error {
    Error::new("a number is too large")
}

fn by_zero() -> Error {
    Error::new("division by zero")
}

fn as_real(value: &Value) -> f64 {
    match value {
        Value::Int(number) => real(*number),
        Value::Float(number) => *number,
        _ => f64::NAN,
    }
}

fn single(call: &Call, int: fn(i128) -> Option<i128>, float: fn(f64) -> f64) -> Result<Value> {
    match call.value(0) {
        Value::Int(number) => int(number).map(Value::Int).ok_or_else(too_large),
        other => Ok(Value::Float(float(as_real(&other)))),
    }
}

fn arithmetic(
    call: &Call,
    int: fn(i128, i128) -> Option<i128>,
    float: fn(f64, f64) -> f64,
) -> Result<Value> {
    match (call.value(0), call.value(1)) {
        (Value::Int(left), Value::Int(right)) => {
            int(left, right).map(Value::Int).ok_or_else(too_large)
        }
        (left, right) => Ok(Value::Float(float(as_real(&left), as_real(&right)))),
    }
}

fn divide(call: &mut Call) -> Result<Value> {
    match (call.value(0), call.value(1)) {
        (Value::Int(_), Value::Int(0)) => Err(by_zero()),
        (Value::Int(left), Value::Int(right)) => {
            let quotient = left.checked_div(right).ok_or_else(too_large)?;
            Ok(Value::Int(
                quotient - i128::from(left % right != 0 && (left < 0) != (right < 0)),
            ))
        }
        (_, right) if as_real(&right) == 0.0 => Err(by_zero()),
        (left, right) => Ok(Value::Float(as_real(&left) / as_real(&right))),
    }
}

fn remainder(call: &mut Call) -> Result<Value> {
    match (call.value(0), call.value(1)) {
        (Value::Int(_), Value::Int(0)) => Err(by_zero()),
        (Value::Int(left), Value::Int(right)) => {
            let rest = left.checked_rem(right).ok_or_else(too_large)?;
            Ok(Value::Int(if rest != 0 && (rest < 0) != (right < 0) {
                rest + right
            } else {
                rest
            }))
        }
        (_, right) if as_real(&right) == 0.0 => Err(by_zero()),
        (left, right) => {
            let right = as_real(&right);
            let rest = as_real(&left) % right;
            Ok(Value::Float(match rest {
                0.0 => 0.0_f64.copysign(right),
                _ if (rest < 0.0) != (right < 0.0) => rest + right,
                _ => rest,
            }))
        }
    }
}

fn compare(call: &Call, wanted: fn(Option<std::cmp::Ordering>) -> bool) -> Result<Value> {
    let order = match (call.value(0), call.value(1)) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(&right)),
        (left, right) => as_real(&left).partial_cmp(&as_real(&right)),
    };
    Ok(Value::Bool(wanted(order)))
}

/// Returns the greater of two values, or the smaller one.
fn greater(call: &Call, wanted: bool) -> Result<Value> {
    let (a, b) = (call.value(0), call.value(1));
    let b_is_greater = call
        .delegate("#operator_>", &[b.clone(), a.clone()])?
        .truth();
    Ok(if b_is_greater == wanted { b } else { a })
}

fn pow(call: &mut Call) -> Result<Value> {
    let (base, exponent, modulus) = (call.value(0), call.value(1), call.value(2));
    match (&base, &exponent, &modulus) {
        (Value::Int(base), Value::Int(exponent), Value::Null) if *exponent >= 0 => {
            let power = match base {
                0 | 1 => Some(if *exponent == 0 { 1 } else { *base }),
                -1 => Some(if exponent % 2 == 0 { 1 } else { -1 }),
                _ => u32::try_from(*exponent)
                    .ok()
                    .and_then(|exponent| base.checked_pow(exponent)),
            };
            power.map(Value::Int).ok_or_else(too_large)
        }
        (Value::Int(base), Value::Int(exponent), Value::Int(modulus)) => {
            modular_power(*base, *exponent, *modulus)
        }
        (_, _, Value::Null) => {
            let (base, exponent) = (as_real(&base), as_real(&exponent));
            if base == 0.0 && exponent < 0.0 {
                return Err(by_zero());
            }
            let power = base.powf(exponent);
            if !power.is_finite() && base.is_finite() && exponent.is_finite() {
                return Err(Error::new("the power is no number, or too large"));
            }
            Ok(Value::Float(power))
        }
        _ => Err(Error::new("a power with a modulus is for integers")),
    }
}

fn modular_power(base: i128, exponent: i128, modulus: i128) -> Result<Value> {
    const LARGEST: i128 = 1 << 62;
    if modulus == 0 {
        return Err(by_zero());
    }
    if modulus.abs() > LARGEST || exponent < 0 {
        return Err(Error::new(
            "the exponent is negative, or the modulus too large",
        ));
    }
    let (mut base, mut exponent, mut power) =
        (base.rem_euclid(modulus.abs()), exponent, 1 % modulus.abs());
    while exponent > 0 {
        if exponent & 1 == 1 {
            power = power * base % modulus.abs();
        }
        base = base * base % modulus.abs();
        exponent >>= 1;
    }
    Ok(Value::Int(if modulus < 0 && power != 0 {
        power + modulus
    } else {
        power
    }))
}

/// Rounds half to even; a float stays a float.
fn round(call: &mut Call) -> Result<Value> {
    let digits = call.int(1)?;
    match call.value(0) {
        Value::Int(number) if digits >= 0 => Ok(Value::Int(number)),
        Value::Int(number) => {
            let Some(unit) = u32::try_from(-digits)
                .ok()
                .and_then(|digits| 10_i128.checked_pow(digits))
            else {
                return Ok(Value::Int(0));
            };
            let rest = number.rem_euclid(unit);
            let down = number - rest;
            let up = match (rest * 2).cmp(&unit) {
                std::cmp::Ordering::Less => false,
                std::cmp::Ordering::Greater => true,
                std::cmp::Ordering::Equal => (down / unit) % 2 != 0,
            };
            Ok(Value::Int(if up { down + unit } else { down }))
        }
        Value::Float(number) if digits >= 0 => {
            let digits = usize::try_from(digits).unwrap_or(330).min(330);
            Ok(Value::Float(
                format!("{number:.digits$}").parse().unwrap_or(number),
            ))
        }
        Value::Float(number) => {
            let unit = 10_f64.powi(i32::try_from(-digits).unwrap_or(400).min(400));
            Ok(Value::Float(if unit.is_finite() {
                (number / unit).round_ties_even() * unit
            } else {
                0.0_f64.copysign(number)
            }))
        }
        _ => Err(Error::new("not a number")),
    }
}
