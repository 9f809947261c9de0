//! Functions of strings: split, join, search. Positions count characters.

use std::sync::Arc;

use crate::call::Call;
use crate::error::{Error, Result};
use crate::function::{
    BOOL, Class, Default, Function, INT, ITERABLE, MAP, Param, STR, Type, both, function, method,
    opt, or_null, p,
};
use crate::iterate::{self, Cursor};
use crate::python;
use crate::value::Value;
use slipway_pyvalue::text::is_space;

const STR_OR_NULL: Type = or_null(Class::Str);

macro_rules! compare {
    ($name:literal, $operator:tt) => {
        function($name, &[p("left", STR), p("right", STR)], |call| Ok(Value::Bool(call.str(0)? $operator call.str(1)?)))
    };
}

pub(super) const FUNCTIONS: &[Function] = &[
    compare!("#operator_>", >),
    compare!("#operator_<", <),
    compare!("#operator_>=", >=),
    compare!("#operator_<=", <=),
    function("#operator_in", &[p("left", STR), p("right", STR)], |call| {
        call.machine.spend(call.str(1)?.len())?;
        Ok(Value::Bool(call.str(1)?.contains(&*call.str(0)?)))
    }),
    function("concat", &[], concat).rest(STR),
    function("#operator_+", &[], concat).rest(STR),
    function("#operator_*", &[p("left", STR), p("right", INT)], |call| {
        repeat(call, 0, 1)
    }),
    function("#operator_*", &[p("left", INT), p("right", STR)], |call| {
        repeat(call, 1, 0)
    }),
    both("len", &[p("string", STR)], |call| {
        Ok(Value::count(call.str(0)?.chars().count()))
    }),
    method("toUpper", &[p("string", STR)], |call| {
        text(call, |text| text.to_uppercase())
    }),
    method("toLower", &[p("string", STR)], |call| {
        text(call, |text| text.to_lowercase())
    }),
    method("split", SPLIT, |call| split(call, false)),
    method("rightSplit", SPLIT, |call| split(call, true)),
    method(
        "join",
        &[p("sequence", ITERABLE), p("separator", STR)],
        |call| join(call, 0, 1),
    ),
    method(
        "join",
        &[p("separator", STR), p("sequence", ITERABLE)],
        |call| join(call, 1, 0),
    ),
    method("trim", TRIM, |call| strip(call, true, true).map(Value::Str)),
    method("trimLeft", TRIM, |call| {
        strip(call, true, false).map(Value::Str)
    }),
    method("trimRight", TRIM, |call| {
        strip(call, false, true).map(Value::Str)
    }),
    both(
        "norm",
        &[
            p("string", STR_OR_NULL),
            opt("chars", STR_OR_NULL, Default::Null),
        ],
        norm,
    ),
    both(
        "isEmpty",
        &[
            p("string", STR_OR_NULL),
            opt("trim", BOOL, Default::Bool(true)),
            opt("chars", STR_OR_NULL, Default::Null),
        ],
        is_empty,
    ),
    method(
        "replace",
        &[
            p("string", STR),
            p("old", STR),
            p("new", STR),
            opt("count", INT, Default::Int(-1)),
        ],
        |call| {
            replaced(
                call,
                &call.str(0)?,
                &call.str(1)?,
                &call.str(2)?,
                call.int(3)?,
            )
            .map(Value::Str)
        },
    ),
    method(
        "replace",
        &[
            p("string", STR),
            p("replacements", MAP),
            opt("count", INT, Default::Int(-1)),
        ],
        replace_all,
    ),
    method("startsWith", &[p("string", STR)], |call| {
        affix(call, |text, part| text.starts_with(part))
    })
    .rest(STR),
    method("endsWith", &[p("string", STR)], |call| {
        affix(call, |text, part| text.ends_with(part))
    })
    .rest(STR),
    method("toCharArray", &[p("string", STR)], |call| {
        let text = call.value(0);
        Value::tuple(iterate::items(&text, call.machine)?)
    }),
];

const SPLIT: &[Param] = &[
    p("string", STR),
    opt("separator", STR_OR_NULL, Default::Null),
    opt("maxSplits", INT, Default::Int(-1)),
];
const TRIM: &[Param] = &[p("string", STR), opt("chars", STR_OR_NULL, Default::Null)];

fn text(call: &Call, change: fn(&str) -> String) -> Result<Value> {
    let text = call.str(0)?;
    call.machine.spend(text.len())?;
    Ok(Value::str(change(&text)))
}

fn concat(call: &mut Call) -> Result<Value> {
    let parts = call.rest();
    call.machine.spend(parts.iter().map(Value::size).sum())?;
    let mut out = String::new();
    for part in parts {
        if let Value::Str(part) = part {
            out.push_str(&part);
        }
    }
    Ok(Value::str(out))
}

fn repeat(call: &Call, string: usize, times: usize) -> Result<Value> {
    let string = call.str(string)?;
    let times = usize::try_from(call.int(times)?.max(0)).unwrap_or(usize::MAX);
    call.machine.spend(string.len().saturating_mul(times))?;
    Ok(Value::str(string.repeat(times)))
}

