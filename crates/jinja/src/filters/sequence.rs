//! Filters of lists, and of what else has items.

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};

use super::Filter;
use crate::arguments::bind;
use crate::value::generator::Generator;
use crate::value::group::Group;
use crate::value::list::sort;
use crate::value::{dict, integer, invalid, is_sequence, iterate, list, order, tuple, type_name};
use crate::{bounds, operators};

pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("batch", batch),
    ("count", length),
    ("dictsort", dictsort),
    ("first", |state, args| {
        let [value] = bind("first", args, ["seq"])?;
        let value = value.unwrap_or_default();
        if let Some(generator) = value.downcast_object_ref::<Generator>() {
            return Ok(generator.next().unwrap_or_default());
        }
        Ok(iterate(state, &value)?
            .into_iter()
            .next()
            .unwrap_or_default())
    }),
    ("groupby", groupby),
    ("items", |state, args| {
        let [value] = bind("items", args, ["value"])?;
        let value = value.unwrap_or_default();
        match value.kind() {
            ValueKind::Undefined => Ok(Generator::of("generator", Vec::new())),
            ValueKind::Map => {
                let pairs = dict::pairs(state, &value)?.into_iter();
                let pairs = pairs.map(|(key, value)| tuple(vec![key, value]));
                Ok(Generator::of("generator", pairs.collect()))
            }
            _ => Err(invalid("Can only get item pairs from a mapping.")),
        }
    }),
    ("join", join),
    ("last", |state, args| {
        let [value] = bind("last", args, ["seq"])?;
        let value = value.unwrap_or_default();
        if type_name(&value) == "generator" {
            return Err(invalid("'generator' object is not reversible"));
        }
        Ok(iterate(state, &value)?.pop().unwrap_or_default())
    }),
    ("length", length),
    ("list", |state, args| {
        let [value] = bind("list", args, ["value"])?;
        Ok(list(iterate(state, &value.unwrap_or_default())?))
    }),
    ("max", |state, args| {
        extreme(state, "max", args, std::cmp::Ordering::Greater)
    }),
    ("min", |state, args| {
        extreme(state, "min", args, std::cmp::Ordering::Less)
    }),
    ("random", random),
    ("reverse", reverse),
    ("slice", slice),
    ("sort", sorted),
    ("sum", sum),
    ("unique", unique),
];

/// Returns the attribute of an item by a path such as `a.b.0`; undefined when it is missing.
pub(super) fn attribute(state: &State<'_, '_>, item: &Value, path: &Value) -> Result<Value, Error> {
    attribute_or(state, item, path, None)
}

pub(super) fn attribute_or(
    state: &State<'_, '_>,
    item: &Value,
    path: &Value,
    default: Option<&Value>,
) -> Result<Value, Error> {
    let part = |value: Value, key: &Value| -> Result<Value, Error> {
        state.consume_fuel(1)?;
        let found = match value.is_undefined() {
            true if default.is_none() => {
                return Err(Error::from(minijinja::ErrorKind::UndefinedError));
            }
            true => Value::UNDEFINED,
            false => value.get_item(key)?,
        };
        let missing = || default.cloned().unwrap_or_default();
        Ok(if found.is_undefined() {
            missing()
        } else {
            found
        })
    };
    match path.as_str() {
        None => part(item.clone(), path),
        Some(text) => text.split('.').try_fold(item.clone(), |value, name| {
            let key = match name.parse::<u64>() {
                Ok(index) => Value::from(index),
                Err(_) => Value::from(name),
            };
            part(value, &key)
        }),
    }
}

/// Returns what items are sorted and compared by: small letters, unless case counts.
fn key(
    state: &State<'_, '_>,
    item: &Value,
    path: Option<&Value>,
    is_case_sensitive: bool,
) -> Result<Value, Error> {
    let value = match path {
        Some(path) => attribute(state, item, path)?,
        None => item.clone(),
    };
    Ok(match value.as_str() {
        Some(text) if !is_case_sensitive => Value::from(text.to_lowercase()),
        _ => value,
    })
}

fn is_set(flag: Option<Value>) -> bool {
    flag.is_some_and(|flag| flag.is_true())
}

fn unless_none(value: Option<Value>) -> Option<Value> {
    value.filter(|value| !value.is_none())
}

fn length(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let [value] = bind("length", args, ["value"])?;
    let value = value.unwrap_or_default();
    match value.kind() {
        ValueKind::Undefined => Ok(Value::from(0)),
        ValueKind::String | ValueKind::Seq | ValueKind::Map | ValueKind::Bytes => {
            Ok(Value::from(value.len().unwrap_or_default()))
        }
        ValueKind::Iterable if type_name(&value) != "generator" => {
            Ok(Value::from(bounds::items(state, &value)?.len()))
        }
        _ => Err(invalid(format!(
            "object of type '{}' has no len()",
            type_name(&value)
        ))),
    }
}

