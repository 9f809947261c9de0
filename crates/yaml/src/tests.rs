use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::*;

fn parse(text: &str) -> Result<Value, Error> {
    read_with(text, Options::PYYAML).map(Node::into_value)
}

#[test]
fn scalars_are_those_of_yaml_1_1() {
    let value = parse(
        "[yes, Off, 'yes', 0644, 0x1F, 1_000, 1:30, 1e3, 1.5, 08, 2018-03-02, ~, .5, '', 0b11, -7]",
    )
    .unwrap();
    assert_eq!(
        value,
        json!([
            true,
            false,
            "yes",
            420,
            31,
            1000,
            90,
            "1e3",
            1.5,
            "08",
            "2018-03-02",
            null,
            0.5,
            "",
            3,
            -7
        ])
    );
}

#[test]
fn anchors_and_merges() {
    let value = parse(
        "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: [{y: 4, z: 5}, *a]}\n'<<': plain\n1: one\n",
    )
    .unwrap();
    assert_eq!(
        value,
        json!({
            "a": {"x": 1, "y": 2},
            "b": {"x": 1, "y": 3},
            "c": {"x": 1, "y": 4, "z": 5},
            "<<": "plain",
            "1": "one",
        })
    );
    let numbers = parse("{1.0e-7: a, 2.50: b, 0x10: c}").unwrap();
    assert_eq!(numbers, json!({"1e-07": "a", "2.5": "b", "16": "c"}));
}

#[test]
fn a_block_scalar_ends_as_the_file_does() {
    for (text, expected) in [
        ("a: |\n  x", "x"),
        ("a: |\n  x\n", "x\n"),
        ("a: |+\n  x", "x"),
        ("a: >\n  x\n  y", "x y"),
        ("a: |\n  x\n  y", "x\ny"),
    ] {
        assert_eq!(parse(text).unwrap(), json!({ "a": expected }), "{text:?}");
    }
    assert_eq!(
        parse("a: |\n  x\nb: y").unwrap(),
        json!({"a": "x\n", "b": "y"})
    );
}

#[test]
fn control_characters_are_refused() {
    for wrong in [
        "\0", "\u{1}", "\u{b}", "\u{1b}", "\u{7f}", "\u{80}", "\u{9f}", "\u{ffff}",
    ] {
        for text in [
            "a: 1\n%b: 2\n",
            "a: |\n  x%y\n",
            "a: 'x%'",
            "%",
            "a: 1\n# %\n",
        ] {
            let error = parse(&text.replace('%', wrong)).unwrap_err();
            assert!(
                error.to_string().contains("control character"),
                "{text}: {error}"
            );
            assert_eq!(
                error.position().unwrap().line as usize,
                text[..text.find('%').unwrap()].split('\n').count()
            );
        }
    }
    let printable = "\t\u{a0}\u{2028}é\u{feff}\u{fffd}😀";
    assert_eq!(
        parse(&format!("a: 'x{printable}'\r\n")).unwrap(),
        json!({"a": format!("x{printable}")})
    );
    assert_eq!(parse(r#"a: "\0\x07""#).unwrap(), json!({"a": "\0\u{7}"}));
}

#[test]
fn errors_have_a_place() {
    assert_eq!(
        parse("a: 1\nb: [1\nc: 2\n")
            .unwrap_err()
            .position()
            .unwrap()
            .line,
        3
    );
    assert!(parse("a: &a [*a]").is_err());
    assert!(parse("--- 1\n--- 2\n").is_err());
    assert!(parse(&"[".repeat(5000)).is_err());
    let laughs = format!(
        "a0: &a0 [x]\n{}",
        (1..20)
            .map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}, *a{0}, *a{0}]\n", n - 1))
            .collect::<String>()
    );
    assert!(
        parse(&laughs)
            .unwrap_err()
            .to_string()
            .contains("too large")
    );
}

fn core(text: &str) -> Value {
    read(text).map(Node::into_value).unwrap()
}

