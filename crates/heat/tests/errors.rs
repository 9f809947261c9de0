//! Errors name their place and the templates that led there.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use slipway_heat::{Problem, Resolver, Sources};

/// The error of resolving `top.yaml` among these templates, of which the version is left out.
fn error_of(templates: &[(&str, &str)]) -> slipway_heat::Error {
    resolve(templates).unwrap_err()
}

fn resolve(
    templates: &[(&str, &str)],
) -> slipway_heat::Result<serde_json::Map<String, serde_json::Value>> {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in templates {
        let text = format!("heat_template_version: queens\n{text}");
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    Resolver::open(directory.path(), &[])
        .unwrap()
        .resolve("top.yaml")
}

#[test]
fn circular_resources() {
    let error = error_of(&[(
        "top.yaml",
        "resources:
  A: {type: OS::Heat::Value, properties: {value: {get_attr: [B, value]}}}
  B: {type: OS::Heat::Value, properties: {value: {get_attr: [A, value]}}}
outputs: {x: {value: {get_attr: [A, value]}}}",
    )]);
    assert!(matches!(error.problem(), Problem::Circular(what) if what == "resource A"));
    assert_eq!(
        error.to_string(),
        "top.yaml:4:51: resources.B.properties.value.get_attr: resource A depends on itself
  used by top.yaml:3:51: resources.A.properties.value.get_attr
  used by top.yaml:5:23: outputs.x.value.get_attr"
    );
}

#[test]
fn circular_conditions_and_templates() {
    let error = error_of(&[(
        "top.yaml",
        "conditions: {a: {not: b}, b: {not: a}}
outputs: {x: {value: {if: [a, 1, 2]}}}",
    )]);
    assert!(matches!(error.problem(), Problem::Circular(what) if what == "condition a"));

    let error = error_of(&[(
        "top.yaml",
        "resources: {Again: {type: ./top.yaml}}
outputs: {x: {value: {get_attr: [Again, x]}}}",
    )]);
    assert!(matches!(error.problem(), Problem::TooDeep));
}

#[test]
fn items_of_an_empty_list_are_still_checked() {
    let filter = |values: &str| {
        let text = format!("outputs: {{x: {{value: {{filter: [{values}, []]}}}}}}");
        resolve(&[("top.yaml", &text)])
    };
    // Its value would be an error, which nobody needs.
    assert!(filter("{digest: [no, such]}").is_ok());
    assert!(filter("{if: [false, {if: [missing, 1, 2]}, 3]}").is_ok());
    let error = filter("[{if: [{equals: [1, 1]}, {if: [missing, 1, 2]}, 3]}]").unwrap_err();
    assert_eq!(
        error.to_string(),
        "top.yaml:2:63: outputs.x.value.filter[0][0].if[1].if[0]: there is no condition missing"
    );
}

#[test]
fn a_parameter_without_value_names_who_left_it_out() {
    let error = error_of(&[
        (
            "base.yaml",
            "parameters: {Password: {type: string}}\noutputs: {x: {value: 1}}",
        ),
        (
            "top.yaml",
            "resources: {Base: {type: ./base.yaml}}
outputs: {x: {value: [{get_attr: [Base, x]}]}}",
        ),
    ]);
    assert_eq!(
        error.to_string(),
        "base.yaml:2:14: parameters.Password: parameter Password has no value and no default: give it \
         one under parameter_defaults
  used by top.yaml:2:13: resources.Base
  used by top.yaml:3:24: outputs.x.value[0].get_attr"
    );
    assert_eq!(
        (error.template(), &*error.path()),
        ("base.yaml", "parameters.Password")
    );
}

#[test]
fn errors_of_types_and_constraints_hide_the_value() {
    for (declared, expected) in [
        (
            "{type: number, default: s3cret}",
            "expected a number, found another string",
        ),
        (
            "{type: json, default: '{s3cret'}",
            "expected a map or list, or JSON in a string",
        ),
        (
            "{type: string, default: s3cret, constraints: [{length: {max: 3}}]}",
            "its length must be 3 or less",
        ),
        (
            "{type: string, default: s3cret, constraints: [{allowed_values: [a, b]}]}",
            "it must be one of a, b",
        ),
        (
            "{type: string, default: s3cret, constraints: [{allowed_pattern: '[a-z]+'}]}",
            "it does not match [a-z]+",
        ),
        (
            "{type: string, default: s3cret, constraints: [{length: {max: 3}, description: be short}]}",
            "be short",
        ),
    ] {
        let text = format!("parameters: {{P: {declared}}}\noutputs: {{x: {{value: 1}}}}");
        let error = error_of(&[("top.yaml", &text)]).to_string();
        assert!(
            error.starts_with("top.yaml:2:14: parameters.P: "),
            "{error}"
        );
        assert!(
            error.ends_with(expected) || error.contains(expected),
            "{error}"
        );
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn an_unknown_type_is_an_error_only_if_it_is_needed() {
    let resources = "resources: {Key: {type: OS::Nova::KeyPair}}";
    let outputs = resolve(&[(
        "top.yaml",
        &format!("{resources}\noutputs: {{x: {{value: {{get_resource: Key}}}}}}"),
    )])
    .unwrap();
    assert_eq!(outputs["x"], "Key");
    let error = error_of(&[(
        "top.yaml",
        &format!("{resources}\noutputs: {{x: {{value: {{get_attr: [Key, name]}}}}}}"),
    )]);
    assert!(matches!(error.problem(), Problem::UnknownType { .. }));
}

#[test]
fn mistyped_names_get_a_suggestion() {
    for (text, expected) in [
        (
            "output: {}",
            "unknown section output; did you mean outputs?",
        ),
        (
            "parameters: {Port: {type: number, default: 1}}\noutputs: {x: {value: {get_param: Prot}}}",
            "there is no parameter Prot; did you mean Port?",
        ),
        (
            "resources: {Base: {type: OS::Heat::None}}\noutputs: {x: {value: {get_attr: [Bsae, x]}}}",
            "there is no resource Bsae; did you mean Base?",
        ),
        (
            "resources: {Base: {type: OS::Heat::Value, propertis: {}}}",
            "unknown key propertis; did you mean properties?",
        ),
        (
            "parameters: {Port: {type: number, defualt: 1}}",
            "unknown key defualt; did you mean default?",
        ),
    ] {
        let error = error_of(&[("top.yaml", text)]).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn the_other_branch_of_if_is_not_evaluated() {
    let outputs = resolve(&[(
        "top.yaml",
        "outputs: {x: {value: {if: [true, 1, {get_attr: not even a list}]}}}",
    )])
    .unwrap();
    assert_eq!(outputs["x"], 1);
}

/// Templates of `count` resources, each of which wants the next one.
fn chain(count: usize) -> String {
    let link = |index: usize| {
        let value = if index + 1 == count {
            "1".to_owned()
        } else {
            format!("{{get_attr: [r{}, value]}}", index + 1)
        };
        format!("  r{index}: {{type: OS::Heat::Value, properties: {{value: {value}}}}}\n")
    };
    let links: String = (0..count).map(link).collect();
    format!("resources:\n{links}outputs: {{x: {{value: {{get_attr: [r0, value]}}}}}}")
}

#[test]
fn long_chains_of_resources_do_not_overflow_the_stack() {
    assert_eq!(resolve(&[("top.yaml", &chain(400))]).unwrap()["x"], 1);
    let error = error_of(&[("top.yaml", &chain(20_000))]).to_string();
    let expected = "more than 500 resources and conditions wait for one another";
    assert!(
        error
            .lines()
            .next()
            .is_some_and(|line| line.ends_with(expected))
    );
}

#[test]
fn a_text_may_have_many_names() {
    let names =
        |form: fn(usize) -> String, with: &str| (0..1000).map(form).collect::<Vec<_>>().join(with);
    let params = names(|index| format!("<{index}>: {index}"), ", ");
    let template = names(|index| format!("<{index}>"), "");
    let text = format!(
        "outputs: {{x: {{value: {{str_replace: {{params: {{{params}}}, template: '{template}'}}}}}}}}"
    );
    let outputs = resolve(&[("top.yaml", &text)]).unwrap();
    assert_eq!(outputs["x"], names(|index| index.to_string(), ""));
}

#[test]
fn errors_of_files_read_in_advance_appear_where_they_are_resolved() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("broken.yaml"), "a: [").unwrap();
    let good = "heat_template_version: queens\noutputs: {x: {value: 1}}";
    std::fs::write(directory.path().join("good.yaml"), good).unwrap();
    let names = ["broken.yaml", "good.yaml", "missing.yaml"];
    let resolver = Resolver::open_for(&names, directory.path(), &Sources::default()).unwrap();
    let resolved = resolver.resolve_all(&names);
    let came = resolved
        .iter()
        .map(|(name, outputs)| (*name, outputs.is_ok()));
    let expected = [
        ("broken.yaml", false),
        ("good.yaml", true),
        ("missing.yaml", false),
    ];
    assert!(came.eq(expected));

    let nowhere = Sources {
        environments: vec![directory.path().join("nowhere.yaml")],
        ..Sources::default()
    };
    let error = Resolver::open_for(&names, directory.path(), &nowhere).err();
    assert!(
        error
            .unwrap()
            .to_string()
            .contains("nowhere.yaml: cannot be read")
    );
}

#[test]
fn hidden_values_appear_in_no_error() {
    const DECLARED: &str = "parameters: {P: {type: string, hidden: true, default: '(s3cret'}}\n\
                            resources: {A: {type: OS::Heat::Value, properties: {value: 1}}}\n";
    let directory = tempfile::tempdir().unwrap();
    for (number, value) in [
        "{get_attr: [A, {get_param: P}]}",
        "{get_attr: [{get_param: P}, x]}",
        "{get_resource: {get_param: P}}",
        "{get_param: {get_param: P}}",
        "{get_file: {get_param: P}}",
        "{if: [{get_param: P}, 1, 2]}",
        "{str_replace_strict: {template: a, params: {map_replace: [{b: c}, {keys: {b: {get_param: P}}}]}}}",
        "{map_replace: [{a: 1, b: 2}, {keys: {a: {get_param: P}, b: {get_param: P}}}]}",
        "{yaql: {expression: 'regex($.data).matches(a)', data: {get_param: P}}}",
        "{yaql: {expression: '{}[$.data]', data: {get_param: P}}}",
        "{yaql: {expression: 'call($.data, [], {})', data: {get_param: P}}}",
        "{yaql: {expression: {get_param: P}, data: 1}}",
    ]
    .iter()
    .enumerate()
    {
        let text = format!("{DECLARED}outputs: {{x: {{value: {value}}}}}");
        let error = error_of(&[("top.yaml", &text)]).to_string();
        assert!(error.contains(": outputs.x.value."), "{error}");
        assert!(!error.contains("s3cret"), "{number}: {error}");

        // Where the value is what another template says of its own, it is the environment's.
        let text = format!("heat_template_version: queens\n{text}");
        let text = text.replace(", hidden: true, default: '(s3cret'", "");
        let used = "heat_template_version: queens\nparameters: {S: {type: string, hidden: true}}\n\
                    outputs: {said: {value: {get_param: S}}}";
        let top = "heat_template_version: queens\nresources:\n  Used: {type: ./used.yaml}\n  Top:\n    \
                   type: ./inner.yaml\n    properties: {P: {get_attr: [Used, said]}}\n\
                   outputs: {x: {value: {get_attr: [Top, x]}}}";
        let environment = directory.path().join("environment.yaml");
        std::fs::write(&environment, "parameter_defaults: {S: (s3cret}").unwrap();
        for (name, text) in [("used.yaml", used), ("inner.yaml", &text), ("top.yaml", top)] {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        let resolver = Resolver::open(directory.path(), &[environment]).unwrap();
        let error = resolver.resolve("top.yaml").unwrap_err().to_string();
        assert!(error.starts_with("inner.yaml:"), "{error}");
        assert!(!error.contains("s3cret"), "{number}: {error}");
    }
}

#[test]
fn long_expressions_are_shortened_in_errors() {
    let pattern = "(".repeat(5000);
    for text in [
        format!("outputs: {{x: {{value: {{yaql: {{expression: \"regex('{pattern}')\"}}}}}}}}"),
        format!(
            "parameters: {{P: {{type: string, default: a, constraints: [{{allowed_pattern: '[{pattern}]'}}]}}}}\n\
             outputs: {{x: {{value: {{get_param: P}}}}}}"
        ),
    ] {
        let error = error_of(&[("top.yaml", &text)]).to_string();
        assert!(error.len() < 500, "{error}");
    }
}

#[test]
fn constraints_accept_the_same_values_as_heat() {
    for (kind, constraint, value, holds) in [
        ("string", "allowed_pattern: '[a&&b]'", "'&'", true),
        ("string", "allowed_pattern: '[[:alpha:]]'", "x", false),
        ("string", "allowed_pattern: '[]a]'", "']'", true),
        ("string", r"allowed_pattern: 'a\Z'", "a", true),
        ("number", "modulo: {step: -2, offset: -1}", "3", true),
        ("number", "modulo: {step: -2, offset: -1}", "2", false),
        ("number", "modulo: {step: 2, offset: 1}", "-1", true),
        ("number", "modulo: {step: -2, offset: 1}", "3", false),
        ("number", "modulo: {step: 2, offset: 2}", "2", false),
        (
            "number",
            "modulo: {step: 2, offset: 0, more: 1}",
            "2",
            false,
        ),
        ("number", "range: {min: 1}, more: 1", "2", false),
        (
            "number",
            "range: {min: 1}, description: one at least",
            "2",
            true,
        ),
    ] {
        let text = format!(
            "parameters: {{P: {{type: {kind}, default: {value}, constraints: [{{{constraint}}}]}}}}\n\
             outputs: {{x: {{value: {{get_param: P}}}}}}"
        );
        let result = resolve(&[("top.yaml", &text)]);
        assert_eq!(
            result.is_ok(),
            holds,
            "{constraint} and {value}: {result:?}"
        );
    }
}

#[test]
fn errors_caused_by_a_parameter_name_it() {
    for (value, given) in [
        (
            "{yaql: {expression: $.data.p.first(), data: {p: [{get_param: [P, a, 1]}], q: [{get_param: P}]}}}",
            None,
        ),
        (
            "{yaql: {expression: $.data.p.q.first(), data: {p: {get_param: [P, a, 1]}, q: [{get_param: P}]}}}",
            Some("P.a, P"),
        ),
        (
            "{repeat: {template: a, for_each: {a: {get_param: [P, b]}}}}",
            Some("P.b"),
        ),
        ("{yaql: {expression: '[].first()'}}", None),
    ] {
        let text = format!(
            "parameters: {{P: {{type: json, default: {{a: [1]}}}}}}\noutputs: {{x: {{value: {value}}}}}"
        );
        let error = resolve(&[("top.yaml", &text)]).map_err(|error| error.to_string());
        let error = error.err().unwrap_or_default();
        match given {
            Some(given) => assert!(
                error.ends_with(&format!(" (it is given {given})")),
                "{error}"
            ),
            None => assert!(!error.contains("it is given"), "{error}"),
        }
    }
}

#[test]
fn a_broken_declaration_is_placed() {
    for (text, expected) in [
        (
            "resources:\n  A:\n",
            "top.yaml:3:3: resources.A: a resource must be a map",
        ),
        (
            "resources:\n  A: {properties: {}}\n",
            "top.yaml:3:3: resources.A: a resource must have a type",
        ),
        (
            "outputs:\n  x:\n",
            "top.yaml:3:3: outputs.x: an output must be a map with a value",
        ),
        (
            "outputs:\n  x: {vlaue: 1}\n",
            "top.yaml:3:7: outputs.x.vlaue: unknown key vlaue; did you mean value?",
        ),
        (
            "parameters:\n  P:\n",
            "top.yaml:3:3: parameters.P: parameter P: it must be a map",
        ),
        (
            "resources: []\n",
            "top.yaml:2:1: resources: it must be a map",
        ),
        (
            "resource: {}\n",
            "top.yaml:2:1: resource: unknown section resource; did you mean resources?",
        ),
        (
            "outputs: [\n",
            "top.yaml:3:1: while parsing a node, did not find expected node content",
        ),
    ] {
        assert_eq!(error_of(&[("top.yaml", text)]).to_string(), expected);
    }
}
