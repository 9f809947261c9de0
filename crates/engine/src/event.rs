//! Events at the seam.

/// An event of an engine call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The engine has not yet answered a call.
    Waiting {
        /// The call, such as `stop container keystone`.
        action: String,
        /// The time since it began, in seconds.
        seconds: u64,
        /// The time after which it is given up, in seconds; none where it takes as long as the
        /// container runs.
        limit: Option<u64>,
    },
}

impl slipway_events::Event for Event {
    fn record(&self) {
        match self {
            Event::Waiting {
                action,
                seconds,
                limit,
            } => tracing::warn!(action, seconds, limit, "waiting for the container engine"),
        }
    }
}

impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Event::Waiting {
                action,
                seconds,
                limit: Some(limit),
            } => write!(
                f,
                "waiting for the container engine to {action} ({seconds} s of at most {limit} s)"
            ),
            Event::Waiting {
                action,
                seconds,
                limit: None,
            } => write!(
                f,
                "waiting for the container engine to {action} ({seconds} s)"
            ),
        }
    }
}
