//! The lock of a deployment: one run at a time.

use slipway_events::Events;
use slipway_files::{Lock, LockError};
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

/// Takes the lock of the deployment with these paths.
///
/// # Errors
/// See [`LockError`].
pub async fn lock(
    paths: &Paths,
    on_locked: OnLocked,
    events: &Events<Event>,
) -> Result<Lock, LockError> {
    let path = paths.state().join("lock");
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
