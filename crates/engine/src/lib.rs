//! The container engine behind one trait: Docker and Podman, over the Docker API.
//!
//! [`connect`] looks for the engine where the docker command does, and then at Podman's socket. It
//! supports sockets, TCP, TLS and `ssh`. It returns an [`Engine`]: [`Containers`], [`Images`], the
//! engine's description ([`EngineInfo`]) and its [`Capabilities`]. Other crates ask for a capability,
//! never for Docker or Podman.
//!
//! Every call has a deadline ([`Limits`]). A call that takes more than a few seconds is reported as
//! [`Event::Waiting`]; at its deadline it ends with [`EngineError::Stalled`], which names the
//! container and says what to look at.
//!
//! ```no_run
//! # async fn example() -> Result<(), slipway_engine::EngineError> {
//! use slipway_engine::{ConnectOptions, ContainerSpec, connect};
//!
//! let engine = connect(&ConnectOptions::default()).await?;
//! let spec = ContainerSpec {
//!     image: "debian:trixie".to_owned(),
//!     command: Some(vec!["true".to_owned()]),
//!     ..ContainerSpec::default()
//! };
//! let id = engine.create_container("example", &spec).await?;
//! engine.start_container(&id).await?;
//! assert_eq!(engine.wait_container(&id).await?, 0);
//! engine.remove_container(&id).await
//! # }
//! ```

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

mod address;
mod api;
mod capabilities;
mod container;
mod deadline;
mod error;
mod event;
mod image;
mod locate;
mod reader;
mod scoped;
mod spec;
mod system;

pub use api::{connect, has_login, named_registry};
pub use capabilities::{Capabilities, EngineInfo, UnitGenerator};
pub use container::{
    Attached, ContainerState, ContainerSummary, ExecResult, Health, HealthReport, HealthResult,
    LogLine, Piece,
};
pub use deadline::{Limits, Timed, wait_within};
pub use error::{EngineError, Result};
pub use event::Event;
pub use image::{BuildRequest, ImageSummary, Progress, PushProgress, TarStream, pull};
pub use locate::ConnectOptions;
pub use scoped::ScopedContainer;
pub use spec::{ContainerSpec, ExecSpec};
pub use system::SystemInfo;

/// A container engine.
///
/// Every call may fail with [`EngineError`]: the engine is gone, it refused, or what was asked for
/// does not exist. Calls that look something up return `Option` rather than a not-found error.
#[async_trait]
pub trait Engine: Containers + Images + std::fmt::Debug {
    /// The engine's own description.
    fn info(&self) -> &EngineInfo;

    /// Returns the engine's description of its host and storage.
    async fn system(&self) -> Result<SystemInfo>;

    /// Returns the names of all volumes.
    async fn list_volumes(&self) -> Result<Vec<String>>;

    /// The generator of systemd units, where the engine leaves it to systemd to restart containers.
    fn unit_generator(&self) -> Option<&dyn UnitGenerator>;
}

/// The containers of an engine.
#[async_trait]
pub trait Containers: Send + Sync {
    /// Lists all containers, running or not, that carry every one of these labels
    /// (`key` or `key=value`). One call, whatever the number of containers.
    async fn list_containers(&self, labels: &[String]) -> Result<Vec<ContainerSummary>>;

    /// Looks up a container by id or name.
    async fn find_container(&self, id_or_name: &str) -> Result<Option<ContainerSummary>>;

    /// Returns a container's health, `None` for one without a healthcheck. An engine whose list does
    /// not tell the health runs the check for this.
    async fn check_health(&self, id: &str) -> Result<Option<HealthReport>>;

    /// Creates a container and returns its id. Its image must exist.
    async fn create_container(&self, name: &str, spec: &ContainerSpec) -> Result<String>;

    /// Starts a container that was created or stopped before.
    async fn start_container(&self, id: &str) -> Result<()>;

    /// Stops a container: its stop signal, then, after `grace` (the container's own stop timeout
    /// when `None`), SIGKILL. Not running is not an error.
    async fn stop_container(&self, id: &str, grace: Option<Duration>) -> Result<()>;

    /// Removes a container and its anonymous volumes, running or not. A missing one is not an error.
    async fn remove_container(&self, id: &str) -> Result<()>;

    /// Renames a container.
    async fn rename_container(&self, id: &str, name: &str) -> Result<()>;

    /// Waits until a container has stopped, and returns its exit code.
    async fn wait_container(&self, id: &str) -> Result<i64>;

    /// Connects to a container's streams, or to its terminal: before it is started, to miss nothing.
    async fn attach(&self, id: &str) -> Result<Attached>;

    /// Sets the size of a container's terminal.
    async fn resize(&self, id: &str, rows: u16, columns: u16) -> Result<()>;

    /// Reads a container's output (its last `tail` lines, or all); with `follow`, until it stops.
    async fn logs(
        &self,
        id: &str,
        tail: Option<usize>,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<LogLine>>>;

    /// Runs a command inside a running container and waits for its end.
    async fn exec(&self, id: &str, spec: &ExecSpec) -> Result<ExecResult>;

    /// Reads a path of a container's file system as a tar archive, running or not.
    async fn download(&self, id: &str, path: &str) -> Result<TarStream>;
}

/// The images of an engine.
#[async_trait]
pub trait Images: Send + Sync {
    /// Looks up an image by reference or id.
    async fn find_image(&self, reference: &str) -> Result<Option<ImageSummary>>;

    /// Lists all images that have a name and carry every one of these labels. One call.
    async fn list_images(&self, labels: &[String]) -> Result<Vec<ImageSummary>>;

    /// Pulls an image from its registry, with the credentials that the docker command would use.
    /// [`pull`] does this to the end.
    async fn pull_image(&self, reference: &str) -> Result<BoxStream<'static, Result<Progress>>>;

    /// Pushes an image to the registry that its reference names, with the same credentials. The
    /// stream ends with its digest there.
    async fn push_image(&self, reference: &str)
    -> Result<BoxStream<'static, Result<PushProgress>>>;

    /// Makes a reference mean the image with this id, whatever it meant before.
    async fn tag_image(&self, id: &str, reference: &str) -> Result<()>;

    /// Removes a reference, and the image with the last of them. A missing one is not an error.
    async fn remove_image(&self, reference: &str) -> Result<()>;

    /// Builds an image. The stream ends after [`Progress::ImageId`], or with the error of the
    /// instruction that failed ([`EngineError::Build`]).
    async fn build_image(
        &self,
        request: BuildRequest,
        context: TarStream,
    ) -> Result<BoxStream<'static, Result<Progress>>>;
}

/// Connects an engine with the deadlines that it needs.
fn timed<E: Engine + 'static>(engine: E, options: &ConnectOptions) -> Arc<dyn Engine> {
    let limits = options.limits.clone();
    Arc::new(Timed::new(engine, limits, options.events.clone()))
}
