//! The lock of a deployment: one run at a time.

use slipway_events::Events;
use slipway_files::{Lock, LockError, private_directory};
use slipway_paths::Paths;

use crate::event::Event;

/// The reaction to another run that holds the lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnLocked {
    /// Wait until the other run ends.
    #[default]
    Wait,
    /// Return [`LockError::Held`].
    Fail,
}

/// Takes the lock of the deployment with these paths, in a directory that is closed to other users.
///
/// # Errors
/// See [`LockError`].
pub async fn lock(
    paths: &Paths,
    on_locked: OnLocked,
    events: &Events<Event>,
) -> Result<Lock, LockError> {
    let state = paths.state();
    let path = state.join("lock");
    private_directory(&state).map_err(|source| LockError::File {
        path: state.clone(),
        source,
    })?;
    match on_locked {
        OnLocked::Fail => Lock::try_take(&path),
        OnLocked::Wait => {
            let waiting = |holder: &str| {
                events.send(Event::Waiting {
                    holder: holder.to_owned(),
                });
            };
            Lock::take(&path, waiting).await
        }
    }
}
