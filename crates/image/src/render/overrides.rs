//! Template overrides: one or several files read as one template.

use std::path::{Path, PathBuf};

use super::published::PUBLISH;
use crate::error::Result;
use slipway_files::AtPath;

/// All overrides as one template, and where each of its lines came from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    /// The joined text.
    pub text: String,
    /// For each file: the line of `text` (from 0) it starts at, and for each of its lines there,
    /// the line in the file (from 1).
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
struct Piece {
    path: PathBuf,
    first: usize,
    lines: Vec<usize>,
}

impl Overrides {
    /// Reads the files and joins them as kolla-build does: the first as it is, the others without
    /// the lines that extend the parent. `None` without files.
    pub(crate) fn read(files: &[PathBuf]) -> Result<Option<Overrides>> {
        let mut joined = Overrides::default();
        for (index, path) in files.iter().enumerate() {
            let text = slipway_files::read_input(path).at(path)?;
            joined.append(path, &text, index == 0);
        }
        // A template's last line end is not part of its text.
        if joined.text.ends_with('\n') {
            joined.text.pop();
            let without = joined.text.trim_end_matches('\r').len();
            joined.text.truncate(without);
        }
        joined.text.push_str(PUBLISH);
        Ok((!files.is_empty()).then_some(joined))
    }

    fn append(&mut self, path: &Path, text: &str, is_first: bool) {
        let first = self.text.matches('\n').count();
        let mut lines = Vec::new();
        for (index, line) in text.split_inclusive('\n').enumerate() {
            if !is_first && extends(line) {
                continue;
            }
            self.text.push_str(line);
            lines.push(index + 1);
        }
        self.pieces.push(Piece {
            path: path.to_owned(),
            first,
            lines,
        });
    }

    /// Returns the file name of the first override.
    pub(crate) fn name(&self) -> String {
        let first = self.pieces.first().and_then(|piece| piece.path.file_name());
        first.unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The file and line that a line of the joined text (from 1) came from.
    pub(crate) fn origin(&self, line: usize) -> Option<(&Path, usize)> {
        let index = line.checked_sub(1)?;
        let piece = self
            .pieces
            .iter()
            .rev()
            .find(|piece| piece.first <= index && !piece.lines.is_empty())?;
        let within = (index - piece.first).min(piece.lines.len() - 1);
        Some((&piece.path, piece.lines[within]))
    }
}

/// Returns true for an `extends` line, which is left out of every override after the first.
fn extends(line: &str) -> bool {
    line.ends_with('\n')
        && line
            .find("{%")
            .is_some_and(|at| line[at..].contains("extends"))
}
