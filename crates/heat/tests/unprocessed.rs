//! TripleO's templates as they are packaged: what is made of `*.j2.yaml` is made first.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use serde_json::json;
use slipway_heat::{Problem, Resolver, Sources};

const FILES: [(&str, &str); 4] = [
    (
        "overcloud-resource-registry-puppet.j2.yaml",
        "resource_registry:
{%- for role in roles %}
  Services::{{role.name}}: common/services/{{role.name.lower()}}-role.yaml
{%- endfor %}
",
    ),
    (
        "roles_data.yaml",
        "- {name: Controller, ServicesDefault: [a, b]}\n- {name: Compute, ServicesDefault: []}\n",
    ),
    ("network_data.yaml", "- {name: External, vip: true}\n"),
    (
        "common/services/role.role.j2.yaml",
        "heat_template_version: queens
outputs: {role: {value: '{{role.name}}'}}
",
    ),
];

fn write(directory: &Path) {
    for (name, text) in FILES {
        let place = directory.join(name);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, text).unwrap();
    }
}

#[test]
fn unprocessed_templates_are_processed_in_memory() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path());
    let resolver = Resolver::open(directory.path(), &[]).unwrap();
    assert_eq!(resolver.processed(), 3);
    let outputs = resolver
        .resolve("common/services/compute-role.yaml")
        .unwrap();
    assert_eq!(outputs["role"], "Compute");
    assert!(
        resolver
            .template_of("Services::Controller")
            .unwrap()
            .is_some()
    );
    // Nothing was written.
    assert!(
        !directory
            .path()
            .join("overcloud-resource-registry-puppet.yaml")
            .exists()
    );

    let roles = directory.path().join("own.yaml");
    std::fs::write(&roles, "- {name: Own}\n").unwrap();
    let own = Resolver::open_with(
        directory.path(),
        &Sources {
            roles: Some(roles),
            ..Sources::default()
        },
    )
    .unwrap();
    let outputs = own.resolve("common/services/own-role.yaml").unwrap();
    assert_eq!(serde_json::Value::Object(outputs), json!({"role": "Own"}));
    assert!(own.resolve("common/services/compute-role.yaml").is_err());
}

#[test]
fn a_generated_file_wins_over_an_existing_one() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path());
    let beside = directory.path().join("common/services/compute-role.yaml");
    std::fs::write(
        &beside,
        "heat_template_version: queens\noutputs: {role: {value: vendor}}\n",
    )
    .unwrap();
    let resolver = Resolver::open(directory.path(), &[]).unwrap();
    let outputs = resolver
        .resolve("common/services/compute-role.yaml")
        .unwrap();
    assert_eq!(outputs["role"], "Compute");
}

#[test]
fn processed_templates_are_unchanged() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path());
    let registry = directory
        .path()
        .join("overcloud-resource-registry-puppet.yaml");
    std::fs::write(registry, "resource_registry: {}\n").unwrap();
    let resolver = Resolver::open(directory.path(), &[]).unwrap();
    assert_eq!(resolver.processed(), 0);
}

#[test]
fn errors_of_processing_are_reported() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path());
    std::fs::write(directory.path().join("roles_data.yaml"), "- {nme: x}\n").unwrap();
    let Err(error) = Resolver::open(directory.path(), &[]) else {
        panic!("there is a role without a name");
    };
    assert!(matches!(error.problem(), Problem::Processing(_)));
    let text = error.to_string();
    assert!(
        text.contains("not processed yet") && text.contains("roles_data.yaml"),
        "{text}"
    );
}
