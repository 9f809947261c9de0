//! Images: as the engine shows them, builds, pulls and pushes.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use crate::{Engine, EngineError, Result};

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
    /// The platform it runs on, as `linux/amd64`. The list call does not say; looking up one image
    /// does.
    pub platform: Option<String>,
}

/// A build, without the bytes of its context.
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

/// Progress of a build or a pull.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A piece of output, one line without its line end.
    Line(String),
    /// Data was transferred; there is nothing to show.
    Transfer,
    /// The id of the image that resulted (`sha256:…`).
    ImageId(String),
}

/// Progress of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushProgress {
    /// A line for people.
    Line(String),
    /// Data was transferred; there is nothing to show.
    Transfer,
    /// At the end: the digest that the registry has the image under.
    Digest(String),
}

/// The bytes of a tar archive.
pub type TarStream = BoxStream<'static, std::io::Result<Bytes>>;

/// The number of times that a pull is tried when the network interrupts it.
const PULL_ATTEMPTS: u32 = 3;

/// Pulls an image and returns its id. `on_line` gets the engine's lines.
///
/// A pull that fails because of the network is tried again.
///
/// # Errors
/// The registry or the engine refuses, or the engine is gone.
pub async fn pull(
    engine: &dyn Engine,
    reference: &str,
    on_line: &(dyn Fn(String) + Send + Sync),
) -> Result<String> {
    let mut attempt = 1;
    loop {
        match pull_once(engine, reference, on_line).await {
            Err(error) if attempt < PULL_ATTEMPTS && is_network(&error) => {
                tokio::time::sleep(Duration::from_secs(1 << attempt)).await;
                attempt += 1;
            }
            result => return result,
        }
    }
}

async fn pull_once(
    engine: &dyn Engine,
    reference: &str,
    on_line: &(dyn Fn(String) + Send + Sync),
) -> Result<String> {
    let mut id = None;
    let mut steps = engine.pull_image(reference).await?;
    while let Some(step) = steps.next().await {
        match step? {
            Progress::Line(line) => on_line(line),
            Progress::Transfer => {}
            Progress::ImageId(image) => id = Some(image),
        }
    }
    id.ok_or_else(|| EngineError::Answer {
        action: format!("pull image {reference}"),
        message: "the pull ended without an image".to_owned(),
    })
}

/// A failure that another try may not have. "No such image" and "access denied" arrive as server
/// errors too; only errors that name the network are worth another try.
fn is_network(error: &EngineError) -> bool {
    let text = error.reason().to_ascii_lowercase();
    let words = ["timeout", "temporarily", "reset by peer", "eof"];
    matches!(error, EngineError::Refused { .. }) && words.iter().any(|word| text.contains(word))
}
