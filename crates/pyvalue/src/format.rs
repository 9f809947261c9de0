//! `str.format`.

use crate::spec::{
    Align, Bounded, FormatError, Notation, Padded, digits, float_digits, integer, invalid, real,
    sign,
};
use crate::{PyValue, View, repr, type_name};

/// A step from a value to one of its parts in a replacement field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// `.name`
    Attribute(&'a str),
    /// `[0]`
    Index(i128),
    /// `[name]`
    Item(&'a str),
}

/// The values that replacement fields name.
pub trait Fields<V> {
    /// Returns a positional argument.
    fn positional(&self, index: usize) -> Option<V>;
    /// Returns a keyword argument.
    fn keyword(&self, name: &str) -> Option<V>;
    /// Returns a part of a value.
    fn part(&self, value: &V, part: Part<'_>) -> Option<V>;
}

/// Returns `text.format(…)`, which may take so many bytes.
pub fn format<V: PyValue>(
    text: &str,
    fields: &impl Fields<V>,
    room: usize,
) -> Result<String, FormatError> {
    let mut run = Run {
        fields,
        numbering: Numbering::Unknown,
        room,
    };
    run.text(text, 2)
}

/// The ways in which positional fields are numbered, which must not be mixed.
enum Numbering {
    Unknown,
    Automatic(usize),
    Manual,
}

struct Run<'f, F> {
    fields: &'f F,
    numbering: Numbering,
    room: usize,
}

impl<F> Run<'_, F> {
    fn text<V: PyValue>(&mut self, text: &str, depth: u8) -> Result<String, FormatError>
    where
        F: Fields<V>,
    {
        let mut out = Bounded::new(self.room);
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            out.push(&rest[..at])?;
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                out.push(brace)?;
                rest = after;
                continue;
            }
            if brace == "}" {
                return Err(invalid("Single '}' encountered in format string"));
            }
            if depth == 0 {
                return Err(invalid("Max string recursion exceeded"));
            }
            let end = end_of_field(rest)?;
            self.field(&rest[..end], depth - 1, &mut out)?;
            rest = &rest[end + 1..];
        }
        out.push(rest)?;
        Ok(out.text)
    }

    fn field<V: PyValue>(
        &mut self,
        field: &str,
        depth: u8,
        out: &mut Bounded,
    ) -> Result<(), FormatError>
    where
        F: Fields<V>,
    {
        let mut in_brackets = false;
        let end_of_name = field.find(|c| {
            match c {
                '[' => in_brackets = true,
                ']' => in_brackets = false,
                _ => {}
            }
            !in_brackets && (c == '!' || c == ':')
        });
        let (name, rest) = field.split_at(end_of_name.unwrap_or(field.len()));
        let value: V = self.value(name)?;
        let (conversion, spec) = match rest.strip_prefix('!') {
            Some(rest) => {
                let mut characters = rest.chars();
                let conversion = characters.next();
                let spec = match characters.as_str() {
                    "" => "",
                    rest => rest
                        .strip_prefix(':')
                        .ok_or_else(|| invalid("expected ':' after conversion specifier"))?,
                };
                (conversion, spec)
            }
            None => (None, rest.strip_prefix(':').unwrap_or_default()),
        };
        let spec = self.text::<V>(spec, depth)?;
        let spec = Spec::read(&spec)?;
        match conversion {
            None => spec.write(&value, out),
            Some('s') => spec.write_text(&out.text_of(&value, false)?, out),
            Some('r' | 'a') => spec.write_text(&out.text_of(&value, true)?, out),
            Some(other) => Err(invalid(format!("Unknown conversion specifier {other}"))),
        }
    }

    fn value<V: PyValue>(&mut self, name: &str) -> Result<V, FormatError>
    where
        F: Fields<V>,
    {
        let (first, mut rest) = name.split_at(name.find(['.', '[']).unwrap_or(name.len()));
        let mut value = match first.parse::<usize>() {
            Ok(index) => {
                if matches!(self.numbering, Numbering::Automatic(_)) {
                    return Err(invalid(
                        "cannot switch from automatic field numbering to manual field specification",
                    ));
                }
                self.numbering = Numbering::Manual;
                self.positional(index)?
            }
            Err(_) if first.is_empty() => {
                let index = match self.numbering {
                    Numbering::Unknown => 0,
                    Numbering::Automatic(next) => next,
                    Numbering::Manual => {
                        return Err(invalid(
                            "cannot switch from manual field specification to automatic field numbering",
                        ));
                    }
                };
                self.numbering = Numbering::Automatic(index + 1);
                self.positional(index)?
            }
            Err(_) => {
                let found = self.fields.keyword(first);
                found.ok_or_else(|| invalid(format!("'{first}': there is no such argument")))?
            }
        };
        while !rest.is_empty() {
            let (part, after) = part(rest)?;
            let found = self.fields.part(&value, part);
            value = found.ok_or_else(|| invalid(format!("'{name}': there is no such item")))?;
            rest = after;
        }
        Ok(value)
    }

    fn positional<V>(&self, index: usize) -> Result<V, FormatError>
    where
        F: Fields<V>,
    {
        let message = "Replacement index out of range for positional args tuple";
        self.fields
            .positional(index)
            .ok_or_else(|| invalid(message))
    }
}

