//! The lists of Ansible tasks of a service definition.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A list of Ansible tasks of a service definition.
///
/// Most lists run once for each step, which the tasks know as the variable `step`.
///
/// ```
/// use slipway_service::TaskList;
///
/// assert_eq!(TaskList::Update.key(), "update_tasks");
/// let tasks = serde_json::json!([{"when": "step|int == 2"}, {"when": ["release == 'pike'", "step | int == 4"]}]);
/// let tasks = tasks.as_array().unwrap();
/// assert_eq!(Vec::from_iter(TaskList::Update.steps_of(tasks)), [2, 4]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskList {
    /// Prepares the host of a deployment. It has no steps.
    HostPrep,
    /// Runs on the host of Ansible, in each step of a deployment.
    ExternalDeploy,
    /// A minor update of a node.
    Update,
    /// After a minor update of all nodes.
    PostUpdate,
    /// Runs on the host of Ansible, after a minor update.
    ExternalUpdate,
    /// Before an upgrade, on one node after the other.
    PreUpgradeRolling,
    /// A part of an upgrade that runs on one node after the other.
    UpgradeBatch,
    /// An upgrade.
    Upgrade,
    /// After an upgrade.
    PostUpgrade,
    /// Runs on the host of Ansible, after an upgrade.
    ExternalUpgrade,
    /// An upgrade over several releases.
    FastForwardUpgrade,
    /// After an upgrade over several releases. It has no steps.
    FastForwardPostUpgrade,
}

impl TaskList {
    /// All lists.
    pub const ALL: [TaskList; 12] = [
        TaskList::HostPrep,
        TaskList::ExternalDeploy,
        TaskList::Update,
        TaskList::PostUpdate,
        TaskList::ExternalUpdate,
        TaskList::PreUpgradeRolling,
        TaskList::UpgradeBatch,
        TaskList::Upgrade,
        TaskList::PostUpgrade,
        TaskList::ExternalUpgrade,
        TaskList::FastForwardUpgrade,
        TaskList::FastForwardPostUpgrade,
    ];

    /// Returns the list's key in a service definition.
    pub fn key(self) -> &'static str {
        match self {
            TaskList::HostPrep => "host_prep_tasks",
            TaskList::ExternalDeploy => "external_deploy_tasks",
            TaskList::Update => "update_tasks",
            TaskList::PostUpdate => "post_update_tasks",
            TaskList::ExternalUpdate => "external_update_tasks",
            TaskList::PreUpgradeRolling => "pre_upgrade_rolling_tasks",
            TaskList::UpgradeBatch => "upgrade_batch_tasks",
            TaskList::Upgrade => "upgrade_tasks",
            TaskList::PostUpgrade => "post_upgrade_tasks",
            TaskList::ExternalUpgrade => "external_upgrade_tasks",
            TaskList::FastForwardUpgrade => "fast_forward_upgrade_tasks",
            TaskList::FastForwardPostUpgrade => "fast_forward_post_upgrade_tasks",
        }
    }

    /// Returns true if the tasks run on the host of Ansible, and not on nodes.
    pub fn is_external(self) -> bool {
        match self {
            TaskList::ExternalDeploy | TaskList::ExternalUpdate | TaskList::ExternalUpgrade => true,
            TaskList::HostPrep
            | TaskList::Update
            | TaskList::PostUpdate
            | TaskList::PreUpgradeRolling
            | TaskList::UpgradeBatch
            | TaskList::Upgrade
            | TaskList::PostUpgrade
            | TaskList::FastForwardUpgrade
            | TaskList::FastForwardPostUpgrade => false,
        }
    }

    /// Returns the steps in which the list runs, as TripleO runs it. A list without steps runs in step 0.
    pub fn steps(self) -> RangeInclusive<u8> {
        match self {
            TaskList::HostPrep | TaskList::PreUpgradeRolling | TaskList::FastForwardPostUpgrade => {
                0..=0
            }
            TaskList::ExternalDeploy => 1..=5,
            TaskList::Update | TaskList::Upgrade => 0..=5,
            TaskList::PostUpdate
            | TaskList::PostUpgrade
            | TaskList::ExternalUpdate
            | TaskList::ExternalUpgrade => 0..=3,
            TaskList::UpgradeBatch => 0..=2,
            TaskList::FastForwardUpgrade => 0..=9,
        }
    }

    /// Returns the steps in which tasks of this list have something to do. A task whose condition does not
    /// name one step may have something to do in each.
    pub fn steps_of(self, tasks: &[Value]) -> BTreeSet<u8> {
        let steps = tasks.iter().flat_map(|task| match only_step(task) {
            Some(step) => step..=step,
            None => self.steps(),
        });
        steps.filter(|step| self.steps().contains(step)).collect()
    }
}

/// Returns the step that a task's condition demands: `step|int == 3`, alone or in a list of conditions.
fn only_step(task: &Value) -> Option<u8> {
    let number = |condition: &Value| {
        let text: String = condition.as_str()?.split_whitespace().collect();
        text.strip_prefix("step|int==")?.parse().ok()
    };
    match task.get("when")? {
        Value::Array(conditions) => conditions.iter().find_map(number),
        condition => number(condition),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn steps(list: TaskList, when: Value) -> Vec<u8> {
        Vec::from_iter(list.steps_of(&[json!({"name": "a", "when": when})]))
    }

    #[test]
    fn only_a_condition_that_names_one_step_excludes_the_others() {
        let list = TaskList::Update;
        assert_eq!(steps(list, json!("step|int == 1")), [1]);
        assert_eq!(steps(list, json!(["a", "step | int==5"])), [5]);
        let all = [0, 1, 2, 3, 4, 5];
        for when in [
            json!("step|int >= 1"),
            json!("step|int == 1 or a"),
            json!("a"),
        ] {
            assert_eq!(steps(list, when), all);
        }
        assert_eq!(Vec::from_iter(list.steps_of(&[json!({"name": "a"})])), all);
        assert!(list.steps_of(&[]).is_empty());
    }

    #[test]
    fn a_step_that_the_list_does_not_have_is_left_out() {
        assert!(steps(TaskList::PostUpdate, json!("step|int == 5")).is_empty());
    }

    #[test]
    fn every_list_is_a_key_of_definitions() {
        let schema = crate::service_schema();
        for list in TaskList::ALL {
            assert!(schema["properties"].get(list.key()).is_some(), "{list:?}");
        }
    }
}
