//! Pushing images.

use std::time::Duration;

use futures_util::StreamExt;
use slipway_engine::{Engine, EngineError, PushProgress};

/// The wait before the first new attempt; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Pushes one image and returns its digest. A push that failed because of the network is retried. The
/// registry keeps the layers that it already has, so a retry resumes the push.
pub(crate) async fn push(
    engine: &dyn Engine,
    reference: &str,
    mut retries: usize,
    say: &(dyn Fn(&str) + Sync),
) -> Result<String, String> {
    let mut wait = FIRST_WAIT;
    loop {
        let error = match attempt(engine, reference, say).await {
            Ok(digest) => return Ok(digest),
            Err(error) => error,
        };
        if retries == 0 || !error.is_transient() || is_refusal(&error) {
            return Err(error.reason());
        }
        retries -= 1;
        say(&format!(
            "{}; trying again in {} s",
            error.reason(),
            wait.as_secs()
        ));
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
}

/// True when a registry refused: the engine passes that on as if it had failed itself.
fn is_refusal(error: &EngineError) -> bool {
    let reason = error.reason();
    [
        "unauthorized",
        "denied",
        "no basic auth",
        "x509",
        "HTTP response to HTTPS",
    ]
    .iter()
    .any(|word| reason.contains(word))
}

async fn attempt(
    engine: &dyn Engine,
    reference: &str,
    say: &(dyn Fn(&str) + Sync),
) -> Result<String, EngineError> {
    let mut progress = engine.push_image(reference).await?;
    let mut digest = String::new();
    while let Some(step) = progress.next().await {
        match step? {
            PushProgress::Line(line) => say(&line),
            PushProgress::Transfer => {}
            PushProgress::Digest(found) => digest = found,
        }
    }
    Ok(digest)
}