#[test]
fn scalars_of_the_core_schema() {
    assert_eq!(
        core(
            "[yes, 0644, 0o17, 0x1F, 0b11, 1e3, 1:30, 1_000, ~, TRUE, .5, -7, +7, 1., '1', 1.5.2, '-']"
        ),
        json!([
            "yes", "0644", 15, 31, 3, 1000.0, "1:30", "1_000", null, true, 0.5, -7, 7, 1.0, "1",
            "1.5.2", "-"
        ])
    );
    for wrong in [
        "18446744073709551616",
        "-9223372036854775809",
        ".inf",
        "-.INF",
        ".nan",
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    assert!(read("a: !own 1").is_err());
}

#[test]
fn continuation_lines_may_be_indented_less() {
    for (text, expected) in [
        (
            "a:\n    b: 'x\n  y\n\nz'\n    c: 1\n",
            json!({"a": {"b": "x y\nz", "c": 1}}),
        ),
        (
            "a:\n    b: \"x \\\n  y\nz\"\n    c: 1\n",
            json!({"a": {"b": "x y z", "c": 1}}),
        ),
        ("a:\n  b: [1,\n2]\n", json!({"a": {"b": [1, 2]}})),
        (
            "a:\n  b: {\n    x: 1\n}\n  c: 2\n",
            json!({"a": {"b": {"x": 1}, "c": 2}}),
        ),
        (
            "a:\n  - b: [\n'x]\n', {\ny: it's}, # ]\n]\n  - 2\n",
            json!({"a": [{"b": ["x] ", {"y": "it's"}]}, 2]}),
        ),
    ] {
        assert_eq!(parse(text).unwrap(), expected, "{text}");
    }
    assert!(parse("a:\n  b: [1,\n---\n2]\n").is_err());
    assert!(parse("a:\n  b: 'x\n---\ny'\n").is_err());
    assert!(parse("a:\n  b: [1,\n2\n").is_err());
}

/// Texts, and the values that PyYAML 6.0.2 reads; `None` where it refuses them.
#[test]
fn comments_begin_where_pyyaml_begins_them() {
    let one = || Some(json!({"a": {"x": 1}, "b": 2}));
    let table = [
        ("a: {x: 1}# c\nb: 2\n", one()),
        ("a: {x: 1}#\nb: 2\n", one()),
        ("a: {x: 1}## c\r\nb: 2\r\n", one()),
        (
            "a: {x: 1}# é ✓\nb: 2# c",
            Some(json!({"a": {"x": 1}, "b": "2# c"})),
        ),
        ("a: {# c\n x: 1}\nb: 2\n", one()),
        ("a: {x: 1,# c\n }\nb: 2\n", one()),
        (
            "a: {'x': 1# c\n }\nb: 2\n",
            Some(json!({"a": {"x": "1# c"}, "b": 2})),
        ),
        ("a: {\"x\":# c\n 1}\nb: 2\n", one()),
        ("a: {x: 'q'# c\n}\n", Some(json!({"a": {"x": "q"}}))),
        ("a: [1]# c\n", Some(json!({"a": [1]}))),
        ("a: []# c\n", Some(json!({"a": []}))),
        ("a: [# c\n 1]\n", Some(json!({"a": [1]}))),
        ("a: [1,# c\n2]# d\n", Some(json!({"a": [1, 2]}))),
        ("a: [{x: 1}# c\n, 2]\n", Some(json!({"a": [{"x": 1}, 2]}))),
        ("a: [[1]# c ]\n]\n", Some(json!({"a": [[1]]}))),
        (
            "a: ['#',# '\n '#'# ]\n]# ]\n",
            Some(json!({"a": ["#", "#"]})),
        ),
        (
            "a: ['it''s, ]'# ]'\n, \"]#\"# ]\n]\nb: 1\n",
            Some(json!({"a": ["it's, ]", "]#"], "b": 1})),
        ),
        ("a: [x# c\n]\n", Some(json!({"a": ["x# c"]}))),
        ("[1]# c\n", Some(json!([1]))),
        ("{a: 1}# c\n", Some(json!({"a": 1}))),
        ("a: 'q'# c\n", Some(json!({"a": "q"}))),
        ("a: ''# c\n", Some(json!({"a": ""}))),
        ("a: 'it''s'# 'c\n", Some(json!({"a": "it's"}))),
        ("a: \"e\\\"s\"# \"c\n", Some(json!({"a": "e\"s"}))),
        (
            "a: 'two\n  l}# i'# c\nb: 1\n",
            Some(json!({"a": "two l}# i", "b": 1})),
        ),
        ("'q'# c\n", Some(json!("q"))),
        (
            "- {x: 1}# c\n- 'q'# d\n- [1]#f\n",
            Some(json!([{"x": 1}, "q", [1]])),
        ),
        ("a: plain# c\n", Some(json!({"a": "plain# c"}))),
        ("a: p {q}# c\n", Some(json!({"a": "p {q}# c"}))),
        (
            "a: |\n  {x}# t\n  'q'# t\n",
            Some(json!({"a": "{x}# t\n'q'# t\n"})),
        ),
        ("a:# c\n  b\n", Some(json!("a:# c b"))),
        ("-# c\n", Some(json!("-# c"))),
        ("a: |# c\n  t\n", None),
        ("a: >-# c\n  t\n", None),
        ("a: !!str# c\n  1\n", None),
        ("a: &x 1\nb: *x# c\n", None),
        ("%YAML 1.1# c\n---\na\n", None),
        ("'a'# c\n: 1\n", None),
        ("{a: 1}# c\n: 2\n", None),
        ("a: {x: 1}:# c\n", None),
    ];
    for (text, expected) in table {
        assert_eq!(parse(text).ok(), expected, "{text:?}");
    }
}

#[test]
fn json_is_read_as_json() {
    let text = "{\"a\": [\"\\ud83d\\ude00\", 1e3, -0, {}, [],\t\"\\/\"], \"b\": null}";
    assert_eq!(
        core(text),
        json!({"a": ["\u{1f600}", 1000.0, -0.0, {}, [], "/"], "b": null})
    );
    let document = read("{\"a\": {\n \"é\": 1, \"b\": [2,\n 3]}}").unwrap();
    let at = |path: &[Step]| document.position_of(path).map(|at| (at.line, at.column));
    let key = |key: &str| Step::Key(key.to_owned());
    assert_eq!(at(&[key("a"), key("é")]), Some((2, 2)));
    assert_eq!(at(&[key("a"), key("b")]), Some((2, 10)));
    assert_eq!(at(&[key("a"), key("b"), Step::Item(1)]), Some((3, 2)));
    let twice = read("{\"a\": 1,\n \"a\": 2}").unwrap_err();
    assert_eq!(twice.to_string(), "line 2, column 2: a: duplicate key");
    assert!(
        read("[18446744073709551616]")
            .unwrap_err()
            .to_string()
            .contains("64 bits")
    );
}

#[test]
fn duplicate_keys() {
    let text = "a: 1\nb: {<<: {x: 1}, x: 2}\na: 2\n";
    assert_eq!(
        read(text).unwrap_err().to_string(),
        "line 3, column 1: a: duplicate key"
    );
    assert_eq!(parse(text).unwrap(), json!({"a": 2, "b": {"x": 2}}));
    let many: String = (0..20).map(|n| format!("k{n}: {n}\n")).collect();
    assert!(read(&many).is_ok());
    assert!(read(&format!("{many}k3: 0\n")).is_err());
}

/// Returns the processor time that this thread has used: a wall clock runs on while others have the
/// processor.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    // The program's name, in parentheses, may have blanks.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let mut ticks = fields.split_whitespace().skip(11);
    let mut next = || ticks.next().unwrap().parse::<u64>().unwrap();
    // Linux counts 100 ticks a second here.
    Duration::from_millis(10 * (next() + next()))
}

