//! The plays.

use serde_json::{Value, json};
use slipway_service::Step;

use super::{GROUP, Role};
use crate::error::Result;
use crate::project::Project;

/// The playbook.
const DEPLOY: &str = "deploy.yaml";

/// Adds the playbook and the definitions' own tasks.
pub(super) fn add(project: &mut Project, roles: &[Role<'_>]) -> Result<()> {
    let mut plays = vec![preparation()];
    for role in roles {
        let tasks = &role.data.host_prep_tasks;
        if tasks.is_empty() {
            continue;
        }
        let path = format!("tasks/{}/host_prep_tasks.yaml", role.name);
        plays.push(json!({
            "name": format!("Prepare the hosts of {}", role.name),
            "hosts": role.name,
            "any_errors_fatal": true,
            "tasks": [{"name": "Run host_prep_tasks", "ansible.builtin.import_tasks": path}],
        }));
        project.add_yaml(path, &json!(tasks))?;
    }
    for step in Step::all() {
        plays.push(nodes_to(step));
        let with_tasks = roles.iter().filter(|role| has_tasks(role, step));
        let first: Vec<String> = with_tasks.map(|role| format!("{}[0]", role.name)).collect();
        if !first.is_empty() {
            plays.push(tasks_of(step, &first));
        }
    }
    plays.push(removal());
    project.add_yaml_in_order(DEPLOY, &json!(plays))
}

fn has_tasks(role: &Role<'_>, step: Step) -> bool {
    let tasks = role.data.docker_puppet_tasks.get(&step);
    tasks.is_some_and(|tasks| !tasks.is_empty())
}

/// Returns the play that puts slipway, the definitions and the hiera data on the nodes.
fn preparation() -> Value {
    json!({
        "name": "Prepare the nodes",
        "hosts": GROUP,
        "gather_facts": false,
        "any_errors_fatal": true,
        "tasks": [
            {
                "name": "Put slipway on the node",
                "ansible.builtin.copy": {
                    "src": "{{ slipway_binary }}",
                    "dest": "{{ slipway_program }}",
                    "mode": "0755",
                },
                "diff": false,
            },
            written(json!({
                "name": "Make the directory of the role",
                "ansible.builtin.file": {
                    "path": "{{ slipway_directory }}",
                    "state": "directory",
                    "mode": "0700",
                },
            })),
            written(json!({
                "name": "Put the definitions on the node",
                "ansible.builtin.copy": {
                    "src": "{{ playbook_dir }}/files/{{ slipway_role }}/services/",
                    "dest": "{{ slipway_directory }}/services/",
                    "mode": "0600",
                    "directory_mode": "0700",
                },
                // A definition may hold a password.
                "diff": false,
            })),
            written(json!({
                "name": "Put the hiera data on the node",
                "ansible.builtin.copy": {
                    "src": "{{ playbook_dir }}/files/nodes/{{ inventory_hostname }}/hiera.yaml",
                    "dest": "{{ slipway_directory }}/hiera.yaml",
                    "mode": "0600",
                },
                "diff": false,
                "no_log": true,
            })),
        ],
    })
}

/// Returns a task that also runs in check mode, in which it is no change.
fn written(mut task: Value) -> Value {
    task["check_mode"] = json!(false);
    task["register"] = json!("slipway_written");
    task["changed_when"] = json!("slipway_written is changed and not ansible_check_mode");
    task
}

/// Returns the play that removes what check mode put on the nodes.
fn removal() -> Value {
    json!({
        "name": "Remove the files of check mode",
        "hosts": GROUP,
        "gather_facts": false,
        "tasks": [{
            "name": "Remove the directory of check mode",
            "ansible.builtin.file": {"path": "{{ slipway_directory }}", "state": "absent"},
            "check_mode": false,
            "changed_when": false,
            "when": "ansible_check_mode",
        }],
    })
}

/// Returns the play that brings all nodes to a step.
fn nodes_to(step: Step) -> Value {
    let number = step.number();
    json!({
        "name": format!("Step {number}"),
        "hosts": GROUP,
        "gather_facts": false,
        "any_errors_fatal": true,
        "tasks": [task(format!("Bring the node to step {number}"), step, false)],
    })
}

/// Returns the play that runs a step's docker_puppet_tasks on these hosts, when the step is healthy
/// everywhere.
fn tasks_of(step: Step, first: &[String]) -> Value {
    let number = step.number();
    json!({
        "name": format!("Tasks of step {number}"),
        "hosts": first.join(":"),
        "gather_facts": false,
        "any_errors_fatal": true,
        "tasks": [task(format!("Run the docker_puppet_tasks of step {number}"), step, true)],
    })
}

fn task(name: String, step: Step, bootstrap_node: bool) -> Value {
    json!({
        "name": name,
        "slipway.node.deploy": {
            "services": "{{ slipway_services }}",
            "role": "{{ slipway_role }}",
            "hiera": ["{{ slipway_directory }}/hiera.yaml"],
            "step": step.number(),
            "bootstrap_node": bootstrap_node,
            "root": "{{ slipway_root }}",
            "wait": "{{ slipway_wait }}",
            "program": "{{ slipway_program }}",
        },
    })
}
