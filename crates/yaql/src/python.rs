//! Texts as Python writes and reads them.

use std::fmt::Write as _;

use super::error::{Error, Result};
use super::machine::Machine;
use super::value::{Value, View, whole};

/// `str(value)` as YAQL has it: null, true and false are YAQL's words.
pub(super) fn text(value: &Value, machine: &Machine) -> Result<String> {
    Ok(match value {
        Value::Null => "null".to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Str(text) => {
            machine.spend(text.len())?;
            text.to_string()
        }
        _ => {
            machine.spend(value.size().saturating_mul(4))?;
            let mut out = String::new();
            represent(value, &mut out)?;
            out
        }
    })
}

/// Python's `repr`.
fn represent(value: &Value, out: &mut String) -> Result<()> {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(value) => out.push_str(if *value { "True" } else { "False" }),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&float(*number)),
        Value::Str(text) => quote(text, out),
        Value::List(list) => {
            out.push(if list.fixed { '(' } else { '[' });
            represent_all(list.items.iter(), out)?;
            if list.fixed && list.items.len() == 1 {
                out.push(',');
            }
            out.push(if list.fixed { ')' } else { ']' });
        }
        Value::Map(map) => {
            out.push('{');
            for (index, (key, value)) in map.entries.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                represent(key, out)?;
                out.push_str(": ");
                represent(value, out)?;
            }
            out.push('}');
        }
        Value::Set(set) if set.items.is_empty() => out.push_str("frozenset()"),
        Value::Set(set) => {
            out.push_str("frozenset({");
            represent_all(set.items.iter(), out)?;
            out.push_str("})");
        }
        Value::View(map, view) if map.fixed => {
            let name = match view {
                View::Keys => "KeysView",
                View::Values => "ValuesView",
                View::Items => "ItemsView",
            };
            let _ = write!(out, "{name}(");
            represent(&Value::Map(map.clone()), out)?;
            out.push(')');
        }
        Value::View(map, view) => {
            let (name, items) = match view {
                View::Keys => ("dict_keys", map.entries.keys().cloned().collect::<Vec<_>>()),
                View::Values => ("dict_values", map.entries.values().cloned().collect()),
                View::Items => {
                    let items = map
                        .entries
                        .iter()
                        .map(|(key, value)| Value::tuple(vec![key.clone(), value.clone()]));
                    ("dict_items", items.collect::<Result<_>>()?)
                }
            };
            let _ = write!(out, "{name}([");
            represent_all(items.iter(), out)?;
            out.push_str("])");
        }
        _ => return Err(Error::new(format!("{} has no text", value.kind()))),
    }
    Ok(())
}

fn represent_all<'a>(items: impl Iterator<Item = &'a Value>, out: &mut String) -> Result<()> {
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        represent(item, out)?;
    }
    Ok(())
}

/// A string in Python's quotes: single ones, unless it has some and no double ones.
pub fn quote(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for c in text.chars() {
        let code = u32::from(c);
        let _ = match c {
            '\\' => write!(out, "\\\\"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            _ if c == quote => write!(out, "\\{c}"),
            _ if code < 0x20 || (0x7f..0xa1).contains(&code) || code == 0xad => {
                write!(out, "\\x{code:02x}")
            }
            '\u{2028}' | '\u{2029}' | '\u{200b}'..='\u{200f}' | '\u{feff}' => {
                write!(out, "\\u{code:04x}")
            }
            _ => write!(out, "{c}"),
        };
    }
    out.push(quote);
}

/// `repr` of a float: the shortest digits that give it back, with an exponent when there are many.
pub(super) fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_string();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_string();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{number}");
        if plain.contains('.') {
            plain
        } else {
            format!("{plain}.0")
        }
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    }
}

/// `int(text)`.
pub(super) fn parse_int(text: &str) -> Result<i128> {
    let bad = || Error::new("the string is no integer");
    let digits = digits(text.trim_matches(is_space)).ok_or_else(bad)?;
    let digits = digits.strip_prefix('+').unwrap_or(&digits);
    if digits.starts_with(['+', '-']) && digits[1..].starts_with(['+', '-']) {
        return Err(bad());
    }
    digits.parse().map_err(|_| bad())
}

/// `float(text)`.
pub(super) fn parse_float(text: &str) -> Result<f64> {
    let bad = || Error::new("the string is no number");
    let digits = digits(text.trim_matches(is_space)).ok_or_else(bad)?;
    digits.parse().map_err(|_| bad())
}

/// Python lets an underscore stand between two digits.
fn digits(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let between = |i: usize| {
        i > 0 && bytes[i - 1].is_ascii_digit() && bytes.get(i + 1).is_some_and(u8::is_ascii_digit)
    };
    let fits = bytes
        .iter()
        .enumerate()
        .all(|(i, byte)| *byte != b'_' || between(i));
    fits.then(|| text.replace('_', ""))
}

/// What Python strips and splits at when it is not told what.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// The bounds of `[start:stop]` in something of this length.
pub(super) fn slice(start: i128, stop: i128, length: usize) -> (usize, usize) {
    let start = bound(start, length);
    (start, bound(stop, length).max(start))
}

/// Where an index of a slice falls: from the end when it is negative, and never outside.
pub(super) fn bound(index: i128, length: usize) -> usize {
    let end = i128::try_from(length).unwrap_or(i128::MAX);
    let index = if index < 0 {
        index.saturating_add(end)
    } else {
        index
    };
    usize::try_from(index.clamp(0, end)).unwrap_or(length)
}

/// `float(int)`, which cannot fail for what an `i128` holds.
#[expect(clippy::cast_precision_loss, reason = "that is what Python does")]
pub(super) fn real(number: i128) -> f64 {
    number as f64
}

/// `int(float)`: towards zero.
pub(super) fn truncate(number: f64) -> Result<i128> {
    whole(number.trunc()).ok_or_else(|| Error::new("the number is too large for an integer"))
}
