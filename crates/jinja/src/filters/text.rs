//! Filters of strings. What they are applied to is made a string first.

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};
use slipway_pyvalue::text as py;

use super::Filter;
use crate::arguments::{bind, split};
use crate::value::{dict, integer, invalid, is_sequence, type_name};
use crate::{bounds, methods, operators};

pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("capitalize", |state, args| {
        Ok(Value::from(py::capitalize(&text(
            state,
            "capitalize",
            args,
        )?)))
    }),
    ("center", center),
    ("e", escape),
    ("escape", escape),
    ("forceescape", escape),
    ("format", format),
    ("indent", indent),
    ("lower", |state, args| {
        Ok(Value::from(text(state, "lower", args)?.to_lowercase()))
    }),
    ("pprint", pprint),
    ("replace", replace),
    ("safe", |state, args| {
        Ok(Value::from_safe_string(text(state, "safe", args)?))
    }),
    ("string", |state, args| {
        Ok(Value::from(text(state, "string", args)?))
    }),
    ("striptags", |state, args| {
        Ok(Value::from(without_tags(&text(state, "striptags", args)?)))
    }),
    ("title", |state, args| {
        Ok(Value::from(title(&text(state, "title", args)?)))
    }),
    ("trim", trim),
    ("truncate", truncate),
    ("upper", |state, args| {
        Ok(Value::from(text(state, "upper", args)?.to_uppercase()))
    }),
    ("urlencode", urlencode),
    ("wordcount", |state, args| {
        let text = text(state, "wordcount", args)?;
        let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
        let words = text
            .split(|c| !is_of_word(c))
            .filter(|word| !word.is_empty());
        Ok(Value::from(words.count()))
    }),
    ("wordwrap", wordwrap),
    ("xmlattr", xmlattr),
];

/// Returns the string that a filter without arguments is applied to.
fn text(state: &State<'_, '_>, name: &str, args: &[Value]) -> Result<String, Error> {
    let [value] = bind(name, args, ["value"])?;
    let text = bounds::text(state, &value.unwrap_or_default())?;
    state.consume_fuel(text.len() as u64 / 64)?;
    Ok(text)
}

/// Returns a string; other types have no lines.
fn string(value: Option<Value>, name: &str) -> Result<String, Error> {
    let value = value.unwrap_or_default();
    match value.as_str() {
        Some(text) if value.kind() == ValueKind::String => Ok(text.to_owned()),
        _ => Err(invalid(format!(
            "{name} wants a string, not {}",
            type_name(&value)
        ))),
    }
}

fn size(value: Option<Value>, default: usize, name: &str) -> Result<usize, Error> {
    match value {
        None => Ok(default),
        Some(value) => {
            let number = integer(&value);
            let number = number.ok_or_else(|| invalid(format!("{name} needs an integer")))?;
            Ok(usize::try_from(number.max(0)).unwrap_or(usize::MAX))
        }
    }
}

fn center(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let [value, width] = bind("center", args, ["value", "width"])?;
    let text = bounds::text(state, &value.unwrap_or_default())?;
    let width = size(width, 80, "center")?;
    bounds::fits(state, width, "this padded string")?;
    Ok(Value::from(py::justify(
        &text,
        py::Justify::Center,
        width,
        ' ',
    )))
}

fn escape(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    if let [value] = args
        && value.is_safe()
    {
        return Ok(value.clone());
    }
    Ok(Value::from_safe_string(escaped(&text(
        state, "escape", args,
    )?)))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '>' => out.push_str("&gt;"),
            '<' => out.push_str("&lt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            c => out.push(c),
        }
    }
    out
}

fn format(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let (positional, named) = split(args);
    let [format, values @ ..] = positional else {
        return Err(invalid("format needs a string"));
    };
    if !(values.is_empty() || named.is_empty()) {
        return Err(invalid("format takes positional or named values, not both"));
    }
    let values = if named.is_empty() {
        crate::value::tuple(values.to_vec())
    } else {
        crate::value::dict(
            named
                .into_iter()
                .map(|(name, value)| (Value::from(name), value)),
        )
    };
    let format = bounds::text(state, format)?;
    operators::percent_format(state, &format, &values).map(Value::from)
}

