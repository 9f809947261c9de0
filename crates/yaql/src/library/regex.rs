//! Regular expressions, as Python's `re` has them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use indexmap::IndexMap;
use slipway_pyregex::{Captures, Flags, MatchError, PatternError, Regex, shortened};

use crate::call::{Call, Lambda};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::function::{
    CONTEXT_LAMBDA, Class, Default, Function, INT, REGEX, STR, Type, function, method, opt,
    or_null, p,
};
use crate::iterate;
use crate::machine::Machine;
use crate::value::{Pattern, Value};

const FLAG: Type = or_null(Class::Bool);
const OFF: Default = Default::Bool(false);

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "regex",
        &[
            p("pattern", STR),
            opt("ignoreCase", FLAG, OFF),
            opt("multiLine", FLAG, OFF),
            opt("dotAll", FLAG, OFF),
        ],
        regex,
    ),
    method("matches", &[p("regexp", REGEX), p("string", STR)], |call| {
        matches(&*call.regex(0)?, call, 1, true)
    }),
    method("matches", &[p("string", STR), p("regexp", STR)], |call| {
        matches(&compiled(call, 1)?, call, 0, true)
    }),
    function(
        "#operator_=~",
        &[p("string", STR), p("regexp", REGEX)],
        |call| matches(&*call.regex(1)?, call, 0, true),
    ),
    function(
        "#operator_=~",
        &[p("string", STR), p("pattern", STR)],
        |call| matches(&compiled(call, 1)?, call, 0, true),
    ),
    function(
        "#operator_!~",
        &[p("string", STR), p("regexp", REGEX)],
        |call| matches(&*call.regex(1)?, call, 0, false),
    ),
    function(
        "#operator_!~",
        &[p("string", STR), p("pattern", STR)],
        |call| matches(&compiled(call, 1)?, call, 0, false),
    ),
    method(
        "search",
        &[
            p("regexp", REGEX),
            p("string", STR),
            opt("selector", CONTEXT_LAMBDA, Default::Null),
        ],
        search,
    ),
    method(
        "searchAll",
        &[
            p("regexp", REGEX),
            p("string", STR),
            opt("selector", CONTEXT_LAMBDA, Default::Null),
        ],
        search_all,
    ),
    method(
        "split",
        &[
            p("regexp", REGEX),
            p("string", STR),
            opt("maxSplit", INT, Default::Int(0)),
        ],
        |call| split(call, 0, 1),
    ),
    method(
        "split",
        &[
            p("string", STR),
            p("regexp", REGEX),
            opt("maxSplit", INT, Default::Int(0)),
        ],
        |call| split(call, 1, 0),
    ),
    method(
        "replace",
        &[
            p("regexp", REGEX),
            p("string", STR),
            p("repl", STR),
            opt("count", INT, Default::Int(0)),
        ],
        |call| replace(call, 0, 1),
    ),
    method(
        "replace",
        &[
            p("string", STR),
            p("regexp", REGEX),
            p("repl", STR),
            opt("count", INT, Default::Int(0)),
        ],
        |call| replace(call, 1, 0),
    ),
    method(
        "replaceBy",
        &[
            p("regexp", REGEX),
            p("string", STR),
            p("repl", CONTEXT_LAMBDA),
            opt("count", INT, Default::Int(0)),
        ],
        |call| replace_by(call, 0, 1),
    ),
    method(
        "replaceBy",
        &[
            p("string", STR),
            p("regexp", REGEX),
            p("repl", CONTEXT_LAMBDA),
            opt("count", INT, Default::Int(0)),
        ],
        |call| replace_by(call, 1, 0),
    ),
];

fn regex(call: &mut Call) -> Result<Value> {
    let flags = Flags {
        ignore_case: call.value(1).truth(),
        multi_line: call.value(2).truth(),
        dot_all: call.value(3).truth(),
    };
    Ok(Value::Regex(Rc::new(compile(
        call.machine,
        &call.str(0)?,
        flags,
    )?)))
}

fn compiled(call: &Call, index: usize) -> Result<Pattern> {
    compile(call.machine, &call.str(index)?, Flags::default())
}

/// The cost of compiling a pattern, in steps, besides its length.
const COMPILING: usize = 2000;

fn compile(machine: &Machine, pattern: &str, flags: Flags) -> Result<Pattern> {
    machine.spend(pattern.len().saturating_mul(50).saturating_add(COMPILING))?;
    let source = format!("{}/{pattern}", flags.letters());
    let regex = cached(&source, pattern, flags).map_err(|error| {
        let shown = shortened(pattern);
        Error::new(format!(
            "the regular expression `{shown}` cannot be read: {error}"
        ))
    })?;
    Ok(Pattern { source, regex })
}

/// The number of regular expressions that each thread keeps.
const KEPT: usize = 16;

/// Compiles a regular expression, or takes it from those compiled last: most templates share theirs with
/// the template before.
fn cached(source: &str, pattern: &str, flags: Flags) -> Result<Regex, PatternError> {
    thread_local! {
        static KNOWN: RefCell<HashMap<String, Regex>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        if let Some(regex) = known.get(source) {
            return Ok(regex.clone());
        }
        let regex = slipway_pyregex::compile_with(pattern, flags)?;
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(source.to_owned(), regex.clone());
        Ok(regex)
    })
}