/// The place of the `}` that ends a field; fields may be in its specification.
fn end_of_field(text: &str) -> Result<usize, FormatError> {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok(at);
        }
    }
    Err(invalid("expected '}' before end of string"))
}

fn part(text: &str) -> Result<(Part<'_>, &str), FormatError> {
    if let Some(rest) = text.strip_prefix('.') {
        let (name, rest) = rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()));
        return Ok((Part::Attribute(name), rest));
    }
    let inside = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (key, rest) = inside.ok_or_else(|| invalid("Missing ']' in format string"))?;
    let part = match key.parse() {
        Ok(index) if key.bytes().all(|b| b.is_ascii_digit()) => Part::Index(index),
        _ => Part::Item(key),
    };
    Ok((part, rest))
}

/// A format specification: `[[fill]align][sign][z][#][0][width][grouping][.precision][type]`.
#[derive(Clone, Copy)]
struct Spec<'a> {
    source: &'a str,
    fill: Option<char>,
    align: Option<Align>,
    positive: &'static str,
    is_alternate: bool,
    has_zero: bool,
    width: usize,
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

impl<'a> Spec<'a> {
    fn read(source: &'a str) -> Result<Spec<'a>, FormatError> {
        let align_of = |c: char| match c {
            '<' => Some(Align::Left),
            '>' => Some(Align::Right),
            '^' => Some(Align::Center),
            '=' => Some(Align::Inner),
            _ => None,
        };
        let mut spec = Spec {
            source,
            fill: None,
            align: None,
            positive: "",
            is_alternate: false,
            has_zero: false,
            width: 0,
            grouping: None,
            precision: None,
            kind: None,
        };
        let mut rest = source;
        let mut characters = source.chars();
        let (first, second) = (characters.next(), characters.next());
        if let (Some(fill), Some(align)) = (first, second.and_then(align_of)) {
            (spec.fill, spec.align) = (Some(fill), Some(align));
            rest = characters.as_str();
        } else if let Some(align) = first.and_then(align_of) {
            spec.align = Some(align);
            rest = &source[1..];
        }
        if let Some(after) = rest.strip_prefix(['+', '-', ' ']) {
            spec.positive = match rest.as_bytes()[0] {
                b'+' => "+",
                b' ' => " ",
                _ => "",
            };
            rest = after;
        }
        rest = rest.strip_prefix('z').unwrap_or(rest);
        if let Some(after) = rest.strip_prefix('#') {
            (spec.is_alternate, rest) = (true, after);
        }
        if let Some(after) = rest.strip_prefix('0') {
            (spec.has_zero, rest) = (true, after);
        }
        (spec.width, rest) = digits_of(rest).map_or((0, rest), |(width, rest)| (width, rest));
        if let Some(after) = rest.strip_prefix([',', '_']) {
            (spec.grouping, rest) = (rest.chars().next(), after);
        }
        if let Some(after) = rest.strip_prefix('.') {
            let precision = digits_of(after);
            let (precision, after) =
                precision.ok_or_else(|| invalid("Format specifier missing precision"))?;
            (spec.precision, rest) = (Some(precision), after);
        }
        let mut characters = rest.chars();
        spec.kind = characters.next();
        if !characters.as_str().is_empty() {
            return Err(invalid(format!("Invalid format specifier '{source}'")));
        }
        Ok(spec)
    }

    fn write<V: PyValue>(&self, value: &V, out: &mut Bounded) -> Result<(), FormatError> {
        out.reserve(self.width.max(self.precision.unwrap_or_default()))?;
        match value.view() {
            View::Str(text) => self.write_text(text, out),
            View::Bool(_) if self.source.is_empty() => out.push(&repr(value)),
            View::Bool(_) | View::Int(_) => self.write_integer(value, out),
            View::Float(number) => self.write_float(number, out),
            _ if self.source.is_empty() => {
                let text = out.text_of(value, false)?;
                out.push(&text)
            }
            _ => Err(invalid(format!(
                "unsupported format string passed to {}.__format__",
                type_name(value)
            ))),
        }
    }

    fn write_text(&self, text: &str, out: &mut Bounded) -> Result<(), FormatError> {
        if !matches!(self.kind, None | Some('s')) {
            return Err(self.unknown("str"));
        }
        if self.align == Some(Align::Inner) || !self.positive.is_empty() || self.grouping.is_some()
        {
            return Err(invalid("this format specifier is not allowed for strings"));
        }
        let cut: String;
        let text = match self.precision {
            Some(precision) => {
                cut = text.chars().take(precision).collect();
                &cut
            }
            None => text,
        };
        out.pad(&Padded {
            sign: "",
            prefix: "",
            digits: text,
            width: self.width,
            fill: self.fill.unwrap_or(if self.has_zero { '0' } else { ' ' }),
            align: self.align.unwrap_or(Align::Left),
        })
    }

    fn write_integer<V: PyValue>(&self, value: &V, out: &mut Bounded) -> Result<(), FormatError> {
        let number = integer(value).unwrap_or_default();
        let radix = match self.kind {
            None | Some('d' | 'n') => 10,
            Some('b') => 2,
            Some('o') => 8,
            Some('x' | 'X') => 16,
            Some('c') => {
                let character = u32::try_from(number).ok().and_then(char::from_u32);
                let character =
                    character.ok_or_else(|| invalid("%c arg not in range(0x110000)"))?;
                return self.pad("", "", &character.to_string(), out);
            }
            Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') => {
                return self.write_float(real(value)?, out);
            }
            Some(_) => return Err(self.unknown(type_name(value))),
        };
        if self.precision.is_some() {
            return Err(invalid("Precision not allowed in integer format specifier"));
        }
        let prefix = match self.kind {
            _ if !self.is_alternate => "",
            Some('b') => "0b",
            Some('o') => "0o",
            Some('x') => "0x",
            Some('X') => "0X",
            _ => "",
        };
        let digits = digits(number, radix, self.kind == Some('X'));
        let every = if radix == 10 { 3 } else { 4 };
        let sign = sign(number < 0, self.positive);
        let before = sign.len() + prefix.len();
        self.pad(sign, prefix, &self.grouped(&digits, every, before), out)
    }

