//! Further functions of strings: by position, and by pattern.

use crate::call::Call;
use crate::error::{Error, Result};
use crate::function::{
    ANY, Class, Default, Function, INT, Param, STR, Type, function, method, opt, or_null, p,
};
use crate::python;
use crate::value::Value;

const FLAG: Type = or_null(Class::Bool);
const OFF: Default = Default::Bool(false);

pub(super) const FUNCTIONS: &[Function] = &[
    method(
        "substring",
        &[
            p("string", STR),
            p("start", INT),
            opt("length", INT, Default::Int(-1)),
        ],
        substring,
    ),
    method("indexOf", FIND, |call| find(call, false)),
    method("indexOf", FIND_WITHIN, |call| find_within(call, false)),
    method("lastIndexOf", FIND, |call| find(call, true)),
    method("lastIndexOf", FIND_WITHIN, |call| find_within(call, true)),
    method("format", &[p("string", STR)], format)
        .rest(ANY)
        .any_name(),
    function(
        "characters",
        &[
            opt("digits", FLAG, OFF),
            opt("hexdigits", FLAG, OFF),
            opt("asciiLowercase", FLAG, OFF),
            opt("asciiUppercase", FLAG, OFF),
            opt("asciiLetters", FLAG, OFF),
            opt("letters", FLAG, OFF),
            opt("octdigits", FLAG, OFF),
            opt("punctuation", FLAG, OFF),
            opt("printable", FLAG, OFF),
            opt("lowercase", FLAG, OFF),
            opt("uppercase", FLAG, OFF),
            opt("whitespace", FLAG, OFF),
        ],
        characters,
    ),
];

const FIND: &[Param] = &[
    p("string", STR),
    p("sub", STR),
    opt("start", INT, Default::Int(0)),
];
const FIND_WITHIN: &[Param] = &[
    p("string", STR),
    p("sub", STR),
    p("start", INT),
    p("length", INT),
];

fn substring(call: &mut Call) -> Result<Value> {
    let text: Vec<char> = call.str(0)?.chars().collect();
    call.machine.spend(text.len())?;
    let length = i128::try_from(text.len()).unwrap_or(i128::MAX);
    let (mut start, mut count) = (call.int(1)?, call.int(2)?);
    if count < 0 {
        count = length;
    }
    if start < 0 {
        start = start.saturating_add(length);
    }
    let (start, stop) = python::slice(start, start.saturating_add(count), text.len());
    Ok(Value::str(text[start..stop].iter().collect::<String>()))
}

fn find(call: &Call, last: bool) -> Result<Value> {
    let text = call.str(0)?;
    position(
        call,
        call.int(2)?,
        i128::try_from(text.len()).unwrap_or(i128::MAX),
        last,
    )
}

fn find_within(call: &Call, last: bool) -> Result<Value> {
    let length = i128::try_from(call.str(0)?.chars().count()).unwrap_or(i128::MAX);
    let (mut start, mut count) = (call.int(2)?, call.int(3)?);
    if start < 0 {
        start = start.saturating_add(length);
    }
    if count < 0 {
        count = length.saturating_sub(start);
    }
    position(call, start, start.saturating_add(count), last)
}

/// Returns the index of the second string in this part of the first, or -1.
fn position(call: &Call, start: i128, stop: i128, last: bool) -> Result<Value> {
    let (text, wanted) = (call.str(0)?, call.str(1)?);
    call.machine.spend(text.len())?;
    let bytes: Vec<usize> = text
        .char_indices()
        .map(|(at, _)| at)
        .chain([text.len()])
        .collect();
    let length = bytes.len() - 1;
    let beyond = i128::try_from(length).is_ok_and(|length| start > length);
    let (from, to) = (
        slipway_pyvalue::number::bound(start, length),
        slipway_pyvalue::number::bound(stop, length),
    );
    if beyond || from > to {
        return Ok(Value::Int(-1));
    }
    let part = &text[bytes[from]..bytes[to]];
    let found = if last {
        part.rfind(&*wanted)
    } else {
        part.find(&*wanted)
    };
    Ok(found.map_or(Value::Int(-1), |at| {
        Value::count(from + part[..at].chars().count())
    }))
}

/// Fills `{}`, `{0}` and `{name}`. YAQL 3 dropped `format`, because Python's gives access to objects;
/// TripleO's templates use these forms alone.
fn format(call: &mut Call) -> Result<Value> {
    let (text, args) = (call.str(0)?, call.rest());
    call.machine.spend(text.len())?;
    let mut out = String::new();
    let mut next = 0;
    let mut rest = &*text;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            out.push_str(brace);
            rest = after;
            continue;
        }
        let field = rest.split_once('}').filter(|_| brace == "{");
        let Some((field, after)) = field else {
            return Err(Error::new(format!("a single `{brace}` in a format")));
        };
        rest = after;
        let value = if field.is_empty() {
            next += 1;
            args.get(next - 1).cloned()
        } else if let Ok(index) = field.parse::<usize>() {
            args.get(index).cloned()
        } else {
            call.keywords()
                .iter()
                .find(|(name, _)| **name == *field)
                .map(|(_, value)| value.clone())
        };
        let value = value.ok_or_else(|| {
            Error::new(format!(
                "the format has `{{{field}}}`, and nothing is given for it"
            ))
        })?;
        match value {
            // Numbers are written as Python writes them, not as YAQL does.
            Value::Null => out.push_str("None"),
            Value::Bool(value) => out.push_str(if value { "True" } else { "False" }),
            other => out.push_str(&python::text(&other, call.machine)?),
        }
    }
    out.push_str(rest);
    Ok(Value::str(out))
}

/// Returns each character once. Their order is undefined in Python.
fn characters(call: &mut Call) -> Result<Value> {
    const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
    const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    const WHITESPACE: &str = " \t\n\r\x0b\x0c";
    let kinds: [&[&str]; 12] = [
        &["0123456789"],
        &["0123456789abcdefABCDEF"],
        &[LOWER],
        &[UPPER],
        &[LOWER, UPPER],
        &[],
        &["01234567"],
        &[PUNCTUATION],
        &["0123456789", LOWER, UPPER, PUNCTUATION, WHITESPACE],
        &[],
        &[],
        &[WHITESPACE],
    ];
    let mut found = indexmap::IndexSet::new();
    for (index, kind) in kinds.into_iter().enumerate() {
        if !call.value(index).truth() {
            continue;
        }
        if kind.is_empty() {
            return Err(Error::new(
                "`letters`, `lowercase` and `uppercase` went with Python 2; there are `asciiLetters`, …",
            ));
        }
        found.extend(kind.iter().flat_map(|set| set.chars()));
    }
    Value::tuple(
        found
            .into_iter()
            .map(|c| Value::str(c.to_string()))
            .collect(),
    )
}
