//! YAQL's standard library, by topic. A function's parameters are named as YAQL names them, since
//! expressions may do so too.

mod branching;
mod generate;
mod group;
mod lists;
mod maps;
mod math;
mod order;
mod queries;
mod regex;
mod sets;
mod strings;
mod system;
mod text;
mod values;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::function::Function;

pub(super) use order::Ordering;

static BY_NAME: LazyLock<HashMap<&'static str, Vec<&'static Function>>> = LazyLock::new(|| {
    let all = [
        branching::FUNCTIONS,
        generate::FUNCTIONS,
        group::FUNCTIONS,
        lists::FUNCTIONS,
        maps::FUNCTIONS,
        math::FUNCTIONS,
        order::FUNCTIONS,
        queries::FUNCTIONS,
        regex::FUNCTIONS,
        sets::FUNCTIONS,
        strings::FUNCTIONS,
        system::FUNCTIONS,
        text::FUNCTIONS,
        values::FUNCTIONS,
    ];
    let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
    for function in all.into_iter().flatten() {
        by_name.entry(function.name).or_default().push(function);
    }
    by_name
});

/// Returns the functions of this name.
pub(super) fn functions(name: &str) -> &'static [&'static Function] {
    BY_NAME.get(name).map_or(&[], Vec::as_slice)
}

/// Returns the known function with the most similar name.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let mut names: Vec<_> = BY_NAME
        .keys()
        .copied()
        .filter(|name| !name.starts_with(['#', '*']))
        .collect();
    names.sort_unstable();
    slipway_suggest::nearest(name, names)
}
