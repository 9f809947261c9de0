//! Runs git with an environment, protocols and limits of its own.
//!
//! [`check_out`] clones a repository and checks out a reference; [`Repository`] answers questions
//! about an existing checkout. Neither trusts the environment or the repository:
//!
//! | danger | answer |
//! |---|---|
//! | `GIT_DIR` and similar variables, which git hooks set, lead git to another repository | git gets only [these variables](Command) |
//! | `ext::` addresses run commands; an HTTPS server redirects to HTTP | only the protocols of sources, and only safe ones for an HTTPS address |
//! | a reference is the name of a file, or an option | it must resolve to a commit |
//! | a password in an address shows in the process list | git gets it by its credential protocol, from a file that only the user can read |
//! | the server stops answering | git is ended when it makes no progress for the given time |
//! | a small repository becomes millions of files | files and bytes are counted before the checkout |
//!
//! ```
//! # use std::process::Command;
//! # let dir = tempfile::tempdir()?;
//! # let origin = dir.path().join("origin");
//! # let identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"];
//! # for arguments in [&["init", "-q", "-b", "main"][..], &["commit", "-q", "--allow-empty", "-m", "x"]] {
//! #     std::fs::create_dir_all(&origin)?;
//! #     assert!(Command::new("git").arg("-C").arg(&origin).args(identity).args(arguments).status()?.success());
//! # }
//! use std::time::Duration;
//!
//! let address = origin.display().to_string();
//! let checkout = dir.path().join("checkout");
//! let commit = slipway_git::check_out(&address, "main", &checkout, Duration::from_secs(120))?;
//! assert_eq!(commit.len(), 40);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod checkout;
mod command;
mod credentials;
mod repository;

pub use checkout::check_out;
pub use command::Command;
pub use repository::Repository;

/// The reason why git failed. Messages contain no credentials.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// git is missing, or cannot be started.
    #[error("cannot run git, which sources of type git need: {0}")]
    NotRun(std::io::Error),
    /// git ended with an error.
    #[error("{action}: {message}")]
    Failed {
        /// The command, without its paths.
        action: String,
        /// The last lines that git wrote.
        message: String,
    },
    /// git made no progress and was ended.
    #[error("{action}: git made no progress for {seconds} s and was ended")]
    TimedOut {
        /// The command.
        action: String,
        /// The time that it was given.
        seconds: u64,
    },
    /// git worked for too long and was ended.
    #[error("{action}: git took more than {hours} hours, the limit, and was ended")]
    TooLong {
        /// The command.
        action: String,
        /// The limit.
        hours: u64,
    },
    /// The reference is empty, an option, or no commit.
    #[error("{0:?} is not a git reference")]
    Reference(String),
    /// The commit has more files or bytes than a source may have.
    #[error("{action}: the commit has more than {limit}")]
    TooLarge {
        /// The command.
        action: String,
        /// The limit that it passes.
        limit: String,
    },
    /// A file could not be written.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}
