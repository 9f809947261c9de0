//! `json.dumps`.

use std::fmt::{self, Write};

use crate::repr::float;
use crate::{Key, PyValue, View};

/// Returns `json.dumps(value)`.
pub fn dumps<V: PyValue>(value: &V) -> String {
    Dumps::default().text(value)
}

/// Returns `json.dumps(value, sort_keys=True)`.
pub fn dumps_sorted<V: PyValue>(value: &V) -> String {
    let options = Dumps {
        sort_keys: true,
        ..Dumps::default()
    };
    options.text(value)
}

/// The options of `json.dumps`. The default is Python's: one line, keys in their order, everything
/// outside printable ASCII escaped.
#[derive(Clone, Debug, Default)]
pub struct Dumps {
    /// Sort the keys of dictionaries.
    pub sort_keys: bool,
    /// Write each item on a line of its own, indented by this much for each level.
    pub indent: Option<String>,
    /// Leave characters outside ASCII as they are.
    pub keep_unicode: bool,
}

impl Dumps {
    /// Returns the JSON of a value.
    pub fn text<V: PyValue>(&self, value: &V) -> String {
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut out, value);
        out
    }

    /// Writes the JSON of a value. Objects that JSON does not have are written as their `repr`, in a
    /// string.
    pub fn write<V: PyValue>(&self, out: &mut impl Write, value: &V) -> fmt::Result {
        self.at(out, value, 0)
    }

    fn at<V: PyValue>(&self, out: &mut impl Write, value: &V, depth: usize) -> fmt::Result {
        match value.view() {
            View::None => out.write_str("null"),
            View::Bool(value) => out.write_str(if value { "true" } else { "false" }),
            View::Int(number) => write!(out, "{number}"),
            View::Float(number) => out.write_str(&json_float(number)),
            View::Str(text) => self.string(out, text),
            View::Sequence(_, items) => {
                out.write_char('[')?;
                let mut count = 0;
                for item in items {
                    self.separator(out, count, depth + 1)?;
                    self.at(out, &*item, depth + 1)?;
                    count += 1;
                }
                self.end(out, count, depth)?;
                out.write_char(']')
            }
            View::Dict(entries) => {
                out.write_char('{')?;
                let mut count = 0;
                let entries = entries.map(|(key, item)| (key_text(key), item));
                let mut write = |key: &str, item: &V| {
                    self.separator(out, count, depth + 1)?;
                    self.string(out, key)?;
                    out.write_str(": ")?;
                    count += 1;
                    self.at(out, item, depth + 1)
                };
                if self.sort_keys {
                    let mut entries: Vec<_> = entries.collect();
                    entries.sort_by(|a, b| a.0.cmp(&b.0));
                    for (key, item) in entries {
                        write(&key, &item)?;
                    }
                } else {
                    for (key, item) in entries {
                        write(&key, &item)?;
                    }
                }
                self.end(out, count, depth)?;
                out.write_char('}')
            }
            View::Object(text) => self.string(out, &text),
            View::Missing => self.string(out, ""),
        }
    }

    /// Writes what stands before an item.
    fn separator(&self, out: &mut impl Write, index: usize, depth: usize) -> fmt::Result {
        match &self.indent {
            None if index == 0 => Ok(()),
            None => out.write_str(", "),
            Some(indent) => {
                out.write_str(if index == 0 { "\n" } else { ",\n" })?;
                (0..depth).try_for_each(|_| out.write_str(indent))
            }
        }
    }

    /// Writes what stands before a closing bracket.
    fn end(&self, out: &mut impl Write, count: usize, depth: usize) -> fmt::Result {
        match &self.indent {
            Some(indent) if count > 0 => {
                out.write_char('\n')?;
                (0..depth).try_for_each(|_| out.write_str(indent))
            }
            _ => Ok(()),
        }
    }

    fn string(&self, out: &mut impl Write, text: &str) -> fmt::Result {
        out.write_char('"')?;
        let mut plain = 0;
        for (at, c) in text.char_indices() {
            let is_plain = (' '..='~').contains(&c) && c != '"' && c != '\\';
            // Of ASCII, only what JSON demands is escaped here: DEL is not.
            if is_plain || (self.keep_unicode && (!c.is_ascii() || c == '\x7f')) {
                continue;
            }
            out.write_str(&text[plain..at])?;
            plain = at + c.len_utf8();
            match c {
                '"' => out.write_str("\\\"")?,
                '\\' => out.write_str("\\\\")?,
                '\n' => out.write_str("\\n")?,
                '\r' => out.write_str("\\r")?,
                '\t' => out.write_str("\\t")?,
                '\u{8}' => out.write_str("\\b")?,
                '\u{c}' => out.write_str("\\f")?,
                _ => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        write!(out, "\\u{unit:04x}")?;
                    }
                }
            }
        }
        out.write_str(&text[plain..])?;
        out.write_char('"')
    }
}

fn json_float(number: f64) -> String {
    match float(number).as_str() {
        "nan" => "NaN".to_owned(),
        "inf" => "Infinity".to_owned(),
        "-inf" => "-Infinity".to_owned(),
        text => text.to_owned(),
    }
}

/// Returns a key as JSON has it: keys that are no strings become strings.
fn key_text<'a, V: PyValue>(key: Key<'a, V>) -> std::borrow::Cow<'a, str> {
    match key {
        Key::Str(text) => text.into(),
        Key::Value(key) => match key.view() {
            View::Str(text) => text.to_owned().into(),
            View::Bool(value) => if value { "true" } else { "false" }.into(),
            View::None => "null".into(),
            View::Float(number) => json_float(number).into(),
            _ => crate::str(&*key).into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_outside_printable_ascii_is_escaped() {
        // From `json.dumps` of CPython 3.11, DEL included.
        let text = "\u{7f}\u{80}é\u{1f600}\u{1}\u{8}\u{c}\"\\/";
        let expected = "\"\\u007f\\u0080\\u00e9\\ud83d\\ude00\\u0001\\b\\f\\\"\\\\/\"";
        assert_eq!(Dumps::default().text(&json!(text)), expected);
        let kept = Dumps {
            keep_unicode: true,
            ..Dumps::default()
        };
        assert_eq!(kept.text(&json!("é\u{7f}\n")), "\"é\u{7f}\\n\"");
    }

    #[test]
    fn options_are_pythons() {
        let value = json!({"b": [1.5, {}, []], "a": null});
        assert_eq!(
            Dumps::default().text(&value),
            r#"{"b": [1.5, {}, []], "a": null}"#
        );
        let sorted = Dumps {
            sort_keys: true,
            indent: Some("  ".to_owned()),
            ..Dumps::default()
        };
        let expected = "{\n  \"a\": null,\n  \"b\": [\n    1.5,\n    {},\n    []\n  ]\n}";
        assert_eq!(sorted.text(&value), expected);
    }
}
