//! The parts of a playbook in the order in which they run.

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use slipway_export::ansible::{LAST_PREP_STEP, Manifest, Part, Playbook};
use slipway_service::{Step, TaskList};

/// The node's name for the host that runs Ansible.
pub(crate) const CONTROLLER: &str = "localhost";

/// The work on a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Bring all nodes to step 5.
    Deploy,
    /// Update one node of a role after the other.
    Update,
    /// Upgrade all nodes.
    Upgrade,
    /// Upgrade all nodes over several releases.
    #[serde(rename = "ffu")]
    FastForward,
}

impl Action {
    /// Returns the name of the command.
    pub fn name(self) -> &'static str {
        match self {
            Action::Deploy => "deploy",
            Action::Update => "update",
            Action::Upgrade => "upgrade",
            Action::FastForward => "ffu",
        }
    }

    /// Returns the playbook that has the parts.
    pub fn playbook(self) -> Playbook {
        match self {
            Action::Deploy => Playbook::Deploy,
            Action::Update => Playbook::Update,
            Action::Upgrade => Playbook::Upgrade,
            Action::FastForward => Playbook::FastForward,
        }
    }
}

/// One part on some nodes at once: one run of `ansible-playbook`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The part.
    pub part: Part,
    /// The nodes.
    pub nodes: Vec<String>,
}

impl Unit {
    /// Returns true if the part runs on the host of Ansible alone.
    pub(crate) fn is_external(&self) -> bool {
        matches!(&self.part, Part::Tasks { list, .. } if list.is_external())
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.part, self.nodes.join(", "))
    }
}

/// Returns the units of an action on these nodes, in order.
///
/// A part that has nothing to do on the nodes is left out. Parts of the host that runs Ansible are left
/// out unless the nodes are all nodes of the site.
pub fn units(manifest: &Manifest, action: Action, nodes: &[String]) -> Vec<Unit> {
    let order = Order {
        manifest,
        nodes,
        chosen: nodes.iter().map(String::as_str).collect(),
        units: Vec::new(),
    };
    match action {
        Action::Deploy => order.deploy(),
        Action::Update => order.update(),
        Action::Upgrade => order.upgrade(),
        Action::FastForward => order.fast_forward(),
    }
}

struct Order<'a> {
    manifest: &'a Manifest,
    nodes: &'a [String],
    /// The same nodes.
    chosen: HashSet<&'a str>,
    units: Vec<Unit>,
}

