//! Runs of `ansible-playbook`.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::num::NonZeroUsize;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use slipway_export::ansible::Playbook;
use slipway_files::{private_directory, write_private};
use tokio::process::{Child, Command};

use crate::error::{ConductError, Result};
use crate::event::Event;
use crate::site::{Site, reading, writing};
use crate::summary::Outcome;
use slipway_events::Events;

/// The time between two looks at the file of events.
const PAUSE: Duration = Duration::from_millis(100);

/// The number of Ansible's last bytes that an error shows.
const SHOWN: u64 = 4000;

/// The program, and its options.
#[derive(Clone, Debug)]
pub struct Ansible {
    /// The program.
    pub program: PathBuf,
    /// The number of nodes that it works on at once.
    pub forks: Option<NonZeroUsize>,
}

/// One run.
#[derive(Debug)]
pub(crate) struct Invocation<'a> {
    pub playbook: Playbook,
    /// The tag of the part; without one, all parts run.
    pub tag: Option<String>,
    /// The nodes. Without them, all hosts of the playbook.
    pub nodes: Option<&'a [String]>,
    /// Changes nothing, and returns what would change.
    pub check: bool,
    /// The directory of facts that later runs know.
    pub facts: Option<PathBuf>,
}

/// The result of one run on a node.
#[derive(Debug)]
pub(crate) struct NodeRun {
    pub outcome: Outcome,
    pub changes: Vec<String>,
    pub slowest: Option<(String, f64)>,
    /// The state that the module `status` returned.
    pub status: Option<Value>,
}

