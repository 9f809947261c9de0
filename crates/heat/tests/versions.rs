//! Each version of the template language has its own functions, sections and keys.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use slipway_heat::{Resolver, Result};

/// The value of a call in a template of this version.
fn value(version: &str, call: &str) -> Result<Value> {
    let directory = tempfile::tempdir().unwrap();
    let base = format!("heat_template_version: {version}\noutputs: {{list: {{value: [a, b]}}}}\n");
    let facade = format!(
        "heat_template_version: {version}\noutputs: {{x: {{value: {{Fn::ResourceFacade: Metadata}}}}}}\n"
    );
    let top = format!(
        "heat_template_version: {version}
parameters:
  Text: {{type: string, default: 'a,b'}}
  Map: {{type: json, default: {{k: v}}}}
resources:
  Value: {{type: OS::Heat::Value, properties: {{value: {{a: [1, 2]}}}}}}
  Base: {{type: base.yaml}}
  Facade: {{type: facade.yaml, metadata: {{m: 1}}}}
  Chain: {{type: OS::Heat::ResourceChain, properties: {{resources: [base.yaml, base.yaml]}}}}
outputs:
  x:
    value: {call}
"
    );
    for (name, text) in [
        ("base.yaml", base),
        ("facade.yaml", facade),
        ("top.yaml", top),
    ] {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    let mut outputs = Resolver::open(directory.path(), &[])?.resolve("top.yaml")?;
    Ok(outputs.remove("x").unwrap())
}

fn error(version: &str, call: &str) -> String {
    value(version, call).unwrap_err().to_string()
}

#[test]
fn the_first_version_has_functions_of_cloudformation() {
    for (call, expected) in [
        ("{Ref: Text}", json!("a,b")),
        ("{Ref: Base}", json!("Base")),
        ("{Fn::Select: [1, [x, y]]}", json!("y")),
        ("{Fn::Select: ['-1', [x, y]]}", json!("y")),
        ("{Fn::Select: [7, [x, y]]}", json!("")),
        ("{Fn::Select: [k, {Ref: Map}]}", json!("v")),
        ("{Fn::Select: [k, '{\"k\": [1]}']}", json!([1])),
        ("{Fn::Select: [0, null]}", json!("")),
        ("{Fn::Join: ['-', [x, null, y]]}", json!("x--y")),
        (
            "{list_join: ['-', {Fn::Split: [',', {get_param: Text}]}]}",
            json!("a-b"),
        ),
        (
            "{Fn::Replace: [{$a: 1, $b: true}, '$a$b$a']}",
            json!("1True1"),
        ),
        ("{Fn::Base64: {get_param: Text}}", json!("a,b")),
        (
            "{Fn::MemberListToMap: [Name, Value, [.member.0.Name=a, .member.0.Value=b=c, .member.1.Name=d]]}",
            json!({"a": "b=c"}),
        ),
        ("{get_attr: [Facade, x]}", json!({"m": 1})),
        ("{get_attr: [Value, value, a, 1]}", json!(2)),
        // Not a function yet.
        ("{digest: [md5, x]}", json!({"digest": ["md5", "x"]})),
        ("{repeat: x}", json!({"repeat": "x"})),
    ] {
        assert_eq!(value("2013-05-23", call).unwrap(), expected, "{call}");
    }
    for call in [
        "{Fn::GetAZs: ''}",
        "{Ref: Missing}",
        "{Fn::Select: [x, [a]]}",
        "{Fn::Select: [0, 5]}",
        "{Fn::Split: [{get_param: Text}, x]}",
        "{Fn::Base64: [x]}",
        "{Fn::Replace: [{a: [b]}, x]}",
        "{str_replace: {template: x, params: {a: [b]}}}",
        "{list_join: ['-', [1]]}",
        "{list_join: ['-', [a], [b]]}",
        "{get_attr: [Value]}",
        "{Fn::MemberListToMap: [Name, Value, [x]]}",
        "{Fn::ResourceFacade: metadata}",
    ] {
        assert!(value("2013-05-23", call).is_err(), "{call}");
    }
}

#[test]
fn a_path_counts_in_the_list_of_a_chain_until_it_counts_in_each_of_it() {
    let call = "{get_attr: [Chain, list, 0]}";
    assert_eq!(value("2013-05-23", call).unwrap(), json!(["a", "b"]));
    assert_eq!(value("2014-10-16", call).unwrap(), json!(["a", "a"]));
}

#[test]
fn functions_come_and_go() {
    for (call, first) in [
        ("{digest: [md5, x]}", "2015-04-30"),
        ("{str_split: [',', 'a,b']}", "2015-10-15"),
        ("{map_merge: [{a: 1}]}", "2016-04-08"),
    ] {
        let versions = ["2014-10-16", "2015-04-30", "2015-10-15", "2016-04-08"];
        for version in versions {
            let plain = value(version, call).unwrap();
            let is_call = !call.starts_with(&format!("{{{}", key(&plain)));
            assert_eq!(is_call, version >= first, "{version}: {call}: {plain}");
        }
    }
    for (version, call) in [
        ("2014-10-16", "{Ref: Text}"),
        ("2015-04-30", "{Fn::Join: ['', []]}"),
        ("2015-10-15", "{Fn::Select: [0, [a]]}"),
        ("queens", "{Fn::Select: [0, [a]]}"),
    ] {
        let error = error(version, call);
        assert!(error.contains("not in this version"), "{error}");
    }
    assert_eq!(value("2015-04-30", "{Fn::Select: [0, [a]]}").unwrap(), "a");
    let both = "{list_join: ['-', [a], [b, {c: 1}]]}";
    assert!(value("2015-04-30", both).is_err());
    assert_eq!(value("2015-10-15", both).unwrap(), r#"a-b-{"c": 1}"#);
}

/// The only key of a map, or text that no call begins with.
fn key(value: &Value) -> String {
    match value.as_object().and_then(|map| map.keys().next()) {
        Some(key) => format!("{key}:"),
        None => "no map".to_owned(),
    }
}

#[test]
fn sections_and_keys_are_those_of_the_version() {
    let error_of = |version: &str, text: &str| {
        let directory = tempfile::tempdir().unwrap();
        let text = format!("heat_template_version: {version}\n{text}");
        std::fs::write(directory.path().join("top.yaml"), text).unwrap();
        let resolver = Resolver::open(directory.path(), &[]).unwrap();
        resolver
            .resolve("top.yaml")
            .err()
            .map(|error| error.to_string())
    };
    for (text, key, first) in [
        ("conditions: {a: true}\n", "conditions", "2016-10-14"),
        (
            "resources: {A: {type: OS::Heat::None, condition: true}}\n",
            "condition",
            "2016-10-14",
        ),
        (
            "resources: {A: {type: OS::Heat::None, external_id: a}}\n",
            "external_id",
            "2016-10-14",
        ),
        (
            "outputs: {x: {value: 1, condition: true}}\n",
            "condition",
            "2016-10-14",
        ),
        (
            "parameters: {P: {type: string, default: a, tags: [b]}}\n",
            "tags",
            "2018-03-02",
        ),
        (
            "parameters: {P: {type: number, default: 2, constraints: [{modulo: {step: 2, offset: 0}}]}}\n",
            "constraint",
            "2017-02-24",
        ),
    ] {
        for version in [
            "2013-05-23",
            "2016-04-08",
            "2016-10-14",
            "2017-02-24",
            "2018-03-02",
        ] {
            let error = error_of(version, text);
            assert_eq!(
                error.is_none(),
                version >= first,
                "{version}: {text}: {error:?}"
            );
            assert!(
                error.is_none_or(|error| error.contains(key)),
                "{version}: {text}"
            );
        }
    }
    let unknown = error_of("2012-12-12", "").unwrap();
    assert!(
        unknown.contains("known are 2013-05-23, 2014-10-16, 2015-04-30, 2015-10-15"),
        "{unknown}"
    );
    assert!(error_of("kilo", "").is_some());
}

#[test]
fn the_docker_environment_counts_where_services_are_docker_templates() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    std::fs::create_dir(place.join("environments")).unwrap();
    std::fs::write(
        place.join("environments/docker.yaml"),
        "parameter_defaults: {Cli: docker}\n",
    )
    .unwrap();
    std::fs::write(
        place.join("top.yaml"),
        "heat_template_version: rocky\nparameters: {Cli: {type: string, default: podman}}\n\
         outputs: {x: {value: {get_param: Cli}}}\n",
    )
    .unwrap();
    let resolved = || {
        Resolver::open(place, &[])
            .unwrap()
            .resolve("top.yaml")
            .unwrap()["x"]
            .clone()
    };
    assert_eq!(resolved(), "podman");
    std::fs::create_dir_all(place.join("docker/services")).unwrap();
    assert_eq!(resolved(), "docker");
}
