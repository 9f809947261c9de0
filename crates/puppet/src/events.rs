//! Events of Puppet runs.

use serde::Serialize;

use crate::volume::changes::FileChange;

/// Something that happened during Puppet runs. Secrets in text are masked.
///
/// `subject` is a config volume, a task, or a step's host manifest.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// Another run works on this deployment; this run waits for it.
    Waiting {
        /// The program and process that hold the lock.
        holder: String,
    },
    /// Something unexpected that is not an error.
    Warning {
        /// The message.
        text: String,
    },
    /// An image is pulled.
    Pulling {
        /// The image.
        image: String,
    },
    /// Puppet starts.
    Started {
        /// The config volume, task or step that Puppet runs for.
        subject: String,
        /// The reason for the run.
        reason: String,
    },
    /// Puppet printed a line.
    Line {
        /// The config volume, task or step that Puppet runs for.
        subject: String,
        /// The line.
        line: String,
    },
    /// A config volume is about to change.
    Diff {
        /// The config volume.
        subject: String,
        /// The changes in its files, as a unified diff.
        text: String,
    },
    /// Nothing had to be done.
    Skipped {
        /// The config volume, task or step that did not run.
        subject: String,
        /// The reason.
        reason: String,
    },
    /// Puppet succeeded.
    Finished {
        /// The config volume, task or step that Puppet ran for.
        subject: String,
        /// The time it took.
        seconds: f64,
        /// True if the result differs from the previous one.
        changed: bool,
        /// The changes in a config volume; of a new one, what Puppet wrote.
        changed_files: Vec<FileChange>,
    },
    /// Puppet failed; other runs continue.
    Failed {
        /// The config volume, task or step that Puppet ran for.
        subject: String,
        /// The error.
        error: String,
    },
}

impl slipway_events::Event for Event {
    fn record(&self) {
        match self {
            Event::Waiting { holder } => tracing::info!(holder, "waiting for another run"),
            Event::Warning { text } => tracing::warn!("{text}"),
            Event::Pulling { image } => tracing::info!(image, "pulling"),
            Event::Started { subject, reason } => tracing::info!(subject, reason, "started"),
            Event::Line { subject, line } => tracing::trace!(subject, line, "output"),
            Event::Diff { subject, text } => tracing::trace!(subject, text, "diff"),
            Event::Skipped { subject, reason } => tracing::debug!(subject, reason, "skipped"),
            Event::Finished {
                subject,
                seconds,
                changed,
                changed_files,
            } => {
                let files = changed_files.len();
                tracing::info!(subject, seconds, changed, files, "finished");
            }
            Event::Failed { subject, error } => tracing::error!(subject, error, "failed"),
        }
    }
}