fn join(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let [value, separator, path] = bind("join", args, ["value", "d", "attribute"])?;
    let separator = match separator {
        Some(separator) => bounds::text(state, &separator)?,
        None => String::new(),
    };
    let path = unless_none(path);
    let mut out = String::new();
    for (index, item) in iterate(state, &value.unwrap_or_default())?
        .iter()
        .enumerate()
    {
        let item = match &path {
            Some(path) => attribute(state, item, path)?,
            None => item.clone(),
        };
        let text = bounds::text(state, &item)?;
        let before = if index > 0 { separator.as_str() } else { "" };
        let length = out
            .len()
            .saturating_add(before.len())
            .saturating_add(text.len());
        bounds::fits(state, length, "what is joined")?;
        out.push_str(before);
        out.push_str(&text);
    }
    Ok(Value::from(out))
}

fn batch(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let [value, count, fill] = bind("batch", args, ["value", "linecount", "fill_with"])?;
    let count = count
        .as_ref()
        .and_then(integer)
        .and_then(|count| usize::try_from(count).ok());
    let count = count
        .filter(|count| *count > 0)
        .ok_or_else(|| invalid("batch needs a count above 0"))?;
    let items = iterate(state, &value.unwrap_or_default())?;
    let mut batches = Vec::new();
    for batch in items.chunks(count) {
        let mut batch = batch.to_vec();
        if let Some(fill) = unless_none(fill.clone()) {
            state.consume_fuel((count - batch.len()) as u64)?;
            batch.resize(count, fill);
        }
        batches.push(list(batch));
    }
    Ok(Generator::of("generator", batches))
}

fn slice(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let [value, count, fill] = bind("slice", args, ["value", "slices", "fill_with"])?;
    let count = count
        .as_ref()
        .and_then(integer)
        .and_then(|count| usize::try_from(count).ok());
    let count = count
        .filter(|count| *count > 0)
        .ok_or_else(|| invalid("slice needs a count above 0"))?;
    state.consume_fuel(count as u64)?;
    let items = iterate(state, &value.unwrap_or_default())?;
    let (size, longer) = (items.len() / count, items.len() % count);
    let fill = unless_none(fill);
    let mut slices = Vec::new();
    let mut at = 0;
    for index in 0..count {
        let end = at + size + usize::from(index < longer);
        let mut slice = items.get(at..end).unwrap_or_default().to_vec();
        if index >= longer && longer > 0 {
            slice.extend(fill.clone());
        }
        slices.push(list(slice));
        at = end;
    }
    Ok(Generator::of("generator", slices))
}

fn dictsort(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let names = ["value", "case_sensitive", "by", "reverse"];
    let [value, case_sensitive, by, reverse] = bind("dictsort", args, names)?;
    let place = match by.as_ref().and_then(Value::as_str) {
        None | Some("key") => 0,
        Some("value") => 1,
        Some(_) => return Err(invalid("You can only sort by either \"key\" or \"value\"")),
    };
    let value = value.unwrap_or_default();
    if value.kind() != ValueKind::Map {
        return Err(invalid(format!(
            "'{}' object has no attribute 'items'",
            type_name(&value)
        )));
    }
    let case_sensitive = is_set(case_sensitive);
    let pairs = dict::pairs(state, &value)?.into_iter();
    let mut pairs: Vec<Value> = pairs.map(|(key, value)| tuple(vec![key, value])).collect();
    sort(state, &mut pairs, is_set(reverse), |pair| {
        key(state, &pair.get_item_by_index(place)?, None, case_sensitive)
    })?;
    Ok(list(pairs))
}

fn sorted(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let names = ["value", "reverse", "case_sensitive", "attribute"];
    let [value, reverse, case_sensitive, path] = bind("sort", args, names)?;
    let mut items = iterate(state, &value.unwrap_or_default())?;
    let (case_sensitive, path) = (is_set(case_sensitive), unless_none(path));
    let paths: Option<Vec<Value>> = path.map(|path| match path.as_str() {
        Some(text) => text.split(',').map(Value::from).collect(),
        None => vec![path],
    });
    sort(state, &mut items, is_set(reverse), |item| {
        match paths.as_deref() {
            None => key(state, item, None, case_sensitive),
            Some([path]) => key(state, item, Some(path), case_sensitive),
            Some(paths) => {
                let keys = paths
                    .iter()
                    .map(|path| key(state, item, Some(path), case_sensitive));
                Ok(list(keys.collect::<Result<_, _>>()?))
            }
        }
    })?;
    Ok(list(items))
}

