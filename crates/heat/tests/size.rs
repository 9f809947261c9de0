//! A small template with a huge result is refused, with its place, before it takes all memory.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use serde_json::{Map, Value};
use slipway_heat::{Problem, Resolver};

/// The budget of a template in these tests.
const MIB: usize = 64;

/// Templates whose version is left out, in a directory.
fn write(directory: &Path, templates: &[(String, String)]) {
    for (name, text) in templates {
        let text = format!("heat_template_version: wallaby\n{text}");
        std::fs::write(directory.join(name), text).unwrap();
    }
}

fn resolve(templates: &[(String, String)]) -> slipway_heat::Result<Map<String, Value>> {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), templates);
    Resolver::open(directory.path(), &[])?
        .within(MIB)
        .resolve("top.yaml")
}

fn resolve_one(text: &str) -> slipway_heat::Result<Map<String, Value>> {
    resolve(&[("top.yaml".to_owned(), text.to_owned())])
}

/// A value that becomes another `times` times over; `{}` is the one before.
fn growing(first: &str, next: &str, times: usize) -> String {
    let value = |index: usize, text: &str| {
        format!("  r{index}: {{type: OS::Heat::Value, properties: {{value: {text}}}}}\n")
    };
    let mut resources = value(0, first);
    for index in 1..=times {
        let before = format!("{{get_attr: [r{}, value]}}", index - 1);
        resources += &value(index, &next.replace("{}", &before));
    }
    format!("resources:\n{resources}outputs: {{x: {{value: {{get_attr: [r{times}, value]}}}}}}")
}

#[test]
fn doubling_values_are_refused() {
    for (first, next) in [
        ("1", "[{}, {}]"),
        ("x", "{a: {}, b: {}}"),
        ("[1]", "{list_concat: [{}, {}]}"),
        ("{a: 1}", "{map_merge: [{a: {}}, {b: {}}]}"),
        ("{a: x}", "{map_replace: [{a: x, b: x}, {values: {x: {}}}]}"),
        ("xxxx", "{list_join: [x, [{}, {}]]}"),
        (
            "xxxx",
            "{str_replace: {template: abab, params: {a: {}, b: {}}}}",
        ),
        ("x", "{repeat: {template: {}, for_each: {y: [z, z]}}}"),
        (
            "[xx]",
            "{yaql: {expression: \"[$.data, $.data]\", data: {}}}",
        ),
        ("x", "{filter: [[1], [{}, {}]]}"),
        ("x", "{if: [true, [{}, {}], 1]}"),
    ] {
        let error = resolve_one(&growing(first, next, 60)).unwrap_err();
        let text = error.to_string();
        let said = [
            "more than 64 MiB",
            "at most 16777216 bytes",
            "at most 1000000 items",
            "steps",
        ];
        assert!(
            said.iter().any(|said| text.contains(said)),
            "{next}: {text}"
        );
        assert_eq!(error.template(), "top.yaml", "{next}");
        assert!(error.path().starts_with("resources.r"), "{next}: {text}");
    }
}

#[test]
fn one_call_cannot_make_much_of_little() {
    let long = "ab,".repeat(400_000);
    for (value, said) in [
        (
            format!("{{str_replace: {{template: '{long}', params: {{a: '{long}'}}}}}}"),
            "at most 16777216 bytes",
        ),
        (
            format!("{{repeat: {{template: '{long}', for_each: {{a: ['{long}']}}}}}}"),
            "at most 16777216 bytes",
        ),
        (
            format!(
                "{{repeat: {{template: '{long}', for_each: {{x: [{}]}}}}}}",
                "y, ".repeat(1000)
            ),
            "more than 64 MiB",
        ),
        (
            format!(
                "[{}]",
                format!("{{str_split: [',', '{long}']}}, ").repeat(20)
            ),
            "more than 64 MiB",
        ),
    ] {
        let error = resolve_one(&format!("outputs: {{x: {{value: {value}}}}}")).unwrap_err();
        assert!(
            error.problem().to_string().contains(said),
            "{}",
            error.problem()
        );
        assert!(error.path().starts_with("outputs.x.value"));
    }
}

