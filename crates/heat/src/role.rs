//! Roles: the services of a role, merged by the templates' own template.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexSet;
use serde_json::{Map, Value, json};
use slipway_suggest::did_you_mean;

use crate::error::{Error, Problem, Result};
use crate::resolver::Resolver;
use crate::stack::Stack;

/// The template that gives a role's services their properties.
const OVERCLOUD: &str = "overcloud.yaml";

impl Resolver {
    /// Returns the role data of a role's services, as `common/services/ROLE-role.yaml` of the templates
    /// merges them. The services are those of the environment's `ROLEServices`, or else of the
    /// roles file (by default `roles_data.yaml` of the templates).
    ///
    /// Their properties are those that `overcloud.yaml` passes to them. The environment provides the values
    /// that only a running cloud knows: NetIpMap and ServiceData, or a whole EndpointMap.
    ///
    /// If a parameter has no value, the error names all others without one, as far as they are known
    /// without it.
    pub fn role(&self, role: &str, roles: Option<&Path>) -> Result<Map<String, Value>> {
        self.merged(role, roles).map_err(|error| {
            let error = match error.problem() {
                Problem::MissingParameter(name) => {
                    let others = self.missing(role, roles).into_iter();
                    let others = others.filter(|other| other != name).collect();
                    error.with_others(others)
                }
                _ => error,
            };
            self.explained(error)
        })
    }

    /// Returns the parameters of a role's services that have no value.
    fn missing(&self, role: &str, roles: Option<&Path>) -> IndexSet<String> {
        self.look_for_missing(Some(IndexSet::new()));
        // Errors that a missing value causes are not requested here.
        let _ = self.each_service(role, roles);
        self.look_for_missing(None).unwrap_or_default()
    }

    fn look_for_missing(&self, next: Option<IndexSet<String>>) -> Option<IndexSet<String>> {
        let mut missing = self.missing.lock().ok()?;
        std::mem::replace(&mut missing, next)
    }

    /// Resolves a role's services one by one, and ignores their errors.
    fn each_service(&self, role: &str, roles: Option<&Path>) -> Result<()> {
        let passed = self.passed(role, self.listed(role, roles)?)?;
        let services = passed.get("Services").and_then(Value::as_array);
        for kind in services.into_iter().flatten().filter_map(Value::as_str) {
            let Ok(Some(name)) = self.template_of(kind) else {
                continue;
            };
            let Ok(template) = self.template(&self.directory().join(&name)) else {
                continue;
            };
            let mut parameters = passed.clone();
            parameters.retain(|name, _| template.parameters.contains_key(name.as_str()));
            let _ = self.resolve_with(&name, parameters);
        }
        Ok(())
    }

    /// Returns the services of a role in its roles file.
    fn listed(&self, role: &str, roles: Option<&Path>) -> Result<Value> {
        let standard = self.directory().join("roles_data.yaml");
        services(role, roles.unwrap_or(&standard))
    }

    fn merged(&self, role: &str, roles: Option<&Path>) -> Result<Map<String, Value>> {
        let template = format!("common/services/{}-role.yaml", role.to_lowercase());
        let listed = self.listed(role, roles)?;
        if !self.has(&template) {
            let reason = "there is no such file: the templates must be processed first, with this \
                          role among the roles";
            return Err(Error::from(Problem::Unreadable(reason.to_owned())).in_template(&template));
        }
        let parameters = self.passed(role, listed)?;
        let mut outputs = self.resolve_with(&template, parameters)?;
        match outputs.remove("role_data") {
            Some(Value::Object(data)) => Ok(data),
            _ => {
                let reason = "it has no output role_data that is a map";
                Err(Error::from(Problem::Declaration(reason.to_owned())).in_template(&template))
            }
        }
    }

