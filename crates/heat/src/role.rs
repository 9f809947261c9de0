//! A role: the services that a roles file lists for it, merged by the templates' own template.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::{Error, Problem, Result, nearest};
use crate::resolver::Resolver;
use crate::yaml;

/// What merges a role's services wants, which template gives it, and which of its outputs it is.
const SHARED: [(&str, &str, &str); 3] = [
    (
        "ServiceNetMap",
        "network/service_net_map.yaml",
        "service_net_map",
    ),
    (
        "EndpointMap",
        "network/endpoints/endpoint_map.yaml",
        "endpoint_map",
    ),
    ("DefaultPasswords", "default_passwords.yaml", "passwords"),
];

impl Resolver {
    /// The role data of a role's services, as `common/services/ROLE-role.yaml` of the templates
    /// merges them. The services are those of the environment's `ROLEServices`, or else of the
    /// roles file (`roles_data.yaml` of the templates if none is given).
    ///
    /// ServiceNetMap, EndpointMap and DefaultPasswords are the environment's, or else what the
    /// templates make of the rest of it.
    pub fn role(&self, role: &str, roles: Option<&Path>) -> Result<Map<String, Value>> {
        let template = format!("common/services/{}-role.yaml", role.to_lowercase());
        let standard = self.folder().join("roles_data.yaml");
        let listed = services(role, roles.unwrap_or(&standard))?;
        if !self.has(&template) {
            let reason = "there is no such file: the templates must be processed first, with this \
                          role among the roles";
            return Err(Error::from(Problem::Unreadable(reason.to_owned())).in_template(&template));
        }
        let mut given = self.shared()?;
        let chosen = self.given(&format!("{role}Services")).unwrap_or(listed);
        given.insert("Services".to_owned(), chosen);
        given.insert("RoleName".to_owned(), Value::from(role));
        if let Some(parameters) = self.given(&format!("{role}Parameters")) {
            given.insert("RoleParameters".to_owned(), parameters);
        }
        let mut outputs = self.resolve_with(&template, given)?;
        match outputs.remove("role_data") {
            Some(Value::Object(data)) => Ok(data),
            _ => {
                let reason = "it has no output role_data that is a map";
                Err(Error::from(Problem::Declaration(reason.to_owned())).in_template(&template))
            }
        }
    }

    /// What all services share and the environment does not give.
    fn shared(&self) -> Result<HashMap<String, Value>> {
        let mut shared = HashMap::new();
        for (parameter, template, output) in SHARED {
            if self.given(parameter).is_some() || !self.has(template) {
                continue;
            }
            let mut given = HashMap::new();
            if parameter == "EndpointMap" {
                given.extend(
                    shared
                        .get_key_value("ServiceNetMap")
                        .map(|(name, map): (&String, &Value)| (name.clone(), map.clone())),
                );
            }
            let mut outputs = match self.resolve_with(template, given) {
                Ok(outputs) => outputs,
                // Passwords that nobody gave are missed where one is used.
                Err(error) if matches!(error.problem(), Problem::MissingParameter(_)) => continue,
                Err(error) => return Err(error),
            };
            if let Some(value) = outputs.remove(output) {
                shared.insert(parameter.to_owned(), value);
            }
        }
        Ok(shared)
    }

    fn given(&self, parameter: &str) -> Option<Value> {
        let given = self.environment().parameter_defaults.get(parameter)?;
        Some(Value::clone(given))
    }
}

/// The services that a roles file lists for a role.
fn services(role: &str, path: &Path) -> Result<Value> {
    let name = path.display().to_string();
    let wrong = |problem: Problem| Error::from(problem).in_template(&name);
    let text = std::fs::read_to_string(path)
        .map_err(|error| wrong(Problem::Unreadable(error.to_string())))?;
    let roles = yaml::parse(&text).map_err(|error| wrong(Problem::Syntax(error)))?;
    let roles = roles.as_array().ok_or_else(|| {
        wrong(Problem::Declaration(
            "a roles file must be a list".to_owned(),
        ))
    })?;
    let name_of = |entry: &Value| entry.get("name").and_then(Value::as_str).map(str::to_owned);
    let found = roles
        .iter()
        .find(|entry| name_of(entry).as_deref() == Some(role));
    let Some(found) = found else {
        let known: Vec<_> = roles.iter().filter_map(name_of).collect();
        let hint = nearest(role, known.iter().map(String::as_str));
        let reason = format!("there is no role {role}{hint}");
        return Err(wrong(Problem::Declaration(reason)));
    };
    match found.get("ServicesDefault") {
        Some(services @ Value::Array(_)) => Ok(services.clone()),
        _ => Err(wrong(Problem::Declaration(format!(
            "role {role} has no list of services, ServicesDefault"
        )))),
    }
}

/// The files that config-download writes of a role, by name.
pub fn config_files(role: &str, data: &Map<String, Value>) -> Vec<(PathBuf, Content)> {
    let mut files = Vec::new();
    for (key, value) in data {
        match (key.as_str(), value) {
            // These are not of one role.
            (
                "external_deploy_tasks"
                | "external_post_deploy_tasks"
                | "external_update_tasks"
                | "external_upgrade_tasks",
                _,
            ) => {}
            ("step_config", Value::String(manifest)) => {
                files.push(("step_config.pp".into(), Content::Text(manifest.clone())));
            }
            (key, Value::Array(tasks)) if key.contains("upgrade_tasks") => {
                let tasks = by_step(tasks);
                let play = serde_json::json!([
                    {"hosts": role, "name": format!("{role} playbook"), "tasks": tasks}
                ]);
                files.push((format!("{key}_playbook.yaml").into(), Content::Yaml(play)));
                files.push((
                    format!("{key}.yaml").into(),
                    Content::Yaml(Value::Array(tasks)),
                ));
            }
            (key, value) => {
                files.push((format!("{key}.yaml").into(), Content::Yaml(value.clone())));
            }
        }
    }
    files
}

/// What is in a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// As it is.
    Text(String),
    /// To be written as YAML.
    Yaml(Value),
}

/// Upgrade tasks in the order of the step that their condition names.
fn by_step(tasks: &[Value]) -> Vec<Value> {
    let mut tasks = tasks.to_vec();
    tasks.sort_by_cached_key(step_of);
    tasks
}

/// The step in a task's condition, as a text; nothing sorts first.
fn step_of(task: &Value) -> String {
    let conditions = match task.get("when") {
        Some(Value::Array(conditions)) => conditions.as_slice(),
        Some(condition) => std::slice::from_ref(condition),
        None => &[],
    };
    for condition in conditions.iter().filter_map(Value::as_str) {
        for (at, _) in condition.match_indices("step") {
            let rest = &condition[at + "step".len()..];
            let rest = rest.strip_prefix("|int").unwrap_or(rest);
            let Some(rest) = rest.strip_prefix(" == ") else {
                continue;
            };
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            if !digits.is_empty() {
                return digits;
            }
        }
    }
    String::new()
}
