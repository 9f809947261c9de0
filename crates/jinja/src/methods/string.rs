//! Methods of strings.

use minijinja::value::{Tuple, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};
use slipway_pyvalue::text::{self as py, Justify};

use super::format::{Formatted, finish_format, formatted};
use super::names::StringMethod;
use crate::arguments::bind;
use crate::bounds;
use crate::value::{Py, integer, invalid, iterate, texts, tuple, type_name};

/// Calls a method of a string.
pub(super) fn call(
    state: &State<'_, '_>,
    text: &str,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    let trim = |start: bool, end: bool| -> Result<Value, Error> {
        let [characters] = bind(method, args, ["chars"])?;
        let characters = match characters.filter(|value| !value.is_none()) {
            Some(characters) => Some(string_of(&characters, method)?.chars().collect::<Vec<_>>()),
            None => None,
        };
        let is_cut = |c: char| match &characters {
            Some(characters) => characters.contains(&c),
            None => py::is_space(c),
        };
        let mut rest = text;
        if start {
            rest = rest.trim_start_matches(is_cut);
        }
        if end {
            rest = rest.trim_end_matches(is_cut);
        }
        Ok(Value::from(rest))
    };
    let all = |is_it: fn(char) -> bool| {
        no_arguments(method, args)?;
        Ok(Value::from(!text.is_empty() && text.chars().all(is_it)))
    };
    let converted = |result: String| {
        no_arguments(method, args)?;
        Ok(Value::from(result))
    };
    match StringMethod::by_name(method).ok_or(ErrorKind::UnknownMethod)? {
        StringMethod::Upper => converted(text.to_uppercase()),
        StringMethod::Lower => converted(text.to_lowercase()),
        StringMethod::Title => converted(py::title(text)),
        StringMethod::Capitalize => converted(py::capitalize(text)),
        StringMethod::Swapcase => converted(py::swapcase(text)),
        StringMethod::Casefold => converted(py::casefold(text)),
        StringMethod::Strip => trim(true, true),
        StringMethod::Lstrip => trim(true, false),
        StringMethod::Rstrip => trim(false, true),
        StringMethod::Split | StringMethod::Rsplit => splitting(state, text, method, args),
        StringMethod::Splitlines => {
            let [keep_ends] = bind(method, args, ["keepends"])?;
            Ok(texts(py::splitlines(
                text,
                keep_ends.is_some_and(|keep| keep.is_true()),
            )))
        }
        StringMethod::Partition | StringMethod::Rpartition => partition(text, method, args),
        StringMethod::Join => {
            let [items] = bind(method, args, ["iterable"])?;
            join(state, text, &items.unwrap_or_default())
        }
        StringMethod::Replace => {
            let [old, new, count] = bind(method, args, ["old", "new", "count"])?;
            let (Some(old), Some(new)) = (old, new) else {
                return Err(invalid("replace needs an old and a new string"));
            };
            let (old, new) = (string_of(&old, method)?, string_of(&new, method)?);
            let count = count.as_ref().and_then(integer).unwrap_or(-1);
            replace(state, text, old, new, count).map(Value::from)
        }
        StringMethod::Format => formatted(state, text, args),
        StringMethod::FormatMap => {
            let [mapping] = bind(method, args, ["mapping"])?;
            let fields = Formatted {
                positional: &[],
                named: mapping.unwrap_or_default(),
            };
            finish_format(state, text, &fields)
        }
        StringMethod::Startswith => affix(text, method, args, |text, part| text.starts_with(part)),
        StringMethod::Endswith => affix(text, method, args, |text, part| text.ends_with(part)),
        StringMethod::Removeprefix | StringMethod::Removesuffix => {
            let part = bind(method, args, ["prefix"])?[0]
                .take()
                .unwrap_or_default();
            let part = string_of(&part, method)?;
            let rest = match method {
                "removeprefix" => text.strip_prefix(part),
                _ => text.strip_suffix(part),
            };
            Ok(Value::from(rest.unwrap_or(text)))
        }
        StringMethod::Find | StringMethod::Rfind | StringMethod::Index | StringMethod::Rindex => {
            find(text, method, args)
        }
        StringMethod::Count => {
            let (part, range, _) = section(text, method, args)?;
            let part = string_of(&part, method)?.to_owned();
            let count = match part.as_str() {
                "" => range.chars().count() + 1,
                part => range.matches(part).count(),
            };
            Ok(Value::from(count))
        }
        StringMethod::Ljust => justified(state, text, Justify::Left, method, args),
        StringMethod::Rjust => justified(state, text, Justify::Right, method, args),
        StringMethod::Center => justified(state, text, Justify::Center, method, args),
        StringMethod::Zfill => {
            let [width] = bind(method, args, ["width"])?;
            let width = size(width.as_ref(), method)?;
            bounds::fits(state, width, "this padded string")?;
            Ok(Value::from(py::zfill(text, width)))
        }
        StringMethod::Expandtabs => {
            let [tab] = bind(method, args, ["tabsize"])?;
            let tab = match tab {
                Some(tab) => size(Some(&tab), method)?,
                None => 8,
            };
            let tabs = text.matches('\t').count();
            bounds::fits(
                state,
                tabs.saturating_mul(tab),
                "this string with tabs expanded",
            )?;
            Ok(Value::from(py::expandtabs(text, tab)))
        }
        StringMethod::Encode => Ok(Value::from_bytes(text.as_bytes().to_vec())),
        StringMethod::Translate => {
            let [table] = bind(method, args, ["table"])?;
            translate(text, &table.unwrap_or_default())
        }
        StringMethod::Isdigit => all(|c| c.is_ascii_digit() || (!c.is_ascii() && is_digit(c))),
        StringMethod::Isdecimal => all(|c| c.is_ascii_digit() || (!c.is_ascii() && is_decimal(c))),
        StringMethod::Isnumeric => all(char::is_numeric),
        StringMethod::Isalpha => all(char::is_alphabetic),
        StringMethod::Isalnum => all(char::is_alphanumeric),
        StringMethod::Isspace => all(py::is_space),
        StringMethod::Isascii => Ok(Value::from(text.is_ascii())),
        StringMethod::Isupper => Ok(Value::from(py::is_all(
            text,
            char::is_uppercase,
            char::is_lowercase,
        ))),
        StringMethod::Islower => Ok(Value::from(py::is_all(
            text,
            char::is_lowercase,
            char::is_uppercase,
        ))),
        StringMethod::Istitle => Ok(Value::from(py::is_title(text))),
        StringMethod::Isidentifier => Ok(Value::from(py::is_identifier(text))),
        StringMethod::Isprintable => {
            let quoted = slipway_pyvalue::repr(&Py(Value::from(text)));
            let is_plain = |c: char| c == '\\' || c == '\'';
            let escapes = quoted.matches(is_plain).count();
            Ok(Value::from(escapes == text.matches(is_plain).count() + 2))
        }
    }
}

