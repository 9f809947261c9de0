//! Converts the client library's errors.

use std::error::Error as _;

use bollard::errors::Error;

use crate::EngineError;

/// A call, to explain its failure.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The engine's address.
    pub(super) address: String,
    /// The action, such as `start container keystone`.
    pub(super) action: String,
}

impl Call {
    /// The seam's error for the library's.
    pub(super) fn fault(&self, error: Error) -> EngineError {
        let action = self.action.clone();
        match error {
            Error::DockerResponseServerError {
                status_code,
                message,
            } => EngineError::Refused {
                action,
                // Podman has a server error for it.
                status: match message.contains("is already in use") && message.contains("name") {
                    true => 409,
                    false => status_code,
                },
                message: message.trim().to_owned(),
            },
            // In the middle of a stream the status has already been sent; the engine uses this
            // for what would have been a server error.
            Error::DockerStreamError { error } => EngineError::Refused {
                action,
                status: 500,
                message: error.trim().to_owned(),
            },
            Error::JsonDataError { message, .. } => EngineError::Answer { action, message },
            Error::JsonSerdeError { err } => EngineError::Answer {
                action,
                message: err.to_string(),
            },
            Error::RequestTimeoutError => self.lost("no answer in time"),
            other => self.lost(&chain(&other)),
        }
    }

    /// The engine went away.
    pub(super) fn lost(&self, reason: &str) -> EngineError {
        EngineError::Lost {
            address: self.address.clone(),
            action: self.action.clone(),
            reason: reason.to_owned(),
        }
    }
}

/// An error and its causes: the outermost alone often says only "connection error".
pub(super) fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

/// Returns `true` when the engine said that the thing does not exist.
pub(super) fn is_absent(error: &Error) -> bool {
    matches!(
        error,
        Error::DockerResponseServerError {
            status_code: 404,
            ..
        }
    )
}