    fn write_float(&self, number: f64, out: &mut Bounded) -> Result<(), FormatError> {
        let precision = self.precision.unwrap_or(6);
        let (value, notation) = match self.kind {
            None => (number, Notation::Plain),
            Some('e' | 'E') => (number, Notation::Exponent),
            Some('f' | 'F') => (number, Notation::Fixed),
            Some('g' | 'G' | 'n') => (number, Notation::General),
            Some('%') => (number * 100.0, Notation::Fixed),
            Some(_) => return Err(self.unknown("float")),
        };
        let mut digits = match (self.kind, self.precision) {
            (None, None) => crate::repr::float(value.abs()),
            _ => float_digits(value, notation, precision, self.is_alternate),
        };
        match self.kind {
            Some('E' | 'F' | 'G') => digits.make_ascii_uppercase(),
            Some('%') => digits.push('%'),
            _ => {}
        }
        let sign = sign(number.is_sign_negative() && !number.is_nan(), self.positive);
        self.pad(sign, "", &self.grouped(&digits, 3, sign.len()), out)
    }

    /// The digits with a separator after every so many before the point. Zeros that fill a width
    /// are separated too.
    fn grouped(&self, digits: &str, every: usize, before: usize) -> String {
        let Some(separator) = self.grouping else {
            return digits.to_owned();
        };
        let end = digits
            .find(|c: char| !c.is_ascii_alphanumeric() || (every == 3 && !c.is_ascii_digit()))
            .unwrap_or(digits.len());
        let (whole, rest) = digits.split_at(end);
        let mut whole = whole.to_owned();
        if self.is_zero_filled() {
            let length = |digits: usize| digits + (digits - 1) / every;
            let wanted = self.width.saturating_sub(before + rest.len());
            while !whole.is_empty() && length(whole.len()) < wanted {
                whole.insert(0, '0');
            }
        }
        let mut out = String::new();
        for (at, c) in whole.char_indices() {
            if at > 0 && (whole.len() - at) % every == 0 {
                out.push(separator);
            }
            out.push(c);
        }
        out + rest
    }

    fn is_zero_filled(&self) -> bool {
        self.has_zero && self.align.is_none()
    }

    fn pad(
        &self,
        sign: &str,
        prefix: &str,
        digits: &str,
        out: &mut Bounded,
    ) -> Result<(), FormatError> {
        let is_zeroed = self.has_zero;
        out.pad(&Padded {
            sign,
            prefix,
            digits,
            width: self.width,
            fill: self.fill.unwrap_or(if is_zeroed { '0' } else { ' ' }),
            align: self.align.unwrap_or(if is_zeroed {
                Align::Inner
            } else {
                Align::Right
            }),
        })
    }

