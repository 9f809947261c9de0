//! Where minijinja is not Jinja2: all of it, in one place.
//!
//! Kolla's templates are written for Jinja2 and rely on Python underneath. These things differ,
//! and each is solved here:
//!
//! 1. **Lists are mutable in Python**, and `customizable` changes the list it is given. Every
//!    `{% set x = … %}` is therefore read as `{% set x = (…)|_own %}`, which turns a list into a
//!    [`List`] that can change in place.
//! 2. **Override variables reach macros.** A minijinja macro sees only the names it mentions; in
//!    Jinja2 a function called from it sees the whole context. The override ends with
//!    `{% do _publish() %}`, which keeps its variables where [`lookup`] finds them.
//! 3. **`"…" % value`** formats a string in Python. It is read as `"…"|_percent(value)`.
//! 4. **Python's methods** on strings, lists and dictionaries: strings and dictionaries through
//!    minijinja-contrib (see [`bounds`]), lists through [`List`].
//! 5. **A filter binds tighter** than `%`, as in `"…" % value|lower`.
//! 6. **Any white space** may stand in a Jinja2 tag: Kolla 6 has a no-break space in one. It is
//!    read as a space.
//!
//! The changes keep every line where it was, and [`Adapted::original`] finds the original column.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::value::{Enumerator, Object, ObjectRepr, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::bounds;
use super::scan::{Tag, matching_operand_end, tags};

/// What an override's text ends with.
pub(crate) const PUBLISH: &str = "{% do _publish() %}";

/// Teaches an environment the dialect.
pub(crate) fn install(env: &mut Environment<'static>) {
    env.add_filter("_own", own);
    env.add_filter("_percent", percent);
    env.add_function("_publish", publish);
}

/// A list as Python has it: one object, however many names it has.
#[derive(Debug, Default)]
pub(crate) struct List(Mutex<Vec<Value>>);

impl List {
    pub(crate) fn new(items: Vec<Value>) -> Self {
        List(Mutex::new(items))
    }

    /// Refuses an item that holds this list: its text would have no end.
    pub(crate) fn admit(&self, state: &State<'_, '_>, item: &Value) -> Result<(), Error> {
        bounds::visit(state, item, &|value| match value.downcast_object_ref() {
            Some(list) if std::ptr::eq(self, list) => Err(invalid("a list cannot hold itself")),
            _ => Ok(()),
        })
    }

    /// The items, to be compared with this one. Comparing may look into this list again, so it must
    /// not be held meanwhile.
    fn searched(&self, state: &State<'_, '_>, item: &Value) -> Result<Vec<Value>, Error> {
        bounds::visit(state, item, &|_| Ok(()))?;
        let items = self.items().clone();
        bounds::searches(state, 1, items.len())?;
        Ok(items)
    }

    /// The place of an item.
    fn index(&self, state: &State<'_, '_>, item: &Value) -> Result<usize, Error> {
        let found = self.searched(state, item)?.iter().position(|i| i == item);
        let Some(index) = found else {
            let item = bounds::text(state, item)?;
            return Err(invalid(format!("{item} is not in the list")));
        };
        Ok(index)
    }

