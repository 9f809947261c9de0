//! A role's services are given what `overcloud.yaml` gives them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use serde_json::{Value, json};
use slipway_heat::Resolver;

const FILES: [(&str, &str); 6] = [
    (
        "overcloud-resource-registry-puppet.yaml",
        "resource_registry:
  OS::TripleO::EndpointMap: endpoints.yaml
  OS::TripleO::ServiceNetMap: nets.yaml
",
    ),
    (
        "roles_data.yaml",
        "- {name: Compute, ServicesDefault: [a, b]}\n",
    ),
    (
        "overcloud.yaml",
        "heat_template_version: queens
parameters:
  CloudName: {type: string, default: localhost}
  RootStackName: {type: string}
  ComputeServices: {type: comma_delimited_list}
  ControllerServices: {type: comma_delimited_list}
  ComputeParameters: {type: json, default: {}}
  EndpointMapOverride: {type: json, default: {}}
resources:
  VipMap: {type: OS::Neutron::Port}
  DefaultPasswords: {type: OS::Neutron::Port}
  ServiceNetMap: {type: OS::TripleO::ServiceNetMap}
  EndpointMap:
    type: OS::TripleO::EndpointMap
    properties:
      CloudEndpoints: {external: {get_param: CloudName}}
      NetIpMap: {get_attr: [VipMap, net_ip_map]}
      ServiceNetMap: {get_attr: [ServiceNetMap, service_net_map]}
  EndpointMapData:
    type: OS::Heat::Value
    properties:
      value:
        map_merge:
          - {get_attr: [EndpointMap, endpoint_map]}
          - {get_param: EndpointMapOverride}
  ComputeServiceChain:
    type: OS::TripleO::ComputeServices
    properties:
      Services: {get_param: ComputeServices}
      ServiceNetMap: {get_attr: [ServiceNetMap, service_net_map]}
      ServiceData: {cidrs: {get_attr: [VipMap, cidrs]}}
      EndpointMap: {get_attr: [EndpointMapData, value]}
      DefaultPasswords: {get_attr: [DefaultPasswords, passwords]}
      RoleName: Compute
      RoleParameters: {map_merge: [{Profile: virtual-host}, {get_param: ComputeParameters}]}
",
    ),
    (
        "endpoints.yaml",
        "heat_template_version: queens
parameters:
  CloudEndpoints: {type: json, default: {}}
  NetIpMap: {type: json, default: {}}
  ServiceNetMap: {type: json, default: {}}
  EndpointMap: {type: json, default: {Heat: {protocol: http}}}
outputs:
  endpoint_map:
    value:
      Heat:
        uri:
          list_join:
            - ''
            - - {get_param: [EndpointMap, Heat, protocol]}
              - '://'
              - {get_param: [CloudEndpoints, external]}
              - /
              - {get_param: [NetIpMap, {get_param: [ServiceNetMap, HeatNetwork]}]}
",
    ),
    (
        "nets.yaml",
        "heat_template_version: queens
parameters:
  ServiceNetMap: {type: json, default: {}}
outputs:
  service_net_map:
    value: {map_merge: [{HeatNetwork: internal, NovaNetwork: internal}, {get_param: ServiceNetMap}]}
",
    ),
    (
        "common/services/compute-role.yaml",
        "heat_template_version: queens
parameters:
  Services: {type: comma_delimited_list}
  ServiceNetMap: {type: json}
  ServiceData: {type: json, default: {}}
  EndpointMap: {type: json}
  DefaultPasswords: {type: json, default: {}}
  RoleName: {type: string}
  RoleParameters: {type: json}
outputs:
  role_data:
    value:
      services: {get_param: Services}
      nets: {get_param: ServiceNetMap}
      data: {get_param: ServiceData}
      endpoints: {get_param: EndpointMap}
      parameters: {get_param: RoleParameters}
",
    ),
];

fn role_with(parameter_defaults: &Value) -> Value {
    Value::Object(resolved(&[], parameter_defaults).unwrap())
}

/// The same, with templates besides, or why there is none.
fn resolved(
    others: &[(&str, &str)],
    parameter_defaults: &Value,
) -> slipway_heat::Result<serde_json::Map<String, Value>> {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let place = directory.path().join(name);
        std::fs::create_dir_all(place.parent().unwrap_or(Path::new(""))).unwrap();
        std::fs::write(&place, text).unwrap();
        place
    };
    for (name, text) in FILES.iter().chain(others) {
        write(name, text);
    }
    let own = json!({"parameter_defaults": parameter_defaults}).to_string();
    let resolver = Resolver::open(directory.path(), &[write("own.yaml", &own)]).unwrap();
    resolver.role("Compute", None)
}