fn groupby(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let names = ["value", "attribute", "default", "case_sensitive"];
    let [value, path, default, case_sensitive] = bind("groupby", args, names)?;
    let path = path.ok_or_else(|| invalid("groupby needs an attribute"))?;
    let case_sensitive = is_set(case_sensitive);
    let default = unless_none(default);
    let mut items = iterate(state, &value.unwrap_or_default())?;
    let by = |item: &Value| {
        let value = attribute_or(state, item, &path, default.as_ref())?;
        key(state, &value, None, case_sensitive)
    };
    sort(state, &mut items, false, by)?;
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    for item in items {
        let key = by(&item)?;
        match groups.last_mut() {
            Some((last, items)) if *last == key => items.push(item),
            _ => groups.push((key, vec![item])),
        }
    }
    let mut out = Vec::new();
    for (key, items) in groups {
        let first = items.first().cloned().unwrap_or_default();
        let grouper = match case_sensitive {
            true => key,
            false => attribute_or(state, &first, &path, default.as_ref())?,
        };
        let list = list(items);
        out.push(Value::from_object(Group { grouper, list }));
    }
    Ok(list(out))
}

fn unique(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let [value, case_sensitive, path] =
        bind("unique", args, ["value", "case_sensitive", "attribute"])?;
    let (case_sensitive, path) = (is_set(case_sensitive), unless_none(path));
    let mut seen = std::collections::HashSet::new();
    let mut kept = Vec::new();
    for item in iterate(state, &value.unwrap_or_default())? {
        let key = key(state, &item, path.as_ref(), case_sensitive)?;
        if key.as_object().is_some() {
            dict::check_key(state, &key)?;
        }
        if seen.insert(key) {
            kept.push(item);
        }
    }
    Ok(Generator::of("generator", kept))
}

fn extreme(
    state: &mut State<'_, '_>,
    name: &str,
    args: &[Value],
    wanted: std::cmp::Ordering,
) -> Result<Value, Error> {
    let [value, case_sensitive, path] = bind(name, args, ["value", "case_sensitive", "attribute"])?;
    let (case_sensitive, path) = (is_set(case_sensitive), unless_none(path));
    let mut best: Option<(Value, Value)> = None;
    for item in iterate(state, &value.unwrap_or_default())? {
        let key = key(state, &item, path.as_ref(), case_sensitive)?;
        let is_better = match &best {
            Some((best, _)) => order(state, &key, best)? == wanted,
            None => true,
        };
        if is_better {
            best = Some((key, item));
        }
    }
    Ok(best.map(|(_, item)| item).unwrap_or_default())
}

/// Any item: Jinja2's is another at each run as well.
fn random(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let [value] = bind("random", args, ["seq"])?;
    let items = iterate(state, &value.unwrap_or_default())?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seed = now.map_or(0, |now| now.subsec_nanos() as usize / 7);
    let at = seed.checked_rem(items.len()).unwrap_or_default();
    Ok(items.get(at).cloned().unwrap_or_default())
}

fn reverse(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let [value] = bind("reverse", args, ["value"])?;
    let value = value.unwrap_or_default();
    if let Some(text) = value.as_str() {
        state.consume_fuel(text.len() as u64 / 64)?;
        return Ok(Value::from(text.chars().rev().collect::<String>()));
    }
    let is_iterable = matches!(value.kind(), ValueKind::Map | ValueKind::Undefined);
    if !(is_sequence(&value) || is_iterable) {
        return Err(invalid("argument must be iterable"));
    }
    let mut items = iterate(state, &value)?;
    items.reverse();
    Ok(match type_name(&value) {
        "generator" => list(items),
        "tuple" | "range" => Generator::of("reversed", items),
        "dict" => Generator::of("dict_reversekeyiterator", items),
        _ => Generator::of("list_reverseiterator", items),
    })
}

fn sum(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let [value, path, start] = bind("sum", args, ["iterable", "attribute", "start"])?;
    let mut total = start.unwrap_or(Value::from(0));
    if total.as_str().is_some() {
        return Err(invalid("sum adds no strings: join does"));
    }
    let path = unless_none(path);
    for item in iterate(state, &value.unwrap_or_default())? {
        let item = match &path {
            Some(path) => attribute(state, &item, path)?,
            None => item,
        };
        state.consume_fuel(1)?;
        total = operators::add(state, &total, &item)?;
    }
    Ok(total)
}
