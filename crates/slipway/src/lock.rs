//! One run at a time on a deployment.

use std::path::Path;

use slipway_files::Lock;

use crate::output::{Level, Output};

/// Takes the lock of the deployment with this state folder. Another run that holds it is waited
/// for, or, with `no_wait`, named in the error.
pub async fn take(state: &Path, no_wait: bool, output: &Output) -> anyhow::Result<Lock> {
    let path = state.join("lock");
    let waiting = |holder: &str| {
        let text = format!("another run on this deployment ({holder}) is under way: waiting");
        output.line(Level::Normal, &text);
    };
    Ok(match no_wait {
        true => Lock::try_take(&path)?,
        false => Lock::take(&path, waiting).await?,
    })
}
