//! Software configurations, and those that Heat derives from them for each deployment.

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::{Map, Value};
use slipway_pyvalue as py;

use crate::error::Problem;

/// The two kinds of configurations and deployments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The configuration is text.
    Software,
    /// The configuration is a map in which inputs are replaced.
    Structured,
}

/// A resource of the type OS::Heat::SoftwareConfig or OS::Heat::StructuredConfig.
#[derive(Debug)]
pub(crate) struct SoftwareConfig {
    pub(crate) group: Option<String>,
    pub(crate) config: Value,
    options: Value,
    inputs: Vec<Declared>,
    outputs: Vec<Output>,
    name: String,
}

/// An input or output that a configuration declares.
#[derive(Clone, Debug)]
struct Declared {
    name: String,
    description: Option<String>,
    kind: String,
    default: Option<Value>,
}

/// The configuration of one deployment.
#[derive(Debug)]
pub struct DerivedConfig {
    /// The id, which changes with the content.
    pub id: String,
    /// The hook that applies it: `script`, `hiera`, `ansible`, …
    pub group: String,
    /// The deployment's name, the configuration's, or one made of the stack's.
    pub name: String,
    /// The configuration: text or a map.
    pub config: Value,
    /// Options of the hook.
    pub options: Value,
    /// The inputs, those that Heat adds included.
    pub inputs: Vec<Input>,
    /// The outputs.
    pub outputs: Vec<Output>,
}

/// An input with its value.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// The type of its value.
    pub kind: String,
    /// Its value.
    pub value: Value,
}

/// An output.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// The type of its value.
    pub kind: String,
}

/// The default type of inputs and outputs.
const STRING: &str = "String";

/// The lifecycle action of a stack that is created.
const CREATE: &str = "CREATE";

impl SoftwareConfig {
    /// Returns the configuration of a resource's properties.
    pub(crate) fn new(kind: Kind, properties: &Map<String, Value>, name: String) -> Self {
        let empty = match kind {
            Kind::Software => Value::String(String::new()),
            Kind::Structured => Value::Object(Map::new()),
        };
        let config = properties.get("config").filter(|config| !config.is_null());
        let options = properties
            .get("options")
            .filter(|options| !options.is_null());
        let outputs = declared(properties.get("outputs")).into_iter();
        Self {
            group: text(properties.get("group")),
            config: config.cloned().unwrap_or(empty),
            options: options
                .cloned()
                .unwrap_or_else(|| Value::Object(Map::new())),
            inputs: declared(properties.get("inputs")),
            outputs: outputs
                .map(|output| Output {
                    name: output.name,
                    description: output.description,
                    kind: output.kind,
                })
                .collect(),
            name,
        }
    }
}

/// Returns a property that is a string with something in it.
fn text(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?;
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// Returns the inputs or outputs that a configuration declares.
fn declared(list: Option<&Value>) -> Vec<Declared> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items
        .map(|item| Declared {
            name: text(item.get("name")).unwrap_or_default(),
            // Heat's properties have an empty string for a missing one.
            description: Some(text(item.get("description")).unwrap_or_default()),
            kind: text(item.get("type")).unwrap_or_else(|| STRING.to_owned()),
            default: item
                .get("default")
                .filter(|value| !value.is_null())
                .cloned(),
        })
        .collect()
}

/// Returns the configuration that a deployment names, or nothing.
pub(super) fn source<'a>(
    configs: &'a HashMap<String, Rc<SoftwareConfig>>,
    properties: &Map<String, Value>,
) -> Result<Option<&'a SoftwareConfig>, Problem> {
    let Some(id) = text(properties.get("config")) else {
        return Ok(None);
    };
    match configs.get(&id) {
        Some(config) => Ok(Some(config)),
        None => Err(Problem::Declaration(format!(
            "the deployment's config {id} is no software configuration of this stack"
        ))),
    }
}

/// The deployment that a configuration is derived for.
pub(super) struct Origin<'a> {
    pub(super) physical_name: &'a str,
    /// The stack's name and id.
    pub(super) stack_path: &'a str,
    pub(super) resource: &'a str,
}

/// Returns the configuration of a deployment, its id still empty; nothing if the deployment does
/// nothing on creation.
pub(super) fn derive(
    kind: Kind,
    source: Option<&SoftwareConfig>,
    properties: &Map<String, Value>,
    origin: &Origin<'_>,
) -> Option<DerivedConfig> {
    let actions = properties.get("actions").and_then(Value::as_array);
    if actions.is_some_and(|actions| !actions.iter().any(|action| action == CREATE)) {
        return None;
    }
    let inputs = inputs(source, properties, origin);
    let config = source.map_or(Value::Null, |source| source.config.clone());
    let config = match kind {
        Kind::Software => config,
        Kind::Structured => {
            let key = text(properties.get("input_key"));
            with_inputs(config, key.as_deref().unwrap_or("get_input"), &inputs)
        }
    };
    let empty = match kind {
        Kind::Software => Value::String(String::new()),
        Kind::Structured => Value::Object(Map::new()),
    };
    let name = text(properties.get("name"));
    let of_source = |field: fn(&SoftwareConfig) -> Option<String>| source.and_then(field);
    Some(DerivedConfig {
        id: String::new(),
        group: of_source(|source| source.group.clone())
            .unwrap_or_else(|| "Heat::Ungrouped".to_owned()),
        name: name
            .or_else(|| of_source(|source| Some(source.name.clone())))
            .unwrap_or_else(|| origin.physical_name.to_owned()),
        config: match py::truth(&config) {
            true => config,
            false => empty,
        },
        options: source.map_or(Value::Null, |source| source.options.clone()),
        outputs: source.map_or_else(Vec::new, |source| source.outputs.clone()),
        inputs,
    })
}

