//! How much one Dockerfile may take: all bounds, in one place.
//!
//! minijinja counts steps, and the bytes that most of its own operators and filters make, against
//! [`FUEL`]. What it does not count is bounded here: Python's methods, formats with a width,
//! a list's text (one of a few names can be of any length), and what our own functions are given.
//! Each is measured before it is made, so that a mistake is an error and not an exhausted machine.

use std::cell::Cell;
use std::fmt::{self, Write};

use minijinja::value::{Kwargs, Rest, StringInput, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, Output, State, Value, filters};

use super::scan::{Tag, matching_operand_end, tags_and_rest};

/// How much may be done for one Dockerfile: so many steps, or [`BYTES`] of text for each. Kolla's
/// largest take some thousands.
pub(super) const FUEL: u64 = 2_000_000;

/// The bytes of text that count as one step.
const BYTES: u64 = 64;

/// How deep lists and dictionaries may be nested. Printing and comparing them takes stack.
const DEEPEST: usize = 100;

/// How many operators one tag may have, and how many `elif` one template. The parser takes stack for
/// each; Kolla's have nine and eleven at most.
const MOST_OPERATORS: usize = 500;

/// The filter that passes on what has a text of bounded length.
const PRINTABLE: &str = "|_printable";

/// The filter that passes on what may be added to: lists that are added are copied sooner or later.
const ADDABLE: &str = "|_addable";

/// The filter that passes on what a comparison comes to the end of.
const COMPARABLE: &str = "|_comparable";

/// The filters that compare what is in what they are given.
const OF_COMPARISON: [&str; 6] = ["dictsort", "groupby", "max", "min", "sort", "unique"];

/// The filters that make a text of what they are given, whatever it is.
const OF_TEXT: [&str; 13] = [
    "capitalize",
    "e",
    "escape",
    "indent",
    "lower",
    "pprint",
    "replace",
    "safe",
    "string",
    "title",
    "trim",
    "upper",
    "urlencode",
];

/// Bounds what an environment's templates do.
pub(super) fn install(env: &mut Environment<'static>) {
    env.set_fuel(Some(FUEL));
    env.set_formatter(print);
    env.set_unknown_method_callback(method);
    env.add_filter("_printable", printable);
    env.add_filter("_addable", addable);
    env.add_filter("_comparable", comparable);
    tests(env);
    env.add_filter("format", format);
    env.add_filter("join", join);
    env.add_filter("pprint", pprint);
    env.add_filter("sum", sum);
    env.add_filter("tojson", tojson);
    // These are not Jinja2's.
    for filter in ["chain", "lines", "split", "zip"] {
        env.remove_filter(filter);
    }
}

/// What is said of a template whose fuel is used up.
pub(super) fn used_up() -> String {
    format!(
        "too much is done here: a loop that hardly ends, or text beyond {} MB",
        FUEL * BYTES / 1_000_000
    )
}

/// The line of a template, from 1, that the parser might not come to the end of.
pub(super) fn overgrown(source: &str) -> Option<usize> {
    let line = |at: usize| source[..at].matches('\n').count() + 1;
    let (tags, unfinished) = tags_and_rest(source);
    let alternatives = tags
        .iter()
        .filter(|tag| tag.is_statement && first_word(&source[tag.inner.clone()]) == "elif");
    let last = alternatives.map(|tag| tag.inner.start).nth(MOST_OPERATORS);
    let finished = tags.iter().map(|tag| (tag.inner.clone(), &*tag.strings));
    let rest = unfinished.map(|start| (start..source.len(), &[][..]));
    let mut all = finished.chain(rest);
    let crowded = all.find(|(inner, strings)| {
        let mut count = 0;
        let mut at = inner.start;
        for string in *strings {
            count += operators(&source[at..string.start]);
            at = string.end;
        }
        count + operators(&source[at..inner.end]) > MOST_OPERATORS
    });
    crowded.map(|(inner, _)| inner.start).or(last).map(line)
}

