//! `str` and `repr`.

use std::fmt::{self, Write};

use crate::{Key, PyValue, Sequence, View};

/// Returns `str(value)`.
pub fn str<V: PyValue>(value: &V) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_str(&mut out, value);
    out
}

/// Returns `repr(value)`.
pub fn repr<V: PyValue>(value: &V) -> String {
    let mut out = String::new();
    let _ = write_repr(&mut out, value);
    out
}

/// Writes `str(value)`.
pub fn write_str<V: PyValue>(out: &mut impl Write, value: &V) -> fmt::Result {
    match value.view() {
        View::Str(text) => out.write_str(text),
        View::Missing => Ok(()),
        _ => write_repr(out, value),
    }
}

/// Writes `repr(value)`.
pub fn write_repr<V: PyValue>(out: &mut impl Write, value: &V) -> fmt::Result {
    match value.view() {
        View::None => out.write_str("None"),
        View::Bool(true) => out.write_str("True"),
        View::Bool(false) => out.write_str("False"),
        View::Int(number) => write!(out, "{number}"),
        View::Float(number) => out.write_str(&float(number)),
        View::Str(text) if value.is_markup() => {
            out.write_str("Markup(")?;
            quote(out, text)?;
            out.write_char(')')
        }
        View::Str(text) => quote(out, text),
        View::Sequence(sequence, items) => {
            let mut count = 0;
            let (open, close) = brackets(sequence);
            for item in items {
                out.write_str(if count == 0 { open } else { ", " })?;
                write_repr(out, &*item)?;
                count += 1;
            }
            match (sequence, count) {
                (Sequence::Set, 0) => out.write_str("set()"),
                (Sequence::FrozenSet, 0) => out.write_str("frozenset()"),
                (_, 0) => write!(out, "{open}{close}"),
                (Sequence::Tuple, 1) => out.write_str(",)"),
                _ => out.write_str(close),
            }
        }
        View::Dict(entries) => {
            out.write_char('{')?;
            for (index, (key, item)) in entries.enumerate() {
                if index > 0 {
                    out.write_str(", ")?;
                }
                match key {
                    Key::Str(text) => quote(out, text)?,
                    Key::Value(key) => write_repr(out, &*key)?,
                }
                out.write_str(": ")?;
                write_repr(out, &*item)?;
            }
            out.write_char('}')
        }
        View::Object(text) => out.write_str(&text),
        View::Missing => out.write_str("Undefined"),
    }
}

fn brackets(sequence: Sequence) -> (&'static str, &'static str) {
    match sequence {
        Sequence::List => ("[", "]"),
        Sequence::Tuple => ("(", ")"),
        Sequence::Set => ("{", "}"),
        Sequence::FrozenSet => ("frozenset({", "})"),
        Sequence::DictKeys => ("dict_keys([", "])"),
        Sequence::DictValues => ("dict_values([", "])"),
        Sequence::DictItems => ("dict_items([", "])"),
    }
}

/// Writes the `repr` of a string: single quotes, or double quotes where that saves a backslash.
pub fn quote(out: &mut impl Write, text: &str) -> fmt::Result {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.write_char(quote)?;
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        if (' '..='~').contains(&c) && c != '\\' && c != quote {
            continue;
        }
        if !c.is_ascii() && is_printable(c) {
            continue;
        }
        out.write_str(&text[plain..at])?;
        plain = at + c.len_utf8();
        let code = u32::from(c);
        match c {
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            _ if c == quote => write!(out, "\\{c}")?,
            _ if code <= 0xff => write!(out, "\\x{code:02x}")?,
            _ if code <= 0xffff => write!(out, "\\u{code:04x}")?,
            _ => write!(out, "\\U{code:08x}")?,
        }
    }
    out.write_str(&text[plain..])?;
    out.write_char(quote)
}

/// Returns `str.isprintable` of one character outside ASCII. Rust's debug output escapes the same
/// categories, and grapheme extenders at the start of a string, which is why this is not the start.
fn is_printable(c: char) -> bool {
    let mut buffer = [b'a'; 5];
    let length = 1 + c.encode_utf8(&mut buffer[1..]).len();
    match std::str::from_utf8(&buffer[..length]) {
        Ok(text) => text.escape_debug().nth(1) == Some(c),
        Err(_) => false,
    }
}

/// Returns the `repr` of a float: the shortest digits that read back as the same number.
pub fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let plain = value.to_string();
    if plain.contains('.') {
        plain
    } else {
        plain + ".0"
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_as_python_writes_them() {
        let value =
            json!({"a": [true, null, 1, 1.0, 1e16, 1e-5, "it's", "\u{e9}\n"], "b": {}, "c": []});
        assert_eq!(
            str(&value),
            r#"{'a': [True, None, 1, 1.0, 1e+16, 1e-05, "it's", 'é\n'], 'b': {}, 'c': []}"#
        );
        assert_eq!(str(&json!("a'b")), "a'b");
        assert_eq!(repr(&json!("it's \"q\"\\")), r#"'it\'s "q"\\'"#);
    }

    #[test]
    fn characters_that_python_does_not_print_are_escaped() {
        // From `repr` of CPython 3.11.
        let text = "\u{200b}\u{301}\u{ad}\u{e000}\u{7f}\u{a0}\u{2028}日\u{1f389}\u{e0001}\u{0}";
        let expected = "'\\u200b\u{301}\\xad\\ue000\\x7f\\xa0\\u2028日🎉\\U000e0001\\x00'";
        assert_eq!(repr(&json!(text)), expected);
    }
}