    fn unknown(&self, type_name: &str) -> FormatError {
        let kind = self.kind.unwrap_or_default();
        invalid(format!(
            "Unknown format code '{kind}' for object of type '{type_name}'"
        ))
    }
}

fn digits_of(text: &str) -> Option<(usize, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    (end > 0).then(|| (text[..end].parse().unwrap_or(usize::MAX), &text[end..]))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    struct Arguments(Vec<Value>, Value);

    impl Fields<Value> for Arguments {
        fn positional(&self, index: usize) -> Option<Value> {
            self.0.get(index).cloned()
        }

        fn keyword(&self, name: &str) -> Option<Value> {
            self.1.get(name).cloned()
        }

        fn part(&self, value: &Value, part: Part<'_>) -> Option<Value> {
            match part {
                Part::Attribute(_) => None,
                Part::Index(index) => value.get(usize::try_from(index).ok()?).cloned(),
                Part::Item(name) => value.get(name).cloned(),
            }
        }
    }

    fn formatted(text: &str, value: Value) -> String {
        let fields = Arguments(vec![value, json!(3)], json!({"x": "y", "w": 6}));
        match format(text, &fields, 1000) {
            Ok(text) => text,
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn specifications() {
        // Expected values are CPython's.
        for (text, value, expected) in [
            ("{}-{x}{{}}", json!(1), "1-y{}"),
            ("{0}{1}{0}", json!("a"), "a3a"),
            ("{:>5}|{:<3}", json!("x"), "    x|3  "),
            ("{:*^5}", json!("x"), "**x**"),
            ("{:^4}|", json!("x"), " x  |"),
            ("{:05.1f}", json!(2.25), "002.2"),
            ("{:.2f}", json!(1.005), "1.00"),
            ("{:,}", json!(1234567), "1,234,567"),
            ("{:012,}", json!(1234567), "0,001,234,567"),
            ("{:_x}", json!(0xfffff), "f_ffff"),
            ("{:#x}", json!(255), "0xff"),
            ("{:+d}", json!(5), "+5"),
            ("{:%}", json!(0.5), "50.000000%"),
            ("{:.1%}", json!(0.5), "50.0%"),
            ("{:e}", json!(12345.678), "1.234568e+04"),
            ("{:g}", json!(0.1), "0.1"),
            ("{:.3}", json!(1234.5), "1.23e+03"),
            ("{:.5}", json!(1234.0), "1234.0"),
            ("{}", json!(1e16), "1e+16"),
            ("{:10}|", json!(1.5), "       1.5|"),
            ("{:>{w}}", json!("ab"), "    ab"),
            ("{!r}", json!("a"), "'a'"),
            ("{!s:>4}", json!(null), "None"),
            ("{0[a]}", json!({"a": 1}), "1"),
            ("{0[1]}", json!([4, 5]), "5"),
            ("{}", json!(true), "True"),
            ("{:d}", json!(true), "1"),
            ("{:05}", json!("ab"), "ab000"),
            ("{}", json!([1, "a"]), "[1, 'a']"),
            ("{:c}", json!(65), "A"),
        ] {
            assert_eq!(formatted(text, value.clone()), expected, "{text} {value}");
        }
    }

    #[test]
    fn mistakes() {
        for (text, value, expected) in [
            ("{", json!(1), "expected '}' before end of string"),
            ("}", json!(1), "Single '}' encountered in format string"),
            (
                "{} {} {}",
                json!(1),
                "Replacement index out of range for positional args tuple",
            ),
            (
                "{} {0}",
                json!(1),
                "cannot switch from automatic field numbering to manual field specification",
            ),
            (
                "{:d}",
                json!("a"),
                "Unknown format code 'd' for object of type 'str'",
            ),
            (
                "{:5}",
                json!([1]),
                "unsupported format string passed to list.__format__",
            ),
            ("{y}", json!(1), "'y': there is no such argument"),
            (
                "{:.1d}",
                json!(1),
                "Precision not allowed in integer format specifier",
            ),
        ] {
            assert_eq!(formatted(text, value.clone()), expected, "{text} {value}");
        }
    }

    #[test]
    fn results_are_bounded_before_they_are_made() {
        for text in [
            "{:>4000000000}",
            "{:9>4000000000}",
            "{:.1000000000f}",
            "{:99999999999999999999}",
        ] {
            let fields = Arguments(vec![json!(1.5)], json!({}));
            assert_eq!(
                format(text, &fields, 1000),
                Err(FormatError::TooLong),
                "{text}"
            );
        }
    }
}
