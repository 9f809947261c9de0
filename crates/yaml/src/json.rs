//! JSON with positions.

use compact_str::CompactString;
use serde_json::Number;

use crate::error::{Error, Position, Problem, Step};
use crate::node::{Data, Entries, Node, unique};
use crate::{Duplicates, Options};

/// Reads a document if it is JSON: nothing if it is not, or has an integer of more than 64 bits,
/// which the YAML reader then explains.
///
/// # Errors
/// The document is JSON, and breaks a rule of the options.
pub(crate) fn read(text: &str, options: Options) -> Result<Option<Node>, Error> {
    let mut reader = Reader {
        text,
        at: 0,
        position: Position { line: 1, column: 1 },
        positioned: 0,
        values: 0,
        options,
        error: None,
    };
    let document = reader.value(0).filter(|_| {
        reader.skip_whitespace();
        reader.at == text.len()
    });
    match reader.error {
        Some(error) => Err(error),
        None => Ok(document),
    }
}

/// Returns the reason why a document is no JSON.
pub(crate) fn explain(text: &str) -> Error {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => Error::syntax(None, "an integer in it has more than 64 bits"),
        Err(error) => {
            let position = Position {
                line: number(error.line()),
                column: number(error.column()),
            };
            let message = error.to_string();
            let message = match message.rfind(" at line ") {
                Some(end) => &message[..end],
                None => &message,
            };
            Error::syntax(Some(position), message)
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    /// The next byte.
    at: usize,
    /// The position of the byte at `positioned`, which is at or before the next one.
    position: Position,
    positioned: usize,
    /// The number of values read.
    values: usize,
    options: Options,
    error: Option<Error>,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Option<Node> {
        self.skip_whitespace();
        let at = self.position();
        self.values += 1;
        if self.values > self.options.limits.values {
            self.error = Some(too_many(at, self.options.limits.values));
            return None;
        }
        let data = match self.peek()? {
            b'{' => self.map(depth)?,
            b'[' => self.list(depth)?,
            b'"' => Data::Text(self.string()?),
            b't' => self.word("true", Data::Bool(true))?,
            b'f' => self.word("false", Data::Bool(false))?,
            b'n' => self.word("null", Data::Null)?,
            _ => Data::Number(self.number()?),
        };
        Some(Node { at, data })
    }

    fn list(&mut self, depth: usize) -> Option<Data> {
        self.open(depth)?;
        let mut items = Vec::new();
        if self.closes(b']') {
            return Some(Data::List(items));
        }
        loop {
            match self.value(depth + 1) {
                Some(item) => items.push(item),
                None => return self.inside(Step::Item(items.len())),
            }
            self.skip_whitespace();
            match self.next()? {
                b',' => {}
                b']' => return Some(Data::List(items)),
                _ => return None,
            }
        }
    }

    fn map(&mut self, depth: usize) -> Option<Data> {
        self.open(depth)?;
        let mut entries = Entries::new();
        if self.closes(b'}') {
            return Some(Data::Map(entries));
        }
        loop {
            self.skip_whitespace();
            let at = self.position();
            let key = self.string()?;
            self.values += 1;
            self.skip_whitespace();
            if self.next()? != b':' {
                return None;
            }
            let Some(mut value) = self.value(depth + 1) else {
                return self.inside(Step::Key(key.into()));
            };
            value.at = at;
            entries.push((key, value));
            self.skip_whitespace();
            match self.next()? {
                b',' => {}
                b'}' => break,
                _ => return None,
            }
        }
        let refuse = self.options.duplicates == Duplicates::Refused;
        match unique(entries, refuse) {
            Ok(entries) => Some(Data::Map(entries)),
            Err(error) => {
                self.error.get_or_insert(error);
                None
            }
        }
    }

    /// Adds a step to the path of the error, if there is one.
    fn inside<T>(&mut self, step: Step) -> Option<T> {
        if let Some(error) = &mut self.error
            && !matches!(error.problem, Problem::Limit(_))
        {
            error.path.push(step);
        }
        None
    }

    /// Steps over the bracket that begins a collection.
    fn open(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        if depth >= self.options.limits.depth {
            let position = self.position();
            self.error = Some(too_deep(position, self.options.limits.depth));
            return None;
        }
        Some(())
    }

    fn closes(&mut self, bracket: u8) -> bool {
        self.skip_whitespace();
        let closes = self.peek() == Some(bracket);
        self.at += usize::from(closes);
        closes
    }

    fn string(&mut self) -> Option<CompactString> {
        let bytes = self.text.as_bytes();
        if self.peek()? != b'"' {
            return None;
        }
        let start = self.at;
        let mut end = start + 1;
        let mut is_literal = true;
        loop {
            match *bytes.get(end)? {
                b'"' => break,
                b'\\' => {
                    is_literal = false;
                    end += 2;
                }
                0..0x20 => return None,
                _ => end += 1,
            }
        }
        self.at = end + 1;
        if is_literal {
            return Some(self.text.get(start + 1..end)?.into());
        }
        let string: String = serde_json::from_str(self.text.get(start..=end)?).ok()?;
        Some(string.into())
    }

    fn number(&mut self) -> Option<Number> {
        let rest = self.text.get(self.at..)?;
        let in_number = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
        let end = rest.find(|c| !in_number(c)).unwrap_or(rest.len());
        let token = &rest[..end];
        let number: Number = serde_json::from_str(token).ok()?;
        // An integer of more than 64 bits would become a float.
        if number.is_f64() && !token.contains(['.', 'e', 'E']) && token != "-0" {
            return None;
        }
        self.at += end;
        Some(number)
    }

    fn word(&mut self, word: &str, data: Data) -> Option<Data> {
        self.text.get(self.at..)?.strip_prefix(word)?;
        self.at += word.len();
        Some(data)
    }

    fn skip_whitespace(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let next = self.peek()?;
        self.at += 1;
        Some(next)
    }

    /// Returns the position of the next byte. Each part of the text is counted once.
    fn position(&mut self) -> Position {
        let passed = self.text.get(self.positioned..self.at).unwrap_or_default();
        self.position = match passed.rfind('\n') {
            None => Position {
                line: self.position.line,
                column: self.position.column.saturating_add(count(passed.chars())),
            },
            Some(last) => Position {
                line: self
                    .position
                    .line
                    .saturating_add(count(passed.matches('\n'))),
                column: count(passed[last..].chars()),
            },
        };
        self.positioned = self.at;
        self.position
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}

pub(crate) fn too_many(position: Position, values: usize) -> Error {
    Error::limit(
        Some(position),
        format!("too large: more than {values} values"),
    )
}

pub(crate) fn too_deep(position: Position, depth: usize) -> Error {
    Error::limit(
        Some(position),
        format!("nested too deeply: more than {depth} levels"),
    )
}
