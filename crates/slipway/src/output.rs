//! Standard output, for results, and standard error, for progress.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Mutex;

use anyhow::Context;
use indicatif::MultiProgress;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use slipway_redact::{one_line, printable};

use crate::cli::{Format, Global};

mod durations;
mod live;

use durations::Durations;
use live::{Ending, Live};

/// The number of bytes of a result that are written at once.
const AT_ONCE: usize = 64 << 10;

/// The characters that a column of a table is padded to at most: one long name widens no other row further.
const WIDEST_COLUMN: usize = 200;

/// The amount of detail on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Warnings and errors only.
    Quiet,
    /// Each action, in one line.
    Normal,
    /// Also the reasons why things were left alone.
    Verbose,
    /// Also the output of builds and Puppet runs.
    Everything,
}

/// The topic of the events that the command line itself sends.
const OWN_TOPIC: &str = "slipway";

/// Standard output and standard error of one run.
///
/// A terminal shows work in progress, the time that it took in the last run, and how many items are left;
/// elsewhere there are plain lines only.
#[derive(Debug)]
pub struct Output {
    format: Format,
    level: Level,
    live: Option<Live>,
    /// A file that gets every line, whatever the level.
    log: Option<Mutex<File>>,
    /// The error of a result that could not be printed.
    lost: Mutex<Option<std::io::Error>>,
}

impl Output {
    /// Returns the output that the global options ask for.
    pub fn new(global: &Global) -> Output {
        let level = match (global.quiet, global.verbose) {
            (true, _) => Level::Quiet,
            (_, 0) => Level::Normal,
            (_, 1) => Level::Verbose,
            _ => Level::Everything,
        };
        let is_live = level >= Level::Normal && std::io::stderr().is_terminal();
        let live = is_live.then(|| Live::new(MultiProgress::new(), Durations::of_user()));
        Output {
            format: global.format,
            level,
            live,
            log: None,
            lost: Mutex::default(),
        }
    }

    /// Also appends every line to a file.
    pub fn logging_to(self, path: &Path) -> anyhow::Result<Output> {
        let mut options = OpenOptions::new();
        let file = options.append(true).create(true).mode(0o600).open(path);
        let file = file.with_context(|| format!("cannot write to {}", path.display()))?;
        Ok(Output {
            log: Some(Mutex::new(file)),
            ..self
        })
    }

    /// Returns true if results are printed as JSON.
    pub fn is_json(&self) -> bool {
        match self.format {
            Format::Json | Format::JsonLines => true,
            Format::Text | Format::None | Format::Yaml | Format::Spdx | Format::Cyclonedx => false,
        }
    }

    /// Returns true if documents are printed as YAML.
    pub fn is_yaml(&self) -> bool {
        self.format == Format::Yaml
    }

    /// Prints a result on standard output.
    pub fn result(&self, text: &str) {
        self.result_of([text]);
    }

