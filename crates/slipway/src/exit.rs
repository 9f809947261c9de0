//! The exit status of an error. `slipway --help` documents the statuses.

use std::fmt;
use std::process::ExitCode;

use slipway_conduct::ConductError;
use slipway_deploy::{DeployError, ErrorKind};
use slipway_engine::EngineError;
use slipway_files::LockError;

/// An error in the input, found before anything was touched.
#[derive(Debug)]
pub struct BadInput(pub anyhow::Error);

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for BadInput {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.chain().nth(1)
    }
}

/// The run was interrupted.
#[derive(Debug)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted; run it again to go on")
    }
}

impl std::error::Error for Interrupted {}

/// The container that ran in the foreground failed; its exit code becomes the exit status.
#[derive(Debug)]
pub struct Ended(pub u8);

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it ended with exit code {}", self.0)
    }
}

impl std::error::Error for Ended {}

/// Marks an error as an error in the input.
pub fn bad_input(error: impl Into<anyhow::Error>) -> anyhow::Error {
    BadInput(error.into()).into()
}

/// Returns the exit status of an error.
pub fn code(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(status(error))
}

/// Returns the exit status of an error, as a number.
pub fn status(error: &anyhow::Error) -> u8 {
    if error.is::<BadInput>() {
        return 2;
    }
    if error.is::<Interrupted>() {
        return 130;
    }
    if let Some(Ended(code)) = error.downcast_ref() {
        return *code;
    }
    if let Some(error) = error.downcast_ref::<DeployError>() {
        return match error.kind() {
            ErrorKind::InvalidInput => 2,
            ErrorKind::NoEngine => 3,
            ErrorKind::Locked => 4,
            ErrorKind::Failed => 1,
        };
    }
    for cause in error.chain() {
        if let Some(EngineError::NotFound { .. }) = cause.downcast_ref() {
            return 3;
        }
        let locked = match (cause.downcast_ref(), cause.downcast_ref()) {
            (Some(slipway_puppet::PuppetError::Locked(error)), _) => Some(error),
            (_, Some(ConductError::Lock(error))) => Some(error),
            (_, _) => cause.downcast_ref(),
        };
        if let Some(LockError::Held { .. }) = locked {
            return 4;
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{Context, anyhow};

    #[test]
    fn each_kind_has_its_status() {
        assert_eq!(status(&anyhow!("x")), 1);
        assert_eq!(status(&bad_input(anyhow!("x").context("y"))), 2);
        let none = EngineError::NotFound {
            tried: Vec::new(),
            hint: String::new(),
        };
        assert_eq!(status(&Err::<(), _>(none).context("y").unwrap_err()), 3);
        let held = LockError::Held {
            path: "/lock".into(),
            holder: "slipway, process 1".to_owned(),
        };
        assert_eq!(status(&held.into()), 4);
        let held = LockError::Held {
            path: "/lock".into(),
            holder: "slipway, process 1".to_owned(),
        };
        assert_eq!(status(&ConductError::Lock(held).into()), 4);
        assert_eq!(status(&Interrupted.into()), 130);
    }

    #[test]
    fn bad_input_keeps_its_words_and_causes() {
        let error = bad_input(anyhow!("inner").context("outer"));
        let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
        assert_eq!(chain, ["outer", "inner"]);
    }
}
