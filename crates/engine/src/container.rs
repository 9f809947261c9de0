//! Containers as the engine shows them.

use std::collections::BTreeMap;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde::Serialize;
use tokio::io::AsyncWrite;

use crate::Result;

/// A container as the engine's list call shows it.
///
/// `Debug` shows neither its environment nor its labels: both carry passwords.
#[derive(Clone, PartialEq, Eq)]
pub struct ContainerSummary {
    /// The engine's id, in full.
    pub id: String,
    /// Its name, without the leading slash.
    pub name: String,
    /// The image reference it was created from. Docker's list call has the image's id instead
    /// where the reference has come to mean another image, or none.
    pub image: String,
    /// The id of the image it runs (`sha256:…`).
    pub image_id: String,
    /// All labels.
    pub labels: BTreeMap<String, String>,
    /// `created`, `running`, `exited`, …
    pub state: ContainerState,
    /// Health, where the container has a healthcheck.
    pub health: Option<Health>,
    /// The engine's status line, such as `Up 3 minutes (healthy)`.
    pub status: String,
    /// The time of its creation, in seconds since 1970.
    pub created: i64,
    /// The number of times that its restart policy has started it again. The list call does not say; looking up
    /// one container does.
    pub restarts: Option<i64>,
    /// The command it runs. The list call does not say; looking up one container does.
    pub command: Vec<String>,
    /// Its environment, `NAME=value`. The list call does not say; looking up one container does.
    pub env: Vec<String>,
    /// Its first process, as the engine's host numbers it, while it runs. The list call does not
    /// say; looking up one container does.
    pub pid: Option<i32>,
    /// The time of its last start, in nanoseconds since 1970. The list call does not say; looking up
    /// one container does.
    pub started: Option<i128>,
    /// The time between its stop signal and SIGKILL, where it has one of its own. The list call does
    /// not say; looking up one container does.
    pub stop_timeout: Option<std::time::Duration>,
}

impl std::fmt::Debug for ContainerSummary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContainerSummary")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("image", &self.image)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl ContainerSummary {
    /// The exit code of a container that has stopped, read from its status line.
    pub fn exit_code(&self) -> Option<i64> {
        if self.state != ContainerState::Exited {
            return None;
        }
        let rest = self.status.split_once('(')?.1;
        rest.split_once(')')?.0.parse().ok()
    }
}

/// The state of a container, in the engine's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ContainerState {
    /// Made, never started.
    Created,
    /// Running.
    Running,
    /// Frozen.
    Paused,
    /// Between two starts by its restart policy.
    Restarting,
    /// Being removed.
    Removing,
    /// Stopped, with an exit code.
    Exited,
    /// The engine could not remove it.
    Dead,
}

/// Result of a container's healthcheck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Not enough results yet.
    Starting,
    /// The last checks passed.
    Healthy,
    /// The last checks failed.
    Unhealthy,
}

/// A container's health and the last results of its healthcheck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthReport {
    /// The health that the results add up to.
    pub health: Health,
    /// The last results, the oldest first.
    pub log: Vec<HealthResult>,
}

/// The result of one run of a healthcheck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthResult {
    /// 0 when it passed.
    pub exit_code: i64,
    /// Its output.
    pub output: String,
}

/// One line of a container's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogLine {
    /// From standard output.
    Out(String),
    /// From standard error.
    Err(String),
}

/// Output and exit status of a command run inside a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecResult {
    /// The command's exit status.
    pub exit_code: i64,
    /// The last lines of its output, both streams in order of arrival.
    pub output: Vec<LogLine>,
}

/// A piece of a container's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// To standard output, or to its terminal.
    Out(Bytes),
    /// To standard error.
    Err(Bytes),
}

/// The two ends of a container's streams, or of its terminal.
pub struct Attached {
    /// Its output.
    pub output: BoxStream<'static, Result<Piece>>,
    /// Its input.
    pub input: Pin<Box<dyn AsyncWrite + Send>>,
}

impl std::fmt::Debug for Attached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attached").finish_non_exhaustive()
    }
}
