//! What Puppet says: to a log file, to whoever listens, and, when it fails, to the point.

use slipway_events::Events;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use slipway_redact::{Redactor, printable};

use crate::error::{At, Result};
use crate::events::Event;
use crate::files;

/// The words Puppet begins a message with.
const LEVELS: [&str; 5] = ["Error: ", "Warning: ", "Notice: ", "Info: ", "Debug: "];
/// More lines than these are for the log file.
const MOST: usize = 12;

/// The output of one run, free of secrets.
pub struct Transcript<'a> {
    subject: &'a str,
    redactor: &'a Redactor,
    events: &'a Events<Event>,
    path: PathBuf,
    file: File,
    errors: Vec<String>,
    in_error: bool,
    last: String,
}

impl<'a> Transcript<'a> {
    /// Begins a log file `<folder>/<name>.log`.
    pub fn begin(
        folder: &Path,
        name: &str,
        subject: &'a str,
        redactor: &'a Redactor,
        events: &'a Events<Event>,
    ) -> Result<Transcript<'a>> {
        files::private_dir(folder)?;
        let path = folder.join(format!("{name}.log"));
        Ok(Transcript {
            subject,
            redactor,
            events,
            file: files::create(&path)?,
            path,
            errors: Vec::new(),
            in_error: false,
            last: String::new(),
        })
    }

    /// Takes one line.
    pub fn line(&mut self, line: &str) -> Result<()> {
        let line = self.redactor.redact(printable(line).trim_end());
        writeln!(self.file, "{line}").at("write", &self.path)?;
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

    /// Says that the container of a failed run is still there.
    pub fn kept(&self, container: &str) {
        let text = format!(
            "{}: container {container} is kept for a look inside",
            self.subject
        );
        self.events.send(Event::Warning { text });
    }

    /// The log file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last line that was not empty.
    pub fn last(&self) -> &str {
        &self.last
    }

    /// Puppet's error lines, each followed by the line of the manifest it points to; the last
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

/// The number in `, line: 3, column: 5`.
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
