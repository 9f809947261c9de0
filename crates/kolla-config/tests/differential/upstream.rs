//! Upstream's script, and what came of a run of it or of ours.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde_json::json;
use slipway_kolla_config::apply::{Environment, Log, apply, check_applied};

use crate::case::Step;

/// The end of a run: its exit code and the name of its error.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ending {
    pub code: i32,
    pub error: String,
}

/// A run: how it ended, and what it logged.
pub struct Outcome {
    pub ending: Ending,
    pub log: String,
}

/// The process that runs upstream's script.
pub struct Upstream {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

#[derive(Deserialize)]
struct Answer {
    code: i32,
    log: String,
}

impl Upstream {
    pub fn start(python: &str, script: &str) -> Upstream {
        let runner = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/upstream.py");
        let mut process = Command::new(python)
            .arg(runner)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Upstream {
            requests: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()),
            process,
        }
    }

    pub fn run(&mut self, root: &Path, step: &Step) -> Outcome {
        let request = json!({"root": root, "strategy": step.strategy, "check": step.check});
        writeln!(self.requests, "{request}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let Answer { code, log } = serde_json::from_str(&line).unwrap();
        Outcome {
            ending: Ending {
                code,
                error: error_name(code, &log),
            },
            log,
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        // It has nothing to lose.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn run_ours(root: &Path, step: &Step) -> Outcome {
    let environment = Environment {
        config: None,
        config_file: None,
        strategy: step.strategy.clone(),
        cwd: "/".into(),
    };
    let log = std::cell::RefCell::new(String::new());
    let write = |line: &str| log.borrow_mut().push_str(line);
    let work = if step.check { check_applied } else { apply };
    let result = work(root, &environment, &Log::new(&write));
    let (code, error) = match &result {
        Ok(()) => (0, String::new()),
        Err(error) => {
            write(&format!("{error}\n"));
            let name = error.to_string().split(": ").next().map(str::to_owned);
            (
                i32::from(error.exit_code()),
                name.unwrap_or_default()
                    .replace("Unexpected error", UNEXPECTED),
            )
        }
    };
    Outcome {
        ending: Ending { code, error },
        log: log.into_inner(),
    }
}

const UNEXPECTED: &str = "Unexpected";

/// The errors that upstream has names for.
const NAMED: [&str; 6] = [
    "InvalidConfig",
    "MissingRequiredSource",
    "ConfigFileBadState",
    "ConfigFileCommandDiffers",
    "StateMismatch",
    "ImmutableConfig",
];

fn error_name(code: i32, log: &str) -> String {
    let named = log
        .lines()
        .filter_map(|line| line.split_once(" ERROR ")?.1.split_once(": "))
        .filter_map(|(name, _)| NAMED.iter().find(|known| **known == name))
        .next_back();
    match (named, code) {
        (Some(name), _) => (*name).to_owned(),
        (None, 0) => String::new(),
        (None, _) => UNEXPECTED.to_owned(),
    }
}
