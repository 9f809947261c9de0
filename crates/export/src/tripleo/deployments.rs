//! The deployments on each server: their files, and the lists of their names.

use indexmap::{IndexMap, IndexSet};
use serde_json::{Map, Value, json};
use slipway_heat::{Deployment, DerivedConfig};
use slipway_pyvalue::json::Dumps;

use super::common::{COPIED, Layout, TripleoCommon};
use super::outputs::{Outputs, Server};
use super::roles;
use crate::error::{Error, Result};
use crate::project::Project;

/// The time that each file names as that of its creation. It is the same in every export, so that
/// unchanged inputs give unchanged files.
const CREATION_TIME: &str = "1970-01-01T00:00:00Z";

/// Parts of the names of deployments that run after the steps.
const AFTER_STEPS: [&str; 2] = ["ExtraConfigPost", "PostConfig"];

/// Deployments by server and by role.
#[derive(Debug, Default)]
pub(super) struct Arranged<'a> {
    servers: IndexMap<&'a str, OfServer<'a>>,
    roles: IndexMap<&'a str, Names<'a>>,
    /// Deployments on servers that belong to no role.
    pub(super) ignored: Vec<String>,
}

#[derive(Debug)]
struct OfServer<'a> {
    id: &'a str,
    role: &'a str,
    deployments: Vec<(&'a str, &'a DerivedConfig)>,
    names: Names<'a>,
}

/// The names of deployments before and after the steps, in their order.
#[derive(Debug, Default)]
struct Names<'a> {
    before: IndexSet<&'a str>,
    after: IndexSet<&'a str>,
}

impl<'a> Names<'a> {
    fn add(&mut self, deployment: &'a Deployment) {
        let is_after = AFTER_STEPS
            .iter()
            .any(|part| deployment.physical_name.contains(part));
        match is_after {
            true => self.after.insert(&deployment.name),
            false => self.before.insert(&deployment.name),
        };
    }
}

impl Arranged<'_> {
    /// The number of deployments.
    pub(super) fn count(&self) -> usize {
        let servers = self.servers.values();
        servers.map(|server| server.deployments.len()).sum()
    }
}

/// Arranges deployments by server and role.
pub(super) fn arrange<'a>(
    deployments: &'a [Deployment],
    servers: &'a IndexMap<String, Server>,
) -> Arranged<'a> {
    let mut arranged = Arranged::default();
    for deployment in deployments {
        // One that does nothing on creation has no configuration.
        let Some(config) = deployment.config.as_deref() else {
            continue;
        };
        let Some((id, server)) = servers.get_key_value(&deployment.server) else {
            arranged.ignored.push(deployment.name.clone());
            continue;
        };
        let of_server = arranged
            .servers
            .entry(server.name.as_str())
            .or_insert_with(|| OfServer {
                id,
                role: &server.role,
                deployments: Vec::new(),
                names: Names::default(),
            });
        of_server.deployments.push((&deployment.name, config));
        of_server.names.add(deployment);
        let of_role = arranged.roles.entry(server.role.as_str()).or_default();
        of_role.add(deployment);
    }
    arranged
}

/// Adds the files of all deployments, and the lists of their names.
pub(super) fn add(
    project: &mut Project,
    arranged: &Arranged<'_>,
    outputs: &Outputs<'_>,
    common: &TripleoCommon,
) -> Result<()> {
    for (path, name) in COPIED {
        project.add(path, common.text(name)?);
    }
    project.add_directory("group_vars");
    project.add_directory("host_vars");
    for (name, server) in &arranged.servers {
        for (deployment, config) in &server.deployments {
            let file = format!(
                "{}/{}/{}",
                part(server.role)?,
                part(name)?,
                part(deployment)?
            );
            let context = json!({
                "deployment": described(deployment, config, server.id),
                "server_id": server.id,
            });
            let text = common.deployment(&context)?;
            project.add(file, text);
        }
    }
    match common.layout() {
        Layout::ByRole => {
            let task = common.text("deployments.yaml")?;
            for role in outputs.map("RoleData")?.keys() {
                project.add(format!("{}/deployments.yaml", part(role)?), task.clone());
            }
            for (role, names) in &arranged.roles {
                let text = list(common, role, names)?;
                project.add(format!("group_vars/{}", part(role)?), text);
            }
        }
        Layout::ByHost => {
            let all = outputs.map("AllNodesConfig")?;
            project.add_yaml("group_vars/overcloud.yaml", &Value::Object(all.clone()))?;
            for role in arranged.roles.keys() {
                let vars = roles::group_vars(role, outputs)?;
                project.add_yaml(format!("group_vars/{}", part(role)?), &vars)?;
            }
            for (name, server) in &arranged.servers {
                let text = list(common, server.role, &server.names)?;
                project.add(format!("host_vars/{}", part(name)?), text);
            }
        }
    }
    Ok(())
}

