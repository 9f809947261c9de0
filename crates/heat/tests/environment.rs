//! Environment files: several of them, and what may be wrong in one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use slipway_heat::{Resolver, Result, Sources};

/// One output for each of two parameters, and one of a resource.
const TEMPLATE: &str = "heat_template_version: queens
parameters:
  Map: {type: json, default: {}}
  List: {type: comma_delimited_list, default: ''}
resources:
  Base: {type: OS::Some::Base}
outputs:
  map: {value: {get_param: Map}}
  list: {value: {get_param: List}}
  base: {value: {get_attr: [Base, text]}}
";

/// Resolves the template with these environment files, in a directory with these other files.
fn with(others: &[&str], environments: &[&str]) -> Result<Value> {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let place = directory.path().join(name);
        std::fs::write(&place, text).unwrap();
        place
    };
    write("template.yaml", TEMPLATE);
    write(
        "base.yaml",
        "heat_template_version: queens\noutputs: {text: {value: base}}\n",
    );
    for name in others {
        write(name, "{}\n");
    }
    let environments: Vec<_> = environments
        .iter()
        .enumerate()
        .map(|(number, text)| write(&format!("env{number}.yaml"), text))
        .collect();
    let resolver = Resolver::open(directory.path(), &environments)?;
    resolver.resolve("template.yaml").map(Value::Object)
}

fn map_of(others: &[&str], environments: &[&str]) -> Value {
    let none = "resource_registry: {OS::Some::*: OS::Heat::None}";
    let all: Vec<_> = environments.iter().copied().chain([none]).collect();
    with(others, &all).unwrap()["map"].clone()
}

fn error_of(environments: &[&str]) -> String {
    let error = with(&[], environments).unwrap_err().to_string();
    // The first line, from the file's name on.
    let start = error.find("env").unwrap_or_default();
    error[start..].lines().next().unwrap().to_owned()
}

const FIRST: &str = "parameter_defaults: {Map: {a: {x: 1, l: [1]}, b: 1, n: 1}}";
const SECOND: &str = "parameter_defaults: {Map: {a: {y: 2, l: [2]}, b: 2, n: null}}";

#[test]
fn of_several_values_the_last_wins_as_in_heat() {
    let last = json!({"a": {"y": 2, "l": [2]}, "b": 2, "n": null});
    assert_eq!(map_of(&[], &[FIRST, SECOND]), last);
    // Which nothing takes away again.
    let null = "parameter_defaults: {Map: null}";
    assert_eq!(map_of(&[], &[FIRST, SECOND, null]), last);
}

#[test]
fn maps_are_merged_where_the_client_did_it() {
    let plan = ["plan-environment.yaml"];
    let both = json!({"a": {"x": 1, "y": 2, "l": [2]}, "b": 2, "n": null});
    assert_eq!(map_of(&plan, &[FIRST, SECOND]), both);
    let null = "parameter_defaults: {Map: null}";
    assert_eq!(map_of(&plan, &[FIRST, SECOND, null]), both);
}

#[test]
fn a_file_may_say_how_values_are_merged() {
    let merged = |strategy: &str| {
        let said = format!("parameter_merge_strategies: {{Map: {strategy}}}\n{FIRST}");
        map_of(&[], &[&said, SECOND])
    };
    assert_eq!(
        merged("merge"),
        json!({"a": {"y": 2, "l": [2]}, "b": 2, "n": 1})
    );
    assert_eq!(
        merged("deep_merge"),
        json!({"a": {"x": 1, "y": 2, "l": [1, 2]}, "b": 2, "n": 1})
    );
    assert_eq!(
        merged("overwrite"),
        json!({"a": {"y": 2, "l": [2]}, "b": 2, "n": null})
    );
}

#[test]
fn values_that_cannot_be_merged_are_errors() {
    assert_eq!(
        error_of(&["parameter_merge_strategies: {Map: deepmerge}"]),
        "env0.yaml:1:30: parameter_merge_strategies.Map: there is no such strategy; did you mean \
         deep_merge?; known are overwrite, merge, deep_merge"
    );
    assert_eq!(
        error_of(&[
            FIRST,
            "{parameter_merge_strategies: {Map: merge}, parameter_defaults: {Map: {c: 1}}}"
        ]),
        "env1.yaml:1:65: parameter_defaults.Map: a file before this one gives it with another \
         strategy: name the strategy in the first file that gives it"
    );
    assert_eq!(
        error_of(&[
            "{parameter_merge_strategies: {default: merge}, parameter_defaults: {List: 'a,b'}}",
            "{parameter_merge_strategies: {default: merge}, parameter_defaults: {List: 'c'}}",
        ]),
        "env1.yaml:1:69: parameter_defaults.List: only maps, and lists, can be merged: give it as one \
         of them in each file"
    );
}

