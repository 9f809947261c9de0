//! A whole stack is created without Heat.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use slipway_heat::{Created, Resolver, Seed};

const FILES: [(&str, &str); 4] = [
    (
        "environment.yaml",
        "resource_registry:
  T::Deployment: deployment.yaml
  T::Last: last.yaml
",
    ),
    (
        "overcloud.yaml",
        "heat_template_version: queens
resources:
  Second:
    type: T::Deployment
    depends_on: First
    properties: {name: Second, server: s-1, config: {get_resource: Config}}
  First:
    type: T::Deployment
    properties: {name: First, server: s-1, config: {get_resource: Config}}
  Config:
    type: OS::Heat::SoftwareConfig
    properties:
      group: script
      config: echo
      inputs: [{name: a, default: b}]
  Password: {type: OS::Heat::RandomString, properties: {length: 10}}
  Last: {type: T::Last}
outputs:
  password: {value: {get_attr: [Password, value]}}
  text: {value: {get_attr: [Last, text]}}
  stack: {value: {get_param: 'OS::stack_name'}}
",
    ),
    (
        "deployment.yaml",
        "heat_template_version: queens
parameters:
  name: {type: string}
  server: {type: string}
  config: {type: string}
resources:
  TripleOSoftwareDeployment:
    type: OS::Heat::SoftwareDeployment
    properties:
      name: {get_param: name}
      server: {get_param: server}
      config: {get_param: config}
  TripleODeployment:
    type: OS::Heat::Value
    properties:
      type: json
      value: {name: {get_param: name}, server: {get_param: server}}
",
    ),
    (
        "last.yaml",
        "heat_template_version: queens
outputs:
  text:
    value: |
      last
",
    ),
];

fn created(seed: &str) -> Created {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in FILES {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    let environment = directory.path().join("environment.yaml");
    let resolver = Resolver::open(directory.path(), &[environment]).unwrap();
    resolver
        .create("overcloud.yaml", "overcloud", &Seed::new(seed))
        .unwrap()
}

#[test]
fn deployments_come_in_the_order_of_their_dependencies() {
    let created = created("a seed of sixteen bytes");
    let names: Vec<&str> = created
        .deployments
        .iter()
        .map(|deployment| deployment.name.as_str())
        .collect();
    assert_eq!(names, ["First", "Second"]);
    let config = created.deployments[0].config.as_deref().unwrap();
    assert_eq!(
        (config.group.as_str(), &config.config),
        ("script", &json!("echo"))
    );
    let input = |name: &str| {
        let found = config.inputs.iter().find(|input| input.name == name);
        found.map(|input| input.value.clone())
    };
    assert_eq!(input("a"), Some(json!("b")));
    assert_eq!(input("deploy_server_id"), Some(json!("s-1")));
    assert_eq!(created.outputs["stack"], "overcloud");
}

#[test]
fn a_seed_gives_the_same_passwords_and_ids_again() {
    let password = |created: &Created| created.outputs["password"].clone();
    let ids = |created: &Created| -> Vec<String> {
        let deployments = created.deployments.iter();
        let configs = deployments.filter_map(|deployment| deployment.config.as_deref());
        configs.map(|config| config.id.clone()).collect()
    };
    let (first, again, other) = (
        created("a seed of sixteen bytes"),
        created("a seed of sixteen bytes"),
        created("another seed of that length"),
    );
    assert_eq!(password(&first).as_str().map(str::len), Some(10));
    assert_eq!(password(&first), password(&again));
    assert_eq!(ids(&first), ids(&again));
    assert_ne!(password(&first), password(&other));
    assert_ne!(ids(&first), ids(&other));
}

/// Heat's client removes whitespace from the end of a template before it reads it.
#[test]
fn a_block_scalar_at_the_end_of_a_template_ends_without_a_newline() {
    assert_eq!(
        created("a seed of sixteen bytes").outputs["text"],
        Value::from("last")
    );
}
