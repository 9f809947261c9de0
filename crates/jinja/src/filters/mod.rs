//! Jinja2's filters.

mod choice;
mod json;
mod number;
mod sequence;
mod text;

use minijinja::value::{Rest, ValueOrKwargs};
use minijinja::{Environment, Error, State, Value};

use crate::operators::values;

/// A filter: its first argument is what it is applied to.
type Filter = fn(&mut State<'_, '_>, &[Value]) -> Result<Value, Error>;

/// minijinja's filters that Jinja2 does not have.
const FOREIGN: [&str; 5] = ["bool", "chain", "lines", "split", "zip"];

pub(crate) fn install(env: &mut Environment<'static>) {
    let all = [
        text::FILTERS,
        number::FILTERS,
        sequence::FILTERS,
        choice::FILTERS,
        json::FILTERS,
    ];
    for (name, filter) in all.into_iter().flatten() {
        add(env, name, *filter);
    }
    for name in FOREIGN {
        env.remove_filter(name);
    }
}

fn add(env: &mut Environment<'static>, name: &'static str, filter: Filter) {
    env.add_filter(
        name,
        move |state: &mut State<'_, '_>, args: Rest<ValueOrKwargs>| filter(state, &values(args)),
    );
}
