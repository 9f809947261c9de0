use std::fmt;

/// The reason why an expression cannot be parsed or evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: Kind,
    message: String,
}

/// The kinds of errors that `groupBy` tells apart: on some, YAQL calls an aggregator in another way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The string is not an expression.
    Syntax,
    /// The function exists, but does not accept these arguments.
    NoMatch,
    /// The index of a list is out of range.
    Index,
    /// Everything else.
    Other,
}

pub(super) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(super) fn new(message: impl fmt::Display) -> Self {
        Error {
            kind: Kind::Other,
            message: message.to_string(),
        }
    }

    pub(super) fn syntax(message: impl fmt::Display) -> Self {
        Error {
            kind: Kind::Syntax,
            message: message.to_string(),
        }
    }

    pub(super) fn no_match(message: impl fmt::Display) -> Self {
        Error {
            kind: Kind::NoMatch,
            message: message.to_string(),
        }
    }

    pub(super) fn index(message: impl fmt::Display) -> Self {
        Error {
            kind: Kind::Index,
            message: message.to_string(),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }
}
