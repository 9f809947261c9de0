//! Transfers of an image from or to its registry.

use std::future::Future;

use bollard::Docker;
use futures_util::stream::BoxStream;

use super::fault::Call;
use super::progress::{Reporter, reported};
use super::reference::is_valid;
use crate::{EngineError, Result};

/// One transfer, and the end of the stream into which it reports.
pub(super) struct Transfer<T> {
    pub(super) client: Docker,
    pub(super) call: Call,
    pub(super) reference: String,
    pub(super) reporter: Reporter<T>,
}

/// Starts a transfer. The stream has its progress, and its result at the end.
pub(super) fn start<T, W>(
    client: Docker,
    call: Call,
    reference: &str,
    run: impl FnOnce(Transfer<T>) -> W + Send + 'static,
) -> Result<BoxStream<'static, Result<T>>>
where
    T: Send + 'static,
    W: Future<Output = Result<T>> + Send + 'static,
{
    if !is_valid(reference) {
        return Err(EngineError::Refused {
            action: call.action,
            status: 400,
            message: "not an image reference".to_owned(),
        });
    }
    let reference = reference.to_owned();
    Ok(reported(move |reporter| {
        run(Transfer {
            client,
            call,
            reference,
            reporter,
        })
    }))
}
