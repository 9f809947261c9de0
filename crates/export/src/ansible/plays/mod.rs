//! The plays.

mod tasks;

use serde_json::{Value, json};
use slipway_service::{Step, TaskList};

use super::{GROUP, LAST_PREP_STEP, Manifest, Part, Playbook, Role};
use crate::error::Result;
use crate::project::Project;
use tasks::{
    Placing, definition_tasks, facts, health, kept_facts, node_step, preparation, removal,
};

/// Adds the playbooks and the definitions' own tasks.
pub(super) fn add(project: &mut Project, roles: &[Role<'_>], manifest: &Manifest) -> Result<()> {
    for list in TaskList::ALL {
        add_tasks(project, roles, list)?;
    }
    let plays = Plays { manifest };
    for (playbook, plays) in [
        (Playbook::Deploy, plays.deploy()),
        (Playbook::Update, plays.update()),
        (Playbook::Upgrade, plays.upgrade()),
        (Playbook::FastForward, plays.fast_forward()),
        (Playbook::Ping, vec![plays.ping()]),
        (Playbook::Status, vec![plays.status()]),
    ] {
        project.add_yaml_in_order(playbook.file(), &json!(plays))?;
    }
    Ok(())
}

/// Adds the files of a list: one for each role, or one of all for the host that runs Ansible.
fn add_tasks(project: &mut Project, roles: &[Role<'_>], list: TaskList) -> Result<()> {
    let mut external: Vec<&Value> = Vec::new();
    for role in roles {
        let tasks = role.data.tasks(list);
        match list.is_external() {
            true => external.extend(tasks),
            false if tasks.is_empty() => {}
            false => {
                let path = format!("tasks/{}/{}.yaml", role.name, list.key());
                project.add_yaml(path, &json!(tasks))?;
            }
        }
    }
    if !external.is_empty() {
        let mut distinct: Vec<&Value> = Vec::new();
        for task in external {
            if !distinct.contains(&task) {
                distinct.push(task);
            }
        }
        project.add_yaml(format!("tasks/{}.yaml", list.key()), &json!(distinct))?;
    }
    Ok(())
}

/// Returns the plays for a project.
struct Plays<'a> {
    manifest: &'a Manifest,
}

impl Plays<'_> {
    fn deploy(&self) -> Vec<Value> {
        let mut plays = vec![self.preparation()];
        plays.extend(self.tasks_on_nodes(TaskList::HostPrep));
        for step in Step::all() {
            plays.extend(self.external_tasks(TaskList::ExternalDeploy, step.number()));
            plays.push(self.nodes_to(step));
            plays.extend(self.puppet_tasks(step));
        }
        plays.push(self.removal());
        plays
    }

    /// Updates one node of a role after the other.
    fn update(&self) -> Vec<Value> {
        let roles = self.manifest.roles();
        let mut plays: Vec<Value> = roles.iter().map(|role| self.update_of(role)).collect();
        plays.extend(self.tasks_on_nodes(TaskList::PostUpdate));
        plays.extend(self.all_external_tasks(TaskList::ExternalUpdate));
        plays.push(self.removal());
        plays
    }

    fn upgrade(&self) -> Vec<Value> {
        let mut plays = vec![self.preparation()];
        plays.extend(self.rolling_tasks(TaskList::PreUpgradeRolling));
        plays.extend(self.rolling_tasks(TaskList::UpgradeBatch));
        plays.extend(self.tasks_on_nodes(TaskList::Upgrade));
        for step in Step::all() {
            plays.push(self.nodes_to(step));
            plays.extend(self.puppet_tasks(step));
        }
        plays.extend(self.tasks_on_nodes(TaskList::PostUpgrade));
        plays.extend(self.all_external_tasks(TaskList::ExternalUpgrade));
        plays.push(self.removal());
        plays
    }

    /// For each release in order: prep steps on all nodes, bootstrap steps on one node of each role.
    fn fast_forward(&self) -> Vec<Value> {
        let list = TaskList::FastForwardUpgrade;
        let mut plays = Vec::new();
        for release in self.manifest.releases_between() {
            for step in self.manifest.steps_of(list) {
                let roles = self.manifest.roles_with(list, step);
                let hosts = match step <= LAST_PREP_STEP {
                    true => roles.join(":"),
                    false => first_of(&roles),
                };
                plays.push(tasks_on(&hosts, list, Some(release), step));
            }
        }
        let list = TaskList::FastForwardPostUpgrade;
        if let Some(release) = self.manifest.releases.last() {
            let roles = self.manifest.roles_with(list, 0);
            if !roles.is_empty() {
                plays.push(tasks_on(&roles.join(":"), list, Some(release), 0));
            }
        }
        plays
    }

    fn ping(&self) -> Value {
        json!({
            "name": "Ask the nodes for an answer",
            "hosts": GROUP,
            "gather_facts": false,
            "tasks": [{"name": "Wait for an answer", "ansible.builtin.ping": {}}],
        })
    }

    fn status(&self) -> Value {
        json!({
            "name": "Ask the nodes for their state",
            "hosts": GROUP,
            "gather_facts": false,
            "tasks": [tasks::status()],
        })
    }

    fn preparation(&self) -> Value {
        play("Prepare the nodes", GROUP, &Part::Prepare, preparation())
    }

    /// Returns the play that brings all nodes to a step.
    fn nodes_to(&self, step: Step) -> Value {
        let name = format!("Step {}", step.number());
        let task = node_step(step, &json!(false));
        play(&name, GROUP, &Part::Step(step), vec![task])
    }

    /// Returns the play that runs a step's `docker_puppet_tasks` when the step is healthy everywhere.
    fn puppet_tasks(&self, step: Step) -> Option<Value> {
        let with_tasks = self.manifest.docker_puppet_tasks.get(&step.number())?;
        let mut roles = self.manifest.roles();
        roles.retain(|role| with_tasks.contains(*role));
        let name = format!("Tasks of step {}", step.number());
        let part = Part::PuppetTasks(step);
        let hosts = first_of(&roles);
        Some(play(&name, &hosts, &part, vec![tasks::puppet_tasks(step)]))
    }

    /// Returns the plays of a list that runs on all nodes at once.
    fn tasks_on_nodes(&self, list: TaskList) -> Vec<Value> {
        let steps = self.manifest.steps_of(list).into_iter();
        let plays = steps.map(|step| {
            let hosts = self.manifest.roles_with(list, step).join(":");
            tasks_on(&hosts, list, None, step)
        });
        plays.collect()
    }

    /// Returns the plays of a list that runs on one node of a role after the other.
    fn rolling_tasks(&self, list: TaskList) -> Vec<Value> {
        let roles = self.manifest.roles().into_iter();
        let plays = roles.filter_map(|role| {
            let tasks = self.rolling_tasks_of(list, role);
            let name = format!("Run the {} of {role}", list.key());
            (!tasks.is_empty()).then(|| rolling_play(&name, role, tasks))
        });
        plays.collect()
    }

    /// Returns the tasks that read facts, and those of a list in each of its steps.
    fn rolling_tasks_of(&self, list: TaskList, role: &str) -> Vec<Value> {
        let by_role = self.manifest.tasks.get(&list);
        let Some(steps) = by_role.and_then(|by_role| by_role.get(role)) else {
            return Vec::new();
        };
        let tags: Vec<String> = steps
            .iter()
            .map(|step| Part::tasks(list, None, *step).tag())
            .collect();
        let mut tasks = vec![
            tagged(facts(), tags.clone()),
            tagged(kept_facts(), tags.clone()),
        ];
        for (step, tag) in steps.iter().zip(tags) {
            let task = definition_tasks(list, *step, &Placing::Role(role));
            tasks.push(tagged(task, vec![tag]));
        }
        tasks
    }

    fn update_of(&self, role: &str) -> Value {
        let part = |part: Part, task: Value| tagged(task, vec![part.tag()]);
        let mut tasks: Vec<Value> = preparation()
            .into_iter()
            .map(|task| part(Part::Prepare, task))
            .collect();
        tasks.extend(self.rolling_tasks_of(TaskList::Update, role));
        for step in Step::all() {
            let task = node_step(step, &json!("{{ is_bootstrap_node }}"));
            tasks.push(part(Part::Step(step), task));
        }
        tasks.push(part(Part::Health, health()));
        rolling_play(&format!("Update {role}"), role, tasks)
    }

    fn all_external_tasks(&self, list: TaskList) -> Vec<Value> {
        let steps = self.manifest.steps_of(list).into_iter();
        let plays = steps.filter_map(|step| self.external_tasks(list, step));
        plays.collect()
    }

    /// Returns the play of a list on the host that runs Ansible.
    fn external_tasks(&self, list: TaskList, step: u8) -> Option<Value> {
        if !self.manifest.steps_of(list).contains(&step) {
            return None;
        }
        Some(json!({
            "name": title(list, None, step),
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": false,
            "any_errors_fatal": true,
            "vars": {"step": step},
            "tags": [Part::tasks(list, None, step).tag()],
            "tasks": [kept_facts(), definition_tasks(list, step, &Placing::External)],
        }))
    }

    /// Returns the play that removes what check mode put on the nodes.
    fn removal(&self) -> Value {
        json!({
            "name": "Remove the files of check mode",
            "hosts": GROUP,
            "gather_facts": false,
            "tasks": [removal()],
        })
    }
}

