//! Methods of `str`.

/// Returns true for the characters that `strip` and `split` take without an argument.
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// Returns `text.split()` or `text.split(None, limit)`.
pub fn split_whitespace(text: &str, limit: Option<usize>) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        if limit.is_some_and(|limit| pieces.len() >= limit) {
            pieces.push(rest.trim_end_matches(is_space));
            break;
        }
        let end = rest.find(is_space).unwrap_or(rest.len());
        pieces.push(&rest[..end]);
        rest = rest[end..].trim_start_matches(is_space);
    }
    pieces
}

/// Returns `text.rsplit(None, limit)`.
pub fn rsplit_whitespace(text: &str, limit: Option<usize>) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_end_matches(is_space);
    while !rest.is_empty() {
        if limit.is_some_and(|limit| pieces.len() >= limit) {
            pieces.push(rest.trim_start_matches(is_space));
            break;
        }
        let last = rest.char_indices().rfind(|(_, c)| is_space(*c));
        let start = last.map_or(0, |(at, c)| at + c.len_utf8());
        pieces.push(&rest[start..]);
        rest = rest[..start].trim_end_matches(is_space);
    }
    pieces.reverse();
    pieces
}

/// Returns `text.split(separator, limit)`.
pub fn split<'t>(text: &'t str, separator: &str, limit: Option<usize>) -> Vec<&'t str> {
    match limit {
        None => text.split(separator).collect(),
        Some(limit) => text.splitn(limit.saturating_add(1), separator).collect(),
    }
}

/// Returns `text.rsplit(separator, limit)`.
pub fn rsplit<'t>(text: &'t str, separator: &str, limit: Option<usize>) -> Vec<&'t str> {
    let mut pieces: Vec<&str> = match limit {
        None => text.rsplit(separator).collect(),
        Some(limit) => text.rsplitn(limit.saturating_add(1), separator).collect(),
    };
    pieces.reverse();
    pieces
}

/// Returns `text.splitlines(keep_ends)`.
pub fn splitlines(text: &str, keep_ends: bool) -> Vec<&str> {
    let is_end = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(is_end).unwrap_or(rest.len());
        let length = match &rest[end..] {
            after if after.starts_with("\r\n") => 2,
            after => after.chars().next().map_or(0, char::len_utf8),
        };
        lines.push(&rest[..if keep_ends { end + length } else { end }]);
        rest = &rest[end + length..];
    }
    lines
}

/// Returns `text.title()`.
pub fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut after_letter = false;
    for c in text.chars() {
        if after_letter {
            out.extend(c.to_lowercase());
        } else {
            push_titlecase(&mut out, c);
        }
        after_letter = is_cased(c);
    }
    out
}

/// Returns `text.capitalize()`.
pub fn capitalize(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    if let Some(first) = characters.next() {
        push_titlecase(&mut out, first);
    }
    out.push_str(&characters.as_str().to_lowercase());
    out
}

/// Capitalizes a letter. If it becomes several letters, only the first is a capital: ß becomes Ss.
fn push_titlecase(out: &mut String, c: char) {
    let mut upper = c.to_uppercase();
    out.extend(upper.next());
    out.extend(upper.flat_map(char::to_lowercase));
}

fn is_cased(c: char) -> bool {
    c.is_lowercase() || c.is_uppercase()
}

/// Returns `text.swapcase()`.
pub fn swapcase(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_uppercase() {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
    }
    out
}

/// Returns `text.casefold()`.
pub fn casefold(text: &str) -> String {
    text.chars()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect()
}

/// The sides that a text is padded on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Justify {
    /// `ljust`
    Left,
    /// `rjust`
    Right,
    /// `center`
    Center,
}

/// Returns `text.ljust(width, fill)`, `rjust` or `center`.
pub fn justify(text: &str, justify: Justify, width: usize, fill: char) -> String {
    let missing = width.saturating_sub(text.chars().count());
    let left = match justify {
        Justify::Left => 0,
        Justify::Right => missing,
        Justify::Center => missing / 2 + (missing & width & 1),
    };
    let fill = |count: usize| std::iter::repeat_n(fill, count);
    fill(left)
        .chain(text.chars())
        .chain(fill(missing - left))
        .collect()
}

/// Returns `text.zfill(width)`.
pub fn zfill(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    let sign = text.len() - text.strip_prefix(['+', '-']).unwrap_or(text).len();
    format!("{}{}{}", &text[..sign], "0".repeat(missing), &text[sign..])
}

/// Returns `text.expandtabs(size)`.
pub fn expandtabs(text: &str, size: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' if size > 0 => {
                let width = size - column % size;
                out.extend(std::iter::repeat_n(' ', width));
                column += width;
            }
            '\t' => {}
            '\n' | '\r' => {
                out.push(c);
                column = 0;
            }
            _ => {
                out.push(c);
                column += 1;
            }
        }
    }
    out
}

/// Returns `text.isupper()`, or `islower()`.
pub fn is_all(text: &str, wanted: fn(char) -> bool, unwanted: fn(char) -> bool) -> bool {
    text.chars().any(wanted) && !text.chars().any(unwanted)
}

/// Returns `text.istitle()`.
pub fn is_title(text: &str) -> bool {
    let mut after_cased = false;
    let mut has_cased = false;
    for c in text.chars() {
        let is_right = match (c.is_uppercase(), c.is_lowercase()) {
            (true, _) => !after_cased,
            (_, true) => after_cased,
            _ => true,
        };
        if !is_right {
            return false;
        }
        after_cased = is_cased(c);
        has_cased |= after_cased;
    }
    has_cased
}

/// Returns `text.isidentifier()`.
pub fn is_identifier(text: &str) -> bool {
    let is_start = |c: char| c.is_alphabetic() || c == '_';
    text.starts_with(is_start) && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitting() {
        assert_eq!(split_whitespace(" a  b c ", Some(1)), ["a", "b c"]);
        assert_eq!(
            rsplit_whitespace(" a  b c ", Some(1)),
            [" a  b".trim_start(), "c"]
        );
        assert_eq!(split_whitespace("  ", None), [] as [&str; 0]);
        assert_eq!(split("a.b.c", ".", Some(1)), ["a", "b.c"]);
        assert_eq!(rsplit("a.b.c", ".", Some(1)), ["a.b", "c"]);
        assert_eq!(splitlines("a\r\nb\n\nc", false), ["a", "b", "", "c"]);
        assert_eq!(splitlines("a\r\nb\n", true), ["a\r\n", "b\n"]);
    }

    #[test]
    fn cases() {
        assert_eq!(title("they're ab1c"), "They'Re Ab1C");
        assert_eq!(capitalize("a B"), "A b");
        assert_eq!(swapcase("aB"), "Ab");
        assert_eq!(casefold("Straße"), "strasse");
        assert!(is_title("Ab Cd") && !is_title("AB") && !is_title("1"));
    }

    #[test]
    fn padding() {
        assert_eq!(justify("ab", Justify::Center, 5, '.'), "..ab.");
        assert_eq!(justify("abc", Justify::Center, 6, '.'), ".abc..");
        assert_eq!(justify("a", Justify::Right, 3, '.'), "..a");
        assert_eq!(zfill("-7", 4), "-007");
        assert_eq!(expandtabs("a\tb\n\tc", 4), "a   b\n    c");
    }
}
