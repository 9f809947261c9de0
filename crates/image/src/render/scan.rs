//! Finds a template's tags, and the strings inside them.

use std::ops::Range;

/// One `{{ … }}` or `{% … %}`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    /// `{% %}` rather than `{{ }}`.
    pub is_statement: bool,
    /// Between the delimiters and their whitespace marks.
    pub inner: Range<usize>,
    /// String literals inside, quotes included.
    pub strings: Vec<Range<usize>>,
}

/// Every tag of a template. An unfinished one ends the search: the parser reports it.
pub(crate) fn tags(source: &str) -> Vec<Tag> {
    tags_and_rest(source).0
}

/// Every tag of a template, and where an unfinished one begins.
pub(crate) fn tags_and_rest(source: &str) -> (Vec<Tag>, Option<usize>) {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = source[at..].find('{').map(|offset| at + offset) {
        let rest = &source[start..];
        if rest.starts_with("{#") {
            let Some(end) = rest.find("#}") else { break };
            at = start + end + 2;
        } else if rest.starts_with("{%") || rest.starts_with("{{") {
            let Some((tag, end)) = tag(source, start) else {
                return (found, Some(start));
            };
            let is_raw = tag.is_statement && source[tag.inner.clone()].trim() == "raw";
            at = if is_raw { end_of_raw(source, end) } else { end };
            found.push(tag);
        } else {
            at = start + 1;
        }
    }
    (found, None)
}

fn tag(source: &str, start: usize) -> Option<(Tag, usize)> {
    let is_statement = source[start..].starts_with("{%");
    let close = if is_statement { "%}" } else { "}}" };
    let bytes = source.as_bytes();
    let mut inner_start = start + 2;
    if matches!(bytes.get(inner_start), Some(b'-' | b'+')) {
        inner_start += 1;
    }
    let mut strings = Vec::new();
    let mut depth = 0usize;
    let mut at = inner_start;
    while at < bytes.len() {
        match bytes[at] {
            b'"' | b'\'' => {
                let end = end_of_string(bytes, at)?;
                strings.push(at..end);
                at = end;
                continue;
            }
            b'%' | b'}' if depth == 0 && source[at..].starts_with(close) => {
                let mut inner_end = at;
                if inner_end > inner_start && matches!(bytes[inner_end - 1], b'-' | b'+') {
                    inner_end -= 1;
                }
                let tag = Tag {
                    is_statement,
                    inner: inner_start..inner_end,
                    strings,
                };
                return Some((tag, at + 2));
            }
            b'{' if !is_statement => depth += 1,
            b'}' if !is_statement => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    None
}

fn end_of_string(bytes: &[u8], start: usize) -> Option<usize> {
    let quote = bytes[start];
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b if b == quote => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The place after `{% endraw %}`.
fn end_of_raw(source: &str, from: usize) -> usize {
    let mut at = from;
    while let Some(start) = source[at..].find("{%").map(|offset| at + offset) {
        match tag(source, start) {
            Some((tag, end)) if source[tag.inner.clone()].trim() == "endraw" => return end,
            _ => at = start + 2,
        }
    }
    source.len()
}

/// Where the operand that starts at `from` (after white space) ends: a literal, a name or a
/// parenthesis, with the calls, subscripts, attributes and filters that follow it.
pub(crate) fn matching_operand_end(source: &str, from: usize, limit: usize) -> Option<usize> {
    let bytes = &source.as_bytes()[..limit];
    let mut at = from;
    let text = &source[from..limit];
    at += text.len() - text.trim_start().len();
    let start = at;
    while at < limit {
        match bytes[at] {
            b'(' | b'[' | b'{' if at == start || bytes[at] != b'{' => at = end_of_group(bytes, at)?,
            b'"' | b'\'' if at == start => at = end_of_string(bytes, at)?,
            b if b.is_ascii_alphanumeric() || b == b'_' || b == b'.' => at += 1,
            b if !b.is_ascii() => match source[at..].chars().next() {
                Some(c) if !c.is_whitespace() => at += c.len_utf8(),
                _ => break,
            },
            _ => match start_of_filter(&bytes[at..]) {
                Some(skipped) if at > start => at += skipped,
                _ => break,
            },
        }
    }
    (at > start).then_some(at)
}

/// How much stands before the name of a filter: a `|` with its white space.
fn start_of_filter(bytes: &[u8]) -> Option<usize> {
    let before = bytes.iter().take_while(|b| b.is_ascii_whitespace()).count();
    let rest = bytes[before..].strip_prefix(b"|")?;
    let after = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
    Some(before + 1 + after)
}

fn end_of_group(bytes: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = start;
    while at < bytes.len() {
        match bytes[at] {
            b'"' | b'\'' => {
                at = end_of_string(bytes, at)?;
                continue;
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}
