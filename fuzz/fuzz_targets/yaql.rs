//! Any text as a YAQL expression on data of all kinds: it ends, within its limits, and comes to the
//! same again.
#![no_main]

use std::sync::LazyLock;

use serde_json::{Value, json};
use slipway_yaql::{Expression, Limits};

static DATA: LazyLock<Value> = LazyLock::new(|| {
    json!({"data": {
        "list": [3, 1, 2, null, "a", [1, [2]]], "map": {"a": 1, "b": [1], "c": {"d": "x"}},
        "maps": [{"name": "x", "a": 1}, null, {"name": "y", "b": {}}], "s": "ab:c d/é", "n": -7, "f": 2.5, "t": true,
    }})
});

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(expression) = Expression::parse(text) else {
        return;
    };
    let limits = Limits {
        items: 100,
        steps: 20_000,
    };
    let first = expression.evaluate_within(&DATA, limits);
    assert_eq!(first, expression.evaluate_within(&DATA, limits));
});
