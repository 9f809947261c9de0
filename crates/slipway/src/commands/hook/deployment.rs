//! The input of the hooks, as heat-config hands it over.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use serde::Deserialize;
use serde_json::Value;

/// The group of the deployments that the hook applies.
const GROUP: &str = "docker-cmd";

/// The inputs that become labels of the containers.
const LABELS: [&str; 2] = ["deploy_stack_id", "deploy_resource_name"];

/// A deployment.
#[derive(Debug, Deserialize)]
pub struct Deployment {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    inputs: Option<Vec<Input>>,
    #[serde(default)]
    config: Value,
}

#[derive(Debug, Deserialize)]
struct Input {
    name: String,
    #[serde(default)]
    value: Value,
}

impl Deployment {
    /// Reads a deployment from JSON.
    pub fn parse(text: &str) -> anyhow::Result<Deployment> {
        serde_json::from_str(text).context(
            "standard input: expected a deployment of heat-config, {\"id\": …, \"inputs\": […], \"config\": …}",
        )
    }

    /// Returns true if Heat deletes the deployment. Its containers go with the clean-up.
    pub fn is_deletion(&self) -> bool {
        self.input("deploy_action").and_then(Value::as_str) == Some("DELETE")
    }

    /// Returns the containers by name, as YAML or JSON text; `None` without any.
    pub fn config(&self) -> Option<String> {
        match &self.config {
            Value::Null | Value::Bool(false) => None,
            Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            Value::Array(items) if items.is_empty() => None,
            Value::Object(containers) if containers.is_empty() => None,
            other => Some(other.to_string()),
        }
    }

    /// Returns the id of the set of containers.
    pub fn id(&self) -> anyhow::Result<String> {
        match &self.id {
            Value::String(id) if !id.is_empty() => Ok(id.clone()),
            // Its set would be that of every other deployment without an id.
            _ => bail!("the deployment has no id; expected \"id\": \"…\""),
        }
    }

    /// Returns the labels of every container. A missing input is Python's `None`, as in heat-agents.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let label = |name: &str| {
            let value = self.input(name).unwrap_or(&Value::Null);
            (name.to_owned(), slipway_pyvalue::str(value))
        };
        LABELS.into_iter().map(label).collect()
    }

    fn input(&self, name: &str) -> Option<&Value> {
        let inputs = self.inputs.as_deref().unwrap_or_default();
        let input = inputs.iter().rev().find(|input| input.name == name);
        input.map(|input| &input.value)
    }
}

/// The deployments that heat-config knows.
#[derive(Debug, PartialEq, Eq)]
pub enum Known {
    /// The ids of those of the group docker-cmd.
    Ids(Vec<String>),
    /// The file does not tell; the reason.
    Nothing(String),
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    group: String,
}

impl Known {
    /// Reads heat-config's file. As in heat-agents, a file that is missing or is not JSON tells
    /// nothing.
    pub fn read(path: &Path) -> anyhow::Result<Known> {
        let place = path.display();
        let text = match slipway_files::read_input(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Known::Nothing(format!("{place} is missing")));
            }
            Err(error) => return Err(anyhow!(error).context(format!("cannot read {place}"))),
        };
        let value: Value = match serde_json::from_str(&text) {
            Ok(value) => value,
            Err(error) => return Ok(Known::Nothing(format!("{place}: invalid JSON: {error}"))),
        };
        let entries: Vec<Entry> = serde_json::from_value(value)
            .with_context(|| format!("{place}: expected a list of {{\"id\": …, \"group\": …}}"))?;
        let ours = entries.into_iter().filter(|entry| entry.group == GROUP);
        Ok(Known::Ids(ours.map(|entry| entry.id).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_has_its_last_inputs_and_labels() {
        let text = r#"{"id": "d", "config": {"a": {"image": "i"}}, "inputs": [
            {"name": "deploy_stack_id", "value": "old"},
            {"name": "deploy_stack_id", "value": "stack/1"}]}"#;
        let deployment = Deployment::parse(text).unwrap();
        let labels: Vec<_> = deployment.labels().into_iter().collect();
        let expected = [
            ("deploy_resource_name", "None"),
            ("deploy_stack_id", "stack/1"),
        ];
        assert_eq!(labels, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
        assert_eq!(deployment.id().unwrap(), "d");
        assert_eq!(
            deployment.config().as_deref(),
            Some(r#"{"a":{"image":"i"}}"#)
        );
        assert!(!deployment.is_deletion());
    }

    #[test]
    fn empty_configs_are_missing() {
        for config in ["null", "{}", "\"\"", "[]", "false"] {
            let text = format!(r#"{{"id": "d", "config": {config}}}"#);
            assert_eq!(Deployment::parse(&text).unwrap().config(), None, "{config}");
        }
        assert_eq!(Deployment::parse("{}").unwrap().config(), None);
        assert!(Deployment::parse("{}").unwrap().id().is_err());
    }

    #[test]
    fn a_file_that_names_no_ids_deletes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("heat-config");
        assert!(matches!(Known::read(&file), Ok(Known::Nothing(_))));
        std::fs::write(&file, "[{").unwrap();
        assert!(matches!(Known::read(&file), Ok(Known::Nothing(_))));
        std::fs::write(&file, r#"[{"group": "docker-cmd"}]"#).unwrap();
        assert!(Known::read(&file).is_err());
        let entries = r#"[{"id": "a", "group": "docker-cmd"}, {"id": "b", "group": "script"}]"#;
        std::fs::write(&file, entries).unwrap();
        let ids = Known::Ids(vec!["a".to_owned()]);
        assert_eq!(Known::read(&file).unwrap(), ids);
    }
}
