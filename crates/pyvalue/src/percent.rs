//! `format % arguments`.

use crate::spec::{
    Align, Bounded, FormatError, Notation, Padded, digits, float_digits, integer, invalid, real,
    sign,
};
use crate::{PyValue, View, type_name};

/// The right side of `%`.
pub enum Arguments<'a, V> {
    /// A tuple: its items are the arguments.
    Tuple(&'a [V]),
    /// Any other value: the only argument, or the dictionary that `%(key)s` looks into.
    Single(&'a V),
}

/// Returns `format % tuple(arguments)`, which may take so many bytes.
pub fn format<V: PyValue>(
    format: &str,
    arguments: &[V],
    room: usize,
) -> Result<String, FormatError> {
    format_with(format, &Arguments::Tuple(arguments), room)
}

/// Returns `format % arguments`, which may take so many bytes.
pub fn format_with<V: PyValue>(
    format: &str,
    arguments: &Arguments<'_, V>,
    room: usize,
) -> Result<String, FormatError> {
    let (items, is_mapping) = match *arguments {
        Arguments::Tuple(items) => (items, false),
        Arguments::Single(value) => {
            let is_mapping = matches!(value.view(), View::Dict(_) | View::Sequence(..));
            (std::slice::from_ref(value), is_mapping)
        }
    };
    let mut run = Run {
        out: Bounded::new(room),
        items,
        next: 0,
        dict: match arguments {
            Arguments::Single(value) if is_mapping => Some(value),
            _ => None,
        },
    };
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        run.out.push(&rest[..at])?;
        rest = run.conversion(&rest[at + 1..])?;
    }
    run.out.push(rest)?;
    if run.next < items.len() && !is_mapping {
        return Err(invalid(
            "not all arguments converted during string formatting",
        ));
    }
    Ok(run.out.text)
}

struct Run<'a, V> {
    out: Bounded,
    items: &'a [V],
    next: usize,
    dict: Option<&'a V>,
}

/// The flags, width and precision between `%` and the letter.
#[derive(Default)]
struct Spec {
    is_left: bool,
    has_plus: bool,
    has_space: bool,
    is_alternate: bool,
    has_zero: bool,
    width: usize,
    precision: Option<usize>,
}

impl Spec {
    fn positive(&self) -> &'static str {
        match (self.has_plus, self.has_space) {
            (true, _) => "+",
            (false, true) => " ",
            (false, false) => "",
        }
    }
}