fn join(call: &Call, sequence: usize, separator: usize) -> Result<Value> {
    let separator = call.str(separator)?;
    let mut out = String::new();
    let mut items: Cursor = call.cursor(sequence)?;
    let mut first = true;
    while let Some(item) = items.next(call.machine)? {
        if !first {
            call.machine.spend(separator.len())?;
            out.push_str(&separator);
        }
        first = false;
        out.push_str(&python::text(&item, call.machine)?);
    }
    Ok(Value::str(out))
}

fn split(call: &Call, from_right: bool) -> Result<Value> {
    let (string, separator) = (call.str(0)?, call.opt_str(1)?);
    call.machine.spend(string.len())?;
    let parts = usize::try_from(call.int(2)?).map_or(usize::MAX, |splits| splits.saturating_add(1));
    let mut pieces: Vec<&str> = match &separator {
        Some(separator) if separator.is_empty() => {
            return Err(Error::new("the separator is empty"));
        }
        Some(separator) if from_right => string.rsplitn(parts, &**separator).collect(),
        Some(separator) => string.splitn(parts, &**separator).collect(),
        None => words(&string, parts, from_right),
    };
    if from_right {
        pieces.reverse();
    }
    Value::list(pieces.into_iter().map(Value::str).collect())
}

/// Splits at whitespace as Python does: whitespace at the ends is dropped, that inside the last part is kept.
fn words(string: &str, parts: usize, from_right: bool) -> Vec<&str> {
    let trim = |rest: &'_ str| -> usize {
        if from_right {
            rest.trim_end_matches(is_space).len()
        } else {
            rest.len() - rest.trim_start_matches(is_space).len()
        }
    };
    let mut found = Vec::new();
    let mut rest = string;
    loop {
        let at = trim(rest);
        rest = if from_right { &rest[..at] } else { &rest[at..] };
        if rest.is_empty() {
            return found;
        }
        if found.len() + 1 >= parts {
            found.push(rest);
            return found;
        }
        let (word, left) = if from_right {
            let start = rest.rfind(is_space).map_or(0, |at| {
                at + rest[at..].chars().next().map_or(0, char::len_utf8)
            });
            (&rest[start..], &rest[..start])
        } else {
            rest.split_at(rest.find(is_space).unwrap_or(rest.len()))
        };
        found.push(word);
        rest = left;
    }
}

fn strip(call: &Call, left: bool, right: bool) -> Result<Arc<str>> {
    let (string, chars) = (call.str(0)?, call.opt_str(1)?);
    call.machine.spend(
        string
            .len()
            .saturating_mul(chars.as_ref().map_or(1, |chars| chars.len() + 1)),
    )?;
    Ok(stripped(&string, chars.as_deref(), left, right).into())
}

fn stripped<'a>(mut string: &'a str, chars: Option<&str>, left: bool, right: bool) -> &'a str {
    let unwanted = |c: char| chars.map_or_else(|| is_space(c), |chars| chars.contains(c));
    if left {
        string = string.trim_start_matches(unwanted);
    }
    if right {
        string = string.trim_end_matches(unwanted);
    }
    string
}

fn norm(call: &mut Call) -> Result<Value> {
    let Some(string) = call.opt_str(0)? else {
        return Ok(Value::Null);
    };
    let text = stripped(&string, call.opt_str(1)?.as_deref(), true, true);
    Ok(if text.is_empty() {
        Value::Null
    } else {
        Value::str(text)
    })
}

fn is_empty(call: &mut Call) -> Result<Value> {
    let Some(string) = call.opt_str(0)? else {
        return Ok(Value::Bool(true));
    };
    let chars = call.opt_str(2)?;
    let text = if call.value(1).truth() {
        stripped(&string, chars.as_deref(), true, true)
    } else {
        &*string
    };
    Ok(Value::Bool(text.is_empty()))
}

fn replaced(call: &Call, string: &str, old: &str, new: &str, count: i128) -> Result<Arc<str>> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    call.machine.spend(string.len())?;
    let found = string.matches(old).take(count).count();
    call.machine.spend(found.saturating_mul(new.len()))?;
    Ok(string.replacen(old, new, count).into())
}

fn replace_all(call: &mut Call) -> Result<Value> {
    let mut string = call.str(0)?;
    for (old, new) in &call.map(1)?.entries {
        let (old, new) = (
            python::text(old, call.machine)?,
            python::text(new, call.machine)?,
        );
        string = replaced(call, &string, &old, &new, call.int(2)?)?;
    }
    Ok(Value::Str(string))
}

fn affix(call: &Call, has: fn(&str, &str) -> bool) -> Result<Value> {
    let string = call.str(0)?;
    let is_affix = |part: &Value| matches!(part, Value::Str(part) if has(&string, part));
    Ok(Value::Bool(call.rest().iter().any(is_affix)))
}