/// A line of the file of events.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line {
    Start {
        time: f64,
        node: String,
        task: String,
    },
    End {
        time: f64,
        node: String,
        task: String,
        result: TaskResult,
        #[serde(default)]
        message: String,
        #[serde(default)]
        changes: Vec<String>,
        status: Option<Value>,
    },
    Totals {
        nodes: HashMap<String, Totals>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TaskResult {
    Ok,
    Changed,
    Skipped,
    Ignored,
    Failed,
    Unreachable,
}

#[derive(Debug, Deserialize)]
struct Totals {
    changed: u64,
    failed: u64,
    unreachable: u64,
}

impl Ansible {
    /// Runs a playbook, or a part of it, and returns the results by node.
    ///
    /// # Errors
    /// The program cannot be started, or ended without a result. A node that failed is no error.
    pub(crate) async fn run(
        &self,
        site: &Site,
        invocation: &Invocation<'_>,
        events: &Events<Event>,
    ) -> Result<HashMap<String, NodeRun>> {
        let files = RunFiles::new(site)?;
        let mut child = self.start(site, invocation, &files)?;
        let mut lines = Lines::new(&files.events)?;
        let mut results = Results::default();
        let status = loop {
            let ended = ended(&mut child).await;
            // Read after the child was looked at, so that its last lines are not missed.
            for line in lines.next()? {
                results.take(line, site, events);
            }
            match ended {
                None => {}
                Some(Ok(status)) => break status,
                Some(Err(source)) => {
                    return Err(ConductError::NoAnsible {
                        program: self.program.clone(),
                        source,
                    });
                }
            }
        };
        match results.totals.is_some() {
            true => Ok(results.finish()),
            false => Err(without_result(site, invocation.playbook, status, &files)),
        }
    }

    fn start(&self, site: &Site, run: &Invocation<'_>, files: &RunFiles) -> Result<Child> {
        let mut vars = serde_json::json!({"slipway_any_errors_fatal": false});
        let mut command = Command::new(&self.program);
        command
            .arg("--inventory")
            .arg(site.path().join("inventory.yaml"))
            .args(run.tag.iter().flat_map(|tag| ["--tags", tag]))
            .args(
                run.check
                    .then_some(["--check", "--diff"])
                    .into_iter()
                    .flatten(),
            );
        if let Some(nodes) = run.nodes {
            // A file, because the names of a thousand nodes are too long for an argument.
            let text = nodes.join("\n") + "\n";
            write_private(&files.limit, text.as_bytes())?;
            command.arg("--limit").arg(at(&files.limit));
        }
        if let Some(forks) = self.forks {
            command.arg("--forks").arg(forks.to_string());
        }
        if let Some(facts) = &run.facts {
            vars["slipway_facts"] = serde_json::json!(facts);
            command.env("SLIPWAY_FACTS", facts);
        }
        write_private(&files.vars, vars.to_string().as_bytes())?;
        let stdin = site.share_lock();
        let stdin = stdin.map_err(|source| reading(&site.own("lock"), source))?;
        let log = || private(&files.log, true).map_err(|source| writing(&files.log, source));
        command
            .arg("--extra-vars")
            .arg(at(&files.vars))
            .arg(site.path().join(run.playbook.file()))
            .env("SLIPWAY_EVENTS", &files.events)
            .env("ANSIBLE_CALLBACKS_ENABLED", "slipway.node.events")
            .env("ANSIBLE_COLLECTIONS_PATH", collections(site))
            .env("ANSIBLE_NOCOLOR", "1")
            .stdin(stdin)
            .stdout(log()?)
            .stderr(log()?)
            .kill_on_drop(true);
        command.spawn().map_err(|source| ConductError::NoAnsible {
            program: self.program.clone(),
            source,
        })
    }
}

/// Waits a moment for the end of a child.
async fn ended(child: &mut Child) -> Option<std::io::Result<ExitStatus>> {
    tokio::time::timeout(PAUSE, child.wait()).await.ok()
}

/// Returns the argument that makes Ansible read a file.
fn at(path: &Path) -> OsString {
    let mut argument = OsString::from("@");
    argument.push(path);
    argument
}

/// Returns the directories of collections: the site's own first, then the user's.
fn collections(site: &Site) -> OsString {
    let mut paths = site.path().join("collections").into_os_string();
    paths.push(":");
    match std::env::var_os("ANSIBLE_COLLECTIONS_PATH") {
        Some(users) => paths.push(users),
        None => paths.push("~/.ansible/collections:/usr/share/ansible/collections"),
    }
    paths
}

fn without_result(
    site: &Site,
    playbook: Playbook,
    status: ExitStatus,
    files: &RunFiles,
) -> ConductError {
    ConductError::Ansible {
        playbook: playbook.file(),
        status: status.to_string(),
        output: site.redact(&last_of(&files.log).unwrap_or_default()),
    }
}

fn last_of(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(SHOWN)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// The private files of a run, in the site's own directory.
struct RunFiles {
    events: PathBuf,
    limit: PathBuf,
    vars: PathBuf,
    log: PathBuf,
}

impl RunFiles {
    fn new(site: &Site) -> Result<Self> {
        let directory = site.own("run");
        private_directory(&directory).map_err(|source| writing(&directory, source))?;
        let files = Self {
            events: directory.join("events"),
            limit: directory.join("limit"),
            vars: directory.join("vars.json"),
            log: site.own("ansible.log"),
        };
        private(&files.events, false).map_err(|source| writing(&files.events, source))?;
        Ok(files)
    }
}

/// Opens a private file for writing at its end, or empty.
pub(crate) fn private(path: &Path, append: bool) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    match append {
        true => options.append(true),
        false => options.write(true).truncate(true),
    };
    options.create(true).mode(0o600).open(path)
}

/// The lines of a file that grows.
struct Lines {
    file: File,
    path: PathBuf,
    rest: Vec<u8>,
}

impl Lines {
    fn new(path: &Path) -> Result<Self> {
        Ok(Self {
            file: File::open(path).map_err(|source| reading(path, source))?,
            path: path.to_owned(),
            rest: Vec::new(),
        })
    }

    /// Returns the whole lines that are new. A line of another form is left out.
    fn next(&mut self) -> Result<Vec<Line>> {
        let read = self.file.read_to_end(&mut self.rest);
        read.map_err(|source| reading(&self.path, source))?;
        let end = self.rest.iter().rposition(|byte| *byte == b'\n');
        let Some(end) = end else {
            return Ok(Vec::new());
        };
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        let lines = whole.split(|byte| *byte == b'\n');
        Ok(lines
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect())
    }
}

/// The results of a run, as its events come.
#[derive(Default)]
struct Results {
    nodes: HashMap<String, Collected>,
    totals: Option<HashMap<String, Totals>>,
}

#[derive(Default)]
struct Collected {
    /// The running task and its start.
    running: Option<(String, f64)>,
    slowest: Option<(String, f64)>,
    changes: Vec<String>,
    message: Option<String>,
    status: Option<Value>,
}

impl Results {
    fn take(&mut self, line: Line, site: &Site, events: &Events<Event>) {
        match line {
            Line::Start { time, node, task } => {
                events.send(Event::Task {
                    node: node.clone(),
                    task: site.redact(&task),
                });
                self.nodes.entry(node).or_default().running = Some((task, time));
            }
            Line::End {
                time,
                node,
                task,
                result,
                message,
                changes,
                status,
            } => {
                let node = self.nodes.entry(node).or_default();
                node.ended(site.redact(&task), time);
                node.status = status.or(node.status.take());
                match result {
                    TaskResult::Changed if changes.is_empty() => {
                        node.changes.push(site.redact(&task));
                    }
                    TaskResult::Changed => {
                        let changes = changes.iter().map(|change| site.redact(change));
                        node.changes.extend(changes);
                    }
                    TaskResult::Failed | TaskResult::Unreachable => {
                        let message = site.redact(&message);
                        node.message = Some(format!("{}: {message}", site.redact(&task)));
                    }
                    TaskResult::Ok | TaskResult::Skipped | TaskResult::Ignored => {}
                }
            }
            Line::Totals { nodes } => self.totals = Some(nodes),
        }
    }

    fn finish(mut self) -> HashMap<String, NodeRun> {
        let totals = self.totals.unwrap_or_default().into_iter();
        let runs = totals.map(|(name, totals)| {
            let node = self.nodes.remove(&name).unwrap_or_default();
            let message = node.message.unwrap_or_else(|| "it failed".to_owned());
            let outcome = match totals {
                Totals {
                    unreachable: 1.., ..
                } => Outcome::Unreachable { message },
                Totals { failed: 1.., .. } => Outcome::Failed { message },
                Totals { changed: 1.., .. } => Outcome::Changed,
                Totals { .. } => Outcome::Unchanged,
            };
            let run = NodeRun {
                outcome,
                changes: node.changes,
                slowest: node.slowest,
                status: node.status,
            };
            (name, run)
        });
        runs.collect()
    }
}

impl Collected {
    fn ended(&mut self, task: String, time: f64) {
        let Some((_, start)) = self.running.take() else {
            return;
        };
        let seconds = (time - start).max(0.0);
        if self
            .slowest
            .as_ref()
            .is_none_or(|(_, most)| *most < seconds)
        {
            self.slowest = Some((task, seconds));
        }
    }
}