impl Order<'_> {
    fn deploy(mut self) -> Vec<Unit> {
        self.add(Part::Prepare, self.nodes.to_vec());
        self.add_tasks(TaskList::HostPrep);
        for step in Step::all() {
            self.add_external_step(TaskList::ExternalDeploy, step.number());
            self.add_step(step);
        }
        self.units
    }

    /// One node of a role after the other. The next one begins when this one is healthy.
    fn update(mut self) -> Vec<Unit> {
        for role in self.manifest.roles() {
            for node in self.chosen(role) {
                let node = vec![node];
                self.add(Part::Prepare, node.clone());
                for step in self.steps_of(TaskList::Update, role) {
                    self.add(Part::tasks(TaskList::Update, None, step), node.clone());
                }
                for step in Step::all() {
                    self.add(Part::Step(step), node.clone());
                }
                self.add(Part::Health, node);
            }
        }
        self.add_tasks(TaskList::PostUpdate);
        self.add_external(TaskList::ExternalUpdate);
        self.units
    }

    fn upgrade(mut self) -> Vec<Unit> {
        self.add(Part::Prepare, self.nodes.to_vec());
        self.add_rolling(TaskList::PreUpgradeRolling);
        self.add_rolling(TaskList::UpgradeBatch);
        self.add_tasks(TaskList::Upgrade);
        for step in Step::all() {
            self.add_step(step);
        }
        self.add_tasks(TaskList::PostUpgrade);
        self.add_external(TaskList::ExternalUpgrade);
        self.units
    }

    /// For each release in order: prep steps on all nodes, then bootstrap steps on one node of each role.
    fn fast_forward(mut self) -> Vec<Unit> {
        let list = TaskList::FastForwardUpgrade;
        for release in self.manifest.releases_between() {
            for step in self.manifest.steps_of(list) {
                let roles = self.manifest.roles_with(list, step);
                let nodes = match step <= LAST_PREP_STEP {
                    true => self.of_roles(&roles),
                    false => self.first_of(&roles),
                };
                self.add(Part::tasks(list, Some(release), step), nodes);
            }
        }
        let list = TaskList::FastForwardPostUpgrade;
        if let Some(release) = self.manifest.releases.last() {
            let nodes = self.of_roles(&self.manifest.roles_with(list, 0));
            self.add(Part::tasks(list, Some(release), 0), nodes);
        }
        self.units
    }

    fn add(&mut self, part: Part, nodes: Vec<String>) {
        if !nodes.is_empty() {
            self.units.push(Unit { part, nodes });
        }
    }

    /// Brings all nodes to a step, and then runs its `docker_puppet_tasks` once for each role.
    fn add_step(&mut self, step: Step) {
        self.add(Part::Step(step), self.nodes.to_vec());
        if let Some(with_tasks) = self.manifest.docker_puppet_tasks.get(&step.number()) {
            let mut roles = self.manifest.roles();
            roles.retain(|role| with_tasks.contains(*role));
            self.add(Part::PuppetTasks(step), self.first_of(&roles));
        }
    }

    /// Adds a list that runs on all nodes at once.
    fn add_tasks(&mut self, list: TaskList) {
        for step in self.manifest.steps_of(list) {
            let nodes = self.of_roles(&self.manifest.roles_with(list, step));
            self.add(Part::tasks(list, None, step), nodes);
        }
    }

    /// Adds a list that runs on one node of a role after the other.
    fn add_rolling(&mut self, list: TaskList) {
        for role in self.manifest.roles() {
            for node in self.chosen(role) {
                for step in self.steps_of(list, role) {
                    self.add(Part::tasks(list, None, step), vec![node.clone()]);
                }
            }
        }
    }

    fn add_external(&mut self, list: TaskList) {
        for step in self.manifest.steps_of(list) {
            self.add_external_step(list, step);
        }
    }

    fn add_external_step(&mut self, list: TaskList, step: u8) {
        let is_whole = self.nodes.len() == self.manifest.nodes.len();
        if is_whole && self.manifest.steps_of(list).contains(&step) {
            self.add(Part::tasks(list, None, step), vec![CONTROLLER.to_owned()]);
        }
    }

    fn steps_of(&self, list: TaskList, role: &str) -> Vec<u8> {
        let by_role = self.manifest.tasks.get(&list);
        let steps = by_role.and_then(|by_role| by_role.get(role));
        steps.into_iter().flatten().copied().collect()
    }

    /// Returns the chosen nodes of a role.
    fn chosen(&self, role: &str) -> Vec<String> {
        let nodes = self.manifest.nodes_of(role);
        let chosen = nodes.filter(|node| self.chosen.contains(node));
        chosen.map(ToOwned::to_owned).collect()
    }

    fn of_roles(&self, roles: &[&str]) -> Vec<String> {
        let is_chosen = |node: &&String| {
            let role = self.manifest.nodes.get(*node);
            role.is_some_and(|role| roles.contains(&role.as_str()))
        };
        self.nodes.iter().filter(is_chosen).cloned().collect()
    }

    /// Returns the bootstrap nodes of roles, as far as they are chosen.
    fn first_of(&self, roles: &[&str]) -> Vec<String> {
        let first = roles
            .iter()
            .filter_map(|role| self.manifest.nodes_of(role).next());
        let chosen = first.filter(|node| self.chosen.contains(node));
        chosen.map(ToOwned::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let text = r#"{
            "nodes": {"a": "A", "b": "B", "c": "A"},
            "releases": ["ocata", "pike", "queens"],
            "tasks": {
                "host_prep": {"B": [0]},
                "external_deploy": {"A": [2]},
                "update": {"A": [1, 4]},
                "post_update": {"A": [0], "B": [0]},
                "upgrade_batch": {"A": [0, 1]},
                "upgrade": {"A": [3], "B": [3, 5]},
                "fast_forward_upgrade": {"A": [0, 4], "B": [3]},
                "fast_forward_post_upgrade": {"B": [0]}
            },
            "docker_puppet_tasks": {"3": ["A"]}
        }"#;
        serde_json::from_str(text).unwrap()
    }

    fn names(action: Action, nodes: &[&str]) -> Vec<String> {
        let nodes: Vec<String> = nodes.iter().map(ToString::to_string).collect();
        let units = units(&manifest(), action, &nodes);
        units.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_deployment_brings_all_nodes_to_each_step_and_runs_tasks_once() {
        assert_eq!(
            names(Action::Deploy, &["a", "b", "c"]),
            [
                "prepare on a, b, c",
                "host_prep_tasks on b",
                "step 1 on a, b, c",
                "external_deploy_tasks step 2 on localhost",
                "step 2 on a, b, c",
                "step 3 on a, b, c",
                "docker_puppet_tasks step 3 on a",
                "step 4 on a, b, c",
                "step 5 on a, b, c",
            ]
        );
    }

    #[test]
    fn nodes_outside_of_a_limit_are_in_no_unit() {
        assert_eq!(
            names(Action::Deploy, &["c"]),
            [
                "prepare on c",
                "step 1 on c",
                "step 2 on c",
                "step 3 on c",
                "step 4 on c",
                "step 5 on c",
            ]
        );
    }

    #[test]
    fn an_update_has_one_node_at_a_time_and_ends_it_with_its_health() {
        let names = names(Action::Update, &["a", "b", "c"]);
        let of_a = [
            "prepare on a",
            "update_tasks step 1 on a",
            "update_tasks step 4 on a",
            "step 1 on a",
            "step 2 on a",
            "step 3 on a",
            "step 4 on a",
            "step 5 on a",
            "health on a",
        ];
        assert_eq!(names[..9], of_a);
        // Role by role: the other node of A comes before B.
        assert_eq!(names[9], "prepare on c");
        assert_eq!(names[18], "prepare on b");
        assert_eq!(names[24], "health on b");
        assert_eq!(names[25..], ["post_update_tasks step 0 on a, b, c"]);
    }

    #[test]
    fn an_upgrade_rolls_first_and_is_parallel_then() {
        let names = names(Action::Upgrade, &["a", "b", "c"]);
        assert_eq!(
            names[..7],
            [
                "prepare on a, b, c",
                "upgrade_batch_tasks step 0 on a",
                "upgrade_batch_tasks step 1 on a",
                "upgrade_batch_tasks step 0 on c",
                "upgrade_batch_tasks step 1 on c",
                "upgrade_tasks step 3 on a, b, c",
                "upgrade_tasks step 5 on b",
            ]
        );
        assert_eq!(names[7], "step 1 on a, b, c");
    }

    #[test]
    fn a_fast_forward_upgrade_has_prep_steps_on_all_and_bootstrap_steps_on_one() {
        assert_eq!(
            names(Action::FastForward, &["a", "b", "c"]),
            [
                "fast_forward_upgrade_tasks ocata step 0 on a, c",
                "fast_forward_upgrade_tasks ocata step 3 on b",
                "fast_forward_upgrade_tasks ocata step 4 on a",
                "fast_forward_upgrade_tasks pike step 0 on a, c",
                "fast_forward_upgrade_tasks pike step 3 on b",
                "fast_forward_upgrade_tasks pike step 4 on a",
                "fast_forward_post_upgrade_tasks queens on b",
            ]
        );
    }
}
