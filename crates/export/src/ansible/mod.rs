//! An Ansible project that brings nodes up with service definitions, updates and upgrades them.
//!
//! [`project`] arranges an inventory, variables, the definitions and hiera data of each node, the playbooks,
//! and the collection `slipway.node` with the modules that the plays use. ansible-core 2.15 and later run it.
//!
//! - `deploy.yaml` puts slipway, the definitions and the hiera data on every node and runs the definitions'
//!   `host_prep_tasks`. Then, in each step from 1 to 5, it brings every node to the step; when all are
//!   healthy, the first node of each role runs the step's `docker_puppet_tasks`.
//! - `update.yaml` updates one node of a role after the other: `update_tasks`, then the steps.
//! - `upgrade.yaml` runs the `upgrade_tasks` on all nodes, then the steps.
//! - `ffu.yaml` runs the `fast_forward_upgrade_tasks` of each release in order.
//!
//! Each [`Part`] of a [`Playbook`] has a tag, so that it can run alone. [`Manifest`] lists the nodes and parts.
//!
//! Hiera data hold secrets. They are files, which Ansible copies and does not evaluate.

mod collection;
mod definitions;
mod manifest;
mod nodes;
mod part;
mod plays;

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use slipway_service::{RoleData, Step};

use crate::error::Result;
use crate::project::Project;

pub use definitions::Definitions;
pub use manifest::Manifest;
pub use nodes::{Node, Nodes, RoleOfNodes};
pub use part::{LAST_PREP_STEP, Part, Playbook};

/// The group of all nodes.
const GROUP: &str = "slipway";

/// The directory on each node for the definitions and hiera data of its role. In check mode it is another
/// one, which the last play removes: what the node has stays, and the plan is that of the new definitions.
const ON_NODE: &str =
    "{{ '/run/slipway/check' if ansible_check_mode else '/var/lib/slipway/role' }}";

/// The place of the program on each node.
const PROGRAM: &str = "/usr/local/bin/slipway";

/// The options of a project.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program that the plays put on the nodes.
    pub binary: PathBuf,
    /// Hiera data of all nodes, over that of the services.
    pub hiera: Map<String, Value>,
}

/// A role that has nodes.
struct Role<'a> {
    name: &'a str,
    data: RoleData,
    /// The names of its services, in their order.
    services: Vec<String>,
}

/// Returns the project of nodes.
///
/// # Errors
/// A role has a service that no definition declares, or its services conflict.
pub fn project(nodes: &Nodes, definitions: &Definitions, options: &Options) -> Result<Project> {
    let mut project = Project::default();
    let mut roles = Vec::new();
    for name in nodes.role_names() {
        let chosen = definitions.of_role(name, nodes.services_of(name))?;
        let services = chosen.iter().map(|definition| definition.name().to_owned());
        let role = Role {
            name,
            services: services.collect(),
            data: definitions::merge(name, &chosen)?,
        };
        for definition in chosen {
            let path = format!("files/{name}/services/{}.yaml", definition.name());
            project.add(path, definition.text());
        }
        project.add_yaml(format!("group_vars/{name}.yaml"), &role.vars())?;
        roles.push(role);
    }
    project.add_yaml(format!("group_vars/{GROUP}.yaml"), &vars(&options.binary))?;
    for (name, node) in &nodes.nodes {
        let hiera = nodes.hiera_of(node, &options.hiera);
        project.add_yaml(format!("files/nodes/{name}/hiera.yaml"), &hiera)?;
    }
    let manifest = Manifest::new(nodes, &roles);
    project.add_yaml_in_order("inventory.yaml", &inventory(nodes, &roles))?;
    plays::add(&mut project, &roles, &manifest)?;
    project.add(Manifest::FILE, format!("{}\n", json!(manifest)));
    collection::add(&mut project);
    Ok(project)
}

impl Role<'_> {
    /// Returns the variables of the role's group.
    fn vars(&self) -> Value {
        let services = self.services.iter();
        let paths: Vec<String> = services
            .map(|service| format!("{{{{ slipway_directory }}}}/services/{service}.yaml"))
            .collect();
        json!({"slipway_role": self.name, "slipway_services": paths})
    }
}

/// Returns true if a role has `docker_puppet_tasks` in a step.
fn has_tasks(role: &Role<'_>, step: Step) -> bool {
    let tasks = role.data.docker_puppet_tasks.get(&step);
    tasks.is_some_and(|tasks| !tasks.is_empty())
}

/// Returns the variables of all nodes.
fn vars(binary: &Path) -> Value {
    json!({
        // The first node of a role is its bootstrap node.
        "is_bootstrap_node": "{{ inventory_hostname == groups[slipway_role][0] }}",
        "slipway_binary": binary,
        "slipway_directory": ON_NODE,
        "slipway_program": PROGRAM,
        "slipway_root": "/",
        "slipway_wait": 300,
    })
}

