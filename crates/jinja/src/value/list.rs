//! Lists: one object, however many names it has.

use std::sync::{Arc, MutexGuard};

use minijinja::value::{Enumerator, Object, ObjectRepr};
use minijinja::{Error, ErrorKind, State, Value};

use super::{Shared, drop_all, integer, invalid, iterate, list, must_not_hold, order, render};
use crate::arguments::bind;
use crate::bounds;
use crate::methods::ListMethod;

/// A list as Python has it.
#[derive(Debug, Default)]
pub struct List(Shared<Vec<Value>>);

impl List {
    /// Returns a list of these items.
    pub fn new(items: Vec<Value>) -> Self {
        List(Shared::new(items))
    }

    /// Refuses an item that holds this list: its text would have no end.
    pub fn admit(&self, state: &State<'_, '_>, item: &Value) -> Result<(), Error> {
        must_not_hold(state, item, self, "a list")
    }

    /// Returns the items, for reading or changing.
    pub fn items(&self) -> MutexGuard<'_, Vec<Value>> {
        self.0.lock()
    }

    /// Returns the items, to be compared with this one. Comparing may look into this list again, so
    /// it is not held meanwhile.
    fn searched(&self, state: &State<'_, '_>, item: &Value) -> Result<Vec<Value>, Error> {
        bounds::visit(state, item, &|_| Ok(()))?;
        let items = self.items().clone();
        bounds::searches(state, 1, items.len())?;
        Ok(items)
    }

    fn index(&self, state: &State<'_, '_>, item: &Value) -> Result<usize, Error> {
        let found = self.searched(state, item)?.iter().position(|i| i == item);
        match found {
            Some(index) => Ok(index),
            None => Err(invalid(format!(
                "{} is not in the list",
                bounds::text(state, item)?
            ))),
        }
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

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.items().len())
    }

    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        render(&Value::from_dyn_object(Arc::clone(self)), f)
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match ListMethod::by_name(method).ok_or(ErrorKind::UnknownMethod)? {
            ListMethod::Append => {
                let item = argument(method, args)?;
                self.admit(state, &item)?;
                self.items().push(item);
            }
            ListMethod::Extend => {
                // A list that is added to itself is twice as long each time.
                let more = iterate(state, &argument(method, args)?)?;
                for item in &more {
                    self.admit(state, item)?;
                }
                self.items().extend(more);
            }
            ListMethod::Insert => {
                let [index, item] = bind(method, args, ["index", "object"])?;
                let index = index.as_ref().and_then(integer);
                let index = index.ok_or_else(|| invalid("insert needs an index and an item"))?;
                let item = item.ok_or_else(|| invalid("insert needs an index and an item"))?;
                self.admit(state, &item)?;
                let mut items = self.items();
                bounds::searches(state, 1, items.len())?;
                let at = slipway_pyvalue::number::bound(index, items.len());
                items.insert(at, item);
            }
            ListMethod::Remove => {
                let index = self.index(state, &argument(method, args)?)?;
                let mut items = self.items();
                if index < items.len() {
                    items.remove(index);
                }
            }
            ListMethod::Pop => {
                let [index] = bind(method, args, ["index"])?;
                let index = match index {
                    None => -1,
                    Some(index) => integer(&index).ok_or_else(|| invalid("pop needs an index"))?,
                };
                let mut items = self.items();
                bounds::searches(state, 1, items.len())?;
                let at = slipway_pyvalue::number::index(items.len(), index);
                let at = at.ok_or_else(|| invalid("pop from an empty list, or beyond its end"))?;
                return Ok(items.remove(at));
            }
            ListMethod::Clear => self.items().clear(),
            ListMethod::Reverse => {
                let mut items = self.items();
                bounds::searches(state, 1, items.len())?;
                items.reverse();
            }
            ListMethod::Sort => {
                let [_, reverse] = bind(method, args, ["key", "reverse"])?;
                let mut items = self.items().clone();
                sort(
                    state,
                    &mut items,
                    reverse.is_some_and(|r| r.is_true()),
                    |item| Ok(item.clone()),
                )?;
                *self.items() = items;
            }
            ListMethod::Copy | ListMethod::Count | ListMethod::Index => {
                return read(
                    state,
                    &Value::from_dyn_object(Arc::clone(self)),
                    method,
                    args,
                );
            }
        }
        Ok(Value::from(()))
    }
}

fn argument(method: &str, args: &[Value]) -> Result<Value, Error> {
    let [item] = bind(method, args, ["object"])?;
    item.ok_or_else(|| invalid("this method needs one argument"))
}

/// Calls a method that changes nothing, of a list or of anything like it.
pub(crate) fn read(
    state: &State<'_, '_>,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    let owned;
    let this = match value.downcast_object_ref::<List>() {
        Some(list) => list,
        None => {
            owned = List::new(bounds::items(state, value)?);
            &owned
        }
    };
    match ListMethod::by_name(method) {
        Some(ListMethod::Copy) if !value.is_tuple() => Ok(list(bounds::items(state, value)?)),
        Some(ListMethod::Count) => {
            let item = argument(method, args)?;
            let items = this.searched(state, &item)?;
            Ok(items.iter().filter(|i| **i == item).count().into())
        }
        Some(ListMethod::Index) => this.index(state, &argument(method, args)?).map(Value::from),
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

/// Sorts as Python does: stably, by keys that are made once.
pub(crate) fn sort(
    state: &State<'_, '_>,
    items: &mut Vec<Value>,
    is_reverse: bool,
    mut key: impl FnMut(&Value) -> Result<Value, Error>,
) -> Result<(), Error> {
    let mut keyed = Vec::with_capacity(items.len());
    for item in items.drain(..) {
        keyed.push((key(&item)?, item));
    }
    let mut failed = None;
    keyed.sort_by(|(a, _), (b, _)| {
        if failed.is_some() {
            return std::cmp::Ordering::Equal;
        }
        let compared = state.consume_fuel(1).and_then(|()| order(state, a, b));
        let compared = compared.unwrap_or_else(|error| {
            failed = Some(error);
            std::cmp::Ordering::Equal
        });
        // Items that are equal keep their order in either direction.
        if is_reverse {
            compared.reverse()
        } else {
            compared
        }
    });
    match failed {
        Some(error) => Err(error),
        None => {
            items.extend(keyed.into_iter().map(|(_, item)| item));
            Ok(())
        }
    }
}

impl Drop for List {
    fn drop(&mut self) {
        let items = std::mem::take(&mut *self.items());
        drop_all(items);
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
        let remaining = self.list.items().len().saturating_sub(self.at);
        (remaining, Some(remaining))
    }
}
