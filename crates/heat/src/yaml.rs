//! YAML as Heat's loader reads it: YAML 1.1, merges and anchors included, timestamps as text.
//!
//! Map keys that are not text (numbers, booleans) become what JSON makes of them.

mod input;
mod node;
mod scalar;

use std::borrow::Cow;
use std::collections::HashMap;

use compact_str::{CompactString, ToCompactString};
use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::Value;

use crate::budget::Budget;
use input::Text;
use node::unique;
use slipway_pyvalue as py;

pub(crate) use node::{Entries, Node, take};

/// How deep a document may nest: nobody writes more, and what reads it recurses.
const DEEPEST: usize = 100;
/// How many MiB a document's anchors and aliases may copy, so that a small file cannot become a
/// huge value.
const MOST_COPIES: usize = 64;

/// What is wrong with a document, and where.
#[derive(Debug, Clone, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct SyntaxError {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

/// Reads one document; an empty one is null.
pub fn parse(text: &str) -> Result<Value, SyntaxError> {
    read(text).map(Node::into_value)
}

/// The same, as it is written.
pub(crate) fn read(text: &str) -> Result<Node, SyntaxError> {
    // The mark that some editors begin a file with.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // What is JSON is read as JSON, which YAML does not quite contain (tabs, for one).
    if text.trim_start().starts_with('{')
        && let Some(value) = py::from_json(text)
    {
        return Ok(value.into());
    }
    all_printable(text)?;
    let mut parser = Parser::new(Text::new(text));
    let mut builder = Builder {
        unfinished_end: (!text.ends_with('\n')).then(|| text.chars().count()),
        open: Vec::new(),
        items: Vec::new(),
        entries: Vec::new(),
        anchors: HashMap::default(),
        document: None,
        copies: Budget::new(MOST_COPIES),
    };
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| SyntaxError {
            line: error.marker().line(),
            column: error.marker().col() + 1,
            message: error.info().to_owned(),
        })?;
        builder.take(event, span).map_err(|message| SyntaxError {
            line: span.start.line(),
            column: span.start.col() + 1,
            message: message.to_owned(),
        })?;
    }
    Ok(builder.document.unwrap_or(Node::Null))
}

/// A document has no control characters but those of its lines. To the parser, the first NUL would be
/// its end: of a file that a crash filled with them, nothing would be left, and nobody told.
fn all_printable(text: &str) -> Result<(), SyntaxError> {
    // Those that may be wrong begin with one of these.
    let suspect =
        |byte: &u8| matches!(byte, 0..0x20 | 0x7f | 0xc2 | 0xef) && !b"\t\n\r".contains(byte);
    if !text.as_bytes().iter().any(suspect) {
        return Ok(());
    }
    let wrong = |c: char| {
        let is_printable = matches!(c, '\t' | '\n' | '\r' | '\u{85}')
            || !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
        !is_printable
    };
    let Some((at, found)) = text.char_indices().find(|(_, c)| wrong(*c)) else {
        return Ok(());
    };
    let before = &text[..at];
    let line = before.rsplit('\n').next().unwrap_or_default();
    Err(SyntaxError {
        line: before.matches('\n').count() + 1,
        column: line.chars().count() + 1,
        message: format!(
            "a control character, U+{:04X}, cannot be written as it is: in double quotes, there is an \
             escape for it",
            u32::from(found)
        ),
    })
}

/// A collection that is not complete yet: what it has starts there among what all those have.
enum Open {
    List {
        start: usize,
    },
    Map {
        start: usize,
        merged: Vec<Entries>,
        key: Option<Key>,
    },
}

enum Key {
    Name(CompactString),
    /// `<<`, not quoted.
    Merge,
}

