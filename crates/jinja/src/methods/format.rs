//! `str.format` and `str.format_map`.

use minijinja::{Error, State, Value};
use slipway_pyvalue::format::{self, Fields, Part};

use crate::arguments::split;
use crate::bounds;
use crate::value::{self, Py, integer};

/// The values of a `format` call.
pub(super) struct Formatted<'a> {
    pub(super) positional: &'a [Value],
    pub(super) named: Value,
}

impl Fields<Py> for Formatted<'_> {
    fn positional(&self, index: usize) -> Option<Py> {
        self.positional.get(index).cloned().map(Py)
    }

    fn keyword(&self, name: &str) -> Option<Py> {
        let found = self.named.get_item(&Value::from(name)).ok()?;
        (!found.is_undefined()).then_some(Py(found))
    }

    /// Returns an attribute or an item. A missing one is undefined, and prints as nothing.
    fn part(&self, value: &Py, part: Part<'_>) -> Option<Py> {
        let found = match part {
            Part::Attribute("real") if integer(&value.0).is_some() => value.0.clone(),
            Part::Attribute("imag") if integer(&value.0).is_some() => Value::from(0),
            Part::Attribute(name) => value.0.get_attr(name).ok()?,
            Part::Index(index) => value.0.get_item(&value::range::number(index)).ok()?,
            Part::Item(key) => value.0.get_item(&Value::from(key)).ok()?,
        };
        Some(Py(found))
    }
}

pub(super) fn formatted(state: &State<'_, '_>, text: &str, args: &[Value]) -> Result<Value, Error> {
    let (positional, named) = split(args);
    let named = value::dict(
        named
            .into_iter()
            .map(|(name, value)| (Value::from(name), value)),
    );
    finish_format(state, text, &Formatted { positional, named })
}

pub(super) fn finish_format(
    state: &State<'_, '_>,
    text: &str,
    fields: &Formatted<'_>,
) -> Result<Value, Error> {
    for value in fields.positional.iter().chain([&fields.named]) {
        bounds::visit(state, value, &|_| Ok(()))?;
    }
    let made = format::format(text, fields, bounds::room(state));
    made.map(Value::from).map_err(bounds::format_error)
}
