//! Errors at the seam.

/// The result of an engine call.
pub type Result<T, E = EngineError> = std::result::Result<T, E>;

/// A failed engine call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// No engine answers. Names every place that was tried and why it failed.
    #[error("no container engine answers; tried:\n{}\n{hint}", tried.iter().map(|(place, why)| format!("  {place}: {why}")).collect::<Vec<_>>().join("\n"))]
    NotFound {
        /// (place, why it failed)
        tried: Vec<(String, String)>,
        /// The advice.
        hint: String,
    },
    /// The engine stopped, or the connection broke.
    #[error("lost the container engine at {address} while trying to {action}: {reason}")]
    Lost {
        /// Its address.
        address: String,
        /// The action.
        action: String,
        /// The transport's own words.
        reason: String,
    },
    /// The engine answered with an error.
    #[error("the engine refused to {action}: {message}")]
    Refused {
        /// The action, such as `create container keystone`.
        action: String,
        /// The HTTP status.
        status: u16,
        /// The engine's message.
        message: String,
    },
    /// The engine's answer is invalid.
    #[error("the engine's answer to {action} is invalid: {message}")]
    Answer {
        /// The action.
        action: String,
        /// The error in the answer.
        message: String,
    },
    /// The deadline of a call has passed.
    #[error("gave up trying to {action}: {}", silence(*.seconds, .advice))]
    Stalled {
        /// The action.
        action: String,
        /// The time without an answer or news.
        seconds: u64,
        /// The things to look at.
        advice: String,
    },
    /// The credentials that `docker login` left for a registry cannot be had.
    #[error("cannot {action}: {message}")]
    Credentials {
        /// The action that needs them.
        action: String,
        /// The reason.
        message: String,
    },
    /// A file of this machine that the call needs cannot be used.
    #[error("cannot {action}: {message}")]
    Local {
        /// The action that needs it.
        action: String,
        /// The file and the reason.
        message: String,
    },
    /// An instruction of a Dockerfile failed.
    #[error("build failed: {message}")]
    Build {
        /// The engine's message.
        message: String,
    },
}

impl EngineError {
    /// The engine's own words, without the action.
    pub fn reason(&self) -> String {
        match self {
            EngineError::Lost { reason, .. } => reason.clone(),
            EngineError::Refused { message, .. }
            | EngineError::Answer { message, .. }
            | EngineError::Credentials { message, .. }
            | EngineError::Local { message, .. }
            | EngineError::Build { message } => message.clone(),
            EngineError::Stalled {
                seconds, advice, ..
            } => silence(*seconds, advice),
            EngineError::NotFound { .. } => self.to_string(),
        }
    }

    /// Returns `true` when trying again can help: the engine failed, and did not say no.
    pub fn is_transient(&self) -> bool {
        match self {
            EngineError::Lost { .. } => true,
            EngineError::Refused { status, .. } => *status >= 500,
            EngineError::NotFound { .. }
            | EngineError::Answer { .. }
            | EngineError::Stalled { .. }
            | EngineError::Credentials { .. }
            | EngineError::Local { .. }
            | EngineError::Build { .. } => false,
        }
    }
}

fn silence(seconds: u64, advice: &str) -> String {
    format!("no answer for {seconds} s; {advice}")
}
