//! Jinja2's dialect on minijinja, with limits.
//!
//! Templates of Kolla and TripleO are written for Jinja2 and rely on Python: lists change in place,
//! `"%s" % value` formats, `d.items()` is a view, `{{ [1.0, none] }}` prints like Python's `str`.
//! minijinja runs the same syntax. This crate adds Python's behaviour, and limits the time and memory
//! of a template.
//!
//! ```
//! let mut env = minijinja::Environment::new();
//! slipway_jinja::install(&mut env);
//! let source = "{% set p = ['a'] %}{% set _ = p.append('%03d' % 7) %}{{ p }} {{ p|map('upper')|join }}";
//! let template = slipway_jinja::adapt(source);
//! assert_eq!(env.render_str(&template.text, ()).unwrap(), "['a', '007'] A007");
//! ```
//!
//! Start here:
//! - [`install`] gives an environment Jinja2's filters, tests, functions and methods.
//! - [`adapt`] rewrites the text of a template. Every text must be rewritten before an environment
//!   gets it. The `rewrite` module has a table of the changes.
//! - [`list`] and [`dict`] make values that templates can change.
//!
//! Limits are in [`bounds`]. The differences from Jinja2: `\N{…}` in strings is an error; integers
//! have 128 bits; a template that is imported `without context` sees the context; the text of an object
//! has no address; `pprint` does not wrap strings.

mod arguments;
pub mod bounds;
mod filters;
mod globals;
mod methods;
mod operators;
mod predicates;
mod rewrite;
mod syntax;
mod value;

use minijinja::value::{Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, Output, State, UndefinedBehavior, Value};

pub use rewrite::{Adapted, adapt};
pub use value::dict::Dict;
pub use value::list::List;
pub use value::{dict, list};

/// Adds Jinja2's dialect and its limits to an environment.
pub fn install(env: &mut Environment<'static>) {
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    env.set_undefined_behavior(UndefinedBehavior::Lenient);
    env.set_fuel(Some(bounds::FUEL));
    env.set_formatter(print);
    env.set_unknown_method_callback(methods::call);
    operators::install(env);
    filters::install(env);
    predicates::install(env);
    globals::install(env);
}

/// Returns a function's arguments by the names of its parameters, however they were given.
pub fn bind<const N: usize>(
    what: &str,
    args: Rest<ValueOrKwargs>,
    names: [&str; N],
) -> Result<[Option<Value>; N], Error> {
    arguments::bind(what, &operators::values(args), names)
}

/// Returns the items that Python walks through: of a list, tuple, string, dictionary or generator.
pub fn iterate(state: &State<'_, '_>, value: &Value) -> Result<Vec<Value>, Error> {
    value::iterate(state, value)
}

/// Returns Python's name of a value's type.
pub fn type_name(value: &Value) -> &'static str {
    value::type_name(value)
}

/// Returns data as templates see it.
pub fn data(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::from(()),
        serde_json::Value::Bool(value) => Value::from(*value),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::from(number),
            (None, Some(number)) => Value::from(number),
            (None, None) => Value::from(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => list(items.iter().map(data).collect()),
        serde_json::Value::Object(entries) => dict(
            entries
                .iter()
                .map(|(key, item)| (Value::from(key.as_str()), data(item))),
        ),
    }
}

/// Returns a value that templates can change, made of data.
pub fn own(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    value::own(state, value)
}

fn print(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.as_str() {
        Some(text) if value.kind() == ValueKind::String => out.write_str(text).map_err(Error::from),
        _ => {
            let text = bounds::text(state, value)?;
            out.write_str(&text).map_err(Error::from)
        }
    }
}
