//! What a plain scalar means in YAML 1.1.

use std::borrow::Cow;

use saphyr_parser::Tag;
use serde_json::{Number, Value};

/// The value of a plain scalar without a tag.
pub(super) fn resolve(text: Cow<'_, str>) -> Value {
    match text.as_bytes().first() {
        None => return Value::Null,
        Some(b'~') if text.len() == 1 => return Value::Null,
        Some(b'0'..=b'9' | b'+' | b'-' | b'.') => {
            if let Some(number) = integer(&text).or_else(|| float(&text)) {
                return number;
            }
        }
        Some(b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'y' | b'Y' | b'o' | b'O') => {
            if let Some(value) = word(&text) {
                return value;
            }
        }
        Some(_) => {}
    }
    Value::String(text.into_owned())
}

/// The value of a scalar with a tag.
pub(super) fn tagged(text: Cow<'_, str>, tag: &Tag) -> Result<Value, &'static str> {
    if tag.handle == "!" && tag.suffix.is_empty() {
        return Ok(Value::String(text.into_owned()));
    }
    if !tag.is_yaml_core_schema() {
        return Err("this tag means nothing here");
    }
    match tag.suffix.as_str() {
        "str" | "timestamp" => Ok(Value::String(text.into_owned())),
        "int" => integer(&text).ok_or("this is no integer"),
        "float" => float(&text)
            .or_else(|| integer(&text))
            .ok_or("this is no number"),
        "bool" => word(&text)
            .filter(Value::is_boolean)
            .ok_or("this is no boolean"),
        "null" => Ok(Value::Null),
        _ => Err("this tag means nothing here"),
    }
}

fn word(text: &str) -> Option<Value> {
    Some(match text {
        "null" | "Null" | "NULL" => Value::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Value::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Value::Bool(false)
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

fn integer(text: &str) -> Option<Value> {
    let (negative, digits) = split_sign(text);
    let magnitude = if let Some(binary) = digits.strip_prefix("0b") {
        radix(binary, 2)?
    } else if let Some(hexadecimal) = digits.strip_prefix("0x") {
        radix(hexadecimal, 16)?
    } else if digits == "0" {
        0
    } else if let Some(octal) = digits.strip_prefix('0') {
        radix(octal, 8)?
    } else if digits.contains(':') {
        sexagesimal(digits)?
    } else {
        if !digits.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        match radix(digits, 10) {
            Some(value) => value,
            // Too large for an integer here.
            None if digits.bytes().all(|b| b.is_ascii_digit()) => {
                return text.parse().ok().and_then(number);
            }
            None => return None,
        }
    };
    signed(negative, magnitude)
}

fn signed(negative: bool, magnitude: u64) -> Option<Value> {
    if !negative {
        return Some(Value::from(magnitude));
    }
    match 0_i64.checked_sub_unsigned(magnitude) {
        Some(value) => Some(Value::from(value)),
        None => number(-(magnitude as f64)),
    }
}

fn radix(digits: &str, base: u32) -> Option<u64> {
    if !digits
        .chars()
        .all(|digit| digit == '_' || digit.is_digit(base))
    {
        return None;
    }
    if digits.contains('_') {
        return u64::from_str_radix(&digits.replace('_', ""), base).ok();
    }
    u64::from_str_radix(digits, base).ok()
}

/// 1:30:00, in sixtieths.
fn sexagesimal(digits: &str) -> Option<u64> {
    let mut parts = digits.split(':');
    let first = parts.next()?;
    if !first.starts_with(|c: char| ('1'..='9').contains(&c)) {
        return None;
    }
    let mut value = radix(first, 10)?;
    for part in parts {
        if !sixtieths(part) {
            return None;
        }
        value = value.checked_mul(60)?.checked_add(radix(part, 10)?)?;
    }
    Some(value)
}

fn sixtieths(part: &str) -> bool {
    match part.as_bytes() {
        [digit] => digit.is_ascii_digit(),
        [tens, ones] => (b'0'..=b'5').contains(tens) && ones.is_ascii_digit(),
        _ => false,
    }
}

fn float(text: &str) -> Option<Value> {
    let (negative, digits) = split_sign(text);
    let sign = if negative { -1.0 } else { 1.0 };
    if let ".inf" | ".Inf" | ".INF" = digits {
        return number(sign * f64::INFINITY);
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
        let whole = sexagesimal(whole)?;
        let fraction: f64 = format!("0.{}", fraction.replace('_', "")).parse().ok()?;
        return number(sign * (whole as f64 + fraction));
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
    plain
        .parse::<f64>()
        .ok()
        .and_then(|value| number(sign * value))
}

fn number(value: f64) -> Option<Value> {
    // Infinity is nothing that JSON could hold.
    Some(Number::from_f64(value).map_or(Value::Null, Value::Number))
}
