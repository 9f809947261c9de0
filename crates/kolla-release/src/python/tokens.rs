//! A Python file's text → tokens, gathered into logical lines.

/// The kinds of tokens.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name or a keyword.
    Name(String),
    /// A string without its quotes; `None` where it is put together when it runs.
    Text(Option<String>),
    /// A whole number.
    Number(i64),
    /// An operator or a bracket.
    Sign(&'static str),
    /// Something else.
    Unknown,
}

/// A logical line: its indentation and its tokens.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub indent: usize,
    pub tokens: Vec<Token>,
}

/// Longest first, so that `==` is not read as two `=`.
const SIGNS: [&str; 36] = [
    "**=", "//=", "...", "==", "!=", "<=", ">=", "->", ":=", "+=", "-=", "*=", "/=", "%=", "|=",
    "&=", "**", "//", "(", ")", "[", "]", "{", "}", ",", ":", ".", "=", "+", "-", "*", "/", "%",
    "|", "<", ">",
];

/// The logical lines of a file: brackets and backslashes join lines, comments are none.
pub(super) fn tokens(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut line = Line {
        indent: 0,
        tokens: Vec::new(),
    };
    let mut depth = 0usize;
    let mut rest = text;
    let mut at_start = true;
    while let Some(first) = rest.chars().next() {
        if at_start {
            let trimmed = rest.trim_start_matches([' ', '\t']);
            line.indent = rest.len() - trimmed.len();
            rest = trimmed;
            at_start = false;
            continue;
        }
        match first {
            '\n' => {
                rest = &rest[1..];
                if depth == 0 {
                    if !line.tokens.is_empty() {
                        lines.push(std::mem::replace(
                            &mut line,
                            Line {
                                indent: 0,
                                tokens: Vec::new(),
                            },
                        ));
                    }
                    at_start = true;
                }
            }
            '#' => rest = rest.find('\n').map_or("", |end| &rest[end..]),
            '\\' if rest[1..].starts_with('\n') => rest = &rest[2..],
            '\\' if rest[1..].starts_with("\r\n") => rest = &rest[3..],
            c if c.is_whitespace() => rest = &rest[c.len_utf8()..],
            _ => {
                let (token, after) = token(rest);
                match &token {
                    Token::Sign("(" | "[" | "{") => depth += 1,
                    Token::Sign(")" | "]" | "}") => depth = depth.saturating_sub(1),
                    _ => {}
                }
                line.tokens.push(token);
                rest = after;
            }
        }
    }
    if !line.tokens.is_empty() {
        lines.push(line);
    }
    lines
}

/// The first token of a text that starts with one, and what follows.
fn token(text: &str) -> (Token, &str) {
    let word_end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let (word, after) = text.split_at(word_end);
    let is_prefix = word.len() <= 2 && word.chars().all(|c| "rRbBuUfF".contains(c));
    if is_prefix && after.starts_with(['"', '\'']) {
        return string(&word.to_lowercase(), after);
    }
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        let number = word.replace('_', "").parse();
        return (number.map_or(Token::Unknown, Token::Number), after);
    }
    if !word.is_empty() {
        return (Token::Name(word.to_owned()), after);
    }
    match SIGNS.into_iter().find(|sign| text.starts_with(sign)) {
        Some(sign) => (Token::Sign(sign), &text[sign.len()..]),
        None => {
            let length = text.chars().next().map_or(0, char::len_utf8);
            (Token::Unknown, &text[length..])
        }
    }
}

fn string<'t>(prefix: &str, text: &'t str) -> (Token, &'t str) {
    let quote = &text[..1];
    let triple = quote.repeat(3);
    let close = if text.starts_with(&triple) {
        triple.as_str()
    } else {
        quote
    };
    let is_raw = prefix.contains('r');
    let mut value = String::new();
    let mut rest = &text[close.len()..];
    while let Some(c) = rest.chars().next() {
        if rest.starts_with(close) {
            rest = &rest[close.len()..];
            break;
        }
        rest = &rest[c.len_utf8()..];
        if c == '\n' && close.len() == 1 {
            break; // The closing quote is missing.
        }
        if c != '\\' || is_raw {
            value.push(c);
            if c == '\\' && rest.starts_with(quote) {
                value.push_str(quote);
                rest = &rest[1..];
            }
            continue;
        }
        let Some(escaped) = rest.chars().next() else {
            break;
        };
        rest = &rest[escaped.len_utf8()..];
        match escaped {
            '\n' => {}
            'n' => value.push('\n'),
            't' => value.push('\t'),
            'r' => value.push('\r'),
            '\\' | '\'' | '"' => value.push(escaped),
            other => value.extend(['\\', other]),
        }
    }
    let is_made_when_run = prefix.contains('f') && value.contains('{');
    (Token::Text((!is_made_when_run).then_some(value)), rest)
}
