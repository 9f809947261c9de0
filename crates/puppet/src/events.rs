//! What a run says while it goes on.

use crate::error::Failure;

/// Hears of what happens. Called from several tasks at once.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event<'_>);
}

/// Something that happened. Texts are free of secrets.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Another run works on this deployment; this one waits for it.
    Waiting {
        /// The process that holds the lock.
        holder: &'a str,
    },
    /// Something to know that is no error.
    Warning {
        /// What.
        text: &'a str,
    },
    /// An image is being pulled.
    Pulling {
        /// The image.
        image: &'a str,
    },
    /// Puppet begins: for a config volume, a task, or a step's host manifest.
    Started {
        /// For what.
        subject: &'a str,
        /// Why, where it was done before.
        why: &'a str,
    },
    /// Puppet is loaded for a run, and for others to come.
    Loading {
        /// For what.
        subject: &'a str,
    },
    /// Puppet cannot be loaded once for the runs of an image: each has a container of its own.
    Apart {
        /// The image.
        image: &'a str,
        /// Why not.
        why: &'a str,
    },
    /// Puppet said something.
    Line {
        /// For what.
        subject: &'a str,
        /// The line.
        line: &'a str,
    },
    /// A config volume is about to change.
    Diff {
        /// Which.
        subject: &'a str,
        /// What changes in its files, as a unified diff.
        text: &'a str,
    },
    /// Nothing had to be done.
    Skipped {
        /// For what.
        subject: &'a str,
        /// Why.
        why: &'a str,
    },
    /// Done.
    Finished {
        /// For what.
        subject: &'a str,
        /// Time it took.
        seconds: f64,
        /// Whether the result differs from what was there.
        changed: bool,
    },
    /// It failed; others go on.
    Failed {
        /// For what.
        subject: &'a str,
        /// Why.
        failure: &'a Failure,
    },
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: &Event<'_>) {}
}