    /// Returns the properties that `overcloud.yaml` passes to the services of a role.
    fn passed(&self, role: &str, listed: Value) -> Result<HashMap<String, Value>> {
        let chain = format!("{role}ServiceChain");
        let overcloud = self.overcloud(&format!("{role}Services"), listed)?;
        let mut passed = HashMap::new();
        for name in overcloud.property_names(&chain)? {
            // For networks that do not exist, and for generated passwords.
            if name == "ServiceData" || name == "DefaultPasswords" {
                continue;
            }
            passed.insert(name.to_owned(), overcloud.property(&chain, name)?);
        }
        if let Some(passwords) = self.passwords()? {
            passed.insert("DefaultPasswords".to_owned(), passwords);
        }
        Ok(passed)
    }

    /// Returns the environment's DefaultPasswords, or those that the templates make of the rest of it.
    fn passwords(&self) -> Result<Option<Value>> {
        const TEMPLATE: &str = "default_passwords.yaml";
        if self.parameter_default("DefaultPasswords").is_some() || !self.has(TEMPLATE) {
            return Ok(None);
        }
        match self.resolve(TEMPLATE) {
            Ok(mut outputs) => Ok(outputs.remove("passwords")),
            // A missing password is an error where it is used.
            Err(error) if matches!(error.problem(), Problem::MissingParameter(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns `overcloud.yaml`, as far as it is known without a cloud.
    fn overcloud(&self, services: &str, listed: Value) -> Result<Stack<'_>> {
        let template = self.template(&self.directory().join(OVERCLOUD))?;
        let environment = self.environment();
        let values = template
            .parameters
            .iter()
            .map(|(name, parameter)| {
                let name = name.as_str();
                let value = environment.parameters.get(name);
                let value = value.or_else(|| environment.parameter_defaults.get(name));
                match value.filter(|value| !value.is_null()) {
                    Some(value) => Some(Arc::clone(value)),
                    None if name == services => Some(Arc::new(listed.clone())),
                    // Services of other roles, and values of the deployment.
                    None if parameter.is_required() => Some(Arc::new(parameter.empty())),
                    None => None,
                }
            })
            .collect();
        let overcloud = self.stack(template, values)?;
        let addresses = self
            .parameter_default("NetIpMap")
            .unwrap_or_else(|| json!({}));
        overcloud.preset("VipMap", [("net_ip_map", addresses)]);
        if let Some(endpoints) = self.parameter_default("EndpointMap").filter(is_whole) {
            overcloud.preset("EndpointMapData", [("value", endpoints)]);
        }
        Ok(overcloud)
    }

    fn parameter_default(&self, parameter: &str) -> Option<Value> {
        let value = self.environment().parameter_defaults.get(parameter)?;
        Some(Value::clone(value))
    }
}

/// Returns whether a map of endpoints is one that `network/endpoints/endpoint_map.yaml` made, not one that
/// it is made from.
fn is_whole(endpoints: &Value) -> bool {
    let endpoints = endpoints.as_object();
    endpoints.is_some_and(|map| map.values().any(|endpoint| endpoint.get("uri").is_some()))
}

/// Reads the services that a roles file lists for a role.
fn services(role: &str, path: &Path) -> Result<Value> {
    let name = path.display().to_string();
    let wrong = |problem: Problem| Error::from(problem).in_template(&name);
    let text = slipway_files::read_input(path)
        .map_err(|error| wrong(Problem::Unreadable(error.to_string())))?;
    let roles = crate::read_value(&text).map_err(|error| wrong(Problem::Syntax(error)))?;
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
        let hint = did_you_mean(role, known.iter().map(String::as_str));
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

/// Returns the files that config-download writes for a role, by name.
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
                let tasks = tasks_by_step(tasks);
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

/// The content of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Text to be written as it is.
    Text(String),
    /// A value to be written as YAML.
    Yaml(Value),
}

/// Sorts upgrade tasks by the step that their condition names.
pub fn tasks_by_step(tasks: &[Value]) -> Vec<Value> {
    let mut tasks = tasks.to_vec();
    tasks.sort_by_cached_key(step_of);
    tasks
}

/// Returns the step in a task's condition as a string. A task without one sorts first.
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
