//! The seam to the container engine.
//!
//! [`Engine`] is all that the rest of Slipway knows of Docker or Podman. It is kept as small as
//! its users allow: listing, the life of one container, images, and building. Each way to satisfy
//! it is a folder beside this file.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde::Serialize;
use tokio::io::AsyncWrite;

mod api;
mod error;
mod locate;
mod spec;

pub use api::connect;
pub use locate::ConnectOptions;

pub use error::{EngineError, Result};
pub use spec::{ContainerSpec, ExecSpec};

/// What an engine says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineInfo {
    /// Docker or Podman.
    pub kind: EngineKind,
    /// The engine's own version, such as `20.10.24`.
    pub version: String,
    /// The API version in use, such as `1.41`.
    pub api_version: String,
    /// The socket or address it was reached at, for messages.
    pub address: String,
}

/// Which engine answers behind the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    /// dockerd.
    Docker,
    /// Podman's Docker-compatible service.
    Podman,
}

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
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// How often its restart policy has started it again. The list call does not say; looking up
    /// one container does.
    pub restarts: Option<i64>,
    /// The command it runs. The list call does not say; looking up one container does.
    pub command: Vec<String>,
    /// Its environment, `NAME=value`. The list call does not say; looking up one container does.
    pub env: Vec<String>,
    /// Its first process, as the engine's host numbers it, while it runs. The list call does not
    /// say; looking up one container does.
    pub pid: Option<i32>,
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
    /// The exit code of a container that has stopped, as its status line tells it.
    pub fn exit_code(&self) -> Option<i64> {
        if self.state != ContainerState::Exited {
            return None;
        }
        let rest = self.status.split_once('(')?.1;
        rest.split_once(')')?.0.parse().ok()
    }
}

/// The engine's words for where a container is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ContainerState {
    /// Made, never started.
    Created,
    /// Running (paused and restarting count as running their own way below).
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

/// What one run of a healthcheck came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthResult {
    /// 0 when it passed.
    pub exit_code: i64,
    /// What it said.
    pub output: String,
}

/// An image as the engine knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSummary {
    /// `sha256:…`
    pub id: String,
    /// All references (`repository:tag`) that point to it.
    pub tags: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Size in bytes.
    pub size: u64,
    /// What it runs on, as `linux/amd64`. An engine's list of images does not say.
    pub platform: Option<String>,
}

/// What to build: everything but the context's bytes.
#[derive(Clone, Debug, Default)]
pub struct BuildRequest {
    /// References given to the image once it is built, `repository:tag`.
    pub tags: Vec<String>,
    /// Path of the Dockerfile inside the context.
    pub dockerfile: String,
    /// `ARG` values.
    pub build_args: BTreeMap<String, String>,
    /// Labels put on the image.
    pub labels: BTreeMap<String, String>,
    /// Ignore the engine's layer cache.
    pub no_cache: bool,
    /// Network mode of the `RUN` steps, such as `host`; the engine's default when `None`.
    pub network: Option<String>,
    /// `os/arch`; the engine's own when `None`.
    pub platform: Option<String>,
    /// Squash the layers into one (an experimental engine feature).
    pub squash: bool,
    /// Leave the container of a step that failed.
    pub keep_failed: bool,
    /// Build with BuildKit, which Docker has, instead of the classic builder.
    pub buildkit: bool,
}

/// What a build or a pull says as it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A piece of output, one line without its line end.
    Line(String),
    /// The id of the image that resulted (`sha256:…`).
    ImageId(String),
}

/// What a push says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushProgress {
    /// A line for people.
    Line(String),
    /// At the end: the digest that the registry has the image under.
    Digest(String),
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
    /// Its output lines, both streams in order of arrival.
    pub output: Vec<LogLine>,
}

/// A piece of what a container writes, as it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// To standard output, or to its terminal.
    Out(Bytes),
    /// To standard error.
    Err(Bytes),
}

/// The two ends of a container's streams, or of its terminal.
pub struct Attached {
    /// What it writes.
    pub output: BoxStream<'static, Result<Piece>>,
    /// What it reads.
    pub input: Pin<Box<dyn AsyncWrite + Send>>,
}

impl std::fmt::Debug for Attached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attached").finish_non_exhaustive()
    }
}

/// The bytes of a tar archive, as they come.
pub type TarStream = BoxStream<'static, std::io::Result<Bytes>>;

