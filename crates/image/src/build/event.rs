//! Events of a build.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::failure::Failure;
use crate::decide::Decision;

/// Something that happened during a build.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// Another build of the same namespace and tag runs; this one waits for it.
    Waiting,
    /// An image of the distribution, or a skipped parent, is pulled.
    Pulling {
        /// Its reference.
        reference: String,
    },
    /// The build of an image starts.
    Started {
        /// The image, and why it is built.
        decision: Decision,
    },
    /// The build of an image printed a line.
    Line {
        /// The image.
        image: String,
        /// The line, without its end.
        line: String,
    },
    /// An image's log can no longer be written; the build continues.
    LogLost {
        /// The image.
        image: String,
        /// The log.
        path: PathBuf,
        /// The error.
        error: String,
    },
    /// The engine or the network failed; the build is tried again.
    Retrying {
        /// The image.
        image: String,
        /// The error.
        error: String,
        /// The pause before the next try.
        #[serde(rename = "seconds", serialize_with = "seconds")]
        after: Duration,
    },
    /// An image is built.
    Finished {
        /// The image.
        image: String,
        /// The time it took.
        #[serde(rename = "seconds", serialize_with = "seconds")]
        took: Duration,
        /// Its id.
        id: String,
    },
    /// The push of an image starts.
    Pushing {
        /// The image.
        image: String,
    },
    /// The engine has said nothing of an image's build for long. The build goes on.
    Silent {
        /// The image.
        image: String,
        /// The time since it said something.
        #[serde(rename = "seconds", serialize_with = "seconds")]
        since: Duration,
        /// The time after which the build is ended.
        #[serde(serialize_with = "seconds")]
        limit: Duration,
    },
    /// A registry has an image.
    Pushed {
        /// The image.
        image: String,
        /// Its digest there.
        digest: String,
    },
    /// An image is not built, because it need not or must not be.
    Skipped {
        /// The image, and why it is not built.
        decision: Decision,
    },
    /// The build or the push of an image failed.
    Failed {
        /// The failure.
        failure: Failure,
    },
    /// An image is not built because its parent is not.
    ParentFailed {
        /// The image.
        image: String,
        /// The parent.
        parent: String,
    },
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

impl slipway_events::Event for Event {
    fn record(&self) {
        match self {
            Event::Waiting => tracing::info!("waiting for another build"),
            Event::Pulling { reference } => tracing::info!(reference, "pulling"),
            Event::Started { decision } => {
                tracing::info!(image = decision.image, reason = decision.why(), "started");
            }
            Event::Line { image, line } => tracing::trace!(image, line, "output"),
            Event::LogLost { image, path, error } => {
                tracing::warn!(image, path = %path.display(), error, "log lost");
            }
            Event::Retrying {
                image,
                error,
                after,
            } => tracing::warn!(image, error, seconds = after.as_secs(), "retrying"),
            Event::Finished { image, took, id } => {
                tracing::info!(image, seconds = took.as_secs_f64(), id, "built");
            }
            Event::Silent {
                image,
                since,
                limit,
            } => tracing::warn!(
                image,
                seconds = since.as_secs(),
                limit = limit.as_secs(),
                "silent"
            ),
            Event::Pushing { image } => tracing::info!(image, "pushing"),
            Event::Pushed { image, digest } => tracing::info!(image, digest, "pushed"),
            Event::Skipped { decision } => {
                tracing::info!(image = decision.image, reason = decision.why(), "skipped");
            }
            Event::Failed { failure } => {
                tracing::error!(image = failure.image, error = failure.message, "failed");
            }
            Event::ParentFailed { image, parent } => {
                tracing::error!(image, parent, "parent failed");
            }
        }
    }
}