    /// Prints a result, given in pieces, on standard output.
    pub fn result_of<'a>(&self, pieces: impl IntoIterator<Item = &'a str>) {
        if self.format == Format::None {
            return;
        }
        // A terminal gets names and output of containers without control sequences; a file or another
        // program gets every byte.
        let is_terminal = std::io::stdout().is_terminal();
        let mut out = BufWriter::with_capacity(AT_ONCE, std::io::stdout().lock());
        let written = pieces
            .into_iter()
            .try_for_each(|piece| match is_terminal {
                true => out.write_all(printable(piece).as_bytes()),
                false => out.write_all(piece.as_bytes()),
            })
            .and_then(|()| out.write_all(b"\n"))
            .and_then(|()| out.flush());
        if let Err(error) = written
            && let Ok(mut lost) = self.lost.lock()
        {
            lost.get_or_insert(error);
        }
    }

    /// Ends the output: removes work in progress from the terminal. Returns the error of a result that
    /// could not be printed. A reader that closed its pipe is not an error.
    pub fn close(&self) -> anyhow::Result<()> {
        if let Some(live) = &self.live {
            live.close();
        }
        let lost = self.lost.lock().ok().and_then(|mut lost| lost.take());
        match lost {
            Some(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(error).context("cannot print the result")
            }
            _ => Ok(()),
        }
    }

    /// Prints a result as JSON. With `--format json-lines` it is an event, in one line.
    pub fn json<T: Serialize>(&self, value: &T) -> anyhow::Result<()> {
        match self.format {
            Format::JsonLines => {
                let result = serde_json::to_value(value)?;
                let event = json!({"event": "result", "result": result});
                self.result(&event_line(OWN_TOPIC, &event));
            }
            Format::Text
            | Format::Json
            | Format::None
            | Format::Yaml
            | Format::Spdx
            | Format::Cyclonedx => {
                self.result(&serde_json::to_string_pretty(value)?);
            }
        }
        Ok(())
    }

    /// Prints an event as one line of JSON with its time and topic, from `level` on. Other formats than
    /// `--format json-lines` have no events.
    pub fn event<E: Serialize>(&self, level: Level, topic: &str, event: &E) {
        if self.format == Format::JsonLines && self.level >= level {
            self.result(&event_line(topic, event));
        }
    }

    /// Prints a document as JSON, or as YAML with `--format yaml`.
    pub fn document(&self, value: &serde_json::Value) -> anyhow::Result<()> {
        if self.format == Format::Yaml {
            self.result(slipway_yaml::to_string(value)?.trim_end());
            return Ok(());
        }
        self.json(value)
    }

    /// Prints a line on standard error, from `level` on.
    pub fn line(&self, level: Level, text: &str) {
        let text = &*printable(text);
        self.log(text);
        if self.level < level {
            return;
        }
        match &self.live {
            Some(live) => live.print_line(text),
            None => {
                let _ = writeln!(std::io::stderr(), "{text}");
            }
        }
    }

    /// Appends a line to the file. An error is ignored: the line is printed elsewhere as well.
    fn log(&self, text: &str) {
        let text = printable(text);
        if let Some(Ok(mut file)) = self.log.as_ref().map(Mutex::lock) {
            let _ = writeln!(file, "{text}");
        }
    }

    /// Prints a line about one item, such as an image or a config volume.
    pub fn about(&self, level: Level, topic: &str, name: &str, text: &str) {
        self.line(level, &format!("{topic:>8} {name}: {text}"));
    }

    /// Prints a warning, at every level.
    pub fn warning(&self, text: &str) {
        self.line(Level::Quiet, &format!("warning: {text}"));
    }

    /// Prints an error and its causes. Causes that only repeat the line above are left out.
    pub fn error(&self, error: &anyhow::Error) {
        let mut text = format!("error: {error}");
        let mut last = error.to_string();
        for cause in error.chain().skip(1) {
            let cause = cause.to_string();
            if !last.contains(&cause) {
                text.push_str(&format!("\n  caused by: {}", cause.replace('\n', "\n    ")));
            }
            last = cause;
        }
        self.line(Level::Quiet, &text);
        let event = json!({"event": "error", "error": text});
        self.event(Level::Quiet, OWN_TOPIC, &event);
    }

    /// Shows on a terminal how many items are left of this many.
    pub fn expect(&self, items: usize) {
        if let Some(live) = &self.live {
            live.expect(items);
        }
    }

    /// Counts items that needed no work.
    pub fn advance(&self, items: usize) {
        if let Some(live) = &self.live {
            live.advance(items);
        }
    }

    /// Prints the begin of a part of the work, such as a step. A terminal shows it until the next one.
    pub fn stage(&self, text: &str) {
        if let Some(live) = &self.live {
            live.describe(text);
        }
        self.line(Level::Normal, text);
    }

    /// Shows that work on an item starts. A terminal shows it until [`Output::finished`] or
    /// [`Output::failed`].
    pub fn started(&self, topic: &str, name: &str, text: &str) {
        let Some(live) = &self.live else {
            return self.about(Level::Normal, topic, name, text);
        };
        self.log(&format!("{topic:>8} {name}: {text}"));
        live.started(&format!("{topic} {name}"), text);
    }

    /// Works on an item. Only a terminal shows it, until the work ends.
    pub fn during<T>(&self, topic: &str, name: &str, text: &str, work: impl FnOnce() -> T) -> T {
        let Some(live) = &self.live else {
            return work();
        };
        let item = format!("{topic} {name}");
        live.started(&item, text);
        let result = work();
        live.ended(&item, Ending::Done);
        result
    }

    /// Shows the latest line of work in progress, on a terminal only.
    pub fn progress(&self, topic: &str, name: &str, text: &str) {
        if let Some(live) = &self.live {
            live.progress(&format!("{topic} {name}"), text);
        }
    }

    /// Shows that work on an item is done.
    pub fn finished(&self, topic: &str, name: &str, text: &str) {
        self.ended(topic, name, text, Ending::Done);
    }

    /// Shows that work on an item failed.
    pub fn failed(&self, topic: &str, name: &str, text: &str) {
        self.ended(topic, name, text, Ending::Failed);
    }

    fn ended(&self, topic: &str, name: &str, text: &str, ending: Ending) {
        if let Some(live) = &self.live {
            live.ended(&format!("{topic} {name}"), ending);
        }
        self.about(Level::Normal, topic, name, text);
    }
}

