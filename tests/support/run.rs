//! Runs commands and keeps their output.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The result of a command.
#[derive(Debug)]
pub struct Run {
    /// Exit status; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// The time it took.
    pub took: Duration,
}

impl Run {
    /// Fails the test unless the exit status is `code`.
    #[track_caller]
    pub fn exits(self, code: i32) -> Run {
        assert_eq!(
            self.code,
            Some(code),
            "exit status\n--- out\n{}\n--- err\n{}",
            self.out,
            self.err
        );
        self
    }

    /// Fails the test unless standard error contains all of these words.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Run {
        for word in words {
            assert!(self.err.contains(word), "no {word:?} in:\n{}", self.err);
        }
        self
    }

    /// Returns standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        match serde_json::from_str(&self.out) {
            Ok(value) => value,
            Err(error) => panic!("not JSON: {error}\n{}\n{}", self.out, self.err),
        }
    }
}

/// Returns the repository's root.
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the repository")
}

/// Returns the binary that SLIPWAY_BIN names, or the release binary that scripts/build made.
pub fn slipway() -> Command {
    let binary = match std::env::var_os("SLIPWAY_BIN") {
        Some(named) => PathBuf::from(named),
        None => repository().join("target/release/slipway"),
    };
    assert!(
        binary.is_file(),
        "run scripts/build first: {} is missing",
        binary.display()
    );
    Command::new(binary)
}

/// Runs a command to its end.
#[track_caller]
pub fn run(command: &mut Command) -> Run {
    let began = Instant::now();
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    Run {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        took: began.elapsed(),
    }
}
