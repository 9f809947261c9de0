//! Long calls that report their progress.

use std::future::Future;

use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::mpsc::{self, Sender};

use crate::Result;

/// The number of steps that wait in the stream.
const QUEUE: usize = 64;

/// The end of a stream into which a call reports its progress.
pub(super) struct Reporter<T>(Sender<Result<T>>);

impl<T> Reporter<T> {
    pub(super) async fn report(&self, step: T) {
        // If the receiver is dropped, the call ends soon.
        let _ = self.0.send(Ok(step)).await;
    }
}

/// Runs `work` in a separate task. The stream has its reports, and its result at the end. Dropping the
/// stream drops the work and its connection, so the engine stops.
pub(super) fn reported<T, W>(
    work: impl FnOnce(Reporter<T>) -> W + Send + 'static,
) -> BoxStream<'static, Result<T>>
where
    T: Send + 'static,
    W: Future<Output = Result<T>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(QUEUE);
    let work = work(Reporter(sender.clone()));
    tokio::spawn(async move {
        tokio::select! {
            () = sender.closed() => {}
            end = work => drop(sender.send(end).await),
        }
    });
    stream::unfold(receiver, |mut receiver| async move {
        Some((receiver.recv().await?, receiver))
    })
    .boxed()
}
