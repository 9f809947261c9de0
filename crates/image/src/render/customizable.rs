//! The `customizable` filter: how template overrides change a list of packages, or any other.

use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, State, Value};
use slipway_jinja::{List, bounds, iterate, type_name};

use super::published::lookup;

pub(super) fn install(env: &mut Environment<'static>) {
    env.add_filter("customizable", customizable);
}

/// `{{ list | customizable("packages") }}` in image `nova-api` is
/// - `nova_api_packages_override` where that is set,
/// - or else the list itself, changed in place: with the items of `nova_api_packages_append` added
///   and the first of each item of `nova_api_packages_remove` taken out.
///
/// An undefined list stays undefined: one override serves templates that lack some variables.
fn customizable(state: &mut State<'_, '_>, list: Value, kind: &str) -> Result<Value, Error> {
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
    if append.is_none() && remove.is_none() {
        return Ok(list);
    }
    let Some(owned) = list.downcast_object_ref::<List>() else {
        let message = format!(
            "the list to customize must be a list, and is a {}",
            type_name(&list)
        );
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    };
    let (append, remove) = (append.unwrap_or_default(), remove.unwrap_or_default());
    for item in &append {
        owned.admit(state, item)?;
    }
    // Comparing may look into the list itself, so it is not held meanwhile.
    let mut items = owned.items().clone();
    items.extend(append);
    bounds::searches(state, 1 + remove.len(), items.len())?;
    for removed in &remove {
        bounds::visit(state, removed, &|_| Ok(()))?;
        if let Some(index) = items.iter().position(|item| item == removed) {
            items.remove(index);
        }
    }
    *owned.items() = items;
    Ok(list)
}

/// Returns the items of a variable, `None` if it is not set. A lone string is refused: its letters
/// would become packages.
fn items(state: &State<'_, '_>, variable: &str) -> Result<Option<Vec<Value>>, Error> {
    let Some(value) = lookup(state, variable) else {
        return Ok(None);
    };
    let is_lone = value.kind() == ValueKind::String && value.is_true();
    let is_list = !matches!(
        value.kind(),
        ValueKind::None | ValueKind::Bool | ValueKind::Number
    );
    if is_lone || !is_list {
        let message = format!(
            "{variable} must be a list, such as ['puppet'], and is a {}",
            value.kind()
        );
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    iterate(state, &value).map(Some)
}
