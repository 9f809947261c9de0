//! The terminal that a container in the foreground is given.

use anyhow::Context;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use slipway_engine::EngineError;
use tokio::signal::unix::{SignalKind, signal};

/// Every key goes to the container, until this is dropped.
pub struct Raw(Option<Termios>);

impl Raw {
    /// Puts the terminal into raw mode, where it is wanted and standard input is one.
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

/// Tells the container the terminal's size, now and whenever it changes. Never ends but in error.
pub async fn follow_size(
    wanted: bool,
    tell: impl AsyncFn(u16, u16) -> Result<(), EngineError>,
) -> anyhow::Result<()> {
    let mut changes = signal(SignalKind::window_change()).context("cannot follow the size")?;
    loop {
        if wanted && let Ok(size) = tcgetwinsize(std::io::stdout()) {
            // It may have ended just now.
            let _ = tell(size.ws_row, size.ws_col).await;
        }
        changes.recv().await;
    }
}