fn indent(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let [value, width, first, blank] = bind("indent", args, ["s", "width", "first", "blank"])?;
    let text = string(value, "indent")?;
    let indention = match &width {
        Some(width) if width.as_str().is_some() => width.as_str().unwrap_or_default().to_owned(),
        _ => {
            let width = size(width, 4, "indent")?;
            state.consume_fuel(width as u64 / 64)?;
            bounds::fits(state, width, "this indented string")?;
            " ".repeat(width)
        }
    };
    // A line end of its own keeps the last line from being lost.
    let text = text + "\n";
    let lines = py::splitlines(&text, false);
    let length = lines
        .len()
        .saturating_mul(indention.len())
        .saturating_add(text.len());
    state.consume_fuel(length as u64 / 64)?;
    bounds::fits(state, length, "this indented string")?;
    let is_true = |value: Option<Value>| value.is_some_and(|value| value.is_true());
    let (first, blank) = (is_true(first), is_true(blank));
    let mut out = String::with_capacity(length);
    if first {
        out.push_str(&indention);
    }
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            out.push('\n');
            if blank || !line.is_empty() {
                out.push_str(&indention);
            }
        }
        out.push_str(line);
    }
    Ok(Value::from(out))
}

fn replace(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let [value, old, new, count] = bind("replace", args, ["s", "old", "new", "count"])?;
    let text = bounds::text(state, &value.unwrap_or_default())?;
    let (Some(old), Some(new)) = (old, new) else {
        return Err(invalid("replace needs an old and a new string"));
    };
    let (old, new) = (bounds::text(state, &old)?, bounds::text(state, &new)?);
    let count = count.filter(|count| !count.is_none());
    let count = count.as_ref().and_then(integer).unwrap_or(-1);
    methods::replace(state, &text, &old, &new, count).map(Value::from)
}

/// Returns the title of a text: words begin after whitespace and opening brackets too.
fn title(text: &str) -> String {
    let is_end = |c: char| c.is_whitespace() || "-({[<".contains(c);
    let mut out = String::with_capacity(text.len());
    for word in text.split_inclusive(is_end) {
        let mut characters = word.chars();
        out.extend(characters.next().into_iter().flat_map(char::to_uppercase));
        out.push_str(&characters.as_str().to_lowercase());
    }
    out
}

fn trim(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let [value, characters] = bind("trim", args, ["value", "chars"])?;
    let text = bounds::text(state, &value.unwrap_or_default())?;
    let characters: Option<Vec<char>> = match characters.filter(|value| !value.is_none()) {
        Some(characters) => Some(bounds::text(state, &characters)?.chars().collect()),
        None => None,
    };
    Ok(Value::from(match characters {
        Some(characters) => text.trim_matches(|c| characters.contains(&c)),
        None => text.trim_matches(py::is_space),
    }))
}

fn truncate(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let names = ["s", "length", "killwords", "end", "leeway"];
    let [value, length, kill_words, end, leeway] = bind("truncate", args, names)?;
    let text = bounds::text(state, &value.unwrap_or_default())?;
    let length = size(length, 255, "truncate")?;
    let leeway = size(leeway.filter(|leeway| !leeway.is_none()), 5, "truncate")?;
    let end = match end {
        Some(end) => bounds::text(state, &end)?,
        None => "...".to_owned(),
    };
    let count = text.chars().count();
    let end_length = end.chars().count();
    if length < end_length {
        return Err(invalid(format!(
            "truncate: expected a length of at least {end_length}"
        )));
    }
    if count <= length.saturating_add(leeway) {
        return Ok(Value::from(text));
    }
    let kept: String = text.chars().take(length - end_length).collect();
    if kill_words.is_some_and(|kill| kill.is_true()) {
        return Ok(Value::from(kept + &end));
    }
    let whole = kept
        .rsplit_once(' ')
        .map_or(kept.as_str(), |(before, _)| before);
    Ok(Value::from(format!("{whole}{end}")))
}

