//! Builds a document from the parser's events.

use std::borrow::Cow;
use std::collections::HashMap;

use compact_str::{CompactString, ToCompactString};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use crate::error::{Error, Position, Problem, Step};
use crate::indent::Shallow;
use crate::input::Text;
use crate::json::{too_deep, too_many};
use crate::node::{Data, Entries, Node, Weights, unique};
use crate::scalar;
use crate::{Duplicates, Options, Schema};

/// The reason why there is no document.
pub(crate) enum Failure {
    /// A line is indented less than the parser wants.
    Indentation(Error, Shallow),
    /// Anything else.
    Other(Error),
}

impl Failure {
    pub(crate) fn into_error(self) -> Error {
        match self {
            Failure::Indentation(error, _) | Failure::Other(error) => error,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Other(error)
    }
}

/// Reads one document; an empty one is null.
pub(crate) fn build(text: &str, options: Options) -> Result<Node, Failure> {
    let mut parser = Parser::new(Text::new(text));
    let mut builder = Builder {
        options,
        unfinished_end: (!text.ends_with('\n')).then(|| text.chars().count()),
        open: Vec::new(),
        items: Vec::new(),
        entries: Vec::new(),
        anchors: HashMap::default(),
        document: None,
        values: 0,
        copies: Weights::new(options.limits.copies),
    };
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            let marker = error.marker();
            let wrong = Error::syntax(Some(position(marker)), error.info());
            match shallow(error.info(), marker) {
                Some(shallow) => Failure::Indentation(wrong, shallow),
                None => Failure::Other(wrong),
            }
        })?;
        builder.take(event, span).map_err(|mut error| {
            // The path to what is nested too deeply would be the longest of all.
            if !matches!(error.problem, Problem::Limit(_)) {
                error.path.extend(builder.path().into_iter().rev());
            }
            error
        })?;
    }
    Ok(builder.document.unwrap_or(Node {
        at: Position { line: 1, column: 1 },
        data: Data::Null,
    }))
}

fn position(marker: &Marker) -> Position {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Position {
        line: number(marker.line()),
        column: number(marker.col() + 1),
    }
}

/// Recognises the parser's complaints about indentation.
fn shallow(complaint: &str, marker: &Marker) -> Option<Shallow> {
    let line = marker.line().checked_sub(1)?;
    match complaint {
        "invalid indentation in quoted scalar" => Some(Shallow::Quoted {
            line,
            column: marker.col(),
        }),
        "invalid indentation" | "invalid indentation in flow construct" => {
            Some(Shallow::Flow { line })
        }
        _ => None,
    }
}

/// Refuses control characters, as PyYAML does. To the parser, the first NUL would be the end: most of
/// a file that a crash filled with them would be missing, without an error.
pub(crate) fn check_characters(text: &str) -> Result<(), Error> {
    // Each of those that may be wrong begins with one of these bytes.
    let suspect =
        |byte: &u8| matches!(byte, 0..0x20 | 0x7f | 0xc2 | 0xef) && !b"\t\n\r".contains(byte);
    if !text.as_bytes().iter().any(suspect) {
        return Ok(());
    }
    let is_wrong = |c: char| {
        let is_printable = matches!(c, '\t' | '\n' | '\r' | '\u{85}')
            || !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
        !is_printable
    };
    let Some((at, found)) = text.char_indices().find(|(_, c)| is_wrong(*c)) else {
        return Ok(());
    };
    let before = &text[..at];
    let line = before.rsplit('\n').next().unwrap_or_default();
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let position = Position {
        line: number(before.matches('\n').count() + 1),
        column: number(line.chars().count() + 1),
    };
    Err(Error::syntax(
        Some(position),
        format!(
            "control character U+{:04X} is not allowed; write its escape, in double quotes",
            u32::from(found)
        ),
    ))
}