struct Builder {
    open: Vec<(Open, usize)>,
    /// The items of open lists, the innermost's last: so a list is as large as it must be, and
    /// what it grew in serves the next.
    items: Vec<Node>,
    /// The same for maps.
    entries: Entries,
    anchors: HashMap<usize, Node, foldhash::fast::RandomState>,
    document: Option<Node>,
    copies: Budget,
    /// How many characters there are, if no newline ends them: a block scalar ends there without
    /// one.
    unfinished_end: Option<usize>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), &'static str> {
        match event {
            Event::Scalar(mut text, style, anchor, tag) => {
                if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
                    && self
                        .unfinished_end
                        .is_some_and(|end| span.end.index() >= end)
                    && text.ends_with('\n')
                {
                    text.to_mut().pop();
                }
                if self.expects_key() && anchor == 0 {
                    self.set_key(key(text, style, tag.as_deref())?);
                    return Ok(());
                }
                let value = scalar_value(text, style, tag.as_deref())?;
                self.finish(value, anchor)
            }
            Event::Alias(anchor) => {
                let value = self
                    .anchors
                    .get(&anchor)
                    .ok_or("an alias refers to what it is part of")?;
                let value = copy(value, &self.copies)?;
                self.finish(value, 0)
            }
            Event::SequenceStart(anchor, tag) => {
                scalar::check_tag(tag.as_deref(), "seq")?;
                let start = self.items.len();
                self.open(Open::List { start }, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                scalar::check_tag(tag.as_deref(), "map")?;
                let map = Open::Map {
                    start: self.entries.len(),
                    merged: Vec::new(),
                    key: None,
                };
                self.open(map, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some((Open::List { start }, anchor)) => {
                    let items = self.items.drain(start..).collect();
                    self.finish(Node::List(items), anchor)
                }
                Some((Open::Map { start, merged, .. }, anchor)) => {
                    let own = self.entries.drain(start..).collect();
                    self.finish(Node::Map(merge(merged, own)), anchor)
                }
                None => Ok(()),
            },
            Event::DocumentStart(_) if self.document.is_some() => {
                Err("a second document starts here; there can be only one")
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, collection: Open, anchor: usize) -> Result<(), &'static str> {
        if self.expects_key() {
            return Err("a list or map cannot be a key");
        }
        if self.open.len() >= DEEPEST {
            return Err("it is nested too deeply");
        }
        self.open.push((collection, anchor));
        Ok(())
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some((Open::Map { key: None, .. }, _)))
    }

    fn set_key(&mut self, new: Key) {
        if let Some((Open::Map { key, .. }, _)) = self.open.last_mut() {
            *key = Some(new);
        }
    }

    /// Puts a complete value where it belongs.
    fn finish(&mut self, value: Node, anchor: usize) -> Result<(), &'static str> {
        if anchor != 0 {
            self.anchors.insert(anchor, copy(&value, &self.copies)?);
        }
        match self.open.last_mut() {
            None => self.document = Some(value),
            Some((Open::List { .. }, _)) => self.items.push(value),
            Some((Open::Map { merged, key, .. }, _)) => match key.take() {
                Some(Key::Name(name)) => self.entries.push((name, value)),
                Some(Key::Merge) => merge_into(merged, value)?,
                None => {
                    let text = key_text(value).ok_or("a list or map cannot be a key")?;
                    *key = Some(Key::Name(text));
                }
            },
        }
        Ok(())
    }
}

fn merge_into(merged: &mut Vec<Entries>, value: Node) -> Result<(), &'static str> {
    const WRONG: &str = "only a map, or a list of maps, can be merged";
    match value {
        Node::Map(map) => merged.push(map),
        Node::List(maps) => {
            // The first of a list wins.
            for map in maps.into_iter().rev() {
                let Node::Map(map) = map else {
                    return Err(WRONG);
                };
                merged.push(map);
            }
        }
        _ => return Err(WRONG),
    }
    Ok(())
}

/// What is merged comes first; a map's own keys win over it.
fn merge(merged: Vec<Entries>, own: Entries) -> Entries {
    let mut maps = merged.into_iter();
    let Some(mut all) = maps.next() else {
        return unique(own);
    };
    for map in maps.chain([own]) {
        all.extend(map);
    }
    unique(all)
}

fn key(text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Tag>) -> Result<Key, &'static str> {
    if style == ScalarStyle::Plain && tag.is_none() && text == "<<" {
        return Ok(Key::Merge);
    }
    let value = scalar_value(text, style, tag)?;
    key_text(value)
        .map(Key::Name)
        .ok_or("a list or map cannot be a key")
}

/// What JSON makes of a key.
fn key_text(value: Node) -> Option<CompactString> {
    Some(match value {
        Node::Text(text) => text,
        Node::Null => "null".into(),
        Node::Bool(value) => value.to_compact_string(),
        Node::Number(number) => py::str(&Value::Number(number)).into(),
        Node::List(_) | Node::Map(_) => return None,
    })
}

