//! The values of plain scalars by YAML 1.2's core schema.

use std::borrow::Cow;

use saphyr_parser::Tag;
use serde_json::Number;

use super::{NO_MEANING, NOT_FINITE, TOO_LARGE, split_sign};
use crate::node::Data;

/// Returns the value of a plain scalar without a tag.
pub(crate) fn resolve(text: Cow<'_, str>) -> Result<Data, &'static str> {
    if let Some(word) = word(&text) {
        return Ok(word);
    }
    if let Some(number) = number(&text)? {
        return Ok(number);
    }
    Ok(Data::Text(text.as_ref().into()))
}

/// Returns the value of a scalar with a tag.
pub(crate) fn tagged(text: Cow<'_, str>, tag: &Tag) -> Result<Data, &'static str> {
    if tag.handle == "!" && tag.suffix.is_empty() {
        return Ok(Data::Text(text.as_ref().into()));
    }
    if !tag.is_yaml_core_schema() {
        return Err(NO_MEANING);
    }
    match tag.suffix.as_str() {
        "str" => Ok(Data::Text(text.as_ref().into())),
        "int" => number(&text)?
            .filter(|data| matches!(data, Data::Number(number) if !number.is_f64()))
            .ok_or("expected an integer"),
        "float" => number(&text)?.ok_or("expected a number"),
        "bool" => word(&text)
            .filter(|data| matches!(data, Data::Bool(_)))
            .ok_or("expected a boolean"),
        "null" => Ok(Data::Null),
        _ => Err(NO_MEANING),
    }
}

fn word(text: &str) -> Option<Data> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Data::Null,
        "true" | "True" | "TRUE" => Data::Bool(true),
        "false" | "False" | "FALSE" => Data::Bool(false),
        _ => return None,
    })
}

fn number(text: &str) -> Result<Option<Data>, &'static str> {
    let begins_like_one = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.');
    if !text.starts_with(begins_like_one) {
        return Ok(None);
    }
    let (negative, digits) = split_sign(text);
    if digits.starts_with(['+', '-']) {
        return Ok(None);
    }
    for (prefix, base) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = digits.strip_prefix(prefix) {
            return integer(negative, digits, base);
        }
    }
    // `0644` is a string: to some it would be octal, to some decimal.
    let is_octal_of_old = digits.len() > 1
        && digits.starts_with('0')
        && digits[1..].bytes().all(|b| b.is_ascii_digit());
    if is_octal_of_old {
        return Ok(None);
    }
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        return integer(negative, digits, 10);
    }
    float(text)
}

fn integer(negative: bool, digits: &str, base: u32) -> Result<Option<Data>, &'static str> {
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
        return Ok(None);
    }
    let magnitude = u64::from_str_radix(digits, base).map_err(|_| TOO_LARGE)?;
    let number = if negative {
        Number::from(0_i64.checked_sub_unsigned(magnitude).ok_or(TOO_LARGE)?)
    } else {
        Number::from(magnitude)
    };
    Ok(Some(Data::Number(number)))
}

fn float(text: &str) -> Result<Option<Data>, &'static str> {
    let unsigned = text.trim_start_matches(['+', '-']);
    if matches!(
        unsigned,
        ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN"
    ) {
        return Err(NOT_FINITE);
    }
    let in_number = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-');
    if !text.bytes().all(in_number) {
        return Ok(None);
    }
    let value = text.parse::<f64>().ok().and_then(Number::from_f64);
    Ok(value.map(Data::Number))
}
