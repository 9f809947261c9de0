//! What an image's `.dockerignore` keeps out of its build context.
//!
//! The engine is sent what a client has picked, so it is up to the client to heed this file:
//! kolla-build's is docker-py, whose reading of it this follows (7.1.0), with the parents of a path
//! compared as Docker's own command does.

use std::fs;
use std::path::Path;

use globset::{Glob, GlobBuilder, GlobMatcher};

use crate::error::{Error, IoContext, Result};

/// The file's name, in a context's topmost folder.
pub(crate) const DOCKERIGNORE: &str = ".dockerignore";

/// The patterns of a `.dockerignore`.
#[derive(Debug)]
pub(crate) struct Ignored(Vec<Pattern>);

#[derive(Debug)]
struct Pattern {
    glob: GlobMatcher,
    /// `!`: what matches stays.
    is_exception: bool,
}

impl Ignored {
    /// Reads a `.dockerignore`.
    ///
    /// # Errors
    /// It cannot be read, or a line is no pattern.
    pub(crate) fn read(path: &Path) -> Result<Ignored> {
        let text = fs::read_to_string(path).at(path)?;
        let mut patterns = Vec::new();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (is_exception, pattern) = match line.strip_prefix('!') {
                Some(rest) => (true, rest.trim()),
                None => (false, line),
            };
            let pattern = cleaned(pattern);
            if pattern.is_empty() {
                continue;
            }
            let glob = glob(&pattern).map_err(|error| Error::NoPattern {
                path: path.to_owned(),
                line: index + 1,
                reason: error.kind().to_string(),
            })?;
            patterns.push(Pattern {
                glob: glob.compile_matcher(),
                is_exception,
            });
        }
        Ok(Ignored(patterns))
    }

    /// Whether a file or a folder is kept out. The last pattern that matches it, or a folder that
    /// it is in, decides.
    pub(crate) fn keeps_out(&self, name: &str) -> bool {
        let decides = |pattern: &&Pattern| {
            let mut ways = std::iter::successors(Some(name), |name| Some(name.rsplit_once('/')?.0));
            ways.any(|way| pattern.glob.is_match(way))
        };
        let deciding = self.0.iter().rfind(decides);
        name != DOCKERIGNORE && deciding.is_some_and(|pattern| !pattern.is_exception)
    }
}

/// A pattern without empty parts, `.` and `..`, which count for nothing at either end and in it.
fn cleaned(pattern: &str) -> String {
    let mut parts = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// A pattern as globset reads it, which has `{a,b}` besides what Docker has.
fn glob(pattern: &str) -> std::result::Result<Glob, globset::Error> {
    let mut escaped = String::with_capacity(pattern.len());
    let (mut is_escaped, mut is_in_class) = (false, false);
    for c in pattern.chars() {
        match c {
            '{' | '}' if !is_escaped && !is_in_class => {
                escaped.extend(['[', c, ']']);
                continue;
            }
            '[' if !is_escaped => is_in_class = true,
            ']' if !is_escaped => is_in_class = false,
            _ => {}
        }
        is_escaped = c == '\\' && !is_escaped;
        escaped.push(c);
    }
    GlobBuilder::new(&escaped)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Ignored> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        Ignored::read(file.path())
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let ignored = read(
            "\u{feff}# notes\n\n  *.md \n!README.md\nlogs/\n!logs/keep\n/./a/../b?\n**/*.pyc\n{x,y}\n\
             c[0-2]\n!\n.\n..\n.dockerignore\n",
        )
        .unwrap();
        let out = [
            "NOTES.md",
            "logs",
            "logs/a",
            "logs/a/b",
            "b1",
            "b1/c",
            "x.pyc",
            "d/e/x.pyc",
            "{x,y}",
            "c2",
        ];
        for name in out {
            assert!(ignored.keeps_out(name), "{name}");
        }
        let kept = [
            "README.md",
            "docs/NOTES.md",
            "logs/keep",
            "a",
            "b",
            "b12",
            "x",
            "x.py",
            "c3",
            ".dockerignore",
            "# notes",
        ];
        for name in kept {
            assert!(!ignored.keeps_out(name), "{name}");
        }
    }

    #[test]
    fn all_but_some_can_be_kept_out() {
        let ignored = read("*\n!file\n!folder/**/x").unwrap();
        assert!(ignored.keeps_out("other") && ignored.keeps_out("folder/y"));
        assert!(!ignored.keeps_out("file") && !ignored.keeps_out("folder/a/x"));
    }

    #[test]
    fn what_is_no_pattern_is_named_with_its_line() {
        let error = read("a\nb[\n").unwrap_err().to_string();
        assert!(error.contains(":2: "), "{error}");
    }
}