impl<'a, V: PyValue> Run<'a, V> {
    fn argument(&mut self) -> Result<&'a V, FormatError> {
        let item = self.items.get(self.next);
        self.next += 1;
        item.ok_or_else(|| invalid("not enough arguments for format string"))
    }

    /// Converts one argument; returns what follows the conversion.
    fn conversion<'f>(&mut self, text: &'f str) -> Result<&'f str, FormatError> {
        let (key, mut rest) = key(text)?;
        let keyed = match key {
            Some(key) => Some(self.keyed(key)?),
            None => None,
        };
        let mut spec = Spec::default();
        while let Some(flag) = rest.chars().next() {
            match flag {
                '-' => spec.is_left = true,
                '+' => spec.has_plus = true,
                ' ' => spec.has_space = true,
                '#' => spec.is_alternate = true,
                '0' => spec.has_zero = true,
                _ => break,
            }
            rest = &rest[1..];
        }
        (spec.width, rest) = match self.star(rest)? {
            Some((width, rest)) => {
                spec.is_left |= width < 0;
                (
                    usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX),
                    rest,
                )
            }
            None => number(rest),
        };
        if let Some(after) = rest.strip_prefix('.') {
            let (precision, after) = match self.star(after)? {
                Some((precision, rest)) => (usize::try_from(precision).unwrap_or(0), rest),
                None => number(after),
            };
            spec.precision = Some(precision);
            rest = after;
        }
        rest = rest.strip_prefix(['h', 'l', 'L']).unwrap_or(rest);
        let letter = rest
            .chars()
            .next()
            .ok_or_else(|| invalid("incomplete format"))?;
        let wanted = spec.width.max(spec.precision.unwrap_or_default());
        self.out.reserve(wanted)?;
        if letter == '%' {
            self.out.push("%")?;
        } else {
            let value = match &keyed {
                Some(value) => value,
                None => self.argument()?,
            };
            self.convert(letter, &spec, value)?;
        }
        Ok(&rest[letter.len_utf8()..])
    }

    fn keyed(&self, key: &str) -> Result<V, FormatError> {
        let dict = self
            .dict
            .ok_or_else(|| invalid("format requires a mapping"))?;
        let found = dict.item(key);
        found.ok_or_else(|| invalid(format!("'{key}': there is no such key")))
    }

    /// A `*` in place of a number: the next argument is the number.
    fn star<'f>(&mut self, text: &'f str) -> Result<Option<(i128, &'f str)>, FormatError> {
        let Some(rest) = text.strip_prefix('*') else {
            return Ok(None);
        };
        let number = integer(self.argument()?).ok_or_else(|| invalid("* wants int"))?;
        Ok(Some((number, rest)))
    }

    fn convert(&mut self, letter: char, spec: &Spec, value: &V) -> Result<(), FormatError> {
        match letter {
            's' | 'r' | 'a' => {
                let mut text = self.out.text_of(value, letter != 's')?;
                if letter == 'a' {
                    text = ascii(&text);
                }
                if let Some(precision) = spec.precision {
                    text = text.chars().take(precision).collect();
                }
                self.pad(spec, "", "", &text, false)
            }
            'c' => {
                let text = character(value)?;
                self.pad(spec, "", "", &text, false)
            }
            'd' | 'i' | 'u' | 'o' | 'x' | 'X' => self.integer(letter, spec, value),
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
                let number = real(value)?;
                let notation = match letter {
                    'e' | 'E' => Notation::Exponent,
                    'f' | 'F' => Notation::Fixed,
                    _ => Notation::General,
                };
                let precision = spec.precision.unwrap_or(6);
                let mut digits = float_digits(number, notation, precision, spec.is_alternate);
                if letter.is_ascii_uppercase() {
                    digits.make_ascii_uppercase();
                }
                let sign = sign(number.is_sign_negative(), spec.positive());
                self.pad(spec, sign, "", &digits, number.is_finite())
            }
            _ => Err(invalid(format!("unsupported format character '{letter}'"))),
        }
    }

    fn integer(&mut self, letter: char, spec: &Spec, value: &V) -> Result<(), FormatError> {
        let is_decimal = matches!(letter, 'd' | 'i' | 'u');
        let (is_negative, mut digits) = match (integer(value), value.view()) {
            (Some(number), _) => {
                let radix = match letter {
                    'o' => 8,
                    'x' | 'X' => 16,
                    _ => 10,
                };
                (number < 0, digits(number, radix, letter == 'X'))
            }
            (None, View::Float(number)) if is_decimal && number.is_finite() => {
                (number <= -1.0, format!("{:.0}", number.trunc().abs()))
            }
            _ => {
                let wanted = if is_decimal {
                    "a real number"
                } else {
                    "an integer"
                };
                return Err(invalid(format!(
                    "%{letter} format: {wanted} is required, not {}",
                    type_name(value)
                )));
            }
        };
        if let Some(precision) = spec.precision {
            let missing = precision.saturating_sub(digits.len());
            digits.insert_str(0, &"0".repeat(missing));
        }
        let prefix = match letter {
            _ if !spec.is_alternate => "",
            'o' => "0o",
            'x' => "0x",
            'X' => "0X",
            _ => "",
        };
        self.pad(
            spec,
            sign(is_negative, spec.positive()),
            prefix,
            &digits,
            true,
        )
    }

    fn pad(
        &mut self,
        spec: &Spec,
        sign: &str,
        prefix: &str,
        digits: &str,
        is_number: bool,
    ) -> Result<(), FormatError> {
        let is_zeroed = is_number && spec.has_zero && !spec.is_left;
        self.out.pad(&Padded {
            sign,
            prefix,
            digits,
            width: spec.width,
            fill: if is_zeroed { '0' } else { ' ' },
            align: match (spec.is_left, is_zeroed) {
                (true, _) => Align::Left,
                (false, true) => Align::Inner,
                (false, false) => Align::Right,
            },
        })
    }
}

/// The key of `%(key)s`, which may have brackets of its own.
fn key(text: &str) -> Result<(Option<&str>, &str), FormatError> {
    let Some(inside) = text.strip_prefix('(') else {
        return Ok((None, text));
    };
    let mut depth = 1;
    for (at, c) in inside.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok((Some(&inside[..at]), &inside[at + 1..]));
        }
    }
    Err(invalid("incomplete format key"))
}