    /// The items, for reading or changing.
    pub(crate) fn items(&self) -> MutexGuard<'_, Vec<Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Object for List {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.items().get(key.as_usize()?).cloned()
    }

    // Without a copy of the list, and as in Python: what is changed meanwhile is seen.
    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let list = Arc::clone(self);
        Enumerator::Iter(Box::new(Iter { list, at: 0 }))
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match (method, args) {
            ("append", [item]) => {
                self.admit(state, item)?;
                self.items().push(item.clone());
            }
            ("extend", [more]) => {
                // A list that is added to itself is twice as long each time.
                let more = bounds::items(state, more)?;
                for item in &more {
                    self.admit(state, item)?;
                }
                self.items().extend(more);
            }
            ("insert", [index, item]) => {
                self.admit(state, item)?;
                let mut items = self.items();
                bounds::searches(state, 1, items.len())?;
                let index = index.as_usize().unwrap_or(0).min(items.len());
                items.insert(index, item.clone());
            }
            ("remove", [item]) => {
                let index = self.index(state, item)?;
                let mut items = self.items();
                if index < items.len() {
                    items.remove(index);
                }
            }
            ("pop", []) => {
                return self
                    .items()
                    .pop()
                    .ok_or_else(|| invalid("pop from an empty list"));
            }
            ("copy", []) => {
                let copied = Value::from_dyn_object(Arc::clone(self));
                return Ok(Value::from_object(List::new(bounds::items(
                    state, &copied,
                )?)));
            }
            ("count", [item]) => {
                let items = self.searched(state, item)?;
                return Ok(items.iter().filter(|i| *i == item).count().into());
            }
            ("index", [item]) => return self.index(state, item).map(Value::from),
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        }
        Ok(Value::from(()))
    }
}

// One after another: a chain of lists may be longer than the stack is deep.
impl Drop for List {
    fn drop(&mut self) {
        let mut rest = std::mem::take(&mut *self.items());
        while let Some(value) = rest.pop() {
            let list = value.downcast_object::<List>();
            drop(value);
            if let Some(last) = list.and_then(Arc::into_inner) {
                rest.append(&mut last.items());
            }
        }
    }
}

struct Iter {
    list: Arc<List>,
    at: usize,
}

impl Iterator for Iter {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        let item = self.list.items().get(self.at).cloned()?;
        self.at += 1;
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.list.items().len().saturating_sub(self.at);
        (left, Some(left))
    }
}

/// Removes the first item equal to this one, as Python's `list.remove`; false when there is none.
pub(crate) fn remove_first(items: &mut Vec<Value>, item: &Value) -> bool {
    match items.iter().position(|i| i == item) {
        Some(index) => {
            items.remove(index);
            true
        }
        None => false,
    }
}

/// A variable as Jinja2's context would give it to a function, also from inside a macro.
pub(crate) fn lookup(state: &State<'_, '_>, name: &str) -> Option<Value> {
    let found = state.lookup(name).filter(|value| !value.is_undefined());
    found.or_else(|| state.get_extension::<Published>()?.0.get(name).cloned())
}

struct Published(BTreeMap<String, Value>);

fn publish(state: &mut State<'_, '_>) -> Value {
    let names: Vec<String> = state.exports().into_iter().map(str::to_owned).collect();
    let values = names
        .into_iter()
        .filter_map(|name| state.lookup(&name).map(|value| (name, value)))
        .collect();
    state.get_or_insert_extension(Published(BTreeMap::new())).0 = values;
    Value::from(())
}

/// A value that is given a name. What it holds is counted: a list of the same list twice, and so on,
/// is soon one that no comparison comes to the end of.
fn own(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    let owned = match value.kind() {
        _ if value.downcast_object_ref::<List>().is_some() => return Ok(value),
        // The sum of two lists is an iterable here.
        ValueKind::Seq | ValueKind::Iterable => {
            Value::from_object(List::new(bounds::items(state, &value)?))
        }
        ValueKind::Map => value,
        _ => return Ok(value),
    };
    bounds::visit(state, &owned, &|_| Ok(()))?;
    Ok(owned)
}

