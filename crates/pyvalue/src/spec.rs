//! Number formats and padding, for `%` and `str.format`.

use std::fmt;

use crate::{PyValue, View, type_name};

/// The error of a format string or of a value that does not fit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// The result is longer than the caller allows.
    TooLong,
    /// The format string is invalid, or a value does not fit it.
    Invalid(String),
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FormatError::TooLong => f.write_str("the formatted string is too long"),
            FormatError::Invalid(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for FormatError {}

pub(crate) fn invalid(message: impl Into<String>) -> FormatError {
    FormatError::Invalid(message.into())
}

/// The output of a format, which is bounded.
pub(crate) struct Bounded {
    pub text: String,
    pub room: usize,
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        self.room = self.room.checked_sub(more.len()).ok_or(fmt::Error)?;
        self.text.push_str(more);
        Ok(())
    }
}

impl Bounded {
    pub fn new(room: usize) -> Self {
        Bounded {
            text: String::new(),
            room,
        }
    }

    pub fn push(&mut self, more: &str) -> Result<(), FormatError> {
        fmt::Write::write_str(self, more).map_err(|fmt::Error| FormatError::TooLong)
    }

    /// Returns an error if this many more characters do not fit.
    pub fn reserve(&self, length: usize) -> Result<(), FormatError> {
        if length > self.room {
            return Err(FormatError::TooLong);
        }
        Ok(())
    }

    /// Adds a text between padding.
    pub fn pad(&mut self, text: &Padded<'_>) -> Result<(), FormatError> {
        let Padded {
            sign,
            prefix,
            digits,
            ..
        } = text;
        let length = sign.len() + prefix.len() + digits.chars().count();
        let missing = text.width.saturating_sub(length);
        self.reserve(missing.saturating_mul(text.fill.len_utf8()))?;
        let fill = |count: usize| text.fill.to_string().repeat(count);
        let (left, right) = match text.align {
            Align::Left => (0, missing),
            Align::Right | Align::Inner => (missing, 0),
            Align::Center => (missing / 2, missing - missing / 2),
        };
        match text.align {
            Align::Inner => {
                for part in [sign, prefix, fill(left).as_str(), digits] {
                    self.push(part)?;
                }
            }
            Align::Left | Align::Right | Align::Center => {
                for part in [fill(left).as_str(), sign, prefix, digits, &fill(right)] {
                    self.push(part)?;
                }
            }
        }
        Ok(())
    }

    /// Writes `str(value)` or `repr(value)`, as a string of its own that fits.
    pub fn text_of<V: PyValue>(&self, value: &V, is_repr: bool) -> Result<String, FormatError> {
        let mut out = Bounded::new(self.room);
        let written = match is_repr {
            true => crate::repr::write_repr(&mut out, value),
            false => crate::repr::write_str(&mut out, value),
        };
        written.map_err(|fmt::Error| FormatError::TooLong)?;
        Ok(out.text)
    }
}

/// A text and its place within a width.
pub(crate) struct Padded<'a> {
    pub sign: &'a str,
    pub prefix: &'a str,
    pub digits: &'a str,
    pub width: usize,
    pub fill: char,
    pub align: Align,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
    Center,
    /// Between the sign and the digits.
    Inner,
}

/// Returns the sign of a number, given what stands before positive ones.
pub(crate) fn sign(is_negative: bool, positive: &'static str) -> &'static str {
    if is_negative { "-" } else { positive }
}

/// Returns the integer that a value is, and `None` for values of other types.
pub(crate) fn integer<V: PyValue>(value: &V) -> Option<i128> {
    match value.view() {
        View::Bool(value) => Some(value.into()),
        View::Int(number) => Some(number),
        _ => None,
    }
}

/// Returns the float that a number is.
#[expect(clippy::cast_precision_loss, reason = "Python rounds as well")]
pub(crate) fn real<V: PyValue>(value: &V) -> Result<f64, FormatError> {
    match (value.view(), integer(value)) {
        (View::Float(number), _) => Ok(number),
        (_, Some(number)) => Ok(number as f64),
        _ => Err(invalid(format!(
            "must be real number, not {}",
            type_name(value)
        ))),
    }
}

/// Returns the digits of a number without its sign, in radix 2, 8, 10 or 16.
pub(crate) fn digits(number: i128, radix: u32, is_upper: bool) -> String {
    let number = number.unsigned_abs();
    match (radix, is_upper) {
        (2, _) => format!("{number:b}"),
        (8, _) => format!("{number:o}"),
        (16, true) => format!("{number:X}"),
        (16, false) => format!("{number:x}"),
        _ => number.to_string(),
    }
}

/// The forms that a float is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notation {
    /// `%f`
    Fixed,
    /// `%e`
    Exponent,
    /// `%g`
    General,
    /// A float without a type in `str.format`: as `%g`, with a digit after the point.
    Plain,
}

/// The most digits that a float has after its point.
const MOST_DIGITS: usize = 1100;

/// Returns the digits of a float without its sign. `is_alternate` keeps the point and zeros.
pub(crate) fn float_digits(
    number: f64,
    notation: Notation,
    precision: usize,
    is_alternate: bool,
) -> String {
    let number = number.abs();
    if !number.is_finite() {
        return if number.is_nan() { "nan" } else { "inf" }.to_owned();
    }
    match notation {
        Notation::Fixed => with_point(fixed(number, precision), is_alternate),
        Notation::Exponent => {
            let (mantissa, exponent) = scientific(number, precision);
            with_exponent(&with_point(mantissa, is_alternate), exponent)
        }
        Notation::General | Notation::Plain => {
            let precision = precision.max(1);
            let (mantissa, exponent) = scientific(number, precision - 1);
            let limit = i64::try_from(precision).unwrap_or(i64::MAX);
            // A plain float keeps a place for the digit after its point.
            let limit = if notation == Notation::Plain {
                limit - 1
            } else {
                limit
            };
            if exponent < -4 || exponent >= limit {
                let mantissa = trimmed(&mantissa, is_alternate);
                return with_exponent(&mantissa, exponent);
            }
            let after =
                usize::try_from(i64::try_from(precision).unwrap_or(i64::MAX) - 1 - exponent);
            let text = trimmed(&fixed(number, after.unwrap_or_default()), is_alternate);
            match notation {
                Notation::Plain if !text.contains('.') => text + ".0",
                _ => text,
            }
        }
    }
}

fn fixed(number: f64, precision: usize) -> String {
    let shown = precision.min(MOST_DIGITS);
    let mut text = format!("{number:.shown$}");
    text.extend(std::iter::repeat_n('0', precision - shown));
    text
}

fn scientific(number: f64, precision: usize) -> (String, i64) {
    let shown = precision.min(MOST_DIGITS);
    let text = format!("{number:.shown$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mut mantissa = mantissa.to_owned();
    mantissa.extend(std::iter::repeat_n('0', precision - shown));
    (mantissa, exponent.parse().unwrap_or_default())
}

fn with_exponent(mantissa: &str, exponent: i64) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

fn with_point(text: String, is_alternate: bool) -> String {
    if is_alternate && !text.contains('.') {
        return text + ".";
    }
    text
}

/// Removes zeros at the end, and a point that nothing follows.
fn trimmed(text: &str, is_alternate: bool) -> String {
    if is_alternate {
        return with_point(text.to_owned(), true);
    }
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    }
}
