//! The diagram of services by step.

use std::collections::BTreeMap;

use slipway_diagram::{LaneId, Lanes, Mark, Node, NodeId};
use slipway_paths::Paths;
use slipway_puppet::Hashes;
use slipway_service::{Action, ContainerConfig, PuppetConfig, RoleData, Service, Step};

use crate::error::Result;
use crate::role::{Loaded, RoleSource, load};

/// The column of everything that comes before the steps.
const PRE: usize = 0;

/// Returns the services of a role by step: a lane for each service; in a role that is merged already, for
/// each image.
///
/// # Errors
/// The declarations are invalid.
pub fn diagram(source: &RoleSource) -> Result<Lanes> {
    let mut diagram = Diagram::new(&source.role)?;
    match load(source)? {
        Loaded::Services(services) => services.iter().for_each(|service| diagram.service(service)),
        Loaded::Merged(role) => diagram.role(&role),
    }
    Ok(diagram.finish())
}

struct Diagram {
    lanes: Lanes,
    hashes: Hashes,
    volumes: BTreeMap<String, NodeId>,
    containers: BTreeMap<String, NodeId>,
    /// Containers with the config volumes that they mount, and with the container that they run in.
    users: Vec<(NodeId, ContainerConfig)>,
}

impl Diagram {
    fn new(role: &str) -> Result<Diagram> {
        let columns = ["Pre", "Step 1", "Step 2", "Step 3", "Step 4", "Step 5"];
        Ok(Diagram {
            lanes: Lanes::new(&format!("Services of {role}"), &columns),
            hashes: Hashes::of(&Paths::new("/".as_ref())?),
            volumes: BTreeMap::new(),
            containers: BTreeMap::new(),
            users: Vec::new(),
        })
    }

    fn service(&mut self, service: &Service) {
        let lane = self.lanes.lane(&service.service_name);
        if let Some(entry) = &service.puppet_config {
            self.config_volume(lane, entry);
        }
        if !service.step_config.trim().is_empty() {
            let node = Node::new("host manifest", Mark::Dashed).with_detail("Puppet, in each step");
            self.lanes.add(lane, PRE, node);
        }
        for (step, containers) in &service.docker_config {
            let containers = containers.0.iter();
            let named = containers.map(|(name, config)| (lane, name.as_str(), config));
            self.step(*step, named.collect());
        }
        for (step, tasks) in &service.docker_puppet_tasks {
            tasks.iter().for_each(|task| self.task(lane, *step, task));
        }
    }

    fn role(&mut self, role: &RoleData) {
        for entry in &role.puppet_config {
            if entry.config_volume.is_some() {
                let lane = self.lanes.lane(short_image(&entry.config_image));
                self.config_volume(lane, entry);
            }
        }
        for (step, containers) in &role.docker_config {
            let mut named = Vec::new();
            for (name, config) in &containers.0 {
                let keys = config.keys();
                // A command is in the lane of the container that it runs in.
                let container = keys
                    .command
                    .as_ref()
                    .and_then(|command| target(config, command));
                let image = container.and_then(|name| containers.0.get(name));
                let image = image.map_or(keys, ContainerConfig::keys).image.as_deref();
                let lane = self.lanes.lane(short_image(image.unwrap_or("commands")));
                named.push((lane, name.as_str(), config));
            }
            self.step(*step, named);
        }
        for (step, tasks) in &role.docker_puppet_tasks {
            for task in tasks {
                let lane = self.lanes.lane(short_image(&task.config_image));
                self.task(lane, *step, task);
            }
        }
    }

    fn config_volume(&mut self, lane: LaneId, entry: &PuppetConfig) {
        let Some(volume) = &entry.config_volume else {
            return;
        };
        // Several services may write one volume.
        if !self.volumes.contains_key(volume.as_str()) {
            let node = Node::new(volume.as_str(), Mark::Accent).with_detail("config volume");
            let id = self.lanes.add(lane, PRE, node);
            self.volumes.insert(volume.to_string(), id);
        }
    }

    /// Adds the containers of a step in the order in which they start.
    fn step(&mut self, step: Step, mut containers: Vec<(LaneId, &str, &ContainerConfig)>) {
        containers.sort_by_key(|(_, _, config)| config.keys().start_order);
        for (lane, name, config) in containers {
            let id = self
                .lanes
                .add(lane, column(step), container_node(name, config));
            self.containers.entry(name.to_owned()).or_insert(id);
            self.users.push((id, config.clone()));
        }
    }

    fn task(&mut self, lane: LaneId, step: Step, task: &PuppetConfig) {
        if let Some(volume) = &task.config_volume {
            let node = Node::new(volume.as_str(), Mark::Accent).with_detail("Puppet task");
            self.lanes.add(lane, column(step), node);
        }
    }