/// How many words and signs there are that may put one expression into another.
fn operators(text: &str) -> usize {
    let signs = text.matches(|c| "+-~|.([*/%".contains(c)).count();
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let is_operator = |word: &&str| ["and", "or", "not", "if", "is", "in"].contains(word);
    signs + words.filter(is_operator).count()
}

/// What is said of a template that is [`overgrown`].
pub(super) fn too_many_operators(place: &str) -> Error {
    invalid(format!(
        "{place}: more than {MOST_OPERATORS} operators in one tag, or elif in one template"
    ))
}

/// What belongs where in a tag: [`PRINTABLE`] at the operands of `~` and before filters of text,
/// [`ADDABLE`] at the operands of `+`, [`COMPARABLE`] behind what is compared with and before filters
/// that compare. One side of a comparison is enough: it ends where the smaller one does.
pub(super) fn guards(source: &str, tag: &Tag) -> Vec<(usize, &'static str)> {
    let is_in_string = |at: usize| tag.strings.iter().any(|string| string.contains(&at));
    let mut guards = Vec::new();
    for (offset, operator) in source[tag.inner.clone()].match_indices(['~', '+', '|']) {
        let at = tag.inner.start + offset;
        if is_in_string(at) {
            continue;
        }
        let guard = match operator {
            "~" => PRINTABLE,
            "+" if is_operand(&source[tag.inner.start..at]) => ADDABLE,
            "|" => {
                let filter = first_word(&source[at + 1..tag.inner.end]);
                if OF_TEXT.contains(&filter) {
                    guards.push((at, PRINTABLE));
                } else if OF_COMPARISON.contains(&filter) {
                    guards.push((at, COMPARABLE));
                }
                continue;
            }
            _ => continue,
        };
        guards.push((at, guard));
        let is_string = source[at + 1..].trim_start().starts_with(['"', '\'']);
        if !is_string && let Some(end) = matching_operand_end(source, at + 1, tag.inner.end) {
            guards.push((end, guard));
        }
    }
    let compared = comparisons(source, tag).into_iter();
    guards.extend(compared.map(|end| (end, COMPARABLE)));
    guards
}

/// Where what is compared with ends, at each comparison of a tag; literals, which are short, are
/// left out.
fn comparisons(source: &str, tag: &Tag) -> Vec<usize> {
    let inner = &source[tag.inner.clone()];
    let is_in_string = |at: usize| tag.strings.iter().any(|string| string.contains(&at));
    let before = |at: usize| source[..at].chars().next_back();
    let is_sign = |at: usize, sign: &str| match sign {
        "=" => before(at).is_some_and(|c| "=!<>".contains(c)),
        _ => !source[at + 1..].starts_with('='),
    };
    let signs = inner.match_indices(['=', '<', '>']);
    let signs = signs.map(|(offset, sign)| (tag.inner.start + offset, sign));
    let signs = signs.filter(|(at, sign)| is_sign(*at, sign));
    let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let is_word = |at: usize| {
        let after = source[at + 2..].chars().next();
        !before(at).is_some_and(is_of_word) && !after.is_some_and(is_of_word)
    };
    let words = inner.match_indices("in");
    let words = words.map(|(offset, word)| (tag.inner.start + offset, word));
    // The first of a loop is its own.
    let of_loop = usize::from(tag.is_statement && first_word(inner) == "for");
    let words = words.filter(|(at, _)| is_word(*at) && !is_in_string(*at));
    let operators = signs.chain(words.skip(of_loop));
    let ends = operators.filter_map(|(at, sign)| {
        let from = at + sign.len();
        let end = matching_operand_end(source, from, tag.inner.end)?;
        let mut names = source[from..end].char_indices();
        let has_name = names.any(|(at, c)| c.is_alphabetic() && !is_in_string(from + at));
        (has_name && !is_in_string(at)).then_some(end)
    });
    ends.collect()
}

