//! The output of a Puppet run: written to a log file, sent as events, and searched for errors.

use slipway_events::Events;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use slipway_redact::{Redactor, printable};

use crate::error::{At, Result};
use crate::events::Event;
use crate::files;

/// The words that a message of Puppet begins with.
const LEVELS: [&str; 5] = ["Error: ", "Warning: ", "Notice: ", "Info: ", "Debug: "];
/// The size of the largest log file, in bytes.
const MAX_LOG: u64 = 64 << 20;
/// The number of error lines in a failure; the log file has all.
const MOST: usize = 12;

/// The output of one run, with secrets masked.
pub struct Transcript<'a> {
    subject: &'a str,
    redactor: &'a Redactor,
    events: &'a Events<Event>,
    path: PathBuf,
    file: File,
    errors: Vec<String>,
    in_error: bool,
    last: String,
    /// Bytes in the log file.
    size: u64,
}

impl<'a> Transcript<'a> {
    /// Begins a log file `<directory>/<name>.log`. An existing directory stays as it is: it may hold
    /// other programs' logs, and the file is private.
    pub fn begin(
        directory: &Path,
        name: &str,
        subject: &'a str,
        redactor: &'a Redactor,
        events: &'a Events<Event>,
    ) -> Result<Transcript<'a>> {
        if !directory.is_dir() {
            files::private_dir(directory)?;
        }
        let path = directory.join(format!("{name}.log"));
        Ok(Transcript {
            subject,
            redactor,
            events,
            file: files::create(&path)?,
            path,
            errors: Vec::new(),
            in_error: false,
            last: String::new(),
            size: 0,
        })
    }

    /// Takes one line.
    pub fn line(&mut self, line: &str) -> Result<()> {
        let line = self.redactor.redact(printable(line).trim_end());
        self.log(&line)?;
        self.events.send(Event::Line {
            subject: self.subject.to_owned(),
            line: line.clone(),
        });
        self.collect(&line);
        if !line.is_empty() {
            self.last = line;
        }
        Ok(())
    }

    /// Writes a line to the log file, unless that is full.
    fn log(&mut self, line: &str) -> Result<()> {
        let is_full = self.size > MAX_LOG;
        self.size = self.size.saturating_add(line.len() as u64 + 1);
        let line = match (is_full, self.size > MAX_LOG) {
            (true, _) => return Ok(()),
            (false, true) => "(the rest is left out: the log has reached its limit)",
            (false, false) => line,
        };
        writeln!(self.file, "{line}").at("write", &self.path)
    }

    /// An error goes on until another message begins.
    fn collect(&mut self, line: &str) {
        if LEVELS.iter().any(|level| line.starts_with(level)) {
            // A custom fact that could not be resolved fails nothing.
            self.in_error = line.starts_with("Error: ") && !line.starts_with("Error: Facter: ");
        }
        let known = self.errors.iter().any(|error| error == line);
        if self.in_error && !known && self.errors.len() < MOST && !line.is_empty() {
            self.errors.push(line.to_owned());
        }
    }

    /// Warns that the container of a failed run is kept.
    pub fn kept(&self, container: &str) {
        let text = format!(
            "{}: container {container} is kept for a look inside",
            self.subject
        );
        self.events.send(Event::Warning { text });
    }

    /// Returns the log file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the last line that was not empty.
    pub fn last(&self) -> &str {
        &self.last
    }

    /// Returns Puppet's error lines, each followed by the line of the manifest it points to; the last
    /// line where Puppet gave no error.
    pub fn errors(&self, manifest_path: &str, manifest: &str) -> Vec<String> {
        let mut lines = Vec::new();
        for error in &self.errors {
            lines.push(error.replace(manifest_path, "manifest"));
            let number = error
                .split_once(manifest_path)
                .and_then(|(_, rest)| line_number(rest));
            let source = number.and_then(|number| manifest.lines().nth(number.checked_sub(1)?));
            if let (Some(number), Some(source)) = (number, source) {
                let source = self.redactor.redact(source.trim());
                lines.push(format!("  manifest line {number}: {source}"));
            }
        }
        if lines.is_empty() {
            lines.push(match self.last.as_str() {
                "" => "(it said nothing)".to_owned(),
                last => last.to_owned(),
            });
        }
        lines
    }
}

/// Returns the number in `, line: 3, column: 5`.
fn line_number(text: &str) -> Option<usize> {
    let digits = text.split_once("line: ")?.1;
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn transcript(lines: &[&str], manifest: &str) -> (Vec<String>, String) {
        let dir = tempfile::tempdir().unwrap();
        let hiera = json!({"a::password": "sesame-open"});
        let redactor = Redactor::from_hiera(hiera.as_object().unwrap());
        let events = Events::ignore();
        let mut all = Transcript::begin(dir.path(), "x", "x", &redactor, &events).unwrap();
        for line in lines {
            all.line(line).unwrap();
        }
        let log = std::fs::read_to_string(all.path()).unwrap();
        (all.errors("/in/config.pp", manifest), log)
    }

    #[test]
    fn errors_are_puppets_own_lines_and_the_manifests() {
        let (errors, log) = transcript(
            &[
                "Warning: something",
                "Error: Facter: Error while resolving custom fact",
                "  at some place",
                "Error: Evaluation Error: no `sesame-open` (file: /in/config.pp, line: 2, column: 3) on node x",
                "which goes on",
                "Notice: done",
                "unrelated",
            ],
            "one\n  fail('sesame-open')\n",
        );
        assert_eq!(
            errors,
            [
                "Error: Evaluation Error: no `***` (file: manifest, line: 2, column: 3) on node x",
                "  manifest line 2: fail('***')",
                "which goes on",
            ]
        );
        assert!(log.contains("unrelated") && !log.contains("sesame"));
    }

    #[test]
    fn without_an_error_the_last_line_has_to_do() {
        assert_eq!(
            transcript(&["sh: 1: not found", ""], "").0,
            ["sh: 1: not found"]
        );
        assert_eq!(transcript(&[], "").0, ["(it said nothing)"]);
    }
}
