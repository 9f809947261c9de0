//! Pushing images.

use bollard::query_parameters::PushImageOptionsBuilder;
use futures_util::stream::StreamExt;

use super::credentials;
use super::reference::split_tag;
use super::transfer::Transfer;
use crate::{EngineError, PushProgress, Result};

/// Pushes an image to the registry that its reference names, with the credentials for it.
pub(super) async fn push(transfer: Transfer<PushProgress>) -> Result<PushProgress> {
    let Transfer {
        client,
        call,
        reference,
        reporter,
    } = transfer;
    let reference = reference.as_str();
    let (repository, tag) = split_tag(reference);
    let options = PushImageOptionsBuilder::new()
        .tag(tag.unwrap_or("latest"))
        .build();
    let found = credentials::for_image(reference).await;
    let credentials = found.map_err(|error| EngineError::Credentials {
        action: call.action.clone(),
        message: error.to_string(),
    })?;
    let credentials = credentials.map(Into::into);
    let mut steps = Box::pin(client.push_image(repository, Some(options), credentials));
    let mut digest = None;
    while let Some(step) = steps.next().await {
        let info = step.map_err(|error| call.fault(error))?;
        let is_count = info.progress_detail.is_some_and(|p| p.current.is_some());
        let status = info.status.unwrap_or_default();
        digest = digest_in(&status).or(digest);
        let step = match is_count || status.is_empty() {
            true => PushProgress::Transfer,
            false => PushProgress::Line(status),
        };
        reporter.report(step).await;
    }
    if let Some(digest) = digest {
        return Ok(PushProgress::Digest(digest));
    }
    let found = client.inspect_image(reference).await;
    let found = found.map_err(|error| call.fault(error))?;
    Ok(PushProgress::Digest(digest_of(&found, repository)))
}

/// The digest in the engine's last line, `TAG: digest: sha256:… size: N`.
fn digest_in(status: &str) -> Option<String> {
    let rest = status.split_once("digest: ")?.1;
    let digest = rest.split_whitespace().next()?;
    digest.starts_with("sha256:").then(|| digest.to_owned())
}

/// The digest that the engine recorded for a repository; Podman tells it only there.
fn digest_of(image: &bollard::models::ImageInspect, repository: &str) -> String {
    let digests = image.repo_digests.iter().flatten();
    let found = digests.filter_map(|digest| digest.split_once('@'));
    let found = found.filter(|(name, _)| *name == repository);
    found
        .map(|(_, digest)| digest.to_owned())
        .next()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_in_the_last_line() {
        assert_eq!(
            digest_in("1.0: digest: sha256:abc size: 528").as_deref(),
            Some("sha256:abc")
        );
        assert_eq!(digest_in("4f: Pushed"), None);
    }
}
