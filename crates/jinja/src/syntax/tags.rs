//! Finds a template's tags and reads their tokens.

use std::ops::Range;

use super::tokens::{Kind, Token, token};

/// One `{{ … }}` or `{% … %}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    /// `{% %}` rather than `{{ }}`.
    pub is_statement: bool,
    /// The delimiters included.
    pub outer: Range<usize>,
    /// Between the delimiters and their whitespace marks.
    pub inner: Range<usize>,
    /// Its tokens, and the last of them: a mistake ends them early.
    pub tokens: Vec<Token>,
    /// The place of what is no token.
    pub mistake: Option<usize>,
}

impl Tag {
    /// Returns the tag's first word.
    pub fn keyword<'s>(&self, source: &'s str) -> &'s str {
        match self.tokens.first() {
            Some(token) if self.is_statement && token.kind == Kind::Name => {
                &source[token.at.clone()]
            }
            _ => "",
        }
    }
}

/// A template's tags.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    pub all: Vec<Tag>,
    /// The start of a tag that has no end.
    pub unfinished: Option<usize>,
}

/// Returns every tag of a template. An unfinished one ends the search: the parser reports it.
pub(crate) fn tags(source: &str) -> Tags {
    let mut found = Tags::default();
    let mut at = 0;
    while let Some(start) = source[at..].find('{').map(|offset| at + offset) {
        let rest = &source[start..];
        if let Some(comment) = rest.strip_prefix("{#") {
            let Some(end) = comment.find("#}") else {
                break;
            };
            at = start + end + 4;
        } else if rest.starts_with("{%") || rest.starts_with("{{") {
            let Some(tag) = tag(source, start) else {
                found.unfinished = Some(start);
                return found;
            };
            at = match tag.is_statement && source[tag.inner.clone()].trim() == "raw" {
                true => end_of_raw(source, tag.outer.end),
                false => tag.outer.end,
            };
            found.all.push(tag);
        } else {
            at = start + 1;
        }
    }
    found
}

fn tag(source: &str, start: usize) -> Option<Tag> {
    let is_statement = source[start..].starts_with("{%");
    let close = if is_statement { "%}" } else { "}}" };
    let bytes = source.as_bytes();
    let mut at = start + 2;
    if matches!(bytes.get(at), Some(b'-' | b'+')) {
        at += 1;
    }
    let begin = at;
    let mut tokens: Vec<Token> = Vec::new();
    let mut open = 0_usize;
    let mut mistake = None;
    loop {
        let rest = source.get(at..)?;
        let c = rest.chars().next()?;
        let is_marked = |mark: char| {
            rest.strip_prefix(mark)
                .is_some_and(|rest| rest.starts_with(close))
        };
        if open == 0 {
            let mark = usize::from(is_marked('-') || (is_statement && is_marked('+')));
            if mark == 1 || rest.starts_with(close) {
                return Some(Tag {
                    is_statement,
                    outer: start..at + mark + 2,
                    inner: begin..at,
                    tokens,
                    mistake,
                });
            }
        }
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let after_dot = tokens
            .last()
            .is_some_and(|token| token.kind == Kind::Sign("."));
        match token(source, at, after_dot) {
            Some(token) => {
                match token.kind {
                    Kind::Sign("(" | "[" | "{") => open += 1,
                    Kind::Sign(")" | "]" | "}") => open = open.saturating_sub(1),
                    _ => {}
                }
                at = token.at.end;
                if mistake.is_none() {
                    tokens.push(token);
                }
            }
            None if matches!(c, '"' | '\'') => return None,
            None => {
                mistake.get_or_insert(at);
                at += c.len_utf8();
            }
        }
    }
}

/// Returns the place after `{% endraw %}`.
fn end_of_raw(source: &str, from: usize) -> usize {
    let mut at = from;
    while let Some(start) = source[at..].find("{%").map(|offset| at + offset) {
        match tag(source, start) {
            Some(tag) if source[tag.inner.clone()].trim() == "endraw" => return tag.outer.end,
            _ => at = start + 2,
        }
    }
    source.len()
}