/// A collection that is not complete. `start` is the index of its first child among the children of
/// all open collections.
enum Open {
    List {
        start: usize,
    },
    Map {
        start: usize,
        merged: Vec<Entries>,
        key: Option<(Key, Position)>,
    },
}

/// An open collection and its properties.
struct Level {
    open: Open,
    anchor: usize,
    at: Position,
}

enum Key {
    Name(CompactString),
    /// `<<`, not quoted.
    Merge,
}

struct Builder {
    options: Options,
    open: Vec<Level>,
    /// The items of open lists, the innermost's last. A complete list takes its items out, so each has
    /// exactly the memory that it needs, and this buffer serves the next.
    items: Vec<Node>,
    /// The same for the entries of maps.
    entries: Entries,
    anchors: HashMap<usize, Node, foldhash::fast::RandomState>,
    document: Option<Node>,
    /// The number of values read, keys among them.
    values: usize,
    copies: Weights,
    /// The number of characters, if no newline ends them: a block scalar at the end has none either.
    unfinished_end: Option<usize>,
}

fn is_value(event: &Event<'_>) -> bool {
    matches!(
        event,
        Event::Scalar(..) | Event::Alias(_) | Event::SequenceStart(..) | Event::MappingStart(..)
    )
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Error> {
        let at = position(&span.start);
        let wrong = |message: &'static str| Error::syntax(Some(at), message);
        self.values += usize::from(is_value(&event));
        if self.values > self.options.limits.values {
            return Err(too_many(at, self.options.limits.values));
        }
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
                    let key = self.key(text, style, tag.as_deref()).map_err(wrong)?;
                    self.set_key(key, at);
                    return Ok(());
                }
                let data = self.scalar(text, style, tag.as_deref()).map_err(wrong)?;
                self.finish(Node { at, data }, anchor).map_err(wrong)
            }
            Event::Alias(anchor) => {
                let Some(value) = self.anchors.get(&anchor) else {
                    return Err(wrong("an alias refers to what it is part of"));
                };
                let mut value = self.copies.copy(value).map_err(wrong)?;
                value.at = at;
                self.finish(value, 0).map_err(wrong)
            }
            Event::SequenceStart(anchor, tag) => {
                scalar::check_tag(tag.as_deref(), "seq").map_err(wrong)?;
                let start = self.items.len();
                self.open(Open::List { start }, anchor, at)
            }
            Event::MappingStart(anchor, tag) => {
                scalar::check_tag(tag.as_deref(), "map").map_err(wrong)?;
                let map = Open::Map {
                    start: self.entries.len(),
                    merged: Vec::new(),
                    key: None,
                };
                self.open(map, anchor, at)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(Level { open, anchor, at }) = self.open.pop() else {
                    return Ok(());
                };
                let data = match open {
                    Open::List { start } => Data::List(self.items.drain(start..).collect()),
                    Open::Map { start, merged, .. } => {
                        let own = self.entries.drain(start..).collect();
                        let refuse = self.options.duplicates == Duplicates::Refused;
                        Data::Map(merge(merged, unique(own, refuse)?)?)
                    }
                };
                self.finish(Node { at, data }, anchor).map_err(wrong)
            }
            Event::DocumentStart(_) if self.document.is_some() => Err(wrong(
                "a second document starts here; there can be only one",
            )),
            _ => Ok(()),
        }
    }

    fn open(&mut self, open: Open, anchor: usize, at: Position) -> Result<(), Error> {
        if self.expects_key() {
            return Err(Error::syntax(Some(at), NO_KEY));
        }
        if self.open.len() >= self.options.limits.depth {
            return Err(too_deep(at, self.options.limits.depth));
        }
        self.open.push(Level { open, anchor, at });
        Ok(())
    }

    /// Returns the path to the value that is being read.
    fn path(&self) -> Vec<Step> {
        let mut path = Vec::new();
        let mut end = self.items.len();
        for level in self.open.iter().rev() {
            match &level.open {
                Open::List { start } => {
                    path.push(Step::Item(end - start));
                    end = *start;
                }
                Open::Map {
                    key: Some((Key::Name(name), _)),
                    ..
                } => path.push(Step::Key(name.to_string())),
                Open::Map { .. } => {}
            }
        }
        path.reverse();
        path
    }

    fn expects_key(&self) -> bool {
        matches!(
            self.open.last(),
            Some(Level {
                open: Open::Map { key: None, .. },
                ..
            })
        )
    }

    fn set_key(&mut self, new: Key, at: Position) {
        if let Some(Level {
            open: Open::Map { key, .. },
            ..
        }) = self.open.last_mut()
        {
            *key = Some((new, at));
        }
    }

    /// Adds a complete value to its list or map.
    fn finish(&mut self, mut value: Node, anchor: usize) -> Result<(), &'static str> {
        if anchor != 0 {
            let copy = self.copies.copy(&value)?;
            self.anchors.insert(anchor, copy);
        }
        match self.open.last_mut().map(|level| &mut level.open) {
            None => self.document = Some(value),
            Some(Open::List { .. }) => self.items.push(value),
            Some(Open::Map { merged, key, .. }) => match key.take() {
                Some((Key::Name(name), at)) => {
                    value.at = at;
                    self.entries.push((name, value));
                }
                Some((Key::Merge, _)) => merge_into(merged, value)?,
                None => {
                    let at = value.at;
                    let name = key_text(value.data).ok_or(NO_KEY)?;
                    *key = Some((Key::Name(name), at));
                }
            },
        }
        Ok(())
    }

    fn key(
        &self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
    ) -> Result<Key, &'static str> {
        if style == ScalarStyle::Plain && tag.is_none() && text == "<<" {
            return Ok(Key::Merge);
        }
        let data = self.scalar(text, style, tag)?;
        key_text(data).map(Key::Name).ok_or(NO_KEY)
    }

    fn scalar(
        &self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
    ) -> Result<Data, &'static str> {
        match (tag, style, self.options.schema) {
            (None, ScalarStyle::Plain, Schema::Yaml11) => scalar::resolve(text),
            (None, ScalarStyle::Plain, Schema::Core) => scalar::core::resolve(text),
            (None, ..) => Ok(Data::Text(text.as_ref().into())),
            (Some(tag), _, Schema::Yaml11) => scalar::tagged(text, tag),
            (Some(tag), _, Schema::Core) => scalar::core::tagged(text, tag),
        }
    }
}

