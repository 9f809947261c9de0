//! Regular expressions of Python's, as the engine here reads them.

use std::borrow::Cow;

/// How much of one is shown.
const SHOWN: usize = 200;

/// Python's `$` is also before a newline at the end, and its `\Z` is the very end.
pub fn translated(pattern: &str, multi_line: bool) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern.chars();
    let mut in_class = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some('Z') if !in_class => out.push_str("\\z"),
                next => out.extend([c].into_iter().chain(next)),
            },
            '[' if !in_class => {
                in_class = true;
                out.push(c);
                // A bracket at the beginning of a class is one of its members.
                let mut ahead = rest.clone();
                let mut first = ahead.next();
                if first == Some('^') {
                    out.push('^');
                    rest = ahead.clone();
                    first = ahead.next();
                }
                if first == Some(']') {
                    out.push_str("\\]");
                    rest = ahead;
                }
            }
            // Python has no classes inside classes.
            '[' => out.push_str("\\["),
            '&' | '~' if in_class => out.extend(['\\', c]),
            ']' => {
                in_class = false;
                out.push(c);
            }
            '$' if !in_class && !multi_line => out.push_str("(?=\\n?\\z)"),
            _ => out.push(c),
        }
    }
    out
}

/// A regular expression as an error shows it.
pub fn shortened(pattern: &str) -> Cow<'_, str> {
    match pattern.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &pattern[..end])),
        None => Cow::Borrowed(pattern),
    }
}
