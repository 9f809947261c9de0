//! The list of a project's nodes and of the parts that its playbooks have.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use slipway_service::{Step, TaskList};

use super::{Nodes, Role, has_tasks};

/// The nodes of a project and the parts of its playbooks. It is written beside the playbooks, so that a
/// program that runs them part by part need not read them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Manifest {
    /// The role of each node. The first node of a role is its bootstrap node.
    pub nodes: IndexMap<String, String>,
    /// The releases of a fast-forward upgrade in order. The last one is the release that it arrives at.
    pub releases: Vec<String>,
    /// The steps in which a role's list has tasks, by list and role.
    pub tasks: BTreeMap<TaskList, BTreeMap<String, BTreeSet<u8>>>,
    /// The roles that have `docker_puppet_tasks`, by step.
    pub docker_puppet_tasks: BTreeMap<u8, BTreeSet<String>>,
}

impl Manifest {
    /// The file in the project.
    pub const FILE: &str = "site.json";

    pub(super) fn new(nodes: &Nodes, roles: &[Role<'_>]) -> Self {
        let mut manifest = Self {
            nodes: nodes
                .nodes
                .iter()
                .map(|(name, node)| (name.clone(), node.role.clone()))
                .collect(),
            releases: nodes.releases.clone(),
            ..Self::default()
        };
        for role in roles {
            for list in TaskList::ALL {
                let steps = list.steps_of(role.data.tasks(list));
                if !steps.is_empty() {
                    let roles = manifest.tasks.entry(list).or_default();
                    roles.insert(role.name.to_owned(), steps);
                }
            }
            for step in Step::all().filter(|step| has_tasks(role, *step)) {
                let roles = manifest.docker_puppet_tasks.entry(step.number());
                roles.or_default().insert(role.name.to_owned());
            }
        }
        manifest
    }

    /// Returns the roles in the order of their first nodes.
    pub fn roles(&self) -> Vec<&str> {
        let mut roles: Vec<&str> = Vec::new();
        for role in self.nodes.values() {
            if !roles.contains(&role.as_str()) {
                roles.push(role);
            }
        }
        roles
    }

    /// Returns the nodes of a role.
    pub fn nodes_of<'a>(&'a self, role: &'a str) -> impl Iterator<Item = &'a str> {
        let nodes = self.nodes.iter().filter(move |(_, of)| *of == role);
        nodes.map(|(name, _)| name.as_str())
    }

    /// Returns the roles whose list has tasks in a step.
    pub fn roles_with(&self, list: TaskList, step: u8) -> Vec<&str> {
        let Some(by_role) = self.tasks.get(&list) else {
            return Vec::new();
        };
        let mut roles = self.roles();
        roles.retain(|role| {
            by_role
                .get(*role)
                .is_some_and(|steps| steps.contains(&step))
        });
        roles
    }

    /// Returns the steps in which a list has tasks in any role.
    pub fn steps_of(&self, list: TaskList) -> BTreeSet<u8> {
        let by_role = self.tasks.get(&list).into_iter().flatten();
        by_role.flat_map(|(_, steps)| steps).copied().collect()
    }

    /// Returns the releases whose tasks a fast-forward upgrade runs in prep and bootstrap steps.
    pub fn releases_between(&self) -> &[String] {
        match self.releases.split_last() {
            Some((_, between)) => between,
            None => &[],
        }
    }
}