const NO_KEY: &str = "a list or a map cannot be a key";

fn merge_into(merged: &mut Vec<Entries>, value: Node) -> Result<(), &'static str> {
    const WRONG: &str = "only a map, or a list of maps, can be merged";
    match value.data {
        Data::Map(map) => merged.push(map),
        Data::List(maps) => {
            // The first of a list wins.
            for map in maps.into_iter().rev() {
                let Data::Map(map) = map.data else {
                    return Err(WRONG);
                };
                merged.push(map);
            }
        }
        _ => return Err(WRONG),
    }
    Ok(())
}

/// The merged entries come first; a map's own keys win over them.
fn merge(merged: Vec<Entries>, own: Entries) -> Result<Entries, Error> {
    let mut maps = merged.into_iter();
    let Some(mut all) = maps.next() else {
        return Ok(own);
    };
    for map in maps.chain([own]) {
        all.extend(map);
    }
    unique(all, false)
}

/// Returns the key that JSON would have.
fn key_text(key: Data) -> Option<CompactString> {
    Some(match key {
        Data::Text(text) => text,
        Data::Null => "null".into(),
        Data::Bool(value) => value.to_compact_string(),
        Data::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => slipway_pyvalue::repr::float(float).into(),
            None => number.to_compact_string(),
        },
        Data::List(_) | Data::Map(_) => return None,
    })
}
