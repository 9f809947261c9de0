//! The `customizable` filter: how template overrides change a list of packages, or any other.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, State, Value};

use super::bounds;
use super::dialect::{List, lookup, remove_first};

/// `{{ list | customizable("packages") }}` in image `nova-api` is
/// - `nova_api_packages_override` where that is set,
/// - or else the list itself, changed in place: with the items of `nova_api_packages_append` added
///   and the first of each item of `nova_api_packages_remove` taken out.
///
/// An undefined list stays undefined: one override serves templates that lack some variables.
pub(crate) fn customizable(
    state: &mut State<'_, '_>,
    list: Value,
    kind: &str,
) -> Result<Value, Error> {
    if list.is_undefined() {
        return Ok(list);
    }
    let image = lookup(state, "image_name")
        .map(|name| name.to_string())
        .unwrap_or_default();
    let variable = |change: &str| format!("{}_{kind}_{change}", image.replace('-', "_"));
    if let Some(replacement) = lookup(state, &variable("override")) {
        return Ok(replacement);
    }
    let append = items(state, &variable("append"))?;
    let remove = items(state, &variable("remove"))?;
    let list = match list.downcast_object_ref::<List>() {
        Some(_) => list,
        None => Value::from_object(List::new(sequence(state, &list, "the list to customize")?)),
    };
    if let Some(owned) = list.downcast_object_ref::<List>() {
        for item in &append {
            owned.admit(state, item)?;
        }
        // Comparing may look into the list itself, so it is not held meanwhile.
        let mut items = owned.items().clone();
        items.extend(append);
        bounds::searches(state, 1 + remove.len(), items.len())?;
        for item in &remove {
            bounds::visit(state, item, &|_| Ok(()))?;
            remove_first(&mut items, item);
        }
        *owned.items() = items;
    }
    Ok(list)
}

fn items(state: &State<'_, '_>, variable: &str) -> Result<Vec<Value>, Error> {
    match lookup(state, variable) {
        Some(value) => sequence(state, &value, variable),
        None => Ok(Vec::new()),
    }
}

/// The items of a list. A lone string is refused: its letters would become packages.
fn sequence(state: &State<'_, '_>, value: &Value, what: &str) -> Result<Vec<Value>, Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => bounds::items(state, value),
        other => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("{what} must be a list, such as ['puppet'], and is a {other}"),
        )),
    }
}
