//! Pulling images.

use std::time::Duration;

use bollard::Docker;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::stream::{BoxStream, StreamExt};

use super::credentials::{self, CredentialError};
use super::fault::Call;
use super::told::{Teller, told};
use super::{convert, must_be_plain, split_tag};
use crate::{EngineError, Progress, Result};

/// Pulls `reference` with the credentials there are for its registry, as long as the engine hears of it at least every `stall`. Without a tag or
/// digest it is `latest`: the API would pull every tag.
pub(super) fn pull(
    client: Docker,
    call: Call,
    reference: String,
    stall: Duration,
) -> Result<BoxStream<'static, Result<Progress>>> {
    must_be_plain(&call, &reference)?;
    Ok(told(move |teller| async move {
        run(&client, &call, &reference, stall, &teller).await
    }))
}

async fn run(
    client: &Docker,
    call: &Call,
    reference: &str,
    stall: Duration,
    teller: &Teller<Progress>,
) -> Result<Progress> {
    let options = match split_tag(reference) {
        _ if reference.contains('@') => CreateImageOptionsBuilder::new().from_image(reference),
        (repository, tag) => CreateImageOptionsBuilder::new()
            .from_image(repository)
            .tag(tag.unwrap_or("latest")),
    };
    // What anybody may have, is had without.
    let (credentials, trouble) = match credentials::for_image(reference).await {
        Ok(found) => (found.map(Into::into), None),
        Err(trouble) => (None, Some(trouble)),
    };
    let mut steps = Box::pin(client.create_image(Some(options.build()), None, credentials));
    loop {
        let step = tokio::time::timeout(stall, steps.next()).await;
        let step = step.map_err(|_| EngineError::Stalled {
            action: call.action.clone(),
            seconds: stall.as_secs(),
        })?;
        let Some(step) = step else { break };
        let info = step.map_err(|error| with(trouble.as_ref(), call.fault(error)))?;
        if let Some(line) = line(info) {
            teller.tell(Progress::Line(line)).await;
        }
    }
    let found = client.inspect_image(reference).await;
    let found = found.map_err(|error| call.fault(error))?;
    Ok(Progress::ImageId(convert::image_from_inspect(found).id))
}

/// A refusal, with why there were no credentials that may have made it another.
fn with(trouble: Option<&CredentialError>, error: EngineError) -> EngineError {
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

/// A line worth showing: the counts of bytes in between are not.
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