#[test]
fn templates_that_use_one_another_twice_are_refused() {
    let level = |index: usize| {
        let next = index + 1;
        let text = format!(
            "parameters: {{p: {{type: json}}}}
resources:
  A: {{type: ./t{next}.yaml, properties: {{p: [{{get_param: p}}, 1]}}}}
  B: {{type: ./t{next}.yaml, properties: {{p: [{{get_param: p}}, 2]}}}}
outputs: {{x: {{value: [{{get_attr: [A, x]}}, {{get_attr: [B, x]}}]}}}}"
        );
        (format!("t{index}.yaml"), text)
    };
    let mut templates: Vec<_> = (0..25).map(level).collect();
    templates.push((
        "t25.yaml".to_owned(),
        "parameters: {p: {type: json}}\noutputs: {x: {value: {get_param: p}}}".to_owned(),
    ));
    templates.push((
        "top.yaml".to_owned(),
        "resources: {T: {type: ./t0.yaml, properties: {p: [0]}}}
outputs: {x: {value: {get_attr: [T, x]}}}"
            .to_owned(),
    ));
    let error = resolve(&templates).unwrap_err();
    assert!(matches!(error.problem(), Problem::TooLarge(64)), "{error}");
}

#[test]
fn aliases_cannot_make_much_of_little() {
    let lines = |first: &str| {
        let next = |n: usize| format!("  a{n}: &a{n} [*a{0}, *a{0}, *a{0}, *a{0}]\n", n - 1);
        let rest: String = (1..30).map(next).collect();
        format!("outputs:\n  a0: &a0 {first}\n{rest}")
    };
    for first in ["[x]".to_owned(), "x".repeat(1 << 20)] {
        let error = resolve_one(&lines(&first)).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("anchors and aliases make too large a value"),
            "{text}"
        );
        assert!(text.starts_with("top.yaml:"), "{text}");
    }
}

#[test]
fn files_without_end_are_refused() {
    for path in ["/dev/zero", "file:///dev/zero"] {
        let text = format!("outputs: {{x: {{value: {{get_file: '{path}'}}}}}}");
        let error = resolve_one(&text).unwrap_err().to_string();
        assert!(
            error.ends_with("/dev/zero: it is a device, not a file"),
            "{error}"
        );
    }
}

#[test]
fn long_lists_are_compared_at_once() {
    let numbers = |from: usize| {
        let numbers: Vec<_> = (from..from + 50_000).map(|n| n.to_string()).collect();
        format!("[{}]", numbers.join(", "))
    };
    let text = format!(
        "outputs:
  unique: {{value: {{list_concat_unique: [{}, {}]}}}}
  left: {{value: {{filter: [{}, {}]}}}}",
        numbers(0),
        numbers(25_000),
        numbers(0),
        numbers(25_000),
    );
    let outputs = resolve_one(&text).unwrap();
    assert_eq!(outputs["unique"].as_array().unwrap().len(), 75_000);
    assert_eq!(outputs["left"].as_array().unwrap().len(), 25_000);
    let alike = resolve_one(
        "outputs: {x: {value: {list_concat_unique: [[1, 1.0, true, {a: 1, b: 2}], [{b: 2, a: 1}, '1', 0, false]]}}}",
    );
    let expected = serde_json::json!([1, {"a": 1, "b": 2}, "1", 0]);
    assert_eq!(alike.unwrap()["x"], expected);
}

#[test]
fn integers_are_exact_or_refused() {
    let outputs = resolve_one(
        "outputs: {x: {value: [18446744073709551615, -9223372036854775808, 0xFFFFFFFFFFFFFFFF, '99999999999999999999']}}",
    )
    .unwrap();
    assert_eq!(
        outputs["x"].to_string(),
        r#"[18446744073709551615,-9223372036854775808,18446744073709551615,"99999999999999999999"]"#
    );
    for number in [
        "18446744073709551616",
        "-9223372036854775809",
        "0x1FFFFFFFFFFFFFFFF",
        "07777777777777777777777",
        "99999999999999999999999999:00",
    ] {
        let error = resolve_one(&format!("outputs:\n  x: {{value: {number}}}")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "top.yaml:3:14: outputs.x.value: this integer has more than 64 bits; put it in quotes to make it a string"
        );
    }
    for (kind, value) in [
        ("number", "'18446744073709551616'"),
        ("json", "'[18446744073709551616]'"),
    ] {
        let text = format!(
            "parameters: {{p: {{type: {kind}, default: {value}}}}}\noutputs: {{x: {{value: {{get_param: p}}}}}}"
        );
        let error = resolve_one(&text).unwrap_err().to_string();
        assert!(error.contains("parameters.p: "), "{error}");
    }
}
