//! A tag's text → Jinja2's tokens.

use std::ops::Range;

/// The kinds of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or a keyword.
    Name,
    /// An integer in any notation.
    Integer,
    /// A number with a fraction or an exponent.
    Float,
    /// A string, quotes included.
    Text,
    /// An operator or a bracket.
    Sign(&'static str),
}

/// A token and its place in the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub kind: Kind,
    pub at: Range<usize>,
}

/// Longest first, so that `//` is not read as two `/`.
const SIGNS: [&str; 27] = [
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}",
    ">", "<", "=", ".", ":", "|", ",", ";", "!",
];

/// Returns the first token at or after a place, `None` for a character that starts none, or the end
/// of the template.
pub(crate) fn token(source: &str, at: usize, after_dot: bool) -> Option<Token> {
    let rest = &source[at..];
    let first = rest.chars().next()?;
    let (kind, length) = match first {
        '"' | '\'' => (Kind::Text, string(rest)?),
        '0'..='9' => number(rest, after_dot),
        c if c.is_alphabetic() || c == '_' => {
            let is_of_name = |c: char| c.is_alphanumeric() || c == '_';
            let end = rest.find(|c| !is_of_name(c)).unwrap_or(rest.len());
            (Kind::Name, end)
        }
        _ => {
            let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign))?;
            (Kind::Sign(sign), sign.len())
        }
    };
    let at = at..at + length;
    Some(Token { kind, at })
}

fn string(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let quote = bytes[0];
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            byte if byte == quote => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Returns the kind and length of a number. A point needs digits on both of its sides.
fn number(text: &str, after_dot: bool) -> (Kind, usize) {
    let bytes = text.as_bytes();
    let digits = |from: usize, radix: u32| {
        let mut end = from;
        loop {
            let digit = end + usize::from(bytes.get(end) == Some(&b'_') && end > from);
            match bytes.get(digit) {
                Some(byte) if (*byte as char).is_digit(radix) => end = digit + 1,
                _ => return end,
            }
        }
    };
    let prefixed = |letter: u8, radix: u32| {
        let is_prefix = bytes
            .get(1)
            .is_some_and(|b| b.eq_ignore_ascii_case(&letter));
        let start = 2 + usize::from(bytes.get(2) == Some(&b'_'));
        let end = digits(start, radix);
        (bytes[0] == b'0' && is_prefix && end > start).then_some((Kind::Integer, end))
    };
    let radix = prefixed(b'x', 16)
        .or_else(|| prefixed(b'o', 8))
        .or_else(|| prefixed(b'b', 2));
    if let Some(found) = radix {
        return found;
    }
    let whole = digits(0, 10);
    let mut end = whole;
    if !after_dot {
        if bytes.get(end) == Some(&b'.') && digits(end + 1, 10) > end + 1 {
            end = digits(end + 1, 10);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            if digits(sign, 10) > sign {
                end = digits(sign, 10);
            }
        }
    }
    if end > whole {
        return (Kind::Float, end);
    }
    // A number that starts with zero is zero.
    let zeros = text.len() - text.trim_start_matches(['0', '_']).len();
    match bytes[0] {
        b'0' => (Kind::Integer, zeros.min(whole).max(1)),
        _ => (Kind::Integer, whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(text: &str) -> (Kind, usize) {
        number(text, false)
    }

    #[test]
    fn numbers_end_where_jinja2_ends_them() {
        assert_eq!(lengths("1_000)"), (Kind::Integer, 5));
        assert_eq!(lengths("0x1f "), (Kind::Integer, 4));
        assert_eq!(lengths("1.5e3x"), (Kind::Float, 5));
        assert_eq!(lengths("1.e3"), (Kind::Integer, 1));
        assert_eq!(lengths("5."), (Kind::Integer, 1));
        assert_eq!(lengths("1e+2"), (Kind::Float, 4));
        assert_eq!(lengths("007"), (Kind::Integer, 2));
        assert_eq!(number("1.5", true), (Kind::Integer, 1));
    }
}
