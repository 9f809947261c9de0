//! What Heat leaves to Python: how values turn into text, when they are equal, what counts as
//! empty.

use std::borrow::Borrow;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Number, Value};

/// `str(value)`.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => {
            let mut out = String::new();
            write_repr(&mut out, other);
            out
        }
    }
}

fn write_repr(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Number(number) => out.push_str(&number_text(number)),
        Value::String(text) => write_quoted(out, text),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_repr(out, item);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (index, (key, item)) in map.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_quoted(out, key);
                out.push_str(": ");
                write_repr(out, item);
            }
            out.push('}');
        }
    }
}

/// Python prefers single quotes, and double ones where that saves a backslash.
fn write_quoted(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if (c as u32) < 0x20 || (0x7f..0xa1).contains(&(c as u32)) || c as u32 == 0xad => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push(quote);
}

/// A number as Python writes it.
pub(crate) fn number_text(number: &Number) -> String {
    if number.is_f64() {
        float_text(number.as_f64().unwrap_or_default())
    } else {
        number.to_string()
    }
}

/// The shortest text that reads back as the same number, with Python's choice of exponents.
fn float_text(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "nan".to_owned()
        } else if value > 0.0 {
            "inf".to_owned()
        } else {
            "-inf".to_owned()
        };
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    let plain = value.to_string();
    if plain.contains('.') {
        plain
    } else {
        plain + ".0"
    }
}

/// `json.dumps(value)`, keys sorted if so asked.
pub(crate) fn json(value: &Value, sorted: bool) -> String {
    let mut out = String::new();
    write_json(&mut out, value, sorted);
    out
}

fn write_json(out: &mut String, value: &Value, sorted: bool) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number_text(number)),
        Value::String(text) => write_json_text(out, text),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_json(out, item, sorted);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            if sorted {
                entries.sort_by_key(|(key, _)| *key);
            }
            out.push('{');
            for (index, (key, item)) in entries.into_iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_json_text(out, key);
                out.push_str(": ");
                write_json(out, item, sorted);
            }
            out.push('}');
        }
    }
}

fn write_json_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

/// `a == b`: numbers by value, and true is 1.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Bool(_) | Value::Number(_), Value::Bool(_) | Value::Number(_)) => {
            match (whole(a), whole(b)) {
                (Some(a), Some(b)) => a == b,
                _ => float(a) == float(b),
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => equal_maps(a, b),
        _ => a == b,
    }
}

fn equal_maps(a: &Map<String, Value>, b: &Map<String, Value>) -> bool {
    a.len() == b.len()
        && a.iter()
            .all(|(key, value)| b.get(key).is_some_and(|other| equal(value, other)))
}

/// A value that is the same key as whatever is equal to it.
pub(crate) struct Equal<T>(pub(crate) T);

impl<T: Borrow<Value>> PartialEq for Equal<T> {
    fn eq(&self, other: &Self) -> bool {
        equal(self.0.borrow(), other.0.borrow())
    }
}

impl<T: Borrow<Value>> Eq for Equal<T> {}

impl<T: Borrow<Value>> Hash for Equal<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(self.0.borrow(), state);
    }
}

fn hash(value: &Value, state: &mut impl Hasher) {
    match value {
        Value::Null => state.write_u8(0),
        // Zero has two signs.
        Value::Bool(_) | Value::Number(_) => state.write_u64((float(value) + 0.0).to_bits()),
        Value::String(text) => text.hash(state),
        Value::Array(items) => {
            state.write_usize(items.len());
            for item in items {
                hash(item, state);
            }
        }
        // The order of a map's keys does not count.
        Value::Object(map) => {
            let entry = |(key, item): (&String, &Value)| {
                let mut state = DefaultHasher::new();
                key.hash(&mut state);
                hash(item, &mut state);
                state.finish()
            };
            state.write_u64(map.iter().map(entry).fold(0, u64::wrapping_add));
        }
    }
}

/// A number or boolean that is a whole number.
fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Bool(value) => Some(i128::from(*value)),
        Value::Number(number) => number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from)),
        _ => None,
    }
}