fn urlencode(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let [value] = bind("urlencode", args, ["value"])?;
    let value = value.unwrap_or_default();
    let pairs = match value.kind() {
        ValueKind::Map => dict::pairs(state, &value)?,
        ValueKind::Seq | ValueKind::Iterable => dict::pairs(state, &value)?,
        _ => {
            let text = bounds::text(state, &value)?;
            return Ok(Value::from(quoted(&text, false)));
        }
    };
    let mut out = Vec::new();
    for (key, value) in pairs {
        let (key, value) = (bounds::text(state, &key)?, bounds::text(state, &value)?);
        out.push(format!("{}={}", quoted(&key, true), quoted(&value, true)));
    }
    Ok(Value::from(out.join("&")))
}

/// Returns a text for a URL, as a path or as a part of a query.
fn quoted(text: &str, is_query: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            b'/' if !is_query => out.push('/'),
            b' ' if is_query => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn wordwrap(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let names = [
        "s",
        "width",
        "break_long_words",
        "wrapstring",
        "break_on_hyphens",
    ];
    let [value, width, break_long, wrap, on_hyphens] = bind("wordwrap", args, names)?;
    let text = string(value, "wordwrap")?;
    let width = size(width, 79, "wordwrap")?;
    if width == 0 {
        return Err(invalid("wordwrap needs a width above 0"));
    }
    let wrap = match wrap.filter(|wrap| !wrap.is_none()) {
        Some(wrap) => bounds::text(state, &wrap)?,
        None => "\n".to_owned(),
    };
    let is_true = |value: Option<Value>| value.is_none_or(|value| value.is_true());
    let options = Wrap {
        width,
        breaks_words: is_true(break_long),
        breaks_hyphens: is_true(on_hyphens),
    };
    let length = text.len().saturating_mul(1 + wrap.len());
    state.consume_fuel(length as u64 / 64)?;
    bounds::fits(state, length, "this wrapped text")?;
    let lines = py::splitlines(&text, false).into_iter();
    let wrapped: Vec<String> = lines.map(|line| options.line(line).join(&wrap)).collect();
    Ok(Value::from(wrapped.join(&wrap)))
}

/// The rules for wrapping a line.
struct Wrap {
    width: usize,
    breaks_words: bool,
    breaks_hyphens: bool,
}

impl Wrap {
    fn line(&self, line: &str) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let mut current = String::new();
        let mut length = 0;
        let mut chunks: std::collections::VecDeque<String> = self.chunks(line).into();
        while let Some(chunk) = chunks.pop_front() {
            let size = chunk.chars().count();
            let is_blank = chunk.chars().all(py::is_space);
            // Whitespace is dropped at the beginning of a line, but for the first.
            if current.is_empty() && is_blank && !lines.is_empty() {
                continue;
            }
            if length + size <= self.width {
                current.push_str(&chunk);
                length += size;
                continue;
            }
            if size > self.width && self.breaks_words {
                let room = self.width - length;
                let head: String = chunk.chars().take(room).collect();
                let tail: String = chunk.chars().skip(room).collect();
                current.push_str(&head);
                chunks.push_front(tail);
            } else if current.is_empty() {
                current.push_str(&chunk);
            } else {
                chunks.push_front(chunk);
            }
            finish(&mut lines, &mut current);
            length = 0;
        }
        finish(&mut lines, &mut current);
        lines
    }

    /// Returns words and the whitespace between them; words may end after a hyphen.
    fn chunks(&self, line: &str) -> Vec<String> {
        let mut chunks: Vec<String> = Vec::new();
        let mut is_blank = None;
        let mut after_hyphen = false;
        let characters: Vec<char> = line.chars().collect();
        for (at, c) in characters.iter().copied().enumerate() {
            let blank = py::is_space(c);
            let starts = is_blank != Some(blank) || (after_hyphen && c.is_alphabetic());
            match chunks.last_mut() {
                Some(chunk) if !starts => chunk.push(c),
                _ => chunks.push(c.to_string()),
            }
            is_blank = Some(blank);
            let is_letter = |at: Option<usize>| {
                at.and_then(|at| characters.get(at))
                    .is_some_and(|c| c.is_alphabetic())
            };
            let between = is_letter(at.checked_sub(1)) && is_letter(at.checked_sub(2));
            after_hyphen = self.breaks_hyphens && c == '-' && between;
        }
        chunks
    }
}

fn finish(lines: &mut Vec<String>, current: &mut String) {
    let line = std::mem::take(current);
    let trimmed = line.trim_end_matches(py::is_space);
    if !trimmed.is_empty() {
        lines.push(trimmed.to_owned());
    }
}