/// Returns a play of one part on all its hosts at once.
fn play(name: &str, hosts: &str, part: &Part, tasks: Vec<Value>) -> Value {
    json!({
        "name": name,
        "hosts": hosts,
        "gather_facts": false,
        "any_errors_fatal": STOP,
        "tags": [part.tag()],
        "tasks": tasks,
    })
}

/// Returns a play on one host after the other, whose tasks have tags of their own.
fn rolling_play(name: &str, role: &str, tasks: Vec<Value>) -> Value {
    json!({
        "name": name,
        "hosts": role,
        "serial": 1,
        "gather_facts": false,
        "any_errors_fatal": STOP,
        "tasks": tasks,
    })
}

/// Ends a run at the first failure. A program that runs the parts decides itself which nodes go on.
const STOP: &str = "{{ slipway_any_errors_fatal | default(true) }}";

/// Returns the play of a list on all hosts of a pattern at once.
fn tasks_on(hosts: &str, list: TaskList, release: Option<&String>, step: u8) -> Value {
    let part = Part::tasks(list, release, step);
    let tasks = vec![
        kept_facts(),
        definition_tasks(list, step, &Placing::EachRole),
    ];
    let mut play = play(&title(list, release, step), hosts, &part, tasks);
    play["gather_facts"] = json!(true);
    play["vars"] = match release {
        Some(release) => json!({"step": step, "release": release}),
        None => json!({"step": step}),
    };
    play
}

fn title(list: TaskList, release: Option<&String>, step: u8) -> String {
    format!("Run {}", Part::tasks(list, release, step))
}

/// Returns the pattern of the first node of each role.
fn first_of(roles: &[&str]) -> String {
    let first: Vec<String> = roles.iter().map(|role| format!("{role}[0]")).collect();
    first.join(":")
}

fn tagged(mut task: Value, tags: Vec<String>) -> Value {
    task["tags"] = json!(tags);
    task
}
