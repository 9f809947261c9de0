//! Continuation lines that are indented less than the lines that they continue.
//!
//! Inside quotes and brackets, PyYAML takes lines at any column. The parser here wants them at least
//! as deep as the block around them. Such a document is mended and read again: blanks at the
//! beginning of these lines mean nothing.

use std::borrow::Cow;

use crate::builder::Failure;
use crate::error::Error;
use crate::node::Node;

/// The limits of mending a document: rounds, and work as a multiple of its size.
const MOST_ROUNDS: usize = 100;
const MOST_WORK: usize = 50;
/// Small documents may cost as much as one of this size.
const SMALL: usize = 64 << 10;

/// Reads a document with `read`, and indents lines for as long as it says that they need it.
pub(crate) fn with_indentation(
    text: &str,
    read: impl Fn(&str) -> Result<Node, Failure>,
) -> Result<Node, Error> {
    let mut text = Cow::Borrowed(text);
    let mut allowed = text.len().max(SMALL).saturating_mul(MOST_WORK);
    for _ in 0..MOST_ROUNDS {
        let (error, shallow) = match read(&text) {
            Ok(document) => return Ok(document),
            Err(Failure::Other(error)) => return Err(error),
            Err(Failure::Indentation(error, shallow)) => (error, shallow),
        };
        allowed = allowed.saturating_sub(text.len());
        match mended(&text, shallow).filter(|mended| mended.len() <= allowed) {
            Some(mended) => text = Cow::Owned(mended),
            None => return Err(error),
        }
    }
    read(&text).map_err(Failure::into_error)
}

/// The part of a document that is not indented enough for the parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shallow {
    /// A line of the quoted scalar that begins at this line and column, both from 0.
    Quoted { line: usize, column: usize },
    /// This line, from 0, of what stands in brackets.
    Flow { line: usize },
}

fn mended(text: &str, shallow: Shallow) -> Option<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    match shallow {
        Shallow::Quoted { line, column } => {
            let first = *lines.get(line)?;
            let (start, quote) = first
                .char_indices()
                .nth(column)
                .filter(|(_, c)| matches!(c, '"' | '\''))?;
            let mut quoted = Quoted::new(quote);
            let mut last = line;
            let mut rest = first.get(start + 1..)?;
            while !quoted.ends_in(rest) {
                last += 1;
                rest = lines.get(last)?;
            }
            indented(&lines, line + 1, last, column + 1)
        }
        Shallow::Flow { line } => {
            let mut before = lines.get(..line)?.iter().rev();
            let above = before.find(|line| !line.trim().is_empty());
            let above = above.map_or(0, |line| indentation(line));
            let own = indentation(lines.get(line)?);
            // The line above was deep enough, or this one has been mended already.
            let column = above.max(own) + 1;
            indented(&lines, line, end_of_flow(&lines, line), column)
        }
    }
}

/// The text with these lines indented to a column; nothing if they are already.
fn indented(lines: &[&str], first: usize, last: usize, column: usize) -> Option<String> {
    let mut out = String::with_capacity(lines.iter().map(|line| line.len()).sum());
    let mut changed = false;
    for (index, line) in lines.iter().enumerate() {
        let own = indentation(line);
        if (first..=last).contains(&index)
            && own < column
            && !line.trim().is_empty()
            && !is_document_marker(line)
        {
            out.extend(std::iter::repeat_n(' ', column - own));
            changed = true;
        }
        out.push_str(line);
    }
    changed.then_some(out)
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// PyYAML refuses these inside quotes and brackets.
fn is_document_marker(line: &str) -> bool {
    ["---", "..."].iter().any(|marker| {
        line.strip_prefix(marker)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
    })
}

/// The line on which the brackets end that are open at the beginning of this one.
fn end_of_flow(lines: &[&str], first: usize) -> usize {
    let mut depth = 0_usize;
    let mut quoted: Option<Quoted> = None;
    for (index, line) in lines.iter().enumerate().skip(first) {
        let mut before = ' ';
        let mut closed_quote = None;
        for c in line.chars() {
            if let Some(inside) = &mut quoted {
                if inside.ends_at(c) {
                    quoted = None;
                    closed_quote = Some(c);
                }
                before = c;
                continue;
            }
            let follows_blank = matches!(before, ' ' | '\t');
            let follows_bracket = matches!(before, '[' | '{' | ']' | '}' | ',');
            let reopens = closed_quote == Some(c);
            match c {
                '#' if follows_blank || follows_bracket || closed_quote.is_some() => break,
                '"' | '\'' if follows_blank || follows_bracket || before == ':' || reopens => {
                    quoted = Some(Quoted::new(c));
                }
                '[' | '{' => depth += 1,
                ']' | '}' => match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None => return index,
                },
                _ => {}
            }
            closed_quote = None;
            before = c;
        }
    }
    lines.len()
}

/// The inside of a quoted scalar.
struct Quoted {
    quote: char,
    escaped: bool,
}

impl Quoted {
    fn new(quote: char) -> Quoted {
        Quoted {
            quote,
            escaped: false,
        }
    }

    /// Returns whether the scalar ends with this character. Each half of `''` ends one and begins another,
    /// which comes to the same.
    fn ends_at(&mut self, c: char) -> bool {
        if self.escaped {
            self.escaped = false;
            return false;
        }
        self.escaped = self.quote == '"' && c == '\\';
        c == self.quote
    }

    /// Returns whether the scalar ends in this line.
    fn ends_in(&mut self, line: &str) -> bool {
        let mut rest = line.chars().peekable();
        while let Some(c) = rest.next() {
            if self.ends_at(c) {
                if self.quote == '\'' && rest.peek() == Some(&'\'') {
                    rest.next();
                    continue;
                }
                return true;
            }
        }
        false
    }
}