/// Whether a text ends in an operand: not in another operator, nor in a number's `1e`.
fn is_operand(text: &str) -> bool {
    let last = text.trim_end().chars().next_back();
    let is_of_operand = |c: char| c.is_alphanumeric() || "_)]}\"'".contains(c);
    let is_exponent = text
        .strip_suffix(['e', 'E'])
        .is_some_and(|number| number.ends_with(|c: char| c.is_ascii_digit() || c == '.'));
    last.is_some_and(is_of_operand) && !is_exponent
}

fn first_word(text: &str) -> &str {
    let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let text = text.trim_start();
    text.split(|c| !is_of_word(c)).next().unwrap_or_default()
}

/// The items of a list, each a step.
pub(super) fn items(state: &State<'_, '_>, list: &Value) -> Result<Vec<Value>, Error> {
    let mut items = Vec::new();
    for item in list.try_iter()? {
        state.consume_fuel(1)?;
        items.push(item);
    }
    Ok(items)
}

/// Lists of so many items, searched so often.
pub(super) fn searches(state: &State<'_, '_>, often: usize, items: usize) -> Result<(), Error> {
    state.consume_fuel(often as u64 * (1 + items as u64 / 8))
}

/// The texts of a list's items.
pub(super) fn texts(state: &State<'_, '_>, list: &Value) -> Result<Vec<String>, Error> {
    let mut texts = Vec::new();
    for item in list.try_iter()? {
        let text = text(state, &item)?;
        state.consume_fuel(1 + text.len() as u64 / BYTES)?;
        texts.push(text);
    }
    Ok(texts)
}

/// A value's text.
pub(super) fn text(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    written(state, value, format_args!("{value}"))
}

/// Looks at a value and everything in it, and makes sure that it is not nested deeper than what can
/// be printed. A step for each item.
pub(super) fn visit(
    state: &State<'_, '_>,
    value: &Value,
    look: &dyn Fn(&Value) -> Result<(), Error>,
) -> Result<(), Error> {
    indents(state, value, 0, look).map(|_| ())
}

/// How often a value at this depth is indented when each of its items has its own line.
fn indents(
    state: &State<'_, '_>,
    value: &Value,
    depth: usize,
    look: &dyn Fn(&Value) -> Result<(), Error>,
) -> Result<usize, Error> {
    look(value)?;
    let kind = value.kind();
    if !matches!(kind, ValueKind::Seq | ValueKind::Iterable | ValueKind::Map) {
        return Ok(0);
    }
    if depth == DEEPEST {
        return Err(invalid(format!(
            "lists or dictionaries are nested more than {DEEPEST} deep here, or hold themselves"
        )));
    }
    let mut sum = depth;
    for item in value.try_iter()? {
        state.consume_fuel(1)?;
        let item = match kind {
            ValueKind::Map => value.get_item(&item)?,
            _ => item,
        };
        sum += depth + 1 + indents(state, &item, depth + 1, look)?;
    }
    Ok(sum)
}

/// What of a value is written, as long as there is room for it.
fn written(
    state: &State<'_, '_>,
    value: &Value,
    arguments: fmt::Arguments<'_>,
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
    let mut text = Bounded {
        text: String::new(),
        room,
    };
    match text.write_fmt(arguments) {
        Ok(()) => Ok(text.text),
        Err(fmt::Error) => Err(too_long("the text of this value")),
    }
}

/// A text that refuses what it has no room for.
struct Bounded {
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

/// The bytes of text that may still be made.
fn room(state: &State<'_, '_>) -> usize {
    let (_, left) = state.fuel_levels().unwrap_or((0, FUEL));
    usize::try_from(left * BYTES).unwrap_or(usize::MAX)
}

fn print(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.as_object().is_none() {
        return minijinja::escape_formatter(out, state, value);
    }
    let text = text(state, value)?;
    out.write_str(&text).map_err(Error::from)
}

fn printable(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    if value.as_object().is_some() {
        length(state, &value)?;
    }
    Ok(value)
}

fn addable(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    if value.as_object().is_some() {
        state.consume_fuel(value.len().unwrap_or_default() as u64 / 2)?;
    }
    Ok(value)
}

fn comparable(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    if value.as_object().is_some() {
        visit(state, &value, &|_| Ok(()))?;
    }
    Ok(value)
}

/// The names of a test, and what it says of two values.
type Comparison = (&'static [&'static str], fn(&Value, &Value) -> bool);

