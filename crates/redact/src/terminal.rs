//! Removes the control sequences of a terminal from text.

use std::borrow::Cow;

/// Returns the text without escape sequences, control characters and changes of direction.
///
/// Line feeds and tabs stay. A carriage return, with which a later part of a line overwrites an
/// earlier one, becomes a line feed; before a line feed it is dropped.
///
/// ```
/// use slipway_redact::printable;
///
/// assert_eq!(printable("\u{1b}[1;31mred\u{1b}[0m\ttext\n"), "red\ttext\n");
/// assert_eq!(printable("a\u{1b}]0;title\u{7}b"), "ab");
/// assert_eq!(printable("10%\r20%\r\n"), "10%\n20%\n");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_harmless) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            ESCAPE => after_escape(after),
            '\u{9b}' => after_control_sequence(after),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => after_control_string(after),
            '\r' => {
                if !after.starts_with('\n') && !after.is_empty() {
                    clean.push('\n');
                }
                after
            }
            c => {
                if is_harmless(c) {
                    clean.push(c);
                }
                after
            }
        };
    }
    Cow::Owned(clean)
}

/// Returns the text on one line: control characters and changes of direction are escaped, as names in
/// lists need it.
///
/// ```
/// use slipway_redact::one_line;
///
/// assert_eq!(one_line("a\nb: added"), "a\\nb: added");
/// assert_eq!(one_line("a\u{1b}[1m"), "a\\u{1b}[1m");
/// ```
pub fn one_line(text: &str) -> Cow<'_, str> {
    let is_kept = |c: char| is_harmless(c) && !c.is_control();
    if text.chars().all(is_kept) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match is_kept(c) {
            true => line.push(c),
            false => line.extend(c.escape_default()),
        }
    }
    Cow::Owned(line)
}

const ESCAPE: char = '\u{1b}';

fn is_harmless(c: char) -> bool {
    match c {
        '\n' | '\t' => true,
        // They make text read differently from what it says.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => false,
        c => !c.is_control(),
    }
}

/// Returns what follows a sequence whose escape character was already taken off.
fn after_escape(text: &str) -> &str {
    let mut chars = text.chars();
    match chars.next() {
        Some('[') => after_control_sequence(chars.as_str()),
        Some('P' | 'X' | ']' | '^' | '_') => after_control_string(chars.as_str()),
        // A sequence of three or more characters, such as the choice of a character set.
        Some(' '..='/') => {
            let end = text.find(|c: char| !(' '..='/').contains(&c));
            end.map_or("", |end| {
                let mut chars = text[end..].chars();
                match chars.next() {
                    Some('0'..='~') => chars.as_str(),
                    _ => &text[end..],
                }
            })
        }
        Some('0'..='~') => chars.as_str(),
        // Not a sequence: the escape character alone goes.
        _ => text,
    }
}

/// Returns what follows parameters and a final character. A sequence that breaks off takes with it
/// only what belongs to it.
fn after_control_sequence(text: &str) -> &str {
    let end = text.find(|c: char| !(' '..='?').contains(&c));
    end.map_or("", |end| {
        let mut chars = text[end..].chars();
        match chars.next() {
            Some('@'..='~') => chars.as_str(),
            _ => &text[end..],
        }
    })
}

/// Returns what follows a string for the terminal, such as a title: it ends with a bell or a string
/// terminator, and is given up at the end of the line or at another escape sequence.
fn after_control_string(text: &str) -> &str {
    let ends = |c: char| matches!(c, '\u{7}' | '\u{9c}' | '\n' | '\r' | ESCAPE);
    let Some(end) = text.find(ends) else {
        return "";
    };
    let rest = &text[end..];
    match rest.chars().next() {
        Some(c @ ('\u{7}' | '\u{9c}')) => &rest[c.len_utf8()..],
        Some(ESCAPE) => rest.strip_prefix("\u{1b}\\").unwrap_or(rest),
        _ => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_control_characters_is_not_copied() {
        assert!(matches!(printable("é\t日本\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn sequences_go_whole() {
        for (text, expected) in [
            (
                "\u{1b}[91mred\u{1b}[0m and \u{1b}[1;31mmore",
                "red and more",
            ),
            ("cut \u{1b}[9", "cut "),
            ("a\u{1b}]0;title\u{7}b\u{7}\u{1b}cé\tc\u{9b}2J", "abé\tc"),
            ("a\u{1b}\u{1b}[1~b", "ab"),
            ("a\u{1b}]8;;x\u{1b}\\b\u{1b}", "ab"),
            ("a\u{1b}P1$r0m\u{1b}\\b\u{90}x\u{9c}c", "abc"),
            ("a\u{1b}(Bb\u{1b}#8c", "abc"),
            ("a\u{1b}]0;no end\nnext line", "a\nnext line"),
            ("a\u{1b}[2\nnext line", "a\nnext line"),
            ("a\u{1b}]52;c;\u{1b}[2Jb", "ab"),
            ("\u{0}a\u{8}b\u{7f}c\u{85}d", "abcd"),
        ] {
            assert_eq!(printable(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_line_cannot_overwrite_itself() {
        assert_eq!(printable("error\rfine"), "error\nfine");
        assert_eq!(printable("line\r\nline\r"), "line\nline");
    }

    #[test]
    fn text_cannot_change_its_direction() {
        assert_eq!(printable("a\u{202e}b\u{2066}c"), "abc");
    }

    #[test]
    fn no_control_sequence_remains() {
        let pieces = [
            "\u{1b}", "[", "]", "\u{9b}", "\u{7}", "\\", "P", "\r", "\n", "1", "m", "é",
        ];
        for number in 0..pieces.len().pow(5) {
            let mut rest = number;
            let text: String = (0..5)
                .map(|_| {
                    let piece = pieces[rest % pieces.len()];
                    rest /= pieces.len();
                    piece
                })
                .collect();
            let clean = printable(&text);
            assert!(clean.chars().all(is_harmless), "{text:?} became {clean:?}");
        }
    }
}
