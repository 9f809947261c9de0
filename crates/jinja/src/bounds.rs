//! Bounds of what one template may take: all of them, in one place.
//!
//! minijinja counts steps, and the bytes of most values that it makes, against [`FUEL`]. What it does
//! not count is bounded here: formats with a width, the text of a list (one of a few names can be of
//! any length), comparisons, and what functions are given. Each is measured before it is made, so that
//! a mistake is an error and not an exhausted machine.

use std::cell::Cell;
use std::fmt::{self, Write};

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};
use slipway_pyvalue::FormatError;

use crate::syntax::tags::{Tag, tags};
use crate::syntax::tokens::Kind;
use crate::value::{Py, invalid};

/// The steps that one template may take, or [`BYTES`] of text for each. Kolla's largest take some
/// thousands.
pub const FUEL: u64 = 2_000_000;

/// The bytes of text that count as one step.
const BYTES: u64 = 64;

/// The most levels that lists and dictionaries may nest. Printing and comparing them takes stack.
pub(crate) const DEEPEST: usize = 100;

/// The most operators of one tag, and the most `elif` of one template. The parser takes stack for
/// each; Kolla's have nine and eleven at most.
const MOST_OPERATORS: usize = 500;

/// Returns the message for a template whose fuel is used up.
pub fn used_up() -> String {
    format!(
        "too much is done here: a loop that hardly ends, or text beyond {} MB",
        FUEL * BYTES / 1_000_000
    )
}

/// Returns the line of a template, from 1, that the parser might not come to the end of.
pub fn overgrown(source: &str) -> Option<usize> {
    let line = |at: usize| source[..at].matches('\n').count() + 1;
    let tags = tags(source);
    if let Some(start) = tags.unfinished
        && words(&source[start..]) > MOST_OPERATORS
    {
        return Some(line(start));
    }
    let crowded = tags
        .all
        .iter()
        .find(|tag| operators(source, tag) > MOST_OPERATORS);
    let alternatives = tags.all.iter().filter(|tag| tag.keyword(source) == "elif");
    let last = alternatives.map(|tag| tag.inner.start).nth(MOST_OPERATORS);
    crowded.map(|tag| tag.inner.start).or(last).map(line)
}

/// Returns the message for a template that is [`overgrown`].
pub fn too_many_operators(place: &str) -> String {
    format!("{place}: more than {MOST_OPERATORS} operators in one tag, or elif in one template")
}

/// Counts the words and signs of a tag that may put one expression into another.
fn operators(source: &str, tag: &Tag) -> usize {
    let is_operator = |kind: Kind, text: &str| match kind {
        Kind::Sign(sign) => "+-~|.([*/%".contains(&sign[..1]),
        Kind::Name => ["and", "or", "not", "if", "is", "in"].contains(&text),
        Kind::Integer | Kind::Float | Kind::Text => false,
    };
    let tokens = tag.tokens.iter();
    tokens
        .filter(|token| is_operator(token.kind, &source[token.at.clone()]))
        .count()
}

/// Counts the same in what is no tag.
fn words(text: &str) -> usize {
    let signs = text.matches(|c| "+-~|.([*/%".contains(c)).count();
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let is_operator = |word: &&str| ["and", "or", "not", "if", "is", "in"].contains(word);
    signs + words.filter(is_operator).count()
}

/// Returns the items of a list, each a step.
pub fn items(state: &State<'_, '_>, list: &Value) -> Result<Vec<Value>, Error> {
    let mut items = Vec::new();
    for item in list.try_iter()? {
        state.consume_fuel(1)?;
        items.push(item);
    }
    Ok(items)
}

/// Counts lists of so many items, searched so often.
pub fn searches(state: &State<'_, '_>, often: usize, items: usize) -> Result<(), Error> {
    state.consume_fuel(often as u64 * (1 + items as u64 / 8))
}

