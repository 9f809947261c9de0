//! `tojson`.

use minijinja::{Error, State, Value};
use slipway_pyvalue::json::Dumps;

use super::Filter;
use crate::arguments::bind;
use crate::value::{Py, integer, invalid, type_name};
use crate::{bounds, value};

pub(super) const FILTERS: &[(&str, Filter)] = &[("tojson", tojson)];

/// Keys are sorted, everything outside ASCII is escaped, and what HTML has a meaning for.
fn tojson(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let [value, indent] = bind("tojson", args, ["value", "indent"])?;
    let value = value.unwrap_or_default();
    bounds::visit(state, &value, &|value| serializable(state, value))?;
    let indent = match indent.filter(|indent| !indent.is_none()) {
        None => None,
        Some(indent) => {
            let width = integer(&indent).ok_or_else(|| invalid("indent needs an integer"))?;
            let width = usize::try_from(width.max(0)).unwrap_or(usize::MAX);
            bounds::fits(state, width, "this indented JSON")?;
            Some(" ".repeat(width))
        }
    };
    let dumps = Dumps {
        sort_keys: true,
        indent,
        keep_unicode: false,
    };
    let json = bounds::written(state, &value, |out| dumps.write(out, &Py(value.clone())))?;
    let escapes = [
        ('<', "\\u003c"),
        ('>', "\\u003e"),
        ('&', "\\u0026"),
        ('\'', "\\u0027"),
    ];
    let json = escapes
        .iter()
        .fold(json, |json, (c, escape)| json.replace(*c, escape));
    state.consume_fuel(json.len() as u64 / 4)?;
    Ok(Value::from_safe_string(json))
}

fn serializable(state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.kind() == minijinja::value::ValueKind::Map {
        // Keys that cannot be sorted are an error, before they become strings.
        let keys = bounds::items(state, value)?;
        for pair in keys.windows(2) {
            value::order(state, &pair[0], &pair[1])?;
        }
        return Ok(());
    }
    let name = type_name(value);
    let is_json = matches!(
        name,
        "NoneType" | "bool" | "int" | "float" | "str" | "list" | "tuple"
    );
    match is_json {
        true => Ok(()),
        false => Err(value::invalid(format!(
            "Object of type {name} is not JSON serializable"
        ))),
    }
}
