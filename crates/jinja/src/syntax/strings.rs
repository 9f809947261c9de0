//! String literals.

/// Returns the value of a string literal, as Python reads it; `None` for an escape that Python
/// refuses, and for `\N{…}`.
pub(crate) fn unescape(literal: &str) -> Option<String> {
    let inner = literal.get(1..literal.len().checked_sub(1)?)?;
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escaped = rest[at + 1..].chars().next()?;
        rest = &rest[at + 1 + escaped.len_utf8()..];
        let code = |digits: &str| {
            let code = u32::from_str_radix(digits, 16).ok()?;
            char::from_u32(code)
        };
        let length = match escaped {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        match escaped {
            '\n' => {}
            '\\' | '\'' | '"' => out.push(escaped),
            'a' => out.push('\x07'),
            'b' => out.push('\x08'),
            'f' => out.push('\x0c'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'v' => out.push('\x0b'),
            'x' | 'u' | 'U' => {
                out.push(code(rest.get(..length)?)?);
                rest = &rest[length..];
            }
            'N' => return None,
            '0'..='7' => {
                let more = rest
                    .bytes()
                    .take(2)
                    .take_while(|b| (b'0'..=b'7').contains(b))
                    .count();
                let digits = format!("{escaped}{}", &rest[..more]);
                out.push(char::from_u32(u32::from_str_radix(&digits, 8).ok()?)?);
                rest = &rest[more..];
            }
            other => out.extend(['\\', other]),
        }
    }
    out.push_str(rest);
    Some(out)
}

/// Returns a literal that minijinja reads as this text, with as many lines as the original had.
pub(crate) fn literal(text: &str, original: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out.push_str(&"\n".repeat(original.matches('\n').count()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_pythons() {
        assert_eq!(
            unescape(r"'\x41\101\u0041\q\''").as_deref(),
            Some("AAA\\q'")
        );
        assert_eq!(unescape("'a\\\nb'").as_deref(), Some("ab"));
        assert_eq!(unescape(r"'\N{BULLET}'"), None);
        assert_eq!(unescape(r"'\x4'"), None);
        assert_eq!(literal("a\n\"", "'\n'"), "\"a\\n\\\"\"\n");
    }
}