/// A container engine.
///
/// Every call may fail with [`EngineError`]: the engine is gone, it refused, or what was asked for
/// does not exist. Calls that look something up return `Option` rather than a not-found error.
#[async_trait]
pub trait Engine: Send + Sync + std::fmt::Debug {
    /// What engine this is.
    fn info(&self) -> &EngineInfo;

    /// All containers, running or not, that carry every one of these labels
    /// (`key` or `key=value`). One call, whatever the number of containers.
    async fn list_containers(&self, labels: &[String]) -> Result<Vec<ContainerSummary>>;

    /// One container by id or name; `None` where there is none.
    async fn find_container(&self, id_or_name: &str) -> Result<Option<ContainerSummary>>;

    /// A container's health. Podman, whose list call does not tell it, runs the check for this;
    /// `None` where there is no healthcheck.
    async fn check_health(&self, id: &str) -> Result<Option<Health>>;

    /// The last results of a container's healthcheck, the oldest first.
    async fn health_log(&self, id: &str) -> Result<Vec<HealthResult>>;

    /// Makes a container. Its image must be there.
    async fn create_container(&self, name: &str, spec: &ContainerSpec) -> Result<String>;

    /// Starts a container made or stopped before.
    async fn start_container(&self, id: &str) -> Result<()>;

    /// Stops a container: its stop signal, then, after `grace` (the container's own stop timeout
    /// when `None`), SIGKILL. Not running is not an error.
    async fn stop_container(&self, id: &str, grace: Option<Duration>) -> Result<()>;

    /// Removes a container and its anonymous volumes, running or not. Absent is not an error.
    async fn remove_container(&self, id: &str) -> Result<()>;

    /// Gives a container another name.
    async fn rename_container(&self, id: &str, name: &str) -> Result<()>;

    /// Waits until a container has stopped, and gives its exit code.
    async fn wait_container(&self, id: &str) -> Result<i64>;

    /// Connects to a container's streams, or to its terminal: before it is started, to miss nothing.
    async fn attach(&self, id: &str) -> Result<Attached>;

    /// Tells a container how large its terminal is.
    async fn resize(&self, id: &str, rows: u16, columns: u16) -> Result<()>;

    /// A container's output so far (its last `tail` lines, or all); with `follow`, goes on until
    /// it stops.
    async fn logs(
        &self,
        id: &str,
        tail: Option<usize>,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<LogLine>>>;

    /// The systemd unit that Podman generates for a container: how systemd starts it again, and
    /// how long it has to stop. Docker has none.
    async fn systemd_unit(&self, id: &str, restart: &str, grace: Duration) -> Result<String>;

    /// Runs a command inside a running container and waits for its end.
    async fn exec(&self, id: &str, spec: &ExecSpec) -> Result<ExecResult>;

    /// The names of all volumes.
    async fn list_volumes(&self) -> Result<Vec<String>>;

    /// One image by reference or id; `None` where there is none.
    async fn find_image(&self, reference: &str) -> Result<Option<ImageSummary>>;

    /// All images that have a name and carry every one of these labels. One call.
    async fn list_images(&self, labels: &[String]) -> Result<Vec<ImageSummary>>;

    /// Pulls an image from its registry, with the credentials that the docker command would use.
    async fn pull_image(&self, reference: &str) -> Result<BoxStream<'static, Result<Progress>>>;

    /// Pushes an image to the registry that its reference names, with the same credentials. The
    /// stream ends with its digest there.
    async fn push_image(&self, reference: &str)
    -> Result<BoxStream<'static, Result<PushProgress>>>;

    /// Gives an image one more reference.
    async fn tag_image(&self, image: &str, reference: &str) -> Result<()>;

    /// Removes a reference, and the image when it was the last.
    async fn remove_image(&self, reference: &str) -> Result<()>;

    /// Builds an image. The stream ends after [`Progress::ImageId`], or with the error of the
    /// instruction that failed ([`EngineError::Build`]).
    async fn build_image(
        &self,
        request: BuildRequest,
        context: TarStream,
    ) -> Result<BoxStream<'static, Result<Progress>>>;

    /// A path of a container's file system as a tar archive, running or not.
    async fn download(&self, id: &str, path: &str) -> Result<TarStream>;

    /// Unpacks a tar archive into a folder of a container's file system, running or not.
    async fn upload(&self, id: &str, path: &str, archive: TarStream) -> Result<()>;
}
