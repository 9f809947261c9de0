//! The tasks of the plays.

use serde_json::{Value, json};
use slipway_service::{Step, TaskList};

/// The file of tasks of a list.
pub(super) enum Placing<'a> {
    /// That of one role.
    Role(&'a str),
    /// That of the role of each node.
    EachRole,
    /// That of all roles, for the host that runs Ansible.
    External,
}

/// Returns the tasks that put slipway, the definitions and the hiera data on a node.
pub(super) fn preparation() -> Vec<Value> {
    vec![
        json!({
            "name": "Put slipway on the node",
            "ansible.builtin.copy": {
                "src": "{{ slipway_binary }}",
                "dest": "{{ slipway_program }}",
                "mode": "0755",
            },
            "diff": false,
        }),
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
    ]
}

/// Returns a task that also runs in check mode, in which it is no change.
fn written(mut task: Value) -> Value {
    task["check_mode"] = json!(false);
    task["register"] = json!("slipway_written");
    task["changed_when"] = json!("slipway_written is changed and not ansible_check_mode");
    task
}

/// Returns the task that removes what check mode put on a node.
pub(super) fn removal() -> Value {
    json!({
        "name": "Remove the directory of check mode",
        "ansible.builtin.file": {"path": "{{ slipway_directory }}", "state": "absent"},
        "check_mode": false,
        "changed_when": false,
        "when": "ansible_check_mode",
    })
}

/// Returns the task that brings a node to a step.
pub(super) fn node_step(step: Step, bootstrap_node: &Value) -> Value {
    let name = format!("Bring the node to step {}", step.number());
    deploy(&name, step, bootstrap_node)
}

/// Returns the task that runs a step's `docker_puppet_tasks`.
pub(super) fn puppet_tasks(step: Step) -> Value {
    let name = format!("Run the docker_puppet_tasks of step {}", step.number());
    deploy(&name, step, &json!(true))
}

fn deploy(name: &str, step: Step, bootstrap_node: &Value) -> Value {
    let mut options = declarations();
    options["step"] = json!(step.number());
    options["bootstrap_node"] = bootstrap_node.clone();
    options["wait"] = json!("{{ slipway_wait }}");
    json!({"name": name, "slipway.node.deploy": options})
}

/// Returns the task that asks a node for its state.
pub(super) fn status() -> Value {
    json!({"name": "Read the state of the node", "slipway.node.status": declarations()})
}

/// Returns the task that fails if a container of the node is not up or not healthy.
pub(super) fn health() -> Value {
    let mut options = declarations();
    options["wait"] = json!("{{ slipway_wait }}");
    options["healthy"] = json!(true);
    json!({
        "name": "Check that the containers are healthy",
        "slipway.node.status": options,
        "when": "not ansible_check_mode",
    })
}

fn declarations() -> Value {
    json!({
        "services": "{{ slipway_services }}",
        "role": "{{ slipway_role }}",
        "hiera": ["{{ slipway_directory }}/hiera.yaml"],
        "root": "{{ slipway_root }}",
        "program": "{{ slipway_program }}",
    })
}

/// Returns the task that runs the definitions' tasks of a list.
pub(super) fn definition_tasks(list: TaskList, step: u8, placing: &Placing<'_>) -> Value {
    let key = list.key();
    let name = format!("Run {key}");
    match placing {
        Placing::Role(role) => json!({
            "name": name,
            "ansible.builtin.import_tasks": format!("tasks/{role}/{key}.yaml"),
            "vars": {"step": step},
        }),
        Placing::EachRole => json!({
            "name": name,
            "ansible.builtin.include_tasks": format!("tasks/{{{{ slipway_role }}}}/{key}.yaml"),
        }),
        Placing::External => json!({
            "name": name,
            "ansible.builtin.import_tasks": format!("tasks/{key}.yaml"),
        }),
    }
}

/// Returns the task that gathers facts in a play that does not need them in each of its parts.
pub(super) fn facts() -> Value {
    json!({"name": "Gather facts", "ansible.builtin.setup": {}})
}

/// Returns the task that reads the facts and registered results of earlier steps, which ran in other runs of
/// Ansible.
pub(super) fn kept_facts() -> Value {
    json!({
        "name": "Read the facts of earlier steps",
        "ansible.builtin.include_vars": {"file": "{{ slipway_facts }}/{{ inventory_hostname }}.yaml"},
        "when": [
            "slipway_facts is defined",
            "(slipway_facts ~ '/' ~ inventory_hostname ~ '.yaml') is file",
        ],
        "no_log": true,
    })
}
