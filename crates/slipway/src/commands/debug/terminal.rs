//! The terminal of a container in the foreground.

use anyhow::Context;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use slipway_engine::EngineError;
use tokio::signal::unix::{SignalKind, signal};

/// A terminal in raw mode, so every key reaches the container. Restored on drop.
pub struct Raw(Option<Termios>);

impl Raw {
    /// Puts the terminal into raw mode, if `wanted` and standard input is a terminal.
    pub fn enter(wanted: bool) -> anyhow::Result<Raw> {
        let stdin = std::io::stdin();
        let Ok(before) = tcgetattr(&stdin) else {
            return Ok(Raw(None));
        };
        if !wanted {
            return Ok(Raw(None));
        }
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&stdin, OptionalActions::Now, &raw).context("cannot set the terminal")?;
        Ok(Raw(Some(before)))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}

/// Sends the terminal's size to the container, now and whenever it changes. Ends only on an error.
pub async fn follow_size(
    wanted: bool,
    tell: impl AsyncFn(u16, u16) -> Result<(), EngineError>,
) -> anyhow::Result<()> {
    let mut changes = signal(SignalKind::window_change()).context("cannot follow the size")?;
    loop {
        if wanted && let Ok(size) = tcgetwinsize(std::io::stdout()) {
            // The container may have just ended.
            let _ = tell(size.ws_row, size.ws_col).await;
        }
        changes.recv().await;
    }
}