/// The tests that compare, as `select` and `is` have them.
fn tests(env: &mut Environment<'static>) {
    let compare: [Comparison; 6] = [
        (&["eq", "equalto", "=="], |a, b| a == b),
        (&["ne", "!="], |a, b| a != b),
        (&["lt", "lessthan", "<"], |a, b| a < b),
        (&["le", "<="], |a, b| a <= b),
        (&["gt", "greaterthan", ">"], |a, b| a > b),
        (&["ge", ">="], |a, b| a >= b),
    ];
    for (names, test) in compare {
        for name in names {
            env.add_test(*name, move |state: &State<'_, '_>, a: Value, b: Value| {
                comparable(state, b).map(|b| test(&a, &b))
            });
        }
    }
}

/// How long a value's text is.
fn length(state: &State<'_, '_>, value: &Value) -> Result<usize, Error> {
    match value.as_str() {
        Some(text) => Ok(text.len()),
        None => Ok(text(state, value)?.len()),
    }
}

/// Python's methods.
fn method(
    state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    if let Some(text) = value.as_str() {
        match method {
            "format" => {
                let widths = text.split('{').skip(1).map(|field| {
                    let field = field.split('}').next().unwrap_or_default();
                    let spec = field.split_once(':').map_or("", |(_, spec)| spec);
                    // The first letter may be any: what it fills with.
                    let fill = spec.split_once(['<', '>', '^', '=']);
                    numbers(fill.map_or(spec, |(_, spec)| spec))
                });
                formatted(state, text, widths, args)?;
            }
            "join" => {
                if let [list] = args {
                    joined(state, list, text.len())?;
                }
            }
            // The filter does the same, and counts.
            "replace" => {
                let mut all = vec![value.clone()];
                all.extend_from_slice(args);
                return state.apply_filter("replace", &all);
            }
            // Each piece is many times the size of the letter that may be all of it.
            "split" | "splitlines" => state.consume_fuel(text.len() as u64 / 8)?,
            _ => {}
        }
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args)
}

/// `"…" % (…)`, given the values of which Python makes the arguments.
pub(super) fn percent(
    state: &mut State<'_, '_>,
    format: &Value,
    args: Vec<ValueOrKwargs>,
) -> Result<Value, Error> {
    if let Some(text) = format.as_str() {
        let text = text.replace("%%", "");
        let fields = text.split('%').skip(1);
        let widths = fields.map(|field| {
            let spec = field.strip_prefix('(').and_then(|key| key.split_once(')'));
            numbers(spec.map_or(field, |(_, spec)| spec))
        });
        let values: Vec<Value> = args.iter().map(|arg| arg.clone().into_value()).collect();
        formatted(state, &text, widths, &values)?;
    }
    filters::format(state, format, Rest(args))
}

fn format(
    state: &mut State<'_, '_>,
    format: &Value,
    args: Rest<ValueOrKwargs>,
) -> Result<Value, Error> {
    percent(state, format, args.0)
}

/// Width and precision together, of what follows a `%` or the `:` of a field.
fn numbers(spec: &str) -> usize {
    let is_of_spec = |c: char| c.is_ascii_digit() || "#-+ .,_".contains(c);
    let end = spec.find(|c| !is_of_spec(c)).unwrap_or(spec.len());
    let digits = spec[..end].split(|c: char| !c.is_ascii_digit());
    let numbers = digits.filter(|digits| !digits.is_empty());
    numbers.fold(0, |sum: usize, digits| {
        sum.saturating_add(digits.parse().unwrap_or(usize::MAX))
    })
}

