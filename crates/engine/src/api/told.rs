//! Calls that last, and tell how they go.

use std::future::Future;

use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::mpsc::{self, Sender};

use crate::Result;

/// How many steps may be told before somebody takes one.
const AHEAD: usize = 64;

/// Where a call says how it goes.
pub(super) struct Teller<T>(Sender<Result<T>>);

impl<T> Teller<T> {
    pub(super) async fn tell(&self, step: T) {
        // Where nobody listens any more, the call is about to be given up.
        let _ = self.0.send(Ok(step)).await;
    }
}

/// Does `work` in a task of its own: what it tells comes as it does, and last its result. Dropping
/// the stream drops the work and its connection, which is how an engine learns to stop.
pub(super) fn told<T, W>(
    work: impl FnOnce(Teller<T>) -> W + Send + 'static,
) -> BoxStream<'static, Result<T>>
where
    T: Send + 'static,
    W: Future<Output = Result<T>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(AHEAD);
    let work = work(Teller(sender.clone()));
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