/// Returns the inventory: a group for each role, and one of all.
fn inventory(nodes: &Nodes, roles: &[Role<'_>]) -> Value {
    let mut children = Map::new();
    let mut all = Map::new();
    for role in roles {
        let of_role = nodes
            .nodes
            .iter()
            .filter(|(_, node)| node.role == role.name);
        let hosts: IndexMap<&String, Map<String, Value>> = of_role
            .map(|(name, node)| (name, node.inventory_vars()))
            .collect();
        children.insert(role.name.to_owned(), json!({"hosts": hosts}));
        all.insert(role.name.to_owned(), json!({}));
    }
    children.insert(GROUP.to_owned(), json!({"children": all}));
    json!({"all": {"children": children}})
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODES: &str = "
releases: [ocata, pike, queens]
roles:
  Controller: {services: [cache], hiera: {b: role, c: role}}
nodes:
  node-2: {role: Controller, address: 192.0.2.2}
  node-1: {role: Controller, hiera: {c: node}, vars: {ansible_user: root}}
  edge: {role: Edge}
";

    fn files() -> Project {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let nodes = Nodes::read(&write("nodes", NODES)).unwrap();
        let cache = "service_name: cache\nhost_prep_tasks:\n- {name: '{{ x }}', debug: {}}\n\
                     fast_forward_upgrade_tasks:\n- {name: a, debug: {}, when: step|int == 0}\n\
                     - {name: b, debug: {}, when: [step|int == 4]}\n";
        let tasks = "service_name: tasks\ndocker_puppet_tasks:\n  step_2: {config_volume: t, step_config: x, \
                     config_image: i}\n";
        write("1.yaml", cache);
        write("2.yaml", tasks);
        let definitions = Definitions::read(&[directory.path().to_owned()]).unwrap();
        let options = Options {
            binary: "/usr/bin/slipway".into(),
            hiera: json!({"a": "{{ all }}", "b": "all"})
                .as_object()
                .unwrap()
                .clone(),
        };
        project(&nodes, &definitions, &options).unwrap()
    }

    fn text(project: &Project, path: &str) -> String {
        let mut files = project.files();
        let found = files.find(|(known, _)| *known == path);
        found
            .unwrap_or_else(|| panic!("{path} is missing"))
            .1
            .to_owned()
    }

    #[test]
    fn hiera_data_of_a_node_are_over_its_roles_and_those_over_all() {
        let project = files();
        assert_eq!(
            text(&project, "files/nodes/node-1/hiera.yaml"),
            "a: '{{ all }}'\nb: role\nc: node\n"
        );
        assert_eq!(
            text(&project, "files/nodes/edge/hiera.yaml"),
            "a: '{{ all }}'\nb: all\n"
        );
    }

    #[test]
    fn a_role_has_its_services_alone() {
        let project = files();
        let paths: Vec<&str> = project.files().map(|(path, _)| path).collect();
        assert!(paths.contains(&"files/Controller/services/cache.yaml"));
        assert!(!paths.contains(&"files/Controller/services/tasks.yaml"));
        assert!(paths.contains(&"files/Edge/services/tasks.yaml"));
        let vars = text(&project, "group_vars/Controller.yaml");
        assert!(
            vars.contains("{{ slipway_directory }}/services/cache.yaml"),
            "{vars}"
        );
    }

    /// Returns the plays of a playbook: names, hosts, tags of plays and tasks.
    fn plays(project: &Project, playbook: Playbook) -> Vec<Value> {
        let text = text(project, playbook.file());
        match slipway_yaml::read(&text).unwrap().into_value() {
            Value::Array(plays) => plays,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn an_update_has_one_node_at_a_time_and_a_tag_for_each_part() {
        let plays = plays(&files(), Playbook::Update);
        assert_eq!(plays[0]["hosts"], "Controller");
        assert_eq!(plays[0]["serial"], 1);
        let tasks = plays[0]["tasks"].as_array().unwrap();
        let mut tags: Vec<&str> = tasks
            .iter()
            .map(|task| task["tags"][0].as_str().unwrap())
            .collect();
        tags.dedup();
        let expected = [
            "slipway_prepare",
            "step_1",
            "step_2",
            "step_3",
            "step_4",
            "step_5",
            "slipway_health",
        ];
        assert_eq!(tags, expected);
    }

    #[test]
    fn a_fast_forward_upgrade_has_its_releases_in_order_and_bootstrap_steps_on_one_node() {
        let plays = plays(&files(), Playbook::FastForward);
        let found: Vec<String> = plays
            .iter()
            .map(|play| {
                format!(
                    "{} {} {}",
                    play["vars"]["release"], play["vars"]["step"], play["hosts"]
                )
            })
            .collect();
        let expected = [
            "\"ocata\" 0 \"Controller:Edge\"",
            "\"ocata\" 4 \"Controller[0]:Edge[0]\"",
            "\"pike\" 0 \"Controller:Edge\"",
            "\"pike\" 4 \"Controller[0]:Edge[0]\"",
        ];
        assert_eq!(found, expected);
        let manifest = text(&files(), Manifest::FILE);
        let manifest: Manifest = serde_json::from_str(&manifest).unwrap();
        assert_eq!(manifest.releases_between(), ["ocata", "pike"]);
        assert_eq!(
            manifest.docker_puppet_tasks[&2].iter().collect::<Vec<_>>(),
            ["Edge"]
        );
    }

    #[test]
    fn the_inventory_keeps_the_order_of_nodes() {
        let inventory = text(&files(), "inventory.yaml");
        let at = |name: &str| inventory.find(name).unwrap();
        assert!(at("node-2:") < at("node-1:"), "{inventory}");
        assert!(
            inventory.contains("ansible_host: '192.0.2.2'"),
            "{inventory}"
        );
        assert!(inventory.contains("ansible_user: root"), "{inventory}");
    }

    #[test]
    fn tasks_of_the_cluster_run_on_the_first_node_of_roles_that_have_them() {
        let project = files();
        let plays = text(&project, "deploy.yaml");
        assert_eq!(plays.matches("Edge[0]").count(), 1, "{plays}");
        assert!(!plays.contains("Controller[0]"), "{plays}");
        assert_eq!(
            text(&project, "tasks/Controller/host_prep_tasks.yaml"),
            "- debug: {}\n  name: '{{ x }}'\n"
        );
    }
}