fn matches(pattern: &Pattern, call: &Call, string: usize, wanted: bool) -> Result<Value> {
    let string = call.str(string)?;
    call.machine.spend(string.len())?;
    let found = pattern.regex.is_match(&string).map_err(too_hard)?;
    Ok(Value::Bool(found == wanted))
}

fn too_hard(error: MatchError) -> Error {
    Error::new(format!("the regular expression cannot be matched: {error}"))
}

/// Returns the first match at or after a position.
fn captures<'t>(
    machine: &Machine,
    regex: &Regex,
    text: &'t str,
    from: usize,
) -> Result<Option<Captures<'t>>> {
    machine.spend(text.len() - from + 1)?;
    regex.captures_from_pos(text, from).map_err(too_hard)
}

/// Iterates over all matches, as Python does: an empty match may directly follow another one.
struct Matches {
    at: usize,
    last_empty: Option<usize>,
}

impl Matches {
    fn new() -> Self {
        Matches {
            at: 0,
            last_empty: None,
        }
    }

    fn next<'t>(
        &mut self,
        machine: &Machine,
        regex: &Regex,
        text: &'t str,
    ) -> Result<Option<Captures<'t>>> {
        while self.at <= text.len() {
            let Some(found) = captures(machine, regex, text, self.at)? else {
                break;
            };
            let Some(whole) = found.get(0) else { break };
            if whole.start() == whole.end() && self.last_empty == Some(whole.start()) {
                // The same empty match: search from the next character on.
                self.at =
                    whole.end() + text[whole.end()..].chars().next().map_or(1, char::len_utf8);
                self.last_empty = None;
                continue;
            }
            self.at = whole.end();
            self.last_empty = (whole.start() == whole.end()).then_some(whole.end());
            return Ok(Some(found));
        }
        self.at = text.len() + 1;
        Ok(None)
    }
}

fn group(found: &Captures, index: usize) -> Value {
    found
        .get(index)
        .map_or(Value::Null, |part| Value::str(part.as_str()))
}

/// Sets `$` to the match, and `$2`, `$3`, … to its groups.
fn publish(context: &Context, regex: &Regex, text: &str, found: &Captures) -> Result<()> {
    if regex.capture_names().any(|name| name.is_some()) {
        return Err(Error::new(
            "a selector cannot be used with groups that have names",
        ));
    }
    let position = |at: usize| Value::count(text[..at].chars().count());
    for index in 0..found.len() {
        let part = found.get(index);
        let place = |at: Option<usize>| at.map_or(Value::Int(-1), position);
        let entries = IndexMap::from_iter([
            (Value::str("value"), group(found, index)),
            (Value::str("start"), place(part.map(|part| part.start()))),
            (Value::str("end"), place(part.map(|part| part.end()))),
        ]);
        context.set((index + 1).to_string().into(), Value::map(entries, false)?)?;
    }
    Ok(())
}

/// Returns the value of a match: its text, or the selector's result.
fn selected(
    machine: &Machine,
    context: &Context,
    selector: Option<&Lambda>,
    pattern: &Pattern,
    text: &str,
    found: &Captures,
) -> Result<Value> {
    let Some(selector) = selector else {
        return Ok(group(found, 0));
    };
    machine.spend(text.len())?;
    let context = context.child()?;
    publish(&context, &pattern.regex, text, found)?;
    selector.call_in(machine, &context)
}

fn search(call: &mut Call) -> Result<Value> {
    let (pattern, text) = (call.regex(0)?, call.str(1)?);
    match captures(call.machine, &pattern.regex, &text, 0)? {
        Some(found) => selected(
            call.machine,
            &call.context,
            call.opt_lambda(2).as_ref(),
            &pattern,
            &text,
            &found,
        ),
        None => Ok(Value::Null),
    }
}

fn search_all(call: &mut Call) -> Result<Value> {
    let (pattern, text, selector, context) = (
        call.regex(0)?,
        call.str(1)?,
        call.opt_lambda(2),
        call.context.clone(),
    );
    let mut matches = Matches::new();
    iterate::iter([context.depth()], move |machine| {
        match matches.next(machine, &pattern.regex, &text)? {
            Some(found) => selected(
                machine,
                &context,
                selector.as_ref(),
                &pattern,
                &text,
                &found,
            )
            .map(Some),
            None => Ok(None),
        }
    })
}

/// The parts between matches, and the groups of each match.
fn split(call: &Call, regexp: usize, string: usize) -> Result<Value> {
    let (pattern, text, limit) = (call.regex(regexp)?, call.str(string)?, call.int(2)?);
    let mut parts = Vec::new();
    let mut from = 0;
    let mut matches = Matches::new();
    let mut count = 0;
    if limit >= 0 {
        while limit == 0 || count < limit {
            let Some(found) = matches.next(call.machine, &pattern.regex, &text)? else {
                break;
            };
            let Some(whole) = found.get(0) else { break };
            parts.push(Value::str(&text[from..whole.start()]));
            parts.extend((1..found.len()).map(|index| group(&found, index)));
            from = whole.end();
            count += 1;
        }
    }
    parts.push(Value::str(&text[from..]));
    Value::list(parts)
}

