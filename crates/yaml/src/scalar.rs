//! The values of plain scalars: by YAML 1.1 here, by YAML 1.2 in [`core`].

pub(crate) mod core;

use std::borrow::Cow;

use saphyr_parser::Tag;
use serde_json::Number;

use crate::node::Data;

/// Returns the value of a plain scalar without a tag.
pub(crate) fn resolve(text: Cow<'_, str>) -> Result<Data, &'static str> {
    match text.as_bytes().first() {
        None => return Ok(Data::Null),
        Some(b'~') if text.len() == 1 => return Ok(Data::Null),
        Some(b'0'..=b'9' | b'+' | b'-' | b'.') => {
            if let Some(number) = number_of(&text)? {
                return Ok(number);
            }
        }
        Some(b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'y' | b'Y' | b'o' | b'O') => {
            if let Some(value) = word(&text) {
                return Ok(value);
            }
        }
        Some(_) => {}
    }
    Ok(Data::Text(text.as_ref().into()))
}

fn number_of(text: &str) -> Result<Option<Data>, &'static str> {
    Ok(match integer(text)? {
        Some(number) => Some(number),
        None => match float(text) {
            Some(value) => Some(
                Number::from_f64(value)
                    .map(Data::Number)
                    .ok_or(NOT_FINITE)?,
            ),
            None => None,
        },
    })
}

const NOT_FINITE: &str = "this number is not finite; put it in quotes to make it a string";

/// Returns the value of a scalar with a tag.
pub(crate) fn tagged(text: Cow<'_, str>, tag: &Tag) -> Result<Data, &'static str> {
    if tag.handle == "!" && tag.suffix.is_empty() {
        return Ok(Data::Text(text.as_ref().into()));
    }
    if !tag.is_yaml_core_schema() {
        return Err(NO_MEANING);
    }
    match tag.suffix.as_str() {
        "str" | "timestamp" => Ok(Data::Text(text.as_ref().into())),
        "int" => integer(&text)?.ok_or("expected an integer"),
        "float" => number_of(&text)?.ok_or("expected a number"),
        "bool" => word(&text)
            .filter(|node| matches!(node, Data::Bool(_)))
            .ok_or("expected a boolean"),
        "null" => Ok(Data::Null),
        _ => Err(NO_MEANING),
    }
}

/// Refuses the tags that a list or a map may not have; `kind` is its own.
pub(crate) fn check_tag(tag: Option<&Tag>, kind: &str) -> Result<(), &'static str> {
    match tag {
        None => Ok(()),
        Some(tag) if tag.handle == "!" && tag.suffix.is_empty() => Ok(()),
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix == kind => Ok(()),
        Some(_) => Err(NO_MEANING),
    }
}

const NO_MEANING: &str = "unknown tag";

fn word(text: &str) -> Option<Data> {
    Some(match text {
        "null" | "Null" | "NULL" => Data::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Data::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Data::Bool(false)
        }
        _ => return None,
    })
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

/// Returns the integer that a scalar is, if it is one.
fn integer(text: &str) -> Result<Option<Data>, &'static str> {
    let (negative, digits) = split_sign(text);
    let magnitude = if let Some(binary) = digits.strip_prefix("0b") {
        radix(binary, 2)
    } else if let Some(hexadecimal) = digits.strip_prefix("0x") {
        radix(hexadecimal, 16)
    } else if digits == "0" {
        Ok(Some(0))
    } else if let Some(octal) = digits.strip_prefix('0') {
        radix(octal, 8)
    } else if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        Ok(None)
    } else if digits.contains(':') {
        sexagesimal(digits)
    } else {
        radix(digits, 10)
    };
    match magnitude? {
        None => Ok(None),
        Some(magnitude) if !negative => Ok(Some(Data::Number(magnitude.into()))),
        Some(magnitude) => match 0_i64.checked_sub_unsigned(magnitude) {
            Some(value) => Ok(Some(Data::Number(value.into()))),
            None => Err(TOO_LARGE),
        },
    }
}

const TOO_LARGE: &str = "this integer has more than 64 bits; put it in quotes to make it a string";

fn radix(digits: &str, base: u32) -> Result<Option<u64>, &'static str> {
    let fits = |digit: char| digit == '_' || digit.is_digit(base);
    if !digits.chars().all(fits) || !digits.contains(|c: char| c != '_') {
        return Ok(None);
    }
    let parsed = if digits.contains('_') {
        u64::from_str_radix(&digits.replace('_', ""), base)
    } else {
        u64::from_str_radix(digits, base)
    };
    parsed.map(Some).map_err(|_| TOO_LARGE)
}

/// Reads digits to the base of sixty, such as 1:30:00.
fn sexagesimal(digits: &str) -> Result<Option<u64>, &'static str> {
    let mut parts = digits.split(':');
    let first = parts.next().unwrap_or_default();
    if !first.starts_with(|c: char| ('1'..='9').contains(&c)) {
        return Ok(None);
    }
    let Some(mut value) = radix(first, 10)? else {
        return Ok(None);
    };
    let mut too_large = false;
    for part in parts {
        let Some(sixtieth) = part.parse::<u64>().ok().filter(|_| sixtieths(part)) else {
            return Ok(None);
        };
        match value
            .checked_mul(60)
            .and_then(|value| value.checked_add(sixtieth))
        {
            Some(next) => value = next,
            None => too_large = true,
        }
    }
    if too_large {
        Err(TOO_LARGE)
    } else {
        Ok(Some(value))
    }
}

fn sixtieths(part: &str) -> bool {
    match part.as_bytes() {
        [digit] => digit.is_ascii_digit(),
        [tens, ones] => (b'0'..=b'5').contains(tens) && ones.is_ascii_digit(),
        _ => false,
    }
}

fn float(text: &str) -> Option<f64> {
    let (negative, digits) = split_sign(text);
    let sign = if negative { -1.0 } else { 1.0 };
    if let ".inf" | ".Inf" | ".INF" = digits {
        return Some(sign * f64::INFINITY);
    }
    if let ".nan" | ".NaN" | ".NAN" = text {
        return Some(f64::NAN);
    }
    let (mantissa, exponent) = match digits.find(['e', 'E']) {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, ""),
    };
    let has_exponent = mantissa.len() < digits.len();
    let (_, exponent_digits) = split_sign(exponent);
    if has_exponent
        && (exponent_digits.len() == exponent.len()
            || exponent_digits.is_empty()
            || !exponent_digits.bytes().all(|b| b.is_ascii_digit()))
    {
        return None;
    }
    let (whole, fraction) = mantissa.split_once('.')?;
    let digit = |b: u8| b.is_ascii_digit() || b == b'_';
    if !fraction.bytes().all(digit) {
        return None;
    }
    if let Some((_, last)) = whole.rsplit_once(':') {
        if has_exponent || !sixtieths(last) {
            return None;
        }
        let whole = sexagesimal(whole).ok()??;
        let fraction: f64 = format!("0.{}", fraction.replace('_', "")).parse().ok()?;
        return Some(sign * (whole as f64 + fraction));
    }
    let starts_well = match whole.as_bytes().first() {
        Some(first) => first.is_ascii_digit() && whole.bytes().all(digit),
        // `.5`, which has no sign.
        None => {
            text.starts_with('.') && fraction.as_bytes().first().is_some_and(u8::is_ascii_digit)
        }
    };
    if !starts_well {
        return None;
    }
    let plain = digits.replace('_', "");
    plain.parse::<f64>().ok().map(|value| sign * value)
}