/// Returns the texts of a list's items.
pub fn texts(state: &State<'_, '_>, list: &Value) -> Result<Vec<String>, Error> {
    let mut texts = Vec::new();
    for item in list.try_iter()? {
        let text = text(state, &item)?;
        state.consume_fuel(1 + text.len() as u64 / BYTES)?;
        texts.push(text);
    }
    Ok(texts)
}

/// Returns `str(value)`.
pub fn text(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    written(state, value, |out| {
        slipway_pyvalue::repr::write_str(out, &Py(value.clone()))
    })
}

/// Returns `repr(value)`.
pub(crate) fn repr(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    written(state, value, |out| {
        slipway_pyvalue::repr::write_repr(out, &Py(value.clone()))
    })
}

/// Looks at a value and everything in it, and makes sure that it is not nested deeper than what can
/// be printed. A step for each item.
pub fn visit(
    state: &State<'_, '_>,
    value: &Value,
    look: &dyn Fn(&Value) -> Result<(), Error>,
) -> Result<(), Error> {
    inside(state, value, 0, look)
}

fn inside(
    state: &State<'_, '_>,
    value: &Value,
    depth: usize,
    look: &dyn Fn(&Value) -> Result<(), Error>,
) -> Result<(), Error> {
    look(value)?;
    let kind = value.kind();
    let is_generator = value
        .downcast_object_ref::<crate::value::generator::Generator>()
        .is_some();
    if is_generator || !matches!(kind, ValueKind::Seq | ValueKind::Iterable | ValueKind::Map) {
        return Ok(());
    }
    if depth == DEEPEST {
        return Err(invalid(format!(
            "lists or dictionaries are nested more than {DEEPEST} deep here, or hold themselves"
        )));
    }
    for item in value.try_iter()? {
        state.consume_fuel(1)?;
        let item = match kind {
            ValueKind::Map => value.get_item(&item)?,
            _ => item,
        };
        inside(state, &item, depth + 1, look)?;
    }
    Ok(())
}

/// Returns the written text, or an error if it is too long.
pub(crate) fn written(
    state: &State<'_, '_>,
    value: &Value,
    write: impl FnOnce(&mut Bounded) -> fmt::Result,
) -> Result<String, Error> {
    let room = room(state);
    if value.as_object().is_some() {
        // Before a letter of them is written.
        let letters = Cell::new(0_usize);
        visit(state, value, &|value| {
            let more = value.as_str().map_or(0, str::len);
            letters.set(letters.get().saturating_add(more));
            match letters.get() > room {
                true => Err(too_long("the text of this value")),
                false => Ok(()),
            }
        })?;
    }
    let mut out = Bounded {
        text: String::new(),
        room,
    };
    match write(&mut out) {
        Ok(()) => Ok(out.text),
        Err(fmt::Error) => Err(too_long("the text of this value")),
    }
}

/// A text with a maximum length.
pub(crate) struct Bounded {
    text: String,
    room: usize,
}

impl Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        self.room = self.room.checked_sub(more.len()).ok_or(fmt::Error)?;
        self.text.push_str(more);
        Ok(())
    }
}

/// Returns how many bytes of text may still be made.
pub(crate) fn room(state: &State<'_, '_>) -> usize {
    let (_, left) = state.fuel_levels().unwrap_or((0, FUEL));
    usize::try_from(left * BYTES).unwrap_or(usize::MAX)
}

/// Returns an error if a text of this length does not fit.
pub(crate) fn fits(state: &State<'_, '_>, length: usize, what: &str) -> Result<(), Error> {
    match length > room(state) {
        true => Err(too_long(what)),
        false => Ok(()),
    }
}

/// Returns the error of a format.
pub(crate) fn format_error(error: FormatError) -> Error {
    match error {
        FormatError::TooLong => too_long("what this format makes"),
        FormatError::Invalid(message) => invalid(message),
    }
}

pub(crate) fn too_long(what: &str) -> Error {
    invalid(format!(
        "{what} is too long: a template may make {} MB of text in all",
        FUEL * BYTES / 1_000_000
    ))
}