fn replace(call: &Call, regexp: usize, string: usize) -> Result<Value> {
    let template = Template::parse(&call.str(2)?, &call.regex(regexp)?.regex)?;
    substitute(call, regexp, string, |found, out| {
        for part in &template.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Group(index) => {
                    out.push_str(found.get(*index).map_or("", |part| part.as_str()))
                }
            }
        }
        Ok(())
    })
}

fn replace_by(call: &Call, regexp: usize, string: usize) -> Result<Value> {
    let (pattern, text, replacement) = (call.regex(regexp)?, call.str(string)?, call.lambda(2)?);
    substitute(call, regexp, string, |found, out| {
        match selected(
            call.machine,
            &call.context,
            Some(&replacement),
            &pattern,
            &text,
            found,
        )? {
            Value::Str(text) => out.push_str(&text),
            other => {
                return Err(Error::new(format!(
                    "the replacement is {}, not a string",
                    other.kind()
                )));
            }
        }
        Ok(())
    })
}

fn substitute(
    call: &Call,
    regexp: usize,
    string: usize,
    mut replacement: impl FnMut(&Captures, &mut String) -> Result<()>,
) -> Result<Value> {
    let (pattern, text, limit) = (call.regex(regexp)?, call.str(string)?, call.int(3)?);
    let mut out = String::new();
    let mut from = 0;
    let mut matches = Matches::new();
    let mut count = 0;
    while limit == 0 || count < limit {
        let Some(found) = matches.next(call.machine, &pattern.regex, &text)? else {
            break;
        };
        let Some(whole) = found.get(0) else { break };
        out.push_str(&text[from..whole.start()]);
        let before = out.len();
        replacement(&found, &mut out)?;
        call.machine.spend(out.len() - before)?;
        from = whole.end();
        count += 1;
    }
    out.push_str(&text[from..]);
    Ok(Value::str(out))
}

/// Expands a replacement as Python does: text, and groups by `\1` or `\g<name>`.
struct Template(Vec<Part>);

enum Part {
    Text(String),
    Group(usize),
}

impl Template {
    fn parse(template: &str, regex: &Regex) -> Result<Self> {
        let bad = |escape: &str| Error::new(format!("`\\{escape}` in a replacement is no group"));
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = template;
        while let Some(at) = rest.find('\\') {
            text.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let Some(kind) = rest.chars().next() else {
                return Err(bad(""));
            };
            let mut group = None;
            if kind == 'g' {
                let name = rest[1..]
                    .strip_prefix('<')
                    .and_then(|name| name.split_once('>'));
                let (name, after) = name.ok_or_else(|| bad("g"))?;
                group = Some(
                    (name.parse().ok())
                        .or_else(|| regex.capture_names().position(|known| known == Some(name)))
                        .ok_or_else(|| bad(&format!("g<{name}>")))?,
                );
                rest = after;
            } else if kind == '0' {
                let octal: String = rest.chars().take(3).take_while(|c| c.is_digit(8)).collect();
                let code = u32::from_str_radix(&octal, 8).ok().and_then(char::from_u32);
                text.push(code.ok_or_else(|| bad(&octal))?);
                rest = &rest[octal.len()..];
            } else if kind.is_ascii_digit() {
                let octal: String = rest.chars().take(3).take_while(|c| c.is_digit(8)).collect();
                if octal.len() == 3 {
                    let code = u32::from_str_radix(&octal, 8)
                        .ok()
                        .filter(|code| *code < 256)
                        .and_then(char::from_u32);
                    text.push(code.ok_or_else(|| bad(&octal))?);
                    rest = &rest[3..];
                } else {
                    let digits: String = rest
                        .chars()
                        .take(2)
                        .take_while(char::is_ascii_digit)
                        .collect();
                    group = Some(digits.parse().map_err(|_| bad(&digits))?);
                    rest = &rest[digits.len()..];
                }
            } else {
                match "abfnrtv\\".find(kind) {
                    Some(index) => text.extend("\x07\x08\x0c\n\r\t\x0b\\".chars().nth(index)),
                    None if kind.is_ascii_alphabetic() => return Err(bad(&kind.to_string())),
                    None => text.extend(['\\', kind]),
                }
                rest = &rest[kind.len_utf8()..];
            }
            if let Some(index) = group {
                if index >= regex.captures_len() {
                    return Err(bad(&index.to_string()));
                }
                parts.push(Part::Text(std::mem::take(&mut text)));
                parts.push(Part::Group(index));
            }
        }
        text.push_str(rest);
        parts.push(Part::Text(text));
        Ok(Template(parts))
    }
}

/// Python's `re.escape`.
pub(super) fn escape(call: &mut Call) -> Result<Value> {
    let text = call.str(0)?;
    call.machine.spend(text.len())?;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "()[]{}?*+-|^$\\.&~# \t\n\r\x0b\x0c".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    Ok(Value::str(out))
}
