//! `serde_json::Value` as Python sees it.

use std::borrow::Cow;

use serde_json::{Number, Value};

use crate::{Key, PyValue, Sequence, View};

impl PyValue for Value {
    fn view(&self) -> View<'_, Self> {
        match self {
            Value::Null => View::None,
            Value::Bool(value) => View::Bool(*value),
            Value::Number(number) => match number.as_i64() {
                Some(number) => View::Int(number.into()),
                None => match number.as_u64() {
                    Some(number) => View::Int(number.into()),
                    None => View::Float(number.as_f64().unwrap_or(f64::NAN)),
                },
            },
            Value::String(text) => View::Str(text),
            Value::Array(items) => {
                View::Sequence(Sequence::List, Box::new(items.iter().map(Cow::Borrowed)))
            }
            Value::Object(entries) => View::Dict(Box::new(
                entries
                    .iter()
                    .map(|(key, value)| (Key::Str(key), Cow::Borrowed(value))),
            )),
        }
    }

    fn item(&self, key: &str) -> Option<Self> {
        self.get(key).cloned()
    }
}

/// Returns the integer that a number or boolean is.
pub(crate) fn whole(value: &Value) -> Option<i128> {
    match value.view() {
        View::Bool(value) => Some(value.into()),
        View::Int(number) => Some(number),
        _ => None,
    }
}

/// Returns a number or boolean as a float, and NaN for anything else.
pub fn float(value: &Value) -> f64 {
    match value {
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        _ => f64::NAN,
    }
}

/// Returns `int(text)`, or else `float(text)`; `None` for integers of more than 64 bits, for infinities
/// and for what is no number.
pub fn number(text: &str) -> Option<Value> {
    if let Some(number) = crate::number::int(text) {
        let signed = i64::try_from(number).map(Value::from);
        return signed
            .or_else(|_| u64::try_from(number).map(Value::from))
            .ok();
    }
    let is_integer = |c: char| c.is_ascii_digit() || c == '_' || c == '+' || c == '-';
    if text
        .trim_matches(crate::text::is_space)
        .chars()
        .all(is_integer)
    {
        return None;
    }
    let number = Number::from_f64(crate::number::float(text)?)?;
    Some(Value::Number(number))
}

/// Returns `json.loads(text)`; `None` for invalid JSON and for integers of more than 64 bits.
pub fn from_json(text: &str) -> Option<Value> {
    let value = serde_json::from_str(text).ok()?;
    // They would have become floats, which are seldom that large.
    (!has_large_float(&value) || !has_large_integer(text)).then_some(value)
}

fn has_large_float(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            number.is_f64() && number.as_f64().is_some_and(|value| value.abs() >= 9e18)
        }
        Value::Array(items) => items.iter().any(has_large_float),
        Value::Object(map) => map.values().any(has_large_float),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// Returns true if JSON has an integer that 64 bits cannot hold.
fn has_large_integer(json: &str) -> bool {
    let mut in_text = false;
    let mut escaped = false;
    let token = |c: char| {
        let delimits = !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E');
        if escaped {
            escaped = false;
        } else if c == '"' {
            in_text = !in_text;
        } else {
            escaped = in_text && c == '\\';
        }
        in_text || delimits
    };
    json.split(token)
        .filter(|token| token.len() > 18 && !token.contains(['.', 'e', 'E']))
        .any(|token| token.parse::<i64>().is_err() && token.parse::<u64>().is_err())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn integers_beyond_64_bits_are_refused() {
        assert_eq!(
            from_json("[1, 1e30, \"99999999999999999999\"]"),
            Some(json!([1, 1e30, "99999999999999999999"]))
        );
        assert_eq!(from_json("[99999999999999999999]"), None);
        assert_eq!(from_json("[18446744073709551615]"), Some(json!([u64::MAX])));
        assert_eq!(from_json("[1,]"), None);
    }

    #[test]
    fn numbers_in_text() {
        assert_eq!(number(" 1_000 "), Some(json!(1000)));
        assert_eq!(number("1e3"), Some(json!(1000.0)));
        assert_eq!(number("18446744073709551615"), Some(json!(u64::MAX)));
        for wrong in [
            "1__0",
            "18446744073709551616",
            "-9223372036854775809",
            "",
            "inf",
            "nan",
        ] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn empty_values_are_false() {
        for value in [
            json!(null),
            json!(false),
            json!(0),
            json!(0.0),
            json!(""),
            json!([]),
            json!({}),
        ] {
            assert!(!crate::truth(&value), "{value}");
        }
        for value in [
            json!(true),
            json!(-1),
            json!(0.1),
            json!("0"),
            json!([0]),
            json!({"a": 0}),
        ] {
            assert!(crate::truth(&value), "{value}");
        }
    }
}
