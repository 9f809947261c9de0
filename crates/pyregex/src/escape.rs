//! Escapes, and characters as the engine takes them literally.

use crate::PatternError;

/// The meaning of an escape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escape {
    /// One character.
    Char(char),
    /// A class such as `\d`, by its letter.
    Class(char),
    /// A position such as `\b`, by its letter.
    Position(char),
    /// A reference to a group.
    Group(u32),
}

/// The characters of a pattern, with a position for errors.
#[derive(Clone)]
pub(crate) struct Source<'p> {
    rest: std::str::Chars<'p>,
    length: usize,
}

impl<'p> Source<'p> {
    pub(crate) fn new(pattern: &'p str) -> Source<'p> {
        Source {
            rest: pattern.chars(),
            length: pattern.len(),
        }
    }

    pub(crate) fn next(&mut self) -> Option<char> {
        self.rest.next()
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    pub(crate) fn text(&self) -> &'p str {
        self.rest.as_str()
    }

    /// Takes this text, if it is next.
    pub(crate) fn take(&mut self, text: &str) -> bool {
        match self.rest.as_str().strip_prefix(text) {
            Some(rest) => {
                self.rest = rest.chars();
                true
            }
            None => false,
        }
    }

    pub(crate) fn error(&self, message: &str) -> PatternError {
        let position = self.length - self.rest.as_str().len();
        PatternError::new(format!("{message} at position {position}"))
    }

    /// Up to `most` digits of a radix.
    fn digits(&mut self, radix: u32, most: usize) -> &'p str {
        let text = self.rest.as_str();
        let digits = text.chars().take(most).take_while(|c| c.is_digit(radix));
        let (digits, rest) = text.split_at(digits.count());
        self.rest = rest.chars();
        digits
    }
}

/// Reads an escape; the backslash has been read.
pub(crate) fn escape(source: &mut Source<'_>, in_class: bool) -> Result<Escape, PatternError> {
    let Some(letter) = source.next() else {
        return Err(source.error("a backslash at the end"));
    };
    Ok(match letter {
        'a' => Escape::Char('\x07'),
        'b' if in_class => Escape::Char('\x08'),
        'f' => Escape::Char('\x0c'),
        'n' => Escape::Char('\n'),
        'r' => Escape::Char('\r'),
        't' => Escape::Char('\t'),
        'v' => Escape::Char('\x0b'),
        'x' => Escape::Char(hexadecimal(source, 2)?),
        'u' => Escape::Char(hexadecimal(source, 4)?),
        'U' => Escape::Char(hexadecimal(source, 8)?),
        'd' | 'D' | 's' | 'S' | 'w' | 'W' => Escape::Class(letter),
        'A' | 'b' | 'B' | 'Z' if !in_class => Escape::Position(letter),
        '0' => Escape::Char(octal(source, "0", 2)?),
        '1'..='9' => return group_or_octal(source, letter, in_class),
        letter if letter.is_ascii_alphabetic() => {
            return Err(source.error(&format!("unknown escape \\{letter}")));
        }
        other => Escape::Char(other),
    })
}

fn hexadecimal(source: &mut Source<'_>, length: usize) -> Result<char, PatternError> {
    let digits = source.digits(16, length);
    let found = u32::from_str_radix(digits, 16)
        .ok()
        .and_then(char::from_u32);
    match found.filter(|_| digits.len() == length) {
        Some(found) => Ok(found),
        None => Err(source.error(&format!("an escape that wants {length} hexadecimal digits"))),
    }
}

/// A character by octal digits, of which some have been read.
fn octal(source: &mut Source<'_>, read: &str, most: usize) -> Result<char, PatternError> {
    let digits = format!("{read}{}", source.digits(8, most));
    let code = u32::from_str_radix(&digits, 8).unwrap_or_default();
    match char::from_u32(code).filter(|_| code <= 0o377) {
        Some(found) => Ok(found),
        None => Err(source.error("an octal escape above \\377")),
    }
}

/// `\1` to `\99` are groups; three octal digits are a character.
fn group_or_octal(
    source: &mut Source<'_>,
    first: char,
    in_class: bool,
) -> Result<Escape, PatternError> {
    let mut ahead = source.clone();
    let two = ahead.digits(8, 2);
    if first.is_digit(8) && two.len() == 2 {
        let found = octal(source, &first.to_string(), 2)?;
        return Ok(Escape::Char(found));
    }
    if in_class {
        return Err(source.error("a group in a class"));
    }
    let second = source.digits(10, 1);
    let number = format!("{first}{second}").parse();
    number
        .map(Escape::Group)
        .map_err(|_| source.error("an unknown group"))
}

/// Writes a character so that the engine takes it literally, in a class too.
pub(crate) fn literal(out: &mut String, c: char) {
    match c {
        c if c.is_ascii_alphanumeric() || c == '_' || (!c.is_ascii() && !c.is_whitespace()) => {
            out.push(c);
        }
        other => out.push_str(&format!("\\x{{{:x}}}", u32::from(other))),
    }
}