#[test]
fn a_name_with_a_star_stands_for_all_that_begin_so() {
    let base = |registry: &str| {
        with(&[], &[&format!("resource_registry: {{{registry}}}")]).map(|all| all["base"].clone())
    };
    assert_eq!(base("'OS::Some::Base': base.yaml").unwrap(), "base");
    assert_eq!(
        base("'OS::Some::*': 'OS::Other::*', 'OS::Other::Base': base.yaml").unwrap(),
        "base"
    );
    // Before one without, and the shortest before others, as in Heat.
    let none = "'OS::*': OS::Heat::None, 'OS::Some::B*': OS::Heat::Value";
    assert_eq!(
        base(&format!("{none}, 'OS::Some::Base': base.yaml")).unwrap(),
        Value::Null
    );
    // But not for a template.
    assert!(base("'OS::Some::*': base.yaml").is_err());
}

#[test]
fn invalid_types_are_refused() {
    assert_eq!(
        error_of(&["resource_registry: {OS::Some::Base: [base.yaml]}"]),
        "env0.yaml:1:21: resource_registry.OS::Some::Base: it must be a template or the name of a type"
    );
    assert_eq!(
        error_of(&["resource_registry: {resources: {Base: {OS::Some::Base: base.yaml}}}"]),
        "env0.yaml:1:40: resource_registry.resources.Base.OS::Some::Base: a type for one resource \
         alone is not supported: map it in the resource registry itself"
    );
    assert_eq!(
        error_of(&["resource_registry: {resources: {Base: {hooks: [pre-create, pre-crate]}}}"]),
        "env0.yaml:1:40: resource_registry.resources.Base.hooks: it must be one of pre-create, \
         pre-update, pre-delete, post-create, post-update, post-delete; did you mean pre-create?"
    );
    // Where Heat is to wait, and what it must not do, is not asked for here.
    let hooks = "resource_registry:
  OS::Some::Base: base.yaml
  resources:
    '*_node': {hooks: pre-create, restricted_actions: [replace]}
    nodes: {first: {hooks: [pre-update, pre-delete]}}
";
    assert_eq!(with(&[], &[hooks]).unwrap()["base"], "base");
}

#[test]
fn a_file_may_begin_with_a_mark_and_end_its_lines_as_windows_does() {
    let text = "\u{feff}parameter_defaults:\r\n  Map: {a: 1}\r\n";
    assert_eq!(map_of(&[], &[text]), json!({"a": 1}));
}

#[test]
fn values_without_a_json_form_are_refused() {
    for (value, reason) in [
        (
            ".inf",
            "this number is not finite; put it in quotes to make it a string",
        ),
        (
            "-.INF",
            "this number is not finite; put it in quotes to make it a string",
        ),
        (
            ".nan",
            "this number is not finite; put it in quotes to make it a string",
        ),
        (
            "1.0e+999",
            "this number is not finite; put it in quotes to make it a string",
        ),
        ("!!set {a, b}", "unknown tag"),
        ("!own [a]", "unknown tag"),
    ] {
        let error = error_of(&[&format!("parameter_defaults: {{Map: {value}}}")]);
        assert!(error.ends_with(reason), "{value}: {error}");
    }
    let plain = "parameter_defaults: {Map: !!map {a: !!seq [1], b: '.inf'}}";
    assert_eq!(map_of(&[], &[plain]), json!({"a": [1], "b": ".inf"}));
}

#[test]
fn paths_are_the_environments_own_wherever_the_templates_are() {
    let directory = tempfile::tempdir().unwrap();
    let (templates, own) = (
        directory.path().join("templates"),
        directory.path().join("own"),
    );
    for (place, text) in [(&templates, "standard"), (&own, "own")] {
        std::fs::create_dir(place).unwrap();
        let base = format!("heat_template_version: queens\noutputs: {{text: {{value: {text}}}}}\n");
        std::fs::write(place.join("base.yaml"), base).unwrap();
    }
    std::fs::write(
        own.join("env.yaml"),
        "resource_registry: {OS::Own: base.yaml, OS::Standard: ../templates/base.yaml}\n",
    )
    .unwrap();
    // As it is called from the directory that the program works in.
    let depth = std::env::current_dir().unwrap().components().count() - 1;
    let up: std::path::PathBuf = std::iter::repeat_n("..", depth).collect();
    let relative = |path: &std::path::Path| up.join(path.strip_prefix("/").unwrap());
    for (templates, environment) in [
        (templates.clone(), relative(&own.join("env.yaml"))),
        (relative(&templates), own.join("env.yaml")),
        (relative(&templates), relative(&own.join("env.yaml"))),
    ] {
        let resolver = Resolver::open(&templates, &[environment]).unwrap();
        let name = resolver.template_of("OS::Own").unwrap().unwrap();
        assert_eq!(resolver.resolve(&name).unwrap()["text"], "own");
        let name = resolver.template_of("OS::Standard").unwrap();
        assert_eq!(name.as_deref(), Some("base.yaml"));
    }
}

#[test]
fn invalid_environments_and_directories_are_errors() {
    assert_eq!(
        error_of(&[TEMPLATE]),
        "env0.yaml: this is a template, and no environment"
    );
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let error = Resolver::open_for(&["a.yaml"], &missing, &Sources::default()).err();
    let expected = format!(
        "{}: cannot be read: there is no such directory of templates",
        missing.display()
    );
    assert_eq!(error.unwrap().to_string(), expected);
}
