//! The journal of a site: a line of JSON before and after each unit.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{ConductError, Result};
use crate::unit::Action;

/// A line of the journal.
///
/// It holds names, times and keyed digests, and no message of a task: a message may hold a secret.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub(crate) enum Record {
    /// A run begins.
    Run {
        time: String,
        phase: Action,
        resumed: bool,
    },
    /// A part begins on these nodes.
    Begin {
        time: String,
        phase: Action,
        part: String,
        nodes: Vec<String>,
    },
    /// A part ended on a node.
    End {
        time: String,
        phase: Action,
        part: String,
        step: Option<u8>,
        node: String,
        inputs: String,
        result: ResultWord,
        seconds: f64,
    },
    /// The run ended.
    Finished {
        time: String,
        phase: Action,
        failed: Vec<String>,
    },
}

/// Returns the time in UTC, to the millisecond.
pub(crate) fn now() -> String {
    format!("{:.3}", Timestamp::now())
}

/// The outcome of a part in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ResultWord {
    Unchanged,
    Changed,
    Failed,
    Unreachable,
}

/// The parts that are done, with the digest of the inputs, by part and node.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Done(HashMap<(String, String), String>);

impl Done {
    /// Collects what the last run of an action did, and those that it resumed.
    pub(crate) fn of(records: &[Record], action: Action) -> Self {
        let mut done = HashMap::new();
        for record in records {
            match record {
                Record::Run { phase, resumed, .. } if *phase == action && !resumed => done.clear(),
                Record::End {
                    phase,
                    part,
                    node,
                    inputs,
                    result,
                    ..
                } if *phase == action => {
                    let key = (part.clone(), node.clone());
                    match result {
                        ResultWord::Unchanged | ResultWord::Changed => {
                            done.insert(key, inputs.clone());
                        }
                        ResultWord::Failed | ResultWord::Unreachable => {
                            done.remove(&key);
                        }
                    }
                }
                Record::Run { .. }
                | Record::Begin { .. }
                | Record::End { .. }
                | Record::Finished { .. } => {}
            }
        }
        Self(done)
    }

    /// Returns true if a part is done on a node with these inputs.
    pub(crate) fn has(&self, part: &str, node: &str, inputs: &str) -> bool {
        let key = (part.to_owned(), node.to_owned());
        self.0.get(&key).is_some_and(|known| known == inputs)
    }
}

/// The journal, open for more lines.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
}

impl Journal {
    /// Opens the journal, and creates it if it is missing. Returns its records, too.
    ///
    /// A line that a killed run did not finish is left out.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<Record>)> {
        let mut journal = Self {
            file: open(path).map_err(|source| writing(path, source))?,
            path: path.to_owned(),
        };
        let mut text = Vec::new();
        let read = journal.file.read_to_end(&mut text);
        read.map_err(|source| ConductError::Read {
            path: path.to_owned(),
            source,
        })?;
        let is_torn = text.last().is_some_and(|last| *last != b'\n');
        if is_torn {
            journal.write(b"\n")?;
        }
        Ok((journal, records(&text)))
    }

    /// Adds a line. It is on the disk when this returns.
    pub(crate) fn add(&mut self, record: &Record) -> Result<()> {
        let mut line = serde_json::json!(record).to_string();
        line.push('\n');
        self.write(line.as_bytes())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let mut write = || {
            self.file.seek(SeekFrom::End(0))?;
            self.file.write_all(bytes)?;
            self.file.sync_data()
        };
        write().map_err(|source| writing(&self.path, source))
    }
}

fn records(text: &[u8]) -> Vec<Record> {
    let lines = text.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

fn open(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(std::io::Error::new(
            ErrorKind::InvalidInput,
            "it is not a regular file",
        )),
    }
}

fn writing(path: &Path, source: std::io::Error) -> ConductError {
    ConductError::Write {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn run(resumed: bool) -> Record {
        Record::Run {
            time: String::new(),
            phase: Action::Update,
            resumed,
        }
    }

    fn end(part: &str, node: &str, inputs: &str, result: ResultWord) -> Record {
        Record::End {
            time: String::new(),
            phase: Action::Update,
            part: part.to_owned(),
            step: None,
            node: node.to_owned(),
            inputs: inputs.to_owned(),
            result,
            seconds: 1.0,
        }
    }

    #[test]
    fn a_part_is_done_with_equal_inputs_alone() {
        let records = [run(false), end("p", "a", "1", ResultWord::Changed)];
        let done = Done::of(&records, Action::Update);
        assert!(done.has("p", "a", "1"));
        assert!(!done.has("p", "a", "2"));
        assert!(!done.has("p", "b", "1"));
        assert!(!done.has("q", "a", "1"));
        assert_eq!(Done::of(&records, Action::Deploy), Done::default());
    }

    #[test]
    fn a_failure_undoes_and_a_new_run_begins_from_nothing() {
        let ok = end("p", "a", "1", ResultWord::Unchanged);
        let failed = end("p", "a", "1", ResultWord::Failed);
        let is_done = |records: &[Record]| Done::of(records, Action::Update).has("p", "a", "1");
        assert!(!is_done(&[run(false), ok.clone(), failed.clone()]));
        assert!(is_done(&[run(false), failed, run(true), ok.clone()]));
        assert!(is_done(&[run(false), ok.clone(), run(true)]));
        assert!(!is_done(&[run(false), ok, run(false)]));
    }

    #[test]
    fn a_torn_line_costs_itself_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let (mut journal, records) = Journal::open(&path).unwrap();
        assert!(records.is_empty());
        journal.add(&run(false)).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for length in 0..whole.len() {
            let mut torn = whole.clone();
            torn.extend(&whole[..length]);
            std::fs::write(&path, &torn).unwrap();
            let (mut journal, _) = Journal::open(&path).unwrap();
            journal.add(&run(true)).unwrap();
            let (_, records) = Journal::open(&path).unwrap();
            // A line that lacks its end of line only is whole.
            let kept: Vec<Record> = match length + 1 == whole.len() {
                true => vec![run(false), run(false), run(true)],
                false => vec![run(false), run(true)],
            };
            assert_eq!(records, kept, "{length}");
        }
    }
}
