//! What a build tells while it runs.

use std::path::Path;
use std::time::Duration;

use super::failure::Failure;
use crate::decide::Decision;

/// Something that happened during a build.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Another build of the same namespace and tag is running; this one waits for it.
    Waiting,
    /// An image of the distribution, or a skipped parent, is pulled.
    Pulling {
        /// Its reference.
        reference: &'a str,
    },
    /// An image's build begins.
    Started {
        /// The image, and why.
        decision: &'a Decision,
    },
    /// An image's build says something.
    Line {
        /// The image.
        image: &'a str,
        /// One line, without its end.
        line: &'a str,
    },
    /// An image's log cannot be written any more; the build goes on.
    LogLost {
        /// The image.
        image: &'a str,
        /// The log.
        path: &'a Path,
        /// Why.
        error: &'a std::io::Error,
    },
    /// The engine failed; the build is tried again.
    Retrying {
        /// The image.
        image: &'a str,
        /// What the engine said.
        error: &'a str,
        /// How long to wait first.
        after: Duration,
    },
    /// An image is built.
    Finished {
        /// The image.
        image: &'a str,
        /// How long it took.
        took: Duration,
        /// Its id.
        id: &'a str,
    },
    /// An image is pushed.
    Pushing {
        /// The image.
        image: &'a str,
    },
    /// A registry has an image.
    Pushed {
        /// The image.
        image: &'a str,
        /// Its digest there.
        digest: &'a str,
    },
    /// An image is not built, because it need not or must not be.
    Skipped {
        /// The image, and why.
        decision: &'a Decision,
    },
    /// An image's build failed.
    Failed {
        /// What went wrong, and where.
        failure: &'a Failure,
    },
    /// An image is not built because its parent is not.
    ParentFailed {
        /// The image.
        image: &'a str,
        /// The parent.
        parent: &'a str,
    },
}

/// Someone who watches a build. Called from several threads; must not block.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event<'_>);
}

/// Watches nothing.
impl Observer for () {
    fn event(&self, _event: &Event<'_>) {}
}
