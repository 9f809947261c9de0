//! Filters that choose, and those that apply another filter or a test to each item.

use minijinja::{Error, State, Value};

use super::Filter;
use crate::arguments::{bind, split};
use crate::filters::sequence::{attribute, attribute_or};
use crate::value::generator::Generator;
use crate::value::{invalid, iterate, type_name};
use crate::{methods, predicates};

pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("attr", |_, args| {
        let [value, name] = bind("attr", args, ["obj", "name"])?;
        let (value, name) = (value.unwrap_or_default(), name.unwrap_or_default());
        let name = name.as_str().unwrap_or_default();
        // A dictionary's keys are no attributes.
        let found = match type_name(&value) {
            "dict" => Value::UNDEFINED,
            _ if value.is_undefined() => Value::UNDEFINED,
            _ => value.get_attr(name)?,
        };
        match found.is_undefined() && methods::exists(&value, name) {
            true => Ok(predicates::bound_method(&value, name)),
            false => Ok(found),
        }
    }),
    ("d", default),
    ("default", default),
    ("map", map),
    ("reject", |state, args| {
        choose(state, "reject", args, false, false)
    }),
    ("rejectattr", |state, args| {
        choose(state, "rejectattr", args, true, false)
    }),
    ("select", |state, args| {
        choose(state, "select", args, false, true)
    }),
    ("selectattr", |state, args| {
        choose(state, "selectattr", args, true, true)
    }),
];

fn default(_: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let names = ["value", "default_value", "boolean"];
    let [value, default, boolean] = bind("default", args, names)?;
    let value = value.unwrap_or_default();
    let boolean = boolean.is_some_and(|boolean| boolean.is_true());
    match value.is_undefined() || (boolean && !value.is_true()) {
        true => Ok(default.unwrap_or(Value::from(""))),
        false => Ok(value),
    }
}

fn map(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let (positional, named) = split(args);
    let [value, rest @ ..] = positional else {
        return Err(invalid("map needs a filter or an attribute"));
    };
    let items = iterate(state, value)?;
    let mut mapped = Vec::with_capacity(items.len());
    if let [filter, rest @ ..] = rest {
        let filter = filter
            .as_str()
            .ok_or_else(|| invalid("map needs a filter's name"))?;
        for item in items {
            let mut all = vec![item];
            all.extend_from_slice(rest);
            if !named.is_empty() {
                let named: minijinja::value::Kwargs = named.iter().cloned().collect();
                all.push(Value::from(named));
            }
            state.consume_fuel(1)?;
            let result = state.apply_filter(filter, &all);
            mapped.push(result.map_err(|error| match error.kind() {
                minijinja::ErrorKind::UnknownFilter => {
                    invalid(format!("filter {filter} is unknown"))
                }
                _ => error,
            })?);
        }
    } else {
        let mut path = None;
        let mut default = None;
        for (name, value) in named {
            match name.as_str() {
                "attribute" => path = Some(value),
                "default" => default = Some(value),
                _ => return Err(invalid(format!("unknown keyword argument \"{name}\""))),
            }
        }
        let path = path.ok_or_else(|| invalid("map requires a filter argument"))?;
        for item in items {
            mapped.push(attribute_or(state, &item, &path, default.as_ref())?);
        }
    }
    Ok(Generator::of("generator", mapped))
}

fn choose(
    state: &mut State<'_, '_>,
    name: &str,
    args: &[Value],
    of_attribute: bool,
    wanted: bool,
) -> Result<Value, Error> {
    let (positional, named) = split(args);
    let [value, rest @ ..] = positional else {
        return Err(invalid(format!("{name} needs a value to choose from")));
    };
    let (path, rest) = match (of_attribute, rest) {
        (false, rest) => (None, rest),
        (true, [path, rest @ ..]) => (Some(path), rest),
        (true, []) => {
            return Err(invalid(format!(
                "{name}: missing parameter for attribute name"
            )));
        }
    };
    let mut chosen = Vec::new();
    for item in iterate(state, value)? {
        let tested = match path {
            Some(path) => attribute(state, &item, path)?,
            None => item.clone(),
        };
        let holds = match rest {
            [] => tested.is_true(),
            [test, rest @ ..] => {
                let test = test
                    .as_str()
                    .ok_or_else(|| invalid(format!("{name} needs a test's name")))?;
                let mut all = vec![tested];
                all.extend_from_slice(rest);
                if !named.is_empty() {
                    let named: minijinja::value::Kwargs = named.iter().cloned().collect();
                    all.push(Value::from(named));
                }
                state.consume_fuel(1)?;
                state
                    .perform_test(test, &all)
                    .map_err(|error| match error.kind() {
                        minijinja::ErrorKind::UnknownTest => {
                            invalid(format!("test {test} is unknown"))
                        }
                        _ => error,
                    })?
            }
        };
        if holds == wanted {
            chosen.push(item);
        }
    }
    Ok(Generator::of("generator", chosen))
}