#[test]
fn all_parameters_without_a_value_are_named_at_once() {
    let templates = [
        (
            "overcloud-resource-registry-puppet.yaml",
            "resource_registry:
  OS::TripleO::EndpointMap: endpoints.yaml
  OS::TripleO::ServiceNetMap: nets.yaml
  One: one.yaml
  Two: two.yaml
",
        ),
        (
            "common/services/compute-role.yaml",
            "heat_template_version: queens
parameters:
  Services: {type: comma_delimited_list}
  ServiceNetMap: {type: json}
  ServiceData: {type: json, default: {}}
  EndpointMap: {type: json}
  DefaultPasswords: {type: json, default: {}}
  RoleName: {type: string}
  RoleParameters: {type: json}
resources:
  Chain:
    type: OS::Heat::ResourceChain
    properties: {resources: {get_param: Services}}
outputs:
  role_data: {value: {all: {get_attr: [Chain, role_data]}}}
",
        ),
        (
            "one.yaml",
            "heat_template_version: queens
parameters:
  Given: {type: string}
  First: {type: string}
  Second: {type: json}
outputs:
  role_data: {value: {x: {yaql: {expression: $.data.first(), data: {get_param: Second}}}}}
",
        ),
        (
            "two.yaml",
            "heat_template_version: queens
parameters:
  First: {type: string}
resources:
  Base: {type: ./base.yaml}
outputs:
  role_data: {value: {get_attr: [Base, x]}}
",
        ),
        (
            "base.yaml",
            "heat_template_version: queens
parameters:
  Third: {type: string}
outputs:
  x: {value: {get_param: Third}}
",
        ),
    ];
    let services = ["One", "Absent", "Two"];
    let mut properties = json!({"ComputeServices": services, "Given": "x"});
    let error = resolved(&templates, &properties).unwrap_err().to_string();
    assert!(
        error.starts_with("one.yaml:4:3: parameters.First: parameter First has no value"),
        "{error}"
    );
    assert!(
        error.ends_with("\n  these have none either: Second, Third"),
        "{error}"
    );
    // What was made up to find them is nobody's value.
    properties["First"] = json!("x");
    let error = resolved(&templates, &properties).unwrap_err().to_string();
    assert!(error.contains("parameter Second has no value"), "{error}");
    properties["Second"] = json!([]);
    let error = resolved(&templates, &properties).unwrap_err().to_string();
    assert!(
        error.contains("the collection is empty (it is given Second)"),
        "{error}"
    );
}

#[test]
fn services_get_the_parameters_of_the_overcloud() {
    assert_eq!(
        role_with(&json!({})),
        json!({
            "services": ["a", "b"],
            "nets": {"HeatNetwork": "internal", "NovaNetwork": "internal"},
            "data": {},
            "endpoints": {"Heat": {"uri": "http://localhost/"}},
            "parameters": {"Profile": "virtual-host"},
        })
    );
}

#[test]
fn an_environment_changes_the_parameters_of_the_overcloud() {
    let own = json!({
        "ServiceNetMap": {"HeatNetwork": "external"},
        "ServiceData": {"cidrs": ["192.0.2.0/24"]},
        "NetIpMap": {"external": "192.0.2.7"},
        "EndpointMap": {"Heat": {"protocol": "https"}},
        "EndpointMapOverride": {"Nova": {"uri": "http://elsewhere"}},
        "CloudName": "cloud.example.com",
        "ComputeParameters": {"Isolated": "1-3"},
        "ComputeServices": ["c"],
    });
    assert_eq!(
        role_with(&own),
        json!({
            "services": ["c"],
            "nets": {"HeatNetwork": "external", "NovaNetwork": "internal"},
            "data": {"cidrs": ["192.0.2.0/24"]},
            "endpoints": {
                "Heat": {"uri": "https://cloud.example.com/192.0.2.7"},
                "Nova": {"uri": "http://elsewhere"},
            },
            "parameters": {"Profile": "virtual-host", "Isolated": "1-3"},
        })
    );
}

#[test]
fn complete_endpoints_are_unchanged() {
    let whole = json!({"Heat": {"uri": "https://made.elsewhere/"}});
    let made = role_with(&json!({"EndpointMap": whole.clone()}));
    assert_eq!(made["endpoints"], whole);
}
