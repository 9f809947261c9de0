//! Pushing images.

use bollard::Docker;
use bollard::auth::DockerCredentials;
use bollard::query_parameters::PushImageOptionsBuilder;
use futures_util::stream::{BoxStream, StreamExt};
use tokio::sync::mpsc;

use super::fault::Call;
use super::{is_plain, listen, split_tag, tell};
use crate::engine::{Credentials, EngineError, PushProgress, Result};

/// Pushes `reference` to the registry it names.
pub(super) fn push(
    client: Docker,
    call: Call,
    reference: String,
    credentials: Option<Credentials>,
) -> Result<BoxStream<'static, Result<PushProgress>>> {
    if !is_plain(&reference) {
        return Err(EngineError::Refused {
            action: call.action,
            status: 400,
            message: "not an image reference".to_owned(),
        });
    }
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(async move {
        tokio::select! {
            () = sender.closed() => {}
            () = run(&client, &call, &reference, credentials, &sender) => {}
        }
    });
    Ok(listen(receiver))
}

async fn run(
    client: &Docker,
    call: &Call,
    reference: &str,
    credentials: Option<Credentials>,
    sender: &mpsc::Sender<Result<PushProgress>>,
) {
    let (repository, tag) = split_tag(reference);
    let options = PushImageOptionsBuilder::new()
        .tag(tag.unwrap_or("latest"))
        .build();
    let credentials = credentials.map(|known| DockerCredentials {
        username: known.username,
        password: known.password,
        identitytoken: known.identity_token,
        serveraddress: Some(known.registry),
        ..DockerCredentials::default()
    });
    let mut steps = Box::pin(client.push_image(repository, Some(options), credentials));
    let mut digest = None;
    while let Some(step) = steps.next().await {
        let told = match step {
            Ok(info) => {
                let counts = info.progress_detail.is_some_and(|p| p.current.is_some());
                let status = info.status.unwrap_or_default();
                digest = digest_in(&status).or(digest);
                match counts || status.is_empty() {
                    true => true,
                    false => tell(sender, Ok(PushProgress::Line(status))).await,
                }
            }
            Err(error) => {
                tell(sender, Err(call.fault(error))).await;
                return;
            }
        };
        if !told {
            return;
        }
    }
    let end = match digest {
        Some(digest) => Ok(PushProgress::Digest(digest)),
        None => match client.inspect_image(reference).await {
            Ok(found) => Ok(PushProgress::Digest(digest_of(&found, repository))),
            Err(error) => Err(call.fault(error)),
        },
    };
    tell(sender, end).await;
}

/// The digest in the engine's last line, `TAG: digest: sha256:… size: N`.
fn digest_in(status: &str) -> Option<String> {
    let rest = status.split_once("digest: ")?.1;
    let digest = rest.split_whitespace().next()?;
    digest.starts_with("sha256:").then(|| digest.to_owned())
}

/// The digest that the engine remembers for a repository; Podman says it only there.
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
