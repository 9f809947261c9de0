//! Pulling images.

use std::time::Duration;

use bollard::Docker;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::stream::{BoxStream, StreamExt};
use tokio::sync::mpsc;

use super::fault::Call;
use super::{convert, is_plain, listen, split_tag, tell};
use crate::engine::{EngineError, Progress, Result};

/// Pulls `reference`, as long as the engine hears of it at least every `stall`. Without a tag or digest it is `latest`: the API would pull every tag.
pub(super) fn pull(
    client: Docker,
    call: Call,
    reference: String,
    stall: Duration,
) -> Result<BoxStream<'static, Result<Progress>>> {
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
            () = run(&client, &call, &reference, stall, &sender) => {}
        }
    });
    Ok(listen(receiver))
}

async fn run(
    client: &Docker,
    call: &Call,
    reference: &str,
    stall: Duration,
    sender: &mpsc::Sender<Result<Progress>>,
) {
    let options = match split_tag(reference) {
        _ if reference.contains('@') => CreateImageOptionsBuilder::new().from_image(reference),
        (repository, tag) => CreateImageOptionsBuilder::new()
            .from_image(repository)
            .tag(tag.unwrap_or("latest")),
    };
    let mut steps = Box::pin(client.create_image(Some(options.build()), None, None));
    loop {
        let step = match tokio::time::timeout(stall, steps.next()).await {
            Ok(Some(step)) => step,
            Ok(None) => break,
            Err(_) => {
                let stalled = EngineError::Stalled {
                    action: call.action.clone(),
                    seconds: stall.as_secs(),
                };
                tell(sender, Err(stalled)).await;
                return;
            }
        };
        let told = match step {
            Ok(info) => match line(info) {
                Some(line) => tell(sender, Ok(Progress::Line(line))).await,
                None => true,
            },
            Err(error) => {
                tell(sender, Err(call.fault(error))).await;
                return;
            }
        };
        if !told {
            return;
        }
    }
    let end = match client.inspect_image(reference).await {
        Ok(found) => Ok(Progress::ImageId(convert::image_from_inspect(found).id)),
        Err(error) => Err(call.fault(error)),
    };
    tell(sender, end).await;
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
