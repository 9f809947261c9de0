//! The result of a run.

use serde::{Deserialize, Serialize};

use crate::unit::Action;

/// The outcome of a part on a node.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing had to change.
    Unchanged,
    /// Something changed.
    Changed,
    /// A task failed.
    Failed {
        /// The task's message.
        message: String,
    },
    /// The node did not answer.
    Unreachable {
        /// The reason.
        message: String,
    },
}

impl Outcome {
    /// Returns true if the part is done.
    pub fn is_done(&self) -> bool {
        match self {
            Outcome::Unchanged | Outcome::Changed => true,
            Outcome::Failed { .. } | Outcome::Unreachable { .. } => false,
        }
    }

    /// Returns the outcome in one word.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Unchanged => "unchanged",
            Outcome::Changed => "changed",
            Outcome::Failed { .. } => "failed",
            Outcome::Unreachable { .. } => "unreachable",
        }
    }

    /// Returns the reason of a failure.
    pub fn message(&self) -> Option<&str> {
        match self {
            Outcome::Unchanged | Outcome::Changed => None,
            Outcome::Failed { message } | Outcome::Unreachable { message } => Some(message),
        }
    }
}

/// The result of a part on a node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeResult {
    /// The node.
    pub node: String,
    /// The part.
    pub part: String,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: OutcomeFields,
    /// The changes, as far as the tasks name them.
    pub changes: Vec<String>,
    /// Seconds from the begin of the run to the begin of the part.
    pub started: f64,
    /// The time that the part took.
    pub seconds: f64,
    /// The slowest task and its time in seconds.
    pub slowest: Option<(String, f64)>,
}

/// The outcome, as fields of a result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutcomeFields {
    /// The outcome in one word.
    pub result: &'static str,
    /// The reason of a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl From<&Outcome> for OutcomeFields {
    fn from(outcome: &Outcome) -> Self {
        Self {
            result: outcome.word(),
            message: outcome.message().map(ToOwned::to_owned),
        }
    }
}

/// The result of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The action.
    pub action: Action,
    /// The results in the order in which they came.
    pub results: Vec<NodeResult>,
    /// The number of parts on nodes that an earlier run had done.
    pub skipped: usize,
    /// The nodes that failed or did not answer.
    pub failed: Vec<String>,
    /// True if the run stopped before its end.
    pub stopped: bool,
    /// The time that the run took.
    pub seconds: f64,
}

impl Summary {
    /// Returns true if everything was done.
    pub fn is_success(&self) -> bool {
        self.failed.is_empty() && !self.stopped
    }

    /// Returns the number of nodes on which something changed.
    pub fn changed_nodes(&self) -> usize {
        let changed = self
            .results
            .iter()
            .filter(|one| one.outcome.result == "changed");
        let mut nodes: Vec<&str> = changed.map(|one| one.node.as_str()).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes.len()
    }
}