/// Returns the inputs of a deployment: those that are declared, further values, and Heat's own.
fn inputs(
    source: Option<&SoftwareConfig>,
    properties: &Map<String, Value>,
    origin: &Origin<'_>,
) -> Vec<Input> {
    let values = properties.get("input_values").and_then(Value::as_object);
    let value_of = |name: &str| values.and_then(|values| values.get(name));
    let declared = source.map_or(&[][..], |source| source.inputs.as_slice());
    let mut inputs: Vec<Input> = declared
        .iter()
        .map(|input| Input {
            name: input.name.clone(),
            description: input.description.clone(),
            kind: input.kind.clone(),
            value: value_of(&input.name)
                .or(input.default.as_ref())
                .cloned()
                .unwrap_or(Value::Null),
        })
        .collect();
    for (name, value) in values.into_iter().flatten() {
        if !declared.iter().any(|input| input.name == *name) {
            inputs.push(input(name, None, value.clone()));
        }
    }
    let property = |name: &str| properties.get(name).cloned().unwrap_or(Value::Null);
    let transport = match property("signal_transport") {
        Value::Null => Value::from("NO_SIGNAL"),
        transport => transport,
    };
    inputs.extend([
        input(
            "deploy_server_id",
            Some("ID of the server being deployed to"),
            property("server"),
        ),
        input(
            "deploy_action",
            Some("Name of the current action being deployed"),
            Value::from(CREATE),
        ),
        input(
            "deploy_stack_id",
            Some("ID of the stack this deployment belongs to"),
            Value::from(origin.stack_path),
        ),
        input(
            "deploy_resource_name",
            Some("Name of this deployment resource in the stack"),
            Value::from(origin.resource),
        ),
        input(
            "deploy_signal_transport",
            Some("How the server should signal to heat with the deployment output values."),
            transport,
        ),
    ]);
    inputs
}

fn input(name: &str, description: Option<&str>, value: Value) -> Input {
    Input {
        name: name.to_owned(),
        description: description.map(str::to_owned),
        kind: STRING.to_owned(),
        value,
    }
}

/// Replaces `{get_input: NAME}` by the input's value, or null.
fn with_inputs(value: Value, key: &str, inputs: &[Input]) -> Value {
    match value {
        Value::Object(map) => {
            if let (1, Some(Value::String(name))) = (map.len(), map.get(key)) {
                // As in Python's dict, the last of a name counts.
                let found = inputs.iter().rfind(|input| input.name == *name);
                return found.map_or(Value::Null, |input| input.value.clone());
            }
            let entries = map.into_iter();
            entries
                .map(|(name, value)| (name, with_inputs(value, key, inputs)))
                .collect()
        }
        Value::Array(items) => items
            .into_iter()
            .map(|item| with_inputs(item, key, inputs))
            .collect(),
        scalar => scalar,
    }
}

impl DerivedConfig {
    /// Returns a text that is another for another content.
    pub(super) fn fingerprint(&self) -> String {
        let inputs: Vec<_> = self
            .inputs
            .iter()
            .map(|input| (&input.name, &input.value))
            .collect();
        let parts = (&self.group, &self.config, &self.options, inputs);
        serde_json::json!(parts).to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            other => panic!("{other} is no map"),
        }
    }

    fn derived(kind: Kind, config: Value, deployment: Value) -> Option<DerivedConfig> {
        let source = SoftwareConfig::new(kind, &map(config), "overcloud-Config".to_owned());
        let origin = Origin {
            physical_name: "overcloud-Deployment",
            stack_path: "overcloud/1",
            resource: "Deployment",
        };
        derive(kind, Some(&source), &map(deployment), &origin)
    }

    #[test]
    fn inputs_are_declared_given_and_heats() {
        let config = json!({"group": "script", "config": "echo", "inputs": [
            {"name": "a", "default": "x"}, {"name": "b", "type": "Number", "description": "B"}]});
        let deployment = json!({"server": "s", "input_values": {"c": [1], "b": 2}});
        let derived = derived(Kind::Software, config, deployment).unwrap();
        let inputs: Vec<_> = derived
            .inputs
            .iter()
            .map(|i| (i.name.as_str(), &i.value))
            .collect();
        let first = [("a", &json!("x")), ("b", &json!(2)), ("c", &json!([1]))];
        assert_eq!(inputs[..3], first);
        assert_eq!(
            inputs[3..].iter().map(|i| i.0).collect::<Vec<_>>(),
            [
                "deploy_server_id",
                "deploy_action",
                "deploy_stack_id",
                "deploy_resource_name",
                "deploy_signal_transport"
            ]
        );
        assert_eq!(derived.name, "overcloud-Config");
    }

    #[test]
    fn a_structured_config_has_its_inputs_in_place() {
        let config = json!({"group": "hiera", "config": {"datafiles": {
            "a": {"get_input": "x"}, "b": {"get_input": "missing"}, "c": [{"get_input": "x", "d": 1}]}}});
        let deployment = json!({"server": "s", "name": "N", "input_values": {"x": {"y": 1}}});
        let derived = derived(Kind::Structured, config, deployment).unwrap();
        let expected = json!({"datafiles": {
            "a": {"y": 1}, "b": null, "c": [{"get_input": "x", "d": 1}]}});
        assert_eq!(derived.config, expected);
        assert_eq!(
            (derived.name.as_str(), derived.group.as_str()),
            ("N", "hiera")
        );
    }

    #[test]
    fn a_deployment_for_other_actions_does_nothing() {
        let config = json!({"config": "x"});
        let deployment = json!({"server": "s", "actions": ["DELETE"]});
        assert!(derived(Kind::Software, config, deployment).is_none());
    }
}
