//! Events of a run.

use serde::Serialize;

use crate::summary::Outcome;

/// Something that happened during a run.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// Another run works on this site; this run waits for it.
    Waiting {
        /// The program and process that hold the lock.
        holder: String,
    },
    /// A node does not answer.
    Unreachable {
        /// The node.
        node: String,
        /// The reason.
        message: String,
    },
    /// A part was done by an earlier run with equal inputs.
    Skipped {
        /// The part.
        part: String,
        /// The nodes.
        nodes: Vec<String>,
    },
    /// A part starts.
    Started {
        /// The part.
        part: String,
        /// The nodes.
        nodes: Vec<String>,
    },
    /// A task starts on a node.
    Task {
        /// The node.
        node: String,
        /// The task.
        task: String,
    },
    /// A part ended on a node.
    Ended {
        /// The node.
        node: String,
        /// The part.
        part: String,
        /// The outcome.
        outcome: Outcome,
        /// The time that the part took.
        seconds: f64,
    },
    /// The run stops because too many nodes failed.
    Stopped {
        /// The nodes that failed.
        failed: Vec<String>,
    },
}

impl slipway_events::Event for Event {
    fn record(&self) {
        match self {
            Event::Waiting { holder } => tracing::info!(holder, "waiting for another run"),
            Event::Unreachable { node, message } => {
                tracing::warn!(node, message, "node does not answer");
            }
            Event::Skipped { part, nodes } => {
                tracing::debug!(part, nodes = nodes.len(), "done by an earlier run");
            }
            Event::Started { part, nodes } => {
                tracing::info!(part, nodes = nodes.len(), "part started");
            }
            Event::Task { node, task } => tracing::debug!(node, task, "task started"),
            Event::Ended {
                node,
                part,
                outcome,
                seconds,
            } => tracing::info!(node, part, ?outcome, seconds, "part ended"),
            Event::Stopped { failed } => tracing::warn!(failed = failed.len(), "run stopped"),
        }
    }
}
