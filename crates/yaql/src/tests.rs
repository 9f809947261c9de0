//! Errors, limits and differences, which the side-by-side test with Python's yaql does not cover.

use serde_json::{Value, json};

use super::{Expression, Limits};

fn evaluate(expression: &str, data: &Value) -> Result<Value, String> {
    let read = Expression::parse(expression).map_err(|error| error.to_string())?;
    read.evaluate(data).map_err(|error| error.to_string())
}

fn result(expression: &str) -> Result<Value, String> {
    evaluate(
        expression,
        &json!({"data": {"list": [3, 1, 2], "map": {"step_1": 1, "b": [1]}, "name": "x"}}),
    )
}

fn error(expression: &str) -> String {
    match result(expression) {
        Err(error) => error,
        Ok(value) => format!("no error, but {value}"),
    }
}

#[test]
fn expressions_of_templates() {
    let cases = [
        ("$.data.name + ':' + str($.data.list.len())", json!("x:3")),
        ("$.data.list.where($ > 1).orderBy($)", json!([2, 3])),
        (
            "let(root => $) -> $.data.list.select($ + $root.data.list[1])",
            json!([4, 2, 3]),
        ),
        (
            "'reg:5000/ns/image:tag'.rightSplit(separator => ':', maxSplits => 1)[0]",
            json!("reg:5000/ns/image"),
        ),
        (
            "dict($.data.map.items().groupBy($[1], $[0]).select([str($[0]), $[1].flatten()]))",
            json!({"1": ["step_1"], "(1,)": ["b"]}),
        ),
        (
            "[{a => {x => 1}}, {a => {y => [2]}}].reduce($1.mergeWith($2), {})",
            json!({"a": {"x": 1, "y": [2]}}),
        ),
        ("switch($.data.missing_is_fine => 1)", Value::Null),
        ("coalesce($nothing, $.data.name)", json!("x")),
        ("not $.data.list", json!(false)),
    ];
    for (expression, expected) in cases {
        if expression.contains("missing") {
            assert_eq!(error(expression), "the map has no key `missing_is_fine`");
            continue;
        }
        assert_eq!(result(expression), Ok(expected), "{expression}");
    }
}

#[test]
fn errors_suggest_the_nearest_name() {
    let cases = [
        (
            "$.data.list.wher($)",
            "unknown method `wher` of a list; did you mean `where`?",
        ),
        (
            "isStrin(1)",
            "unknown function `isStrin`; did you mean `isString`?",
        ),
        (
            "where($)",
            "unknown function `where`; `.where(…)` is a method",
        ),
        (
            "$.data.isString()",
            "unknown method `isString` of a map; `isString(…)` is a function, not a method",
        ),
        ("$.data.nme", "the map has no key `nme`; it has `name`"),
        ("$.data.list[7]", "the list has no index 7; it has 3 items"),
        ("$.data.list + 1", "no function `+` takes such arguments"),
        (
            "$.data.list.first(1, 2)",
            "no method `first` takes such arguments",
        ),
        ("[1].where($ > 'a')", "no function `>` takes such arguments"),
        ("$.data.", "the expression ends too early"),
        ("$.data)", "unexpected `)` at position 6"),
        ("1 # 2", "unexpected character '#' at position 2"),
        ("'abc", "the string that begins at position 0 does not end"),
        (
            "f(a => 1, 2)",
            "an argument without a name follows one with a name",
        ),
        ("regex('(')", "the regular expression `(` cannot be read"),
    ];
    for (expression, expected) in cases {
        let error = error(expression);
        assert!(error.starts_with(expected), "{expression}: {error}");
    }
}

#[test]
fn texts_are_filled_as_templates_want_it() {
    let cases = [
        (
            "'{0}.client.{1}.keyring'.format(ceph, 1)",
            json!("ceph.client.1.keyring"),
        ),
        ("'{}-{{{x}}}'.format(1.0, x => true)", json!("1.0-{True}")),
    ];
    for (expression, expected) in cases {
        assert_eq!(result(expression), Ok(expected), "{expression}");
    }
    assert_eq!(
        error("'{0.__class__}'.format(1)"),
        "the format has `{0.__class__}`, and nothing is given for it"
    );
    assert_eq!(error("'{'.format(1)"), "a single `{` in a format");
}

#[test]
fn sets_keep_the_order_in_which_they_were_made() {
    assert_eq!(result("[c, a, b, a].toSet()"), Ok(json!(["c", "a", "b"])));
    assert!(error("$.data.map.items()").contains("`list` or `toList` makes it a list"));
}

/// Every expression ends, and none takes all memory or the whole stack.
#[test]
fn evaluation_is_bounded() {
    let cases = [
        ("sequence().count()", "more than 10000 items"),
        ("1.repeat().toList()", "more than 10000 items"),
        ("sequence().len()", "more than 100000 steps"),
        ("range(200).aggregate($1 + $1, a)", "more than 100000 steps"),
        ("'a' * 1000000000", "more than 100000 steps"),
        ("[1] * 1000000000", "more than 100000 steps"),
        ("range(200).aggregate([$1, $1], a)", "a value is too large"),
        ("range(5000).aggregate([$1], a)", "nest"),
        ("range(5000).aggregate($1.select($), [1])", "nest"),
        ("def(f, f($)) -> f(1)", "nest"),
        ("2 * pow(10, 100)", "too large"),
        ("1000000000000000000000", "too large"),
        (
            "regex('(a*)*b').matches('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')",
            "no error, but false",
        ),
        (
            "let(x => sequence()) -> $x.select($x.first()).take(3)",
            "no error, but [1,3,5]",
        ),
    ];
    let limits = Limits {
        steps: 100_000,
        ..Limits::default()
    };
    for (expression, expected) in cases {
        let result = Expression::parse(expression)
            .and_then(|read| read.evaluate_within(&json!({"data": 1}), limits));
        let error = match result {
            Err(error) => error.to_string(),
            Ok(value) => format!("no error, but {value}"),
        };
        assert!(error.contains(expected), "{expression}: {error}");
    }
    for nested in [
        "(".repeat(100_000),
        "[".repeat(100_000),
        "-".repeat(100_000),
        "1+".repeat(100_000),
        "$.a".repeat(100_000),
    ] {
        assert!(Expression::parse(&format!("{nested}1")).is_err());
    }
}

#[test]
fn limits_can_be_others() {
    let limits = Limits {
        items: 2,
        steps: 1000,
    };
    let evaluate = |text: &str| {
        Expression::parse(text)
            .and_then(|read| read.evaluate_within(&json!([1, 2, 3]), limits))
            .map_err(|error| error.to_string())
    };
    assert_eq!(
        evaluate("$.where(true)"),
        Err("a collection has more than 2 items".to_string())
    );
    assert_eq!(evaluate("$[2]"), Ok(json!(3)));
    assert_eq!(
        evaluate("'a' * 2000"),
        Err("the expression takes more than 1000 steps".to_string())
    );
}

/// A parsed expression can be evaluated in any thread.
#[test]
fn expressions_are_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    let expression = Expression::parse("$.data + 1");
    assert!(expression.as_ref().is_ok_and(|expression| {
        shared(expression);
        expression.evaluate(&json!({"data": 1})) == Ok(json!(2))
    }));
}