fn list(common: &TripleoCommon, role: &str, names: &Names<'_>) -> Result<String> {
    let before: Vec<&&str> = names.before.iter().collect();
    let after: Vec<&&str> = names.after.iter().collect();
    common.list(&json!({
        "role": role,
        "pre_deployments": before,
        "post_deployments": after,
    }))
}

/// Returns a deployment as tripleo-common's template expects it.
fn described(name: &str, config: &DerivedConfig, server_id: &str) -> Value {
    let inputs = config.inputs.iter().map(|input| {
        let mut described = of_io(&input.name, input.description.as_deref(), &input.kind);
        // The templates deploy on a stand-in for the server.
        let value = match input.name.as_str() {
            "deploy_server_id" => Value::from(server_id),
            _ => input.value.clone(),
        };
        described.insert("value".to_owned(), value);
        Value::Object(described)
    });
    let outputs = config.outputs.iter().map(|output| {
        let described = of_io(&output.name, output.description.as_deref(), &output.kind);
        Value::Object(described)
    });
    json!({
        "deployment_name": name,
        // The hiera hook wants a map, all others a string.
        "scalar": config.group != "hiera",
        "config": readable(&config.config),
        "creation_time": CREATION_TIME,
        "group": config.group,
        "id": config.id,
        "inputs": inputs.collect::<Vec<_>>(),
        "name": config.name,
        "options": config.options,
        "outputs": outputs.collect::<Vec<_>>(),
    })
}

fn of_io(name: &str, description: Option<&str>, kind: &str) -> Map<String, Value> {
    let mut described = Map::new();
    described.insert("name".to_owned(), Value::from(name));
    if let Some(description) = description {
        described.insert("description".to_owned(), Value::from(description));
    }
    described.insert("type".to_owned(), Value::from(kind));
    described
}

/// Returns a configuration as text: JSON is indented, other text is left as it is.
fn readable(config: &Value) -> String {
    let parsed = match config {
        Value::String(text) => match slipway_pyvalue::from_json(text) {
            Some(Value::String(text)) => return text,
            Some(parsed) => parsed,
            None => return text.clone(),
        },
        other => other.clone(),
    };
    let options = Dumps {
        indent: Some("  ".to_owned()),
        ..Dumps::default()
    };
    options.text(&parsed)
}

/// Checks a name that is a part of a path.
fn part(name: &str) -> Result<&str> {
    match name.is_empty() || name.contains('/') || name == "." || name == ".." {
        false => Ok(name),
        true => Err(Error::Name {
            name: name.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_that_is_json_is_indented() {
        assert_eq!(
            readable(&json!({"b": [], "a": {"x": 1}})),
            "{\n  \"b\": [],\n  \"a\": {\n    \"x\": 1\n  }\n}"
        );
        assert_eq!(readable(&json!("{\"a\": 1}")), "{\n  \"a\": 1\n}");
        assert_eq!(
            readable(&json!("#!/bin/sh\necho {}\n")),
            "#!/bin/sh\necho {}\n"
        );
        assert_eq!(readable(&json!("\"text\"")), "text");
    }

    #[test]
    fn names_are_parts_of_paths() {
        assert!(part("Controller").is_ok());
        for name in ["", ".", "..", "a/b", "/"] {
            assert!(part(name).is_err(), "{name}");
        }
    }
}