/// Makes sure that there is room for a format whose fields have these widths, should each be
/// filled with the longest of the values.
fn formatted(
    state: &State<'_, '_>,
    format: &str,
    widths: impl Iterator<Item = usize>,
    values: &[Value],
) -> Result<(), Error> {
    let mut longest = 0;
    for value in values {
        longest = longest.max(length(state, value)?);
    }
    let (mut fields, mut padding) = (0_usize, 0_usize);
    for width in widths {
        fields += 1;
        padding = padding.saturating_add(width);
    }
    let most = fields.saturating_mul(longest).saturating_add(padding);
    match most.saturating_add(format.len()) > room(state) {
        true => Err(too_long("what this format makes")),
        false => Ok(()),
    }
}

fn join(
    state: &mut State<'_, '_>,
    list: &Value,
    joiner: Option<&Value>,
    attribute: Option<&str>,
    named: Kwargs,
) -> Result<Value, Error> {
    let joiner = match joiner {
        Some(joiner) => Some(joiner.clone()),
        None => named.get::<Option<Value>>("d")?,
    };
    let width = joiner.as_ref().map(|joiner| length(state, joiner));
    joined(state, list, width.transpose()?.unwrap_or_default())?;
    let joiner = joiner
        .as_ref()
        .map(|joiner| StringInput::new(state, joiner));
    filters::join(state, list, joiner.transpose()?, attribute, named)
}

/// Makes sure that there is room for a list's items with so much between each two.
fn joined(state: &State<'_, '_>, list: &Value, joiner: usize) -> Result<(), Error> {
    let Ok(items) = list.try_iter() else {
        // It is refused where it is joined.
        return Ok(());
    };
    let mut sum = 0_usize;
    for item in items {
        state.consume_fuel(1)?;
        sum = sum
            .saturating_add(length(state, &item)?)
            .saturating_add(joiner);
        if sum.saturating_sub(joiner) > room(state) {
            return Err(too_long("what is joined"));
        }
    }
    Ok(())
}

fn pprint(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    written(state, value, format_args!("{value:#?}"))
}

fn sum(
    state: &State<'_, '_>,
    values: Value,
    attribute: Option<&str>,
    start: Option<Value>,
    named: Kwargs,
) -> Result<Value, Error> {
    let start = match start {
        Some(start) => Some(start),
        None => named.get::<Option<Value>>("start")?,
    };
    if start.as_ref().is_some_and(|start| start.as_str().is_some()) {
        return Err(invalid("sum adds no texts: join does".to_owned()));
    }
    // Lists are copied as often as one is added to them.
    if start
        .as_ref()
        .is_some_and(|start| start.as_object().is_some())
    {
        let mut copied = 0;
        for value in values.try_iter()? {
            copied += value.len().unwrap_or_default() as u64;
            state.consume_fuel(1 + copied / 2)?;
        }
    }
    filters::sum(state, values, attribute, start, named)
}

fn tojson(
    state: &State<'_, '_>,
    value: &Value,
    indent: Option<Value>,
    named: Kwargs,
) -> Result<Value, Error> {
    let indent = match indent {
        Some(indent) => Some(indent),
        None => named.get::<Option<Value>>("indent")?,
    };
    // A character is at most six bytes, as in \u003c.
    let most = length(state, value)?.saturating_mul(6);
    let width = indent.as_ref().and_then(Value::as_usize).unwrap_or(2);
    let indented = indents(state, value, 0, &|_| Ok(()))?.saturating_mul(width);
    if indent.is_some() && most.saturating_add(indented) > room(state) {
        return Err(too_long("this indented JSON"));
    }
    let json = filters::tojson(value, indent, named)?;
    state.consume_fuel(length(state, &json)? as u64 / 4)?;
    Ok(json)
}

fn too_long(what: &str) -> Error {
    invalid(format!(
        "{what} is too long: a Dockerfile may take {} MB of text in all",
        FUEL * BYTES / 1_000_000
    ))
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}