/// Superscript digits are digits, but no decimals.
fn is_digit(c: char) -> bool {
    is_decimal(c)
        || matches!(c, '\u{b2}' | '\u{b3}' | '\u{b9}' | '\u{2070}'..='\u{2079}' | '\u{2080}'..='\u{2089}')
}

/// Digits of other scripts come in runs of ten.
fn is_decimal(c: char) -> bool {
    c.is_numeric()
        && !c.is_alphabetic()
        && {
            let code = u32::from(c);
            matches!(code, 0x660..=0x669 | 0x6f0..=0x6f9 | 0x7c0..=0x7c9 | 0x966..=0x96f | 0xff10..=0xff19)
        }
}

fn no_arguments(method: &str, args: &[Value]) -> Result<(), Error> {
    match args {
        [] => Ok(()),
        _ => Err(invalid(format!("{method} takes no arguments"))),
    }
}

fn string_of<'v>(value: &'v Value, method: &str) -> Result<&'v str, Error> {
    let wrong = || invalid(format!("{method} needs a string, not {}", type_name(value)));
    match value.kind() {
        ValueKind::String => value.as_str().ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

fn size(value: Option<&Value>, method: &str) -> Result<usize, Error> {
    let number = value.and_then(integer);
    let number = number.ok_or_else(|| invalid(format!("{method} needs an integer")))?;
    Ok(usize::try_from(number.max(0)).unwrap_or(usize::MAX))
}

fn splitting(
    state: &State<'_, '_>,
    text: &str,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    let [separator, limit] = bind(method, args, ["sep", "maxsplit"])?;
    let limit = limit.as_ref().and_then(integer).unwrap_or(-1);
    let limit = usize::try_from(limit).ok();
    let from_end = method == "rsplit";
    // Each piece is many times the size of the letter that may be all of it.
    state.consume_fuel(text.len() as u64 / 8)?;
    let pieces = match separator.filter(|separator| !separator.is_none()) {
        None if from_end => py::rsplit_whitespace(text, limit),
        None => py::split_whitespace(text, limit),
        Some(separator) => match string_of(&separator, method)? {
            "" => return Err(invalid("empty separator")),
            separator if from_end => py::rsplit(text, separator, limit),
            separator => py::split(text, separator, limit),
        },
    };
    Ok(texts(pieces))
}

fn partition(text: &str, method: &str, args: &[Value]) -> Result<Value, Error> {
    let [separator] = bind(method, args, ["sep"])?;
    let separator = separator.unwrap_or_default();
    let separator = match string_of(&separator, method)? {
        "" => return Err(invalid("empty separator")),
        separator => separator,
    };
    let (found, missing) = match method {
        "partition" => (text.split_once(separator), [text, "", ""]),
        _ => (text.rsplit_once(separator), ["", "", text]),
    };
    let parts = match found {
        Some((before, after)) => [before, separator, after],
        None => missing,
    };
    Ok(tuple(parts.into_iter().map(Value::from).collect()))
}

fn join(state: &State<'_, '_>, separator: &str, items: &Value) -> Result<Value, Error> {
    let mut out = String::new();
    for (index, item) in iterate(state, items)?.iter().enumerate() {
        let text = string_of(item, "join")?;
        let length = out.len() + separator.len() + text.len();
        bounds::fits(
            state,
            length.saturating_sub(separator.len()),
            "what is joined",
        )?;
        if index > 0 {
            out.push_str(separator);
        }
        out.push_str(text);
    }
    Ok(Value::from(out))
}

/// Returns `text.replace(old, new, count)`.
pub(crate) fn replace(
    state: &State<'_, '_>,
    text: &str,
    old: &str,
    new: &str,
    count: i128,
) -> Result<String, Error> {
    let found = match old {
        "" => text.chars().count() + 1,
        old => text.matches(old).count(),
    };
    let count = usize::try_from(count).unwrap_or(found).min(found);
    let length = count.saturating_mul(new.len()).saturating_add(text.len());
    state.consume_fuel(length as u64 / 64)?;
    bounds::fits(state, length, "what is replaced here")?;
    Ok(text.replacen(old, new, count))
}

fn affix(
    text: &str,
    method: &str,
    args: &[Value],
    has: fn(&str, &str) -> bool,
) -> Result<Value, Error> {
    let (parts, range, _) = section(text, method, args)?;
    if let Some(tuple) = parts.downcast_object_ref::<Tuple>() {
        let mut found = false;
        for part in tuple.iter() {
            found |= has(range, string_of(part, method)?);
        }
        return Ok(Value::from(found));
    }
    Ok(Value::from(has(range, string_of(&parts, method)?)))
}

fn find(text: &str, method: &str, args: &[Value]) -> Result<Value, Error> {
    let (part, range, before) = section(text, method, args)?;
    let part = string_of(&part, method)?;
    let at = match method {
        "find" | "index" => range.find(part),
        _ => range.rfind(part),
    };
    match at {
        Some(at) => Ok(Value::from(before + range[..at].chars().count())),
        None if method.ends_with("index") => Err(invalid("substring not found")),
        None => Ok(Value::from(-1)),
    }
}

/// Returns the string to find, the part of the text between the optional bounds, and the number of
/// characters before that part.
fn section<'t>(
    text: &'t str,
    method: &str,
    args: &[Value],
) -> Result<(Value, &'t str, usize), Error> {
    let [part, start, end] = bind(method, args, ["sub", "start", "end"])?;
    let part = part.ok_or_else(|| invalid(format!("{method} needs a string")))?;
    let length = text.chars().count();
    let place = |bound: Option<Value>, default: usize| {
        let number = bound.as_ref().and_then(integer);
        number.map_or(default, |number| {
            slipway_pyvalue::number::bound(number, length)
        })
    };
    let (start, end) = (place(start, 0), place(end, length));
    let byte = |place: usize| {
        text.char_indices()
            .nth(place)
            .map_or(text.len(), |(at, _)| at)
    };
    let range = text
        .get(byte(start)..byte(end.max(start)))
        .unwrap_or_default();
    Ok((part, range, start))
}

fn justified(
    state: &State<'_, '_>,
    text: &str,
    justify: Justify,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    let [width, fill] = bind(method, args, ["width", "fillchar"])?;
    let width = size(width.as_ref(), method)?;
    let fill = match &fill {
        Some(fill) => {
            let mut characters = string_of(fill, method)?.chars();
            match (characters.next(), characters.next()) {
                (Some(fill), None) => fill,
                _ => {
                    return Err(invalid(
                        "the fill character must be exactly one character long",
                    ));
                }
            }
        }
        None => ' ',
    };
    bounds::fits(
        state,
        width.saturating_mul(fill.len_utf8()),
        "this padded string",
    )?;
    Ok(Value::from(py::justify(text, justify, width, fill)))
}

fn translate(text: &str, table: &Value) -> Result<Value, Error> {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let found = table.get_item(&Value::from(u32::from(c)))?;
        match (found.as_str(), integer(&found)) {
            (Some(text), _) => out.push_str(text),
            (_, Some(code)) => out.extend(u32::try_from(code).ok().and_then(char::from_u32)),
            _ if found.is_none() => {}
            _ => out.push(c),
        }
    }
    Ok(Value::from(out))
}
