//! Pulling images.

use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::stream::StreamExt;

use super::convert;
use super::credentials::{self, CredentialError};
use super::reference::split_tag;
use super::transfer::Transfer;
use crate::{EngineError, Progress, Result};

/// Pulls an image with the credentials for its registry. A reference without tag or digest means
/// `latest`: the API would pull every tag.
pub(super) async fn pull(transfer: Transfer<Progress>) -> Result<Progress> {
    let Transfer {
        client,
        call,
        reference,
        reporter,
    } = transfer;
    let reference = reference.as_str();
    let options = match split_tag(reference) {
        _ if reference.contains('@') => CreateImageOptionsBuilder::new().from_image(reference),
        (repository, tag) => CreateImageOptionsBuilder::new()
            .from_image(repository)
            .tag(tag.unwrap_or("latest")),
    };
    // A public image needs no credentials, so it is tried without them.
    let (credentials, trouble) = match credentials::for_image(reference).await {
        Ok(found) => (found.map(Into::into), None),
        Err(trouble) => (None, Some(trouble)),
    };
    let mut steps = Box::pin(client.create_image(Some(options.build()), None, credentials));
    while let Some(step) = steps.next().await {
        let info = step.map_err(|error| with_credentials(trouble.as_ref(), call.fault(error)))?;
        let step = line(info).map_or(Progress::Transfer, Progress::Line);
        reporter.report(step).await;
    }
    let found = client.inspect_image(reference).await;
    let found = found.map_err(|error| call.fault(error))?;
    Ok(Progress::ImageId(convert::image_from_inspect(found).id))
}

/// Adds to a refusal the reason why no credentials were sent.
fn with_credentials(trouble: Option<&CredentialError>, error: EngineError) -> EngineError {
    match (trouble, error) {
        (
            Some(trouble),
            EngineError::Refused {
                action,
                status,
                message,
            },
        ) => EngineError::Refused {
            action,
            status,
            message: format!("{message}; no credentials were sent: {trouble}"),
        },
        (_, error) => error,
    }
}

/// The line to show, if any: counts of bytes are not shown.
fn line(info: CreateImageInfo) -> Option<String> {
    let counts = info
        .progress_detail
        .is_some_and(|detail| detail.current.is_some());
    if counts {
        return None;
    }
    let status = info.status?;
    Some(match info.id {
        Some(id) => format!("{id}: {status}"),
        None => status,
    })
}
