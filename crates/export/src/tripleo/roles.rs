//! The files of each role, and the playbooks of the plan.

use serde_json::{Value, json};
use slipway_heat::tasks_by_step;
use slipway_pyvalue as py;

use super::common::Layout;
use super::outputs::{Outputs, wrong};
use crate::error::Result;
use crate::project::Project;

/// Tasks of the plan rather than of one role.
const EXTERNAL: &str = "external_deploy_tasks";

/// The key of variables that go to the role's group.
const GROUP_VARS: &str = "ansible_group_vars";

/// The number of steps of an upgrade.
const UPGRADE_STEPS: usize = 6;

/// Adds a file for each key of each role's data.
pub(super) fn add_role_data(
    project: &mut Project,
    outputs: &Outputs<'_>,
    layout: Layout,
) -> Result<()> {
    for (role, data) in outputs.map("RoleData")? {
        let Value::Object(data) = data else {
            return Err(wrong("RoleData", &format!("{role} is no map")));
        };
        for (key, value) in data {
            match (key.as_str(), layout) {
                (EXTERNAL, _) | (GROUP_VARS, Layout::ByHost) => {}
                ("step_config", _) => {
                    project.add(format!("{role}/step_config.pp"), py::str(value));
                }
                (key, Layout::ByRole) if key.contains("upgrade_tasks") => {
                    let tasks = tasks_by_step(tasks_of(value));
                    let play = json!([
                        {"hosts": role, "name": format!("{role} playbook"), "tasks": tasks}
                    ]);
                    project.add_yaml(format!("{role}/{key}_playbook.yaml"), &play)?;
                    project.add_yaml(format!("{role}/{key}.yaml"), &json!(tasks))?;
                }
                (key, Layout::ByHost) if key == "upgrade_tasks" => {
                    for step in 0..UPGRADE_STEPS {
                        let tasks = tasks_of(value).iter();
                        let tasks: Vec<&Value> =
                            tasks.filter(|task| is_of_step(task, step)).collect();
                        let path = format!("{role}/{key}_step{step}.yaml");
                        project.add_yaml(path, &json!(tasks))?;
                    }
                    project.add_yaml(format!("{role}/{key}.yaml"), value)?;
                }
                (key, _) => project.add_yaml(format!("{role}/{key}.yaml"), value)?,
            }
        }
        if layout == Layout::ByRole {
            project.add_directory(role.as_str());
        }
    }
    Ok(())
}

/// Returns the variables of a role's group, those of its services included.
pub(super) fn group_vars(role: &str, outputs: &Outputs<'_>) -> Result<Value> {
    let mut vars = match outputs.map("RoleGroupVars")?.get(role) {
        Some(Value::Object(vars)) => vars.clone(),
        _ => serde_json::Map::new(),
    };
    let of_services = outputs.map("RoleData")?.get(role);
    let of_services = of_services.and_then(|data| data.get(GROUP_VARS));
    if let Some(Value::Object(of_services)) = of_services {
        vars.extend(of_services.clone());
    }
    Ok(Value::Object(vars))
}

/// Adds a file for each key of the plan's configuration: playbooks and lists of tasks.
pub(super) fn add_role_config(project: &mut Project, outputs: &Outputs<'_>) -> Result<()> {
    for (name, config) in outputs.map("RoleConfig")? {
        let path = format!("{name}.yaml");
        match config {
            Value::Array(_) | Value::Object(_) => project.add_yaml(path, config)?,
            text => project.add(path, py::str(text)),
        }
    }
    Ok(())
}

fn tasks_of(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Returns whether a task runs in a step of an upgrade. One without a step runs in all of them.
fn is_of_step(task: &Value, step: usize) -> bool {
    let conditions = match task.get("when") {
        Some(Value::Array(conditions)) => conditions.as_slice(),
        Some(Value::Null) | None => &[],
        Some(condition) => std::slice::from_ref(condition),
    };
    let found = conditions.iter().find_map(|condition| {
        let named = step_at_end(&py::str(condition))?;
        Some(named == step.to_string())
    });
    found.unwrap_or(true)
}

/// Returns the step that a condition names at its end: `step|int == 2`.
fn step_at_end(condition: &str) -> Option<String> {
    // Python's `$` also matches before a newline at the end.
    let condition = condition.strip_suffix('\n').unwrap_or(condition);
    let rest = condition.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &condition[rest.len()..];
    let rest = rest.strip_suffix(" == ")?;
    let rest = rest.strip_suffix("|int").unwrap_or(rest);
    (rest.ends_with("step") && !digits.is_empty()).then(|| digits.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_in_the_step_of_its_first_condition_that_names_one() {
        let steps = |when: Value| -> Vec<usize> {
            let task = json!({"name": "x", "when": when});
            (0..UPGRADE_STEPS)
                .filter(|step| is_of_step(&task, *step))
                .collect()
        };
        assert_eq!(steps(json!("step|int == 2")), [2]);
        assert_eq!(steps(json!(["a is b", "step == 3"])), [3]);
        assert_eq!(steps(json!("step|int == 2 and x")), [0, 1, 2, 3, 4, 5]);
        assert_eq!(steps(json!(null)), [0, 1, 2, 3, 4, 5]);
        assert_eq!(steps(json!(["step|int == 9"])), [0usize; 0]);
    }
}
