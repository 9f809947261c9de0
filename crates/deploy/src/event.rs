//! Events of a deployment.

use std::path::PathBuf;

use serde::Serialize;
use slipway_kolla_config::Finding;
use slipway_runtime::converge::{self, Outcome};
use slipway_service::Step;

/// Something that happened during a deployment.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// Another run works on this deployment; this run waits for it.
    Waiting {
        /// The program and process that hold the lock.
        holder: String,
    },
    /// A config.json declaration has an error or a warning.
    ConfigJson {
        /// The config.json.
        path: String,
        /// The error or warning.
        finding: Finding,
    },
    /// A file that containers read was created or replaced.
    Wrote {
        /// The file.
        path: PathBuf,
    },
    /// No systemd units are kept for the containers.
    NoUnits {
        /// The reason.
        reason: &'static str,
    },
    /// A missing image is pulled.
    Pulling {
        /// The image.
        image: String,
    },
    /// The engine reports the progress of a pull.
    PullLine {
        /// The image.
        image: String,
        /// One line.
        line: String,
    },
    /// A rollback gave an image's reference back to the image of that time.
    ImageRestored {
        /// The reference.
        image: String,
        /// The image's id.
        id: String,
    },
    /// A step starts.
    StepStarted {
        /// The step.
        step: Step,
    },
    /// The containers of a step are converged and healthy.
    StepConverged {
        /// The step.
        step: Step,
        /// The result.
        outcome: Outcome,
    },
    /// Puppet runs. Serialised as that event alone.
    #[serde(untagged)]
    Puppet(slipway_puppet::Event),
    /// Containers are converged. Serialised as that event alone.
    #[serde(untagged)]
    Containers(converge::Event),
}

impl slipway_events::Event for Event {
    fn record(&self) {
        match self {
            Event::Waiting { holder } => tracing::info!(holder, "waiting for another run"),
            Event::ConfigJson { path, finding } => {
                tracing::warn!(path, %finding, "config.json declaration");
            }
            Event::Wrote { path } => tracing::debug!(path = %path.display(), "wrote"),
            Event::NoUnits { reason } => tracing::debug!(reason, "no systemd units"),
            Event::Pulling { image } => tracing::info!(image, "pulling"),
            Event::PullLine { image, line } => tracing::trace!(image, line, "pull"),
            Event::ImageRestored { image, id } => tracing::info!(image, id, "image restored"),
            Event::StepStarted { step } => tracing::info!(step = step.number(), "step started"),
            Event::StepConverged { step, outcome } => tracing::debug!(
                step = step.number(),
                containers = outcome.containers.len(),
                changed = !outcome.is_unchanged(),
                "step converged"
            ),
            // Their senders record them.
            Event::Puppet(_) | Event::Containers(_) => {}
        }
    }
}