#[test]
fn deep_nesting_is_refused_at_once() {
    let size = 240 << 10;
    let block = |unit: &str| {
        let mut text = String::new();
        for depth in 0.. {
            if text.len() >= size {
                break;
            }
            text.push_str(&" ".repeat(depth));
            text.push_str(unit);
        }
        text
    };
    for unit in [
        "[", "{", "{a: ", "{\"a\":", "[[],", "- ", "? ", "[\n", "{a:\n", "&a [", "!!seq [",
        "'a': [", "[a, ", "{? ",
    ] {
        let text = unit.repeat(size / unit.len());
        let started = cpu_time();
        assert!(read(&text).is_err(), "{unit}");
        assert!(parse(&text).is_err(), "{unit}");
        assert!(
            cpu_time() - started < Duration::from_millis(500),
            "{unit}: {:?}",
            cpu_time() - started
        );
    }
    for unit in ["a:\n", "-\n", "- a:\n", "? a\n"] {
        let started = cpu_time();
        let _ = read(&block(unit));
        assert!(
            cpu_time() - started < Duration::from_millis(500),
            "{unit}: {:?}",
            cpu_time() - started
        );
    }
}

#[test]
fn hostile_documents_end_soon() {
    let size = 240 << 10;
    for unit in [
        "\"",
        "'",
        "a: ",
        "a\n",
        "- [\n",
        "a: 'x\ny'\n",
        "*a ",
        "&a ",
        "!a ",
        "# \n",
        ": ",
        "\t",
        "|\n",
        "%x\n",
        "---\n",
        "a: [b,\nc]\n",
        "{}",
        "[]\n",
        "a?: ",
        "''",
        "\\",
    ] {
        let text = unit.repeat(size / unit.len());
        for text in [
            text.clone(),
            format!("  x:\n    {text}"),
            format!("[{text}"),
            format!("'{text}"),
        ] {
            let started = cpu_time();
            let _ = read(&text);
            assert!(
                cpu_time() - started < Duration::from_secs(5),
                "{unit}: {:?}",
                cpu_time() - started
            );
        }
    }
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Service {
    name: String,
    #[serde(default)]
    ports: Vec<u16>,
    #[serde(default)]
    nested: Option<Box<Service>>,
    #[serde(default)]
    kind: Option<Kind>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Plain,
    Sized(u8),
}

#[test]
fn types_are_read() {
    let text = "name: a\nports: [1, 2]\nnested: {name: b, kind: plain}\nkind: {sized: 3}\n";
    let service: Service = from_str(text).unwrap();
    assert_eq!(service.ports, [1, 2]);
    assert_eq!(service.nested.unwrap().kind, Some(Kind::Plain));
    assert_eq!(service.kind, Some(Kind::Sized(3)));
    assert_eq!(from_str::<Option<Service>>("").unwrap(), None);
}

#[test]
fn errors_of_types_name_line_and_key_and_no_value() {
    for (text, expected) in [
        (
            "name: a\nnest: 1\n",
            "line 2, column 1: nest: unknown key; known here: name, ports, nested, kind",
        ),
        (
            "name: a\nports:\n- 1\n- hunter2\n",
            "line 4, column 3: ports[1]: expected u16, found a string",
        ),
        (
            "name: [hunter2]\n",
            "line 1, column 1: name: expected a string, found a list",
        ),
        (
            "name: a\nnested:\n  ports: []\n",
            "line 2, column 1: nested: missing field `name`",
        ),
        (
            "name: a\nports: [70000]\n",
            "line 2, column 9: ports[0]: invalid value: expected u16, found a number",
        ),
        ("[hunter2]", "expected struct Service, found a list"),
        (
            "name: a\nkind: {sized: x}\n",
            "line 2, column 8: kind.sized: expected u8, found a string",
        ),
    ] {
        let error = from_str::<Service>(text).unwrap_err().to_string();
        assert_eq!(error, expected, "{text}");
    }
}

#[test]
fn a_large_document_is_refused() {
    let mut options = Options::default();
    options.limits.bytes = 10;
    assert!(read_with("a: 1\n", options).is_ok());
    assert!(read_with("a: 1234567890\n", options).is_err());
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "[ -~\n\t\u{e9}]{0,80}") {
        let _ = read(&text);
        let _ = parse(&text);
    }
}

#[test]
fn a_document_of_too_many_values_is_refused() {
    let options = Options {
        limits: Limits {
            values: 4,
            ..Limits::DEFAULT
        },
        ..Options::default()
    };
    for text in ["[1, 2, 3]", "- 1\n- 2\n- 3\n", "{\"a\": 1}", "a: 1\n"] {
        read_with(text, options).unwrap();
    }
    for text in [
        "[1, 2, 3, 4]",
        "- 1\n- 2\n- 3\n- 4\n",
        "{\"a\": 1, \"b\": 2}",
        "a: 1\nb: 2\n",
    ] {
        let error = read_with(text, options).unwrap_err().to_string();
        assert!(error.ends_with("too large: more than 4 values"), "{error}");
    }
}