fn number(text: &str) -> (usize, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number = if end == 0 {
        0
    } else {
        text[..end].parse().unwrap_or(usize::MAX)
    };
    (number, &text[end..])
}

fn character<V: PyValue>(value: &V) -> Result<String, FormatError> {
    if let View::Str(text) = value.view() {
        let mut characters = text.chars();
        if let (Some(only), None) = (characters.next(), characters.next()) {
            return Ok(only.to_string());
        }
    }
    let code = integer(value).ok_or_else(|| invalid("%c requires int or char"))?;
    let character = u32::try_from(code).ok().and_then(char::from_u32);
    let character = character.ok_or_else(|| invalid("%c arg not in range(0x110000)"))?;
    Ok(character.to_string())
}

/// Returns `ascii` of what is a `repr` already.
fn ascii(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match u32::from(c) {
            0..=0x7f => out.push(c),
            code @ 0x80..=0xff => out.push_str(&format!("\\x{code:02x}")),
            code @ 0x100..=0xffff => out.push_str(&format!("\\u{code:04x}")),
            code => out.push_str(&format!("\\U{code:08x}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn percent(text: &str, value: &Value) -> String {
        match format_with(text, &Arguments::Single(value), 1000) {
            Ok(text) => text,
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn conversions() {
        // Expected values are CPython's.
        for (text, value, expected) in [
            ("%d", json!(3.7), "3"),
            ("%d", json!(-0.5), "0"),
            ("%05d|%%", json!(-42), "-0042|%"),
            ("%+d", json!(3), "+3"),
            ("% d", json!(3), " 3"),
            ("%-5d|", json!(3), "3    |"),
            ("%.3d", json!(7), "007"),
            ("%x", json!(255), "ff"),
            ("%#X", json!(255), "0XFF"),
            ("%o", json!(8), "10"),
            ("%c", json!(65), "A"),
            ("%r", json!("a"), "'a'"),
            ("%a", json!("é"), "'\\xe9'"),
            ("%s", json!(["a"]), "['a']"),
            ("%.2s|", json!("abc"), "ab|"),
            ("%5.1f|", json!(2.25), "  2.2|"),
            ("%e", json!(12345.678), "1.234568e+04"),
            ("%g", json!(0.00001), "1e-05"),
            ("%g", json!(100000), "100000"),
            ("%g", json!(1e6), "1e+06"),
            ("%#g", json!(1), "1.00000"),
            ("%(a)s-%(a)s", json!({"a": 1}), "1-1"),
            ("%(a(b))s", json!({"a(b)": 1}), "1"),
            ("abc", json!(["x"]), "abc"),
            ("%ld", json!(true), "1"),
        ] {
            assert_eq!(percent(text, &value), expected, "{text} {value}");
        }
        assert_eq!(
            format("%*d|%-*s|", &[json!(4), json!(7), json!(3), json!("x")], 99).unwrap(),
            "   7|x  |"
        );
    }

    #[test]
    fn mistakes() {
        for (text, value, expected) in [
            (
                "%d",
                json!("x"),
                "%d format: a real number is required, not str",
            ),
            (
                "%x",
                json!(1.5),
                "%x format: an integer is required, not float",
            ),
            (
                "abc",
                json!("x"),
                "not all arguments converted during string formatting",
            ),
            (
                "%s %s",
                json!("x"),
                "not enough arguments for format string",
            ),
            ("%(a)s", json!("x"), "format requires a mapping"),
            ("%(b)s", json!({}), "'b': there is no such key"),
            ("%y", json!(1), "unsupported format character 'y'"),
            ("%", json!(1), "incomplete format"),
            ("%(a", json!({}), "incomplete format key"),
        ] {
            assert_eq!(percent(text, &value), expected, "{text} {value}");
        }
    }

    #[test]
    fn results_are_bounded_before_they_are_made() {
        for text in [
            "%1000000000d",
            "%.1000000000f",
            "%.1000000000d",
            "%99999999999999999999999d",
            "%-1000000000s",
        ] {
            assert_eq!(
                format(text, &[json!(1)], 1000),
                Err(FormatError::TooLong),
                "{text}"
            );
        }
        assert_eq!(
            format("%s", &[json!("x".repeat(1001))], 1000),
            Err(FormatError::TooLong)
        );
        assert_eq!(format("%.2000f", &[json!(0.5)], 9999).unwrap().len(), 2002);
    }
}