    fn finish(mut self) -> Lanes {
        for (id, config) in &self.users {
            let keys = config.keys();
            let mounts = keys.volumes.iter();
            let mounts = mounts.filter_map(|mount| mount.source.as_deref());
            for volume in self.hashes.volumes(mounts) {
                if let Some(volume) = self.volumes.get(&volume) {
                    self.lanes.connect(*volume, *id);
                }
            }
            let container = keys
                .command
                .as_ref()
                .and_then(|command| target(config, command));
            if let Some(container) = container.and_then(|name| self.containers.get(name)) {
                self.lanes.connect(*container, *id);
            }
        }
        self.lanes.explain(Mark::Accent, "Puppet run");
        self.lanes.explain(Mark::Solid, "container");
        self.lanes.explain(Mark::Round, "container that ends");
        self.lanes.explain(Mark::Dashed, "command");
        self.lanes
    }
}

fn column(step: Step) -> usize {
    PRE + usize::from(step.number())
}

fn container_node(name: &str, config: &ContainerConfig) -> Node {
    let keys = config.keys();
    let container = keys
        .command
        .as_ref()
        .and_then(|command| target(config, command));
    match (container, &keys.image) {
        (Some(container), _) => {
            Node::new(name, Mark::Dashed).with_detail(format!("runs in {container}"))
        }
        (None, image) => {
            let mark = match keys.is_one_shot() {
                true => Mark::Round,
                false => Mark::Solid,
            };
            Node::new(name, mark).with_detail(image.as_deref().unwrap_or_default())
        }
    }
}

/// Returns the container that a command is executed in.
fn target<'a>(config: &ContainerConfig, command: &'a slipway_service::Command) -> Option<&'a str> {
    match config.keys().action {
        Action::Exec => command.words().first().map(String::as_str),
        Action::Run => None,
    }
}

/// Returns the name of an image without registry, namespace and tag.
fn short_image(image: &str) -> &str {
    let name = image.rsplit('/').next().unwrap_or(image);
    name.split([':', '@']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::{Value, json};

    use super::*;
    use crate::{Declarations, KeyFiles};

    fn drawn(path: PathBuf) -> Value {
        let source = RoleSource {
            declarations: Declarations::Services(vec![path]),
            role: "R".to_owned(),
            hiera: Vec::new(),
            keys: KeyFiles::default(),
        };
        serde_json::to_value(diagram(&source).unwrap()).unwrap()
    }

    /// Returns the edges as pairs of labels with their columns.
    fn edges(diagram: &Value) -> Vec<(String, String)> {
        let name = |id: &Value| {
            let node = &diagram["nodes"][id.as_u64().unwrap() as usize];
            let text = |key: &str| node[key].as_str().unwrap().to_owned();
            format!("{}/{}", text("column"), text("label"))
        };
        let edges = diagram["edges"].as_array().unwrap().iter();
        edges.map(|edge| (name(&edge[0]), name(&edge[1]))).collect()
    }

    #[test]
    fn the_services_that_come_with_slipway_are_drawn() {
        let services = concat!(env!("CARGO_MANIFEST_DIR"), "/../../services");
        let diagram = drawn(services.into());
        let nodes = diagram["nodes"].as_array().unwrap();
        let find = |label: &str| nodes.iter().find(|node| node["label"] == label).unwrap();
        let bootstrap = find("keystone_bootstrap");
        assert_eq!(bootstrap["lane"], "keystone");
        assert_eq!(bootstrap["column"], "Step 3");
        assert_eq!(bootstrap["detail"], "runs in keystone");
        assert_eq!(find("keystone_init_tasks")["column"], "Step 4");
        let edges = edges(&diagram);
        let edge = |from: &str, to: &str| edges.contains(&(from.to_owned(), to.to_owned()));
        assert!(edge("Pre/keystone", "Step 3/keystone_db_sync"), "{edges:?}");
        assert!(
            edge("Step 3/keystone", "Step 3/keystone_bootstrap"),
            "{edges:?}"
        );
    }

    #[test]
    fn a_merged_role_has_a_lane_for_each_image() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, value: Value| {
            std::fs::write(directory.path().join(name), value.to_string()).unwrap();
        };
        write("service_names.yaml", json!(["a"]));
        write(
            "docker_config.yaml",
            json!({"step_1": {
                "b": {"image": "registry:5000/x/b:1", "start_order": 2},
                "a": {"image": "x/a", "start_order": 1, "detach": false},
                "c": {"action": "exec", "command": ["b", "true"]},
            }}),
        );
        let diagram = drawn(directory.path().to_owned());
        let nodes = diagram["nodes"].as_array().unwrap();
        let seen: Vec<_> = nodes
            .iter()
            .map(|node| {
                (
                    node["label"].as_str().unwrap(),
                    node["lane"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(seen, [("c", "b"), ("a", "a"), ("b", "b")]);
        assert_eq!(diagram["edges"], json!([[2, 0]]));
    }
}