/// A number or boolean as a float; anything else is not a number.
pub(crate) fn float(value: &Value) -> f64 {
    match value {
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        _ => f64::NAN,
    }
}

/// `bool(value)`.
pub(crate) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(_) => float(value) != 0.0,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// `int(text)`.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let separated = digits
        .split('_')
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    if !separated {
        return None;
    }
    text.replace('_', "").parse().ok()
}

/// `int(text)`, or else `float(text)`; nothing for integers of more than 64 bits.
pub(crate) fn number(text: &str) -> Option<Value> {
    if let Some(value) = integer(text) {
        return Some(Value::from(value));
    }
    let trimmed = text.trim();
    let digits = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    if digits.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        let positive = trimmed.strip_prefix('+').unwrap_or(trimmed);
        return positive.parse::<u64>().ok().map(Value::from);
    }
    let plain = trimmed
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    if !plain {
        return None;
    }
    trimmed
        .parse()
        .ok()
        .and_then(Number::from_f64)
        .map(Value::Number)
}

/// `json.loads(text)`; nothing for what is no JSON, or has integers of more than 64 bits.
pub(crate) fn from_json(text: &str) -> Option<Value> {
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
        _ => false,
    }
}

/// Whether JSON has an integer that 64 bits cannot hold.
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

/// An element of a list or text by Python's index, which counts from the end if negative.
pub(crate) fn index(length: usize, index: i64) -> Option<usize> {
    let at = if index < 0 {
        index.checked_add(i64::try_from(length).ok()?)?
    } else {
        index
    };
    usize::try_from(at).ok().filter(|at| *at < length)
}

/// What Python calls the type.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_pythons() {
        let value = json!({"a": [true, null, 1, 1.0, 1e16, 1e-5, "it's", "\u{e9}\n"]});
        assert_eq!(
            text(&value),
            r#"{'a': [True, None, 1, 1.0, 1e+16, 1e-05, "it's", 'é\n']}"#
        );
        assert_eq!(
            json(&json!({"b": "\u{e9}\u{1f600}", "a": [1.5, {}]}), true),
            r#"{"a": [1.5, {}], "b": "\u00e9\ud83d\ude00"}"#
        );
    }

    #[test]
    fn true_is_one() {
        assert!(equal(&json!([true, {"a": 1.0}]), &json!([1, {"a": 1}])));
        assert!(!equal(&json!("1"), &json!(1)));
        assert!(!equal(&json!(null), &json!(false)));
    }

    #[test]
    fn what_is_equal_is_one_key() {
        for (a, b) in [
            (json!([true, -0.0]), json!([1.0, 0])),
            (json!({"a": 1, "b": [2]}), json!({"b": [2.0], "a": true})),
            (json!(9007199254740993_i64), json!(9007199254740992.0)),
        ] {
            assert!(equal(&a, &b));
            let both: std::collections::HashSet<_> = [Equal(&a), Equal(&b)].into();
            assert_eq!(both.len(), 1, "{a} {b}");
        }
    }

    #[test]
    fn large_integers_in_json() {
        for text in [
            "[18446744073709551615, -9223372036854775808, 1e30]",
            r#"{"18446744073709551616": "a\"99999999999999999999", "b": 12345678901234567890.0}"#,
        ] {
            assert!(from_json(text).is_some(), "{text}");
        }
        for text in ["18446744073709551616", "[1e30, -9223372036854775809]"] {
            assert_eq!(from_json(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_in_text() {
        assert_eq!(number(" 1_000 "), Some(json!(1000)));
        assert_eq!(number("1e3"), Some(json!(1000.0)));
        assert_eq!(number("1__0"), None);
        assert_eq!(
            number("18446744073709551615"),
            Some(json!(18446744073709551615_u64))
        );
        assert_eq!(number("18446744073709551616"), None);
        assert_eq!(number("-9223372036854775809"), None);
        assert_eq!(number(""), None);
        assert_eq!(index(3, -1), Some(2));
        assert_eq!(index(3, 3), None);
    }
}
