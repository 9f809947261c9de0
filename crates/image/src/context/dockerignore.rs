//! An image's `.dockerignore`: the files left out of its build context.
//!
//! The client selects the files of a context, so the client reads this file. Slipway follows the rules
//! of Docker's own command with BuildKit, which kolla-build uses from release 23 on. Earlier releases
//! use docker-py, which differs in two points: it ignores case, and below an excluded directory it
//! finds only exceptions that begin with the directory's path.

use std::path::Path;

use regex::Regex;

use crate::error::{Error, Result};
use slipway_files::AtPath;

/// The file's name, in a context's topmost directory.
pub(crate) const DOCKERIGNORE: &str = ".dockerignore";

/// The patterns of a `.dockerignore`.
#[derive(Debug)]
pub(crate) struct Ignored(Vec<Pattern>);

#[derive(Debug)]
struct Pattern {
    paths: Regex,
    /// `!`: what matches stays.
    is_exception: bool,
}

impl Ignored {
    /// Reads a `.dockerignore`.
    ///
    /// # Errors
    /// It cannot be read, or a line is no pattern.
    pub(crate) fn read(path: &Path) -> Result<Ignored> {
        let text = slipway_files::read_input(path).at(path)?;
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
            let paths = Regex::new(&expression(&pattern)).map_err(|_| Error::NoPattern {
                path: path.to_owned(),
                line: index + 1,
                pattern,
            })?;
            patterns.push(Pattern {
                paths,
                is_exception,
            });
        }
        Ok(Ignored(patterns))
    }

    /// True when a file or a directory is left out. The last pattern that matches it, or a directory that
    /// it is in, decides.
    pub(crate) fn keeps_out(&self, name: &str) -> bool {
        let decides = |pattern: &&Pattern| {
            let mut ways = std::iter::successors(Some(name), |name| Some(name.rsplit_once('/')?.0));
            ways.any(|way| pattern.paths.is_match(way))
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

/// A pattern as a regular expression for whole paths, as Docker's command reads it. `**` is any
/// number of directories, also where no slash is behind it; a class begins with `!` or `^` where it is
/// what must not match.
fn expression(pattern: &str) -> String {
    let mut expression = r"\A(?s:".to_owned();
    let mut rest = pattern.chars().peekable();
    let mut is_in_class = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                let escaped = rest.next().unwrap_or('\\');
                expression.push_str(&regex::escape(escaped.encode_utf8(&mut [0; 4])));
            }
            ']' if is_in_class => {
                is_in_class = false;
                expression.push(']');
            }
            _ if is_in_class && "[&~".contains(c) => expression.extend(['\\', c]),
            _ if is_in_class => expression.push(c),
            '[' => {
                is_in_class = true;
                expression.push('[');
                if rest.next_if(|next| "!^".contains(*next)).is_some() {
                    expression.push('^');
                }
            }
            '*' if rest.next_if_eq(&'*').is_some() => {
                let _ = rest.next_if_eq(&'/');
                expression.push_str(if rest.peek().is_none() {
                    ".*"
                } else {
                    "(.*/)?"
                });
            }
            '*' => expression.push_str("[^/]*"),
            '?' => expression.push_str("[^/]"),
            c => expression.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    expression + r")\z"
}

#[cfg(test)]
mod tests {
    use std::fs;

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
             c[0-2]\nd/**/q\n**.q\n[^A-M]1\n[!N]2\ne\\*\nx+y\n!\n.\n..\n.dockerignore\n",
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
            "d/q",
            "d/e/f/q",
            "d/e/.q/r",
            "N1",
            "A2",
            "e*",
            "x+y",
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
            "d.q",
            "ef",
            "M1",
            "N2",
            ".dockerignore",
            "# notes",
        ];
        for name in kept {
            assert!(!ignored.keeps_out(name), "{name}");
        }
    }

    #[test]
    fn all_but_some_can_be_kept_out() {
        let ignored = read("*\n!file\n!directory/**/x").unwrap();
        assert!(ignored.keeps_out("other") && ignored.keeps_out("directory/y"));
        assert!(!ignored.keeps_out("file") && !ignored.keeps_out("directory/a/x"));
    }

    #[test]
    fn invalid_patterns_are_reported_with_their_line() {
        let error = read("a\nb[\n").unwrap_err().to_string();
        assert!(error.contains(":2: "), "{error}");
    }
}