/// Returns an event as one line of JSON.
fn event_line<E: Serialize>(topic: &str, event: &E) -> String {
    let mut line = Map::new();
    line.insert("time".to_owned(), json!(now()));
    line.insert("topic".to_owned(), json!(topic));
    match serde_json::to_value(event) {
        Ok(Value::Object(fields)) => line.extend(fields),
        Ok(value) => {
            line.insert("value".to_owned(), value);
        }
        // A path that is not UTF-8 cannot be in JSON.
        Err(error) => {
            line.insert("error".to_owned(), json!(error.to_string()));
        }
    }
    Value::Object(line).to_string()
}

/// Returns the time in UTC, to the millisecond.
fn now() -> String {
    format!("{:.3}", Timestamp::now())
}

/// Returns the text of a cell, and its width.
fn cell(text: &str) -> (Cow<'_, str>, usize) {
    let text = one_line(text);
    let width = text.chars().count();
    (text, width)
}

/// Returns a table with aligned columns; the first row is the heading.
pub fn table(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<(Cow<'_, str>, usize)>> = rows
        .iter()
        .map(|row| row.iter().map(|text| cell(text)).collect())
        .collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|(_, width)| *width).max().unwrap_or(0);
        widest.min(WIDEST_COLUMN)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<(Cow<'_, str>, usize)>| {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|((cell, own), width)| format!("{cell}{}", " ".repeat(width.saturating_sub(*own))))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_with_time_and_topic() {
        let line = event_line("build", &json!({"event": "line", "line": "a\nb"}));
        assert!(!line.contains('\n'), "{line}");
        let event: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(event["topic"], "build");
        assert_eq!(event["line"], "a\nb");
        let time = event["time"].as_str().unwrap();
        assert!(
            time.len() == "2026-01-01T00:00:00.000Z".len() && time.ends_with('Z'),
            "{time}"
        );
    }

    #[test]
    fn a_long_cell_widens_no_other_row() {
        let long = "x".repeat(100_000);
        let rows = [
            vec![long.clone(), "a".to_owned()],
            vec!["b".to_owned(), "c".to_owned()],
        ];
        let lines = table(&rows);
        let (first, second) = lines.split_once('\n').unwrap();
        assert_eq!(first, format!("{long}  a"));
        assert_eq!(second.len(), WIDEST_COLUMN + 3);
    }

    #[test]
    fn a_table_aligns_its_columns() {
        let rows = [
            vec!["STEP".to_owned(), "NAME".to_owned()],
            vec!["1".to_owned(), "haproxy".to_owned()],
        ];
        assert_eq!(table(&rows), "STEP  NAME\n1     haproxy");
    }
}
