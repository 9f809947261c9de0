//! Filters of numbers.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, State, Value};
use slipway_pyvalue::number as py;

use super::Filter;
use crate::arguments::bind;
use crate::bounds;
use crate::value::range::number;
use crate::value::{integer, invalid, real, type_name};

pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("abs", |_, args| {
        let [value] = bind("abs", args, ["value"])?;
        let value = value.unwrap_or_default();
        match (integer(&value), real(&value)) {
            (Some(value), _) => Ok(number(value.saturating_abs())),
            (None, Some(value)) => Ok(Value::from(value.abs())),
            (None, None) => Err(invalid(format!(
                "bad operand type for abs(): '{}'",
                type_name(&value)
            ))),
        }
    }),
    ("filesizeformat", filesizeformat),
    ("float", |_, args| {
        let [value, default] = bind("float", args, ["value", "default"])?;
        let value = defined(value)?;
        let parsed = match value.kind() {
            ValueKind::String => py::float(value.as_str().unwrap_or_default()),
            _ => real(&value),
        };
        Ok(parsed.map_or_else(|| default.unwrap_or(Value::from(0.0)), Value::from))
    }),
    ("int", int),
    ("round", round),
];

fn defined(value: Option<Value>) -> Result<Value, Error> {
    let value = value.filter(|value| !value.is_undefined());
    value.ok_or_else(|| Error::from(ErrorKind::UndefinedError))
}

fn int(_: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let [value, default, base] = bind("int", args, ["value", "default", "base"])?;
    let value = defined(value)?;
    let base = base.as_ref().and_then(integer).unwrap_or(10);
    let base = u32::try_from(base).unwrap_or_default();
    let parsed = match value.kind() {
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            py::int_of_base(text, base).or_else(|| truncated(py::float(text)?))
        }
        _ => integer(&value).or_else(|| truncated(real(&value)?)),
    };
    Ok(parsed.map_or_else(|| default.unwrap_or(Value::from(0)), number))
}

/// Returns `int(float)`, `None` for what is infinite or no number.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn truncated(value: f64) -> Option<i128> {
    (value.is_finite() && value.abs() < 1e38).then_some(value.trunc() as i128)
}

fn round(_: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let [value, precision, method] = bind("round", args, ["value", "precision", "method"])?;
    let value = value.unwrap_or_default();
    let precision = precision.as_ref().and_then(integer).unwrap_or(0);
    let precision = i32::try_from(precision).map_err(|_| invalid("round: invalid precision"))?;
    let real = real(&value).ok_or_else(|| {
        invalid(format!(
            "type {} does not define __round__",
            type_name(&value)
        ))
    })?;
    let factor = 10_f64.powi(precision);
    let result = match method.as_ref().and_then(Value::as_str) {
        None | Some("common") => match integer(&value) {
            Some(whole) if precision >= 0 => return Ok(number(whole)),
            _ if precision >= 0 => {
                let digits = usize::try_from(precision.min(400)).unwrap_or_default();
                format!("{real:.digits$}").parse().unwrap_or(real)
            }
            _ => (real * factor).round_ties_even() / factor,
        },
        Some("ceil") => (real * factor).ceil() / factor,
        Some("floor") => (real * factor).floor() / factor,
        Some(_) => return Err(invalid("method must be common, ceil or floor")),
    };
    Ok(match (integer(&value), truncated(result)) {
        (Some(_), Some(whole)) if method.is_none() => number(whole),
        _ => Value::from(result),
    })
}

fn filesizeformat(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let [value, binary] = bind("filesizeformat", args, ["value", "binary"])?;
    let value = value.unwrap_or_default();
    let bytes = match value.as_str() {
        Some(text) => py::float(text),
        None => real(&value),
    };
    let text = bounds::text(state, &value)?;
    let bytes = bytes.ok_or_else(|| invalid(format!("filesizeformat: {text} is no number")))?;
    let binary = binary.is_some_and(|binary| binary.is_true());
    let base = if binary { 1024.0 } else { 1000.0 };
    const PREFIXES: [(&str, &str); 8] = [
        ("kB", "KiB"),
        ("MB", "MiB"),
        ("GB", "GiB"),
        ("TB", "TiB"),
        ("PB", "PiB"),
        ("EB", "EiB"),
        ("ZB", "ZiB"),
        ("YB", "YiB"),
    ];
    if bytes == 1.0 {
        return Ok(Value::from("1 Byte"));
    }
    if bytes < base {
        return Ok(Value::from(format!("{bytes:.0} Bytes")));
    }
    let mut unit = base;
    let mut name = "";
    for (decimal, binary_name) in PREFIXES {
        name = if binary { binary_name } else { decimal };
        unit *= base;
        if bytes < unit {
            break;
        }
    }
    Ok(Value::from(format!("{:.1} {name}", base * bytes / unit)))
}