fn scalar_value(
    text: Cow<'_, str>,
    style: ScalarStyle,
    tag: Option<&Tag>,
) -> Result<Node, &'static str> {
    match tag {
        None if style == ScalarStyle::Plain => scalar::resolve(text),
        None => Ok(Node::Text(text.as_ref().into())),
        Some(tag) => scalar::tagged(text, tag),
    }
}

/// A copy, which counts.
fn copy(value: &Node, copies: &Budget) -> Result<Node, &'static str> {
    value
        .copy(copies)
        .map_err(|_| "its anchors and aliases make too large a value")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_are_those_of_yaml_1_1() {
        let value = parse(
            "[yes, Off, 'yes', 0644, 0x1F, 1_000, 1:30, 1e3, 1.5, 08, 2018-03-02, ~, .5, '', 0b11, -7]",
        )
        .unwrap();
        assert_eq!(
            value,
            json!([
                true,
                false,
                "yes",
                420,
                31,
                1000,
                90,
                "1e3",
                1.5,
                "08",
                "2018-03-02",
                null,
                0.5,
                "",
                3,
                -7
            ])
        );
    }

    #[test]
    fn anchors_and_merges() {
        let value = parse(
            "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: [{y: 4, z: 5}, *a]}\n'<<': plain\n1: one\n",
        )
        .unwrap();
        assert_eq!(
            value,
            json!({
                "a": {"x": 1, "y": 2},
                "b": {"x": 1, "y": 3},
                "c": {"x": 1, "y": 4, "z": 5},
                "<<": "plain",
                "1": "one",
            })
        );
        let numbers = parse("{1.0e-7: a, 2.50: b, 0x10: c}").unwrap();
        assert_eq!(numbers, json!({"1e-07": "a", "2.5": "b", "16": "c"}));
    }

    #[test]
    fn a_block_scalar_ends_as_the_file_does() {
        for (text, expected) in [
            ("a: |\n  x", "x"),
            ("a: |\n  x\n", "x\n"),
            ("a: |+\n  x", "x"),
            ("a: >\n  x\n  y", "x y"),
            ("a: |\n  x\n  y", "x\ny"),
        ] {
            assert_eq!(parse(text).unwrap(), json!({ "a": expected }), "{text:?}");
        }
        assert_eq!(
            parse("a: |\n  x\nb: y").unwrap(),
            json!({"a": "x\n", "b": "y"})
        );
    }

    #[test]
    fn control_characters_are_refused_as_by_pyyaml() {
        for wrong in [
            "\0", "\u{1}", "\u{b}", "\u{1b}", "\u{7f}", "\u{80}", "\u{9f}", "\u{ffff}",
        ] {
            for text in [
                "a: 1\n%b: 2\n",
                "a: |\n  x%y\n",
                "a: 'x%'",
                "%",
                "a: 1\n# %\n",
            ] {
                let error = parse(&text.replace('%', wrong)).unwrap_err();
                assert!(
                    error.message.contains("control character"),
                    "{text}: {error}"
                );
                assert_eq!(
                    error.line,
                    text[..text.find('%').unwrap()].split('\n').count()
                );
            }
        }
        let printable = "\t\u{a0}\u{2028}é\u{feff}\u{fffd}😀";
        assert_eq!(
            parse(&format!("a: 'x{printable}'\r\n")).unwrap(),
            json!({"a": format!("x{printable}")})
        );
        assert_eq!(parse(r#"a: "\0\x07""#).unwrap(), json!({"a": "\0\u{7}"}));
    }

    #[test]
    fn what_is_wrong_is_placed() {
        assert_eq!(parse("a: 1\nb: [1\nc: 2\n").unwrap_err().line, 3);
        assert!(parse("a: &a [*a]").is_err());
        assert!(parse("--- 1\n--- 2\n").is_err());
        assert!(parse(&"[".repeat(5000)).is_err());
        let laughs = format!(
            "a0: &a0 [x]\n{}",
            (1..20)
                .map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}, *a{0}, *a{0}]\n", n - 1))
                .collect::<String>()
        );
        assert!(parse(&laughs).unwrap_err().message.contains("too large"));
    }
}
