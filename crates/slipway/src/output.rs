//! Standard output, for results, and standard error, for progress.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::Context;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use slipway_redact::printable;

use crate::cli::{Format, Global};

/// The number of bytes of a result that are written at once.
const AT_ONCE: usize = 64 << 10;

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

/// Standard output and standard error of one run.
///
/// A terminal shows work in progress; elsewhere there are plain lines only.
#[derive(Debug)]
pub struct Output {
    format: Format,
    level: Level,
    live: Option<MultiProgress>,
    running: Mutex<BTreeMap<String, ProgressBar>>,
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
        let live =
            (level >= Level::Normal && std::io::stderr().is_terminal()).then(MultiProgress::new);
        Output {
            format: global.format,
            level,
            live,
            running: Mutex::default(),
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
        self.format == Format::Json
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

    /// Returns the error of a result that could not be printed. A reader that closed its pipe is not
    /// an error.
    pub fn all_printed(&self) -> anyhow::Result<()> {
        let lost = self.lost.lock().ok().and_then(|mut lost| lost.take());
        match lost {
            Some(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(error).context("cannot print the result")
            }
            _ => Ok(()),
        }
    }

    /// Prints a result as JSON.
    pub fn json<T: serde::Serialize>(&self, value: &T) -> anyhow::Result<()> {
        self.result(&serde_json::to_string_pretty(value)?);
        Ok(())
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
            Some(live) => {
                let _ = live.println(text);
            }
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
    }

    /// Shows that work on an item starts. A terminal shows it until [`Output::finished`].
    pub fn started(&self, topic: &str, name: &str, text: &str) {
        let Some(live) = &self.live else {
            return self.about(Level::Normal, topic, name, text);
        };
        let bar = live.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        self.log(&format!("{topic:>8} {name}: {text}"));
        bar.set_message(printable(&format!("{topic} {name}: {text}")).into_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        if let Ok(mut running) = self.running.lock() {
            running.insert(format!("{topic} {name}"), bar);
        }
    }

    /// Shows the latest line of work in progress, on a terminal only.
    pub fn progress(&self, topic: &str, name: &str, text: &str) {
        if let Ok(running) = self.running.lock()
            && let Some(bar) = running.get(&format!("{topic} {name}"))
        {
            let text = format!("{topic} {name}: {text}");
            let short = printable(&text).chars().take(100).collect::<String>();
            bar.set_message(short);
        }
    }

    /// Shows that work on an item has ended.
    pub fn finished(&self, topic: &str, name: &str, text: &str) {
        if let Ok(mut running) = self.running.lock()
            && let Some(bar) = running.remove(&format!("{topic} {name}"))
        {
            bar.finish_and_clear();
        }
        self.about(Level::Normal, topic, name, text);
    }
}

/// Returns a table with aligned columns; the first row is the heading.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_aligns_its_columns() {
        let rows = [
            vec!["STEP".to_owned(), "NAME".to_owned()],
            vec!["1".to_owned(), "haproxy".to_owned()],
        ];
        assert_eq!(table(&rows), "STEP  NAME\n1     haproxy");
    }
}
