//! Variables of a template override, as functions see them.
//!
//! A minijinja macro sees only the names that it mentions; in Jinja2, a function that is called from a
//! macro sees the whole context. So an override ends with [`PUBLISH`], which keeps its variables
//! where [`lookup`] finds them.

use std::collections::BTreeMap;

use minijinja::{Environment, State, Value};

/// The statement that an override's text ends with.
pub(super) const PUBLISH: &str = "{% do _publish() %}";

/// Adds the function that [`PUBLISH`] calls.
pub(super) fn install(env: &mut Environment<'static>) {
    env.add_function("_publish", publish);
}

/// Returns a variable as Jinja2's context would give it to a function, also from inside a macro. It
/// may be undefined: then it was set to an undefined value.
pub(super) fn lookup(state: &State<'_, '_>, name: &str) -> Option<Value> {
    let found = state.lookup(name);
    match found.as_ref().is_none_or(Value::is_undefined) {
        true => {
            let published = state.get_extension::<Published>();
            published
                .and_then(|published| published.0.get(name).cloned())
                .or(found)
        }
        false => found,
    }
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
