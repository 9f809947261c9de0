//! The lexer: from an expression's text to tokens.

use std::sync::Arc;

use super::error::{Error, Result};
use super::syntax::Literal;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Literal(Literal),
    Keyword(Arc<str>),
    /// A name directly followed by a parenthesis.
    Function(Arc<str>),
    Variable(Arc<str>),
    /// An operator or a bracket.
    Sign(&'static str),
}

/// A token and its position: the number of characters before it.
pub(super) type Placed = (Token, usize);

/// Longest first, so that `=>` is not read as `=`.
const SIGNS: [&str; 23] = [
    "?.", "=~", "!~", "->", "=>", "!=", ">=", "<=", ".", "+", "-", "*", "/", ">", "<", "=", "[",
    "]", "{", "}", "(", ")", ",",
];
const WORD_OPERATORS: [&str; 5] = ["mod", "in", "not", "and", "or"];

pub(super) fn tokens(text: &str) -> Result<Vec<Placed>> {
    let mut lexer = Lexer {
        text: text.chars().collect(),
        at: 0,
    };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer {
    text: Vec<char>,
    at: usize,
}

impl Lexer {
    fn next(&mut self) -> Result<Option<Placed>> {
        self.take_while(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
        let at = self.at;
        let Some(first) = self.peek() else {
            return Ok(None);
        };
        let token = match first {
            '$' => {
                self.at += 1;
                let name = self.take_while(is_word);
                Token::Variable(if name.is_empty() {
                    "1".into()
                } else {
                    name.into()
                })
            }
            '\'' | '"' => Token::Literal(Literal::Str(unescape(&self.quoted(first)?, at)?.into())),
            '`' => Token::Literal(Literal::Str(self.quoted(first)?.replace("\\`", "`").into())),
            _ if first.is_ascii_digit() => self.number()?,
            _ if is_word(first) && !first.is_numeric() => self.word()?,
            _ => self.sign()?,
        };
        Ok(Some((token, at)))
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let from = self.at;
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
        self.text[from..self.at].iter().collect()
    }

    /// Returns the text between quotes, with its escapes as they are.
    fn quoted(&mut self, quote: char) -> Result<String> {
        let from = self.at;
        self.at += 1;
        while let Some(c) = self.peek() {
            if c == quote {
                self.at += 1;
                return Ok(self.text[from + 1..self.at - 1].iter().collect());
            }
            // A backslash escapes anything but the end of a line.
            self.at += match (c, self.text.get(self.at + 1)) {
                ('\\', None | Some('\n')) => break,
                ('\\', Some(_)) => 2,
                _ => 1,
            };
        }
        Err(Error::syntax(format!(
            "the string that begins at position {from} does not end"
        )))
    }

    fn number(&mut self) -> Result<Token> {
        let at = self.at;
        let mut digits = self.take_while(|c| c.is_ascii_digit());
        let fraction = self.peek() == Some('.')
            && self.text.get(self.at + 1).is_some_and(char::is_ascii_digit);
        if fraction {
            self.at += 1;
            digits.push('.');
            digits.push_str(&self.take_while(|c| c.is_ascii_digit()));
        }
        if self.peek().is_some_and(is_word) {
            return Err(self.illegal(at));
        }
        let literal = if fraction {
            digits
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
                .map(Literal::Float)
        } else {
            digits.parse().ok().map(Literal::Int)
        };
        literal
            .map(Token::Literal)
            .ok_or_else(|| Error::syntax(format!("the number at position {at} is too large")))
    }

    fn word(&mut self) -> Result<Token> {
        let at = self.at;
        let word = self.take_while(is_word);
        if self.peek() == Some('(') {
            self.at += 1;
            return Ok(Token::Function(word.into()));
        }
        if word.starts_with("__") {
            return Err(self.illegal(at));
        }
        if let Some(operator) = WORD_OPERATORS
            .into_iter()
            .find(|operator| **operator == word)
        {
            return Ok(Token::Sign(operator));
        }
        Ok(match word.as_str() {
            "true" => Token::Literal(Literal::Bool(true)),
            "false" => Token::Literal(Literal::Bool(false)),
            "null" => Token::Literal(Literal::Null),
            _ => Token::Keyword(word.into()),
        })
    }

    fn sign(&mut self) -> Result<Token> {
        let follows = |sign: &str| {
            sign.chars()
                .enumerate()
                .all(|(i, c)| self.text.get(self.at + i) == Some(&c))
        };
        let sign = SIGNS
            .into_iter()
            .find(|sign| follows(sign))
            .ok_or_else(|| self.illegal(self.at))?;
        self.at += sign.len();
        Ok(Token::Sign(sign))
    }

    fn illegal(&self, at: usize) -> Error {
        let character = self.text.get(at).copied().unwrap_or_default();
        Error::syntax(format!(
            "unexpected character {character:?} at position {at}"
        ))
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Expands Python's escapes. An unknown escape stays as it is written, as patterns such as `\d` need it.
fn unescape(text: &str, at: usize) -> Result<String> {
    let bad = |escape: &str| {
        Error::syntax(format!(
            "`{escape}` in the string at position {at} is no character"
        ))
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(found) = rest.find('\\') {
        out.push_str(&rest[..found]);
        rest = &rest[found + 1..];
        let Some(kind) = rest.chars().next() else {
            out.push('\\');
            break;
        };
        let digits = match kind {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        if digits > 0 {
            let taken: String = rest[1..].chars().take(digits).collect();
            if taken.chars().count() < digits || taken.contains('\n') {
                // It is too short for an escape, so it is kept.
                out.push('\\');
                out.push(kind);
                rest = &rest[1..];
                continue;
            }
            let code = taken
                .chars()
                .all(|c| c.is_ascii_hexdigit())
                .then(|| u32::from_str_radix(&taken, 16).ok());
            out.push(
                code.flatten()
                    .and_then(char::from_u32)
                    .ok_or_else(|| bad(&format!("\\{kind}{taken}")))?,
            );
            rest = &rest[1 + taken.len()..];
        } else if kind.is_digit(8) {
            let taken: String = rest.chars().take(3).take_while(|c| c.is_digit(8)).collect();
            let code = u32::from_str_radix(&taken, 8).ok().and_then(char::from_u32);
            out.push(code.ok_or_else(|| bad(&format!("\\{taken}")))?);
            rest = &rest[taken.len()..];
        } else if let Some(name) = rest
            .strip_prefix("N{")
            .and_then(|name| name.split_once('}'))
            .map(|(name, _)| name)
            && !name.is_empty()
        {
            return Err(bad(&format!("\\N{{{name}}}")));
        } else {
            let single = match kind {
                '\\' | '\'' | '"' => Some(kind),
                'a' => Some('\x07'),
                'b' => Some('\x08'),
                'f' => Some('\x0c'),
                'n' => Some('\n'),
                'r' => Some('\r'),
                't' => Some('\t'),
                'v' => Some('\x0b'),
                _ => None,
            };
            match single {
                Some(c) => out.push(c),
                None => out.extend(['\\', kind]),
            }
            rest = &rest[kind.len_utf8()..];
        }
    }
    out.push_str(rest);
    Ok(out)
}