fn percent(state: &mut State<'_, '_>, format: &Value, argument: Value) -> Result<Value, Error> {
    let arguments = match argument.kind() {
        ValueKind::Seq => bounds::items(state, &argument)?,
        _ => vec![argument],
    };
    bounds::percent(
        state,
        format,
        arguments.into_iter().map(Into::into).collect(),
    )
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// A template's text as minijinja is given it.
#[derive(Debug, Default)]
pub(crate) struct Adapted {
    /// The text.
    pub text: String,
    edits: Vec<Edit>,
}

#[derive(Debug)]
struct Edit {
    /// Where in the original.
    at: usize,
    /// How many bytes of the original it replaces.
    removed: usize,
    inserted: &'static str,
}

impl Adapted {
    /// The place in the original text that a place in the adapted text came from.
    pub(crate) fn original(&self, adapted: usize) -> usize {
        let (mut original, mut position) = (0, 0);
        for edit in &self.edits {
            let untouched = edit.at - original;
            if adapted < position + untouched {
                break;
            }
            position += untouched + edit.inserted.len();
            original = edit.at + edit.removed;
            if adapted < position {
                return edit.at;
            }
        }
        original + (adapted - position)
    }
}

/// Rewrites Jinja2 to what minijinja understands the same way.
pub(crate) fn adapt(source: &str) -> Adapted {
    let mut edits = Vec::new();
    for tag in tags(source) {
        percent_operators(source, &tag, &mut edits);
        let guards = bounds::guards(source, &tag).into_iter();
        edits.extend(guards.map(|(at, inserted)| Edit {
            at,
            removed: 0,
            inserted,
        }));
        white_space(source, &tag, &mut edits);
        if let Some(value) = assigned_value(source, &tag) {
            edits.push(Edit {
                at: value.start,
                removed: 0,
                inserted: "(",
            });
            edits.push(Edit {
                at: value.end,
                removed: 0,
                inserted: ")|_own",
            });
        }
    }
    edits.sort_by_key(|edit| edit.at);
    let mut text = String::with_capacity(source.len() + edits.len() * 4);
    let mut done = 0;
    for edit in &edits {
        text.push_str(&source[done..edit.at]);
        text.push_str(edit.inserted);
        done = edit.at + edit.removed;
    }
    text.push_str(&source[done..]);
    Adapted { text, edits }
}

/// The right side of `{% set name = … %}`.
fn assigned_value(source: &str, tag: &Tag) -> Option<std::ops::Range<usize>> {
    if !tag.is_statement {
        return None;
    }
    let inner = &source[tag.inner.clone()];
    let rest = inner.trim_start().strip_prefix("set")?;
    if !rest.starts_with(char::is_whitespace) {
        return None;
    }
    let equals = rest.find('=')?;
    let target = rest[..equals].trim();
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    if target.is_empty() || !target.chars().all(is_name) || rest[equals + 1..].trim().is_empty() {
        return None;
    }
    let start = tag.inner.end - rest.len() + equals + 1;
    Some(start..start + source[start..tag.inner.end].trim_end().len())
}

/// White space beyond ASCII, outside of strings, as a space.
fn white_space(source: &str, tag: &Tag, edits: &mut Vec<Edit>) {
    let inner = &source[tag.inner.clone()];
    if inner.is_ascii() {
        return;
    }
    let is_in_string = |at: usize| tag.strings.iter().any(|string| string.contains(&at));
    let spaces = inner
        .char_indices()
        .filter(|(_, c)| c.is_whitespace() && !c.is_ascii())
        .map(|(offset, c)| (tag.inner.start + offset, c.len_utf8()))
        .filter(|(at, _)| !is_in_string(*at));
    edits.extend(spaces.map(|(at, removed)| Edit {
        at,
        removed,
        inserted: " ",
    }));
}

/// `"…" % operand`, as edits that make it a filter.
fn percent_operators(source: &str, tag: &Tag, edits: &mut Vec<Edit>) {
    for string in &tag.strings {
        let after = &source[string.end..tag.inner.end];
        let operator = string.end + (after.len() - after.trim_start().len());
        if !source[operator..tag.inner.end].starts_with('%') {
            continue;
        }
        let Some(end) = matching_operand_end(source, operator + 1, tag.inner.end) else {
            continue;
        };
        edits.push(Edit {
            at: operator,
            removed: 1,
            inserted: "|_percent(",
        });
        edits.push(Edit {
            at: end,
            removed: 0,
            inserted: ")",
        });
    }
}
