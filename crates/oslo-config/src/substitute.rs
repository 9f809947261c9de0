//! `$name`, `${name}` and `$$` in values.

/// A piece of a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text as it is.
    Text(&'a str),
    /// A reference to another option: `name` or `group.name`.
    Reference(&'a str),
}

/// Splits a value into its pieces. A dollar sign that begins no reference is text.
pub(super) fn pieces(value: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = value;
    while let Some(at) = rest.find('$') {
        let after = &rest[at + 1..];
        if let Some(after) = after.strip_prefix('$') {
            pieces.push(Piece::Text(&rest[..=at]));
            rest = after;
        } else if let Some((name, after)) = reference(after) {
            pieces.extend([Piece::Text(&rest[..at]), Piece::Reference(name)]);
            rest = after;
        } else {
            pieces.push(Piece::Text(&rest[..=at]));
            rest = after;
        }
    }
    pieces.push(Piece::Text(rest));
    pieces.retain(|piece| *piece != Piece::Text(""));
    pieces
}

/// Returns the name after a dollar sign, and the rest.
fn reference(text: &str) -> Option<(&str, &str)> {
    if let Some(inner) = text.strip_prefix('{') {
        let end = name_length(inner);
        let after = inner[end..].strip_prefix('}')?;
        return (end > 0).then_some((&inner[..end], after));
    }
    let end = name_length(text);
    (end > 0).then(|| text.split_at(end))
}

/// Returns the length of the name at the beginning: a letter or `_`, then also digits and dots.
fn name_length(text: &str) -> usize {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let is_other = |c: char| is_first(c) || c.is_ascii_digit() || c == '.';
    match text.chars().next() {
        Some(first) if is_first(first) => text.find(|c: char| !is_other(c)).unwrap_or(text.len()),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_cut_out() {
        use Piece::{Reference, Text};
        assert_eq!(
            pieces("$a/${b_2}.c$$d$e.f-"),
            [
                Reference("a"),
                Text("/"),
                Reference("b_2"),
                Text(".c$"),
                Text("d"),
                Reference("e.f"),
                Text("-"),
            ]
        );
        assert_eq!(pieces("5$"), [Text("5$")]);
        assert_eq!(pieces("${a"), [Text("$"), Text("{a")]);
        assert_eq!(pieces("$1${}"), [Text("$"), Text("1$"), Text("{}")]);
        assert_eq!(pieces(""), []);
    }
}