/// Removes tags and comments, makes whitespace one space, and reads entities.
fn without_tags(text: &str) -> String {
    let mut rest = text.to_owned();
    while let Some(start) = rest.find("<!--") {
        let Some(end) = rest[start..].find("-->") else {
            break;
        };
        rest.replace_range(start..start + end + 3, "");
    }
    while let Some(start) = rest.find('<') {
        let Some(end) = rest[start..].find('>') else {
            break;
        };
        rest.replace_range(start..=start + end, "");
    }
    let words = py::split_whitespace(&rest, None).join(" ");
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&#39;", "'"),
        ("&#34;", "\""),
        ("&quot;", "\""),
        ("&amp;", "&"),
    ];
    entities
        .iter()
        .fold(words, |text, (entity, plain)| text.replace(entity, plain))
}

fn xmlattr(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let [value, autospace] = bind("xmlattr", args, ["d", "autospace"])?;
    let value = value.unwrap_or_default();
    if value.kind() != ValueKind::Map {
        return Err(invalid(format!(
            "'{}' object has no attribute 'items'",
            type_name(&value)
        )));
    }
    let mut attributes = Vec::new();
    for (key, value) in dict::pairs(state, &value)? {
        if value.is_none() || value.is_undefined() {
            continue;
        }
        let (key, value) = (bounds::text(state, &key)?, bounds::text(state, &value)?);
        if key.contains(|c: char| py::is_space(c) || "/>=".contains(c)) {
            return Err(invalid(format!(
                "invalid character in attribute name: {key:?}"
            )));
        }
        attributes.push(format!("{}=\"{}\"", escaped(&key), escaped(&value)));
    }
    let space = match autospace {
        Some(autospace) if !autospace.is_true() => "",
        _ if attributes.is_empty() => "",
        _ => " ",
    };
    Ok(Value::from_safe_string(format!(
        "{space}{}",
        attributes.join(" ")
    )))
}

/// `pprint.pformat`, for what fits into lines of 80 characters, or is written an item a line.
fn pprint(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let [value] = bind("pprint", args, ["value"])?;
    let value = value.unwrap_or_default();
    bounds::visit(state, &value, &|_| Ok(()))?;
    let mut out = String::new();
    pretty(state, &value, 0, 0, &mut out)?;
    Ok(Value::from(out))
}

fn pretty(
    state: &State<'_, '_>,
    value: &Value,
    indent: usize,
    after: usize,
    out: &mut String,
) -> Result<(), Error> {
    const WIDTH: usize = 80;
    let is_dict = value.kind() == ValueKind::Map;
    let entries = match is_dict {
        true => {
            let mut entries = dict::pairs(state, value)?;
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            entries
        }
        false => Vec::new(),
    };
    let line = match is_dict {
        true => bounds::repr(state, &crate::value::dict(entries.clone()))?,
        false => bounds::repr(state, value)?,
    };
    bounds::fits(state, out.len() + line.len(), "the text of this value")?;
    let fits = indent + line.chars().count() + after <= WIDTH;
    let is_tuple = type_name(value) == "tuple";
    if fits || !(is_dict || type_name(value) == "list" || is_tuple) {
        out.push_str(&line);
        return Ok(());
    }
    let (open, close) = match (is_dict, is_tuple) {
        (true, _) => ('{', '}'),
        (false, true) => ('(', ')'),
        (false, false) => ('[', ']'),
    };
    let inside = format!(",\n{}", " ".repeat(indent + 1));
    out.push(open);
    let items = if is_dict || !is_sequence(value) {
        Vec::new()
    } else {
        bounds::items(state, value)?
    };
    let count = entries.len().max(items.len());
    for index in 0..count {
        if index > 0 {
            out.push_str(&inside);
        }
        let after = if index + 1 == count { after + 1 } else { 1 };
        match (entries.get(index), items.get(index)) {
            (Some((key, value)), _) => {
                let key = bounds::repr(state, key)?;
                out.push_str(&key);
                out.push_str(": ");
                pretty(state, value, indent + 3 + key.chars().count(), after, out)?;
            }
            (None, Some(item)) => pretty(state, item, indent + 1, after, out)?,
            (None, None) => {}
        }
    }
    out.push(close);
    Ok(())
}
