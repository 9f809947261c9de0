//! Questions about a checkout.

use std::path::{Path, PathBuf};

use crate::command::Command;

/// A checkout with a repository of its own.
#[derive(Clone, Debug)]
pub struct Repository {
    directory: PathBuf,
}

impl Repository {
    /// The repository of a directory itself; `None` where it has none, even when a directory
    /// around it has one.
    pub fn at(directory: &Path) -> Option<Repository> {
        directory.join(".git").exists().then(|| Repository {
            directory: directory.to_owned(),
        })
    }

    /// The first line that a command writes; `None` when git fails, or writes nothing.
    pub fn ask(&self, arguments: &[&str]) -> Option<String> {
        let lines = self.lines(arguments)?;
        let line = lines.first()?.trim();
        (!line.is_empty()).then(|| line.to_owned())
    }

    /// The lines that a command writes, of at most 1 MiB; `None` when git fails.
    pub fn lines(&self, arguments: &[&str]) -> Option<Vec<String>> {
        let answer = Command::new(format!("git {}", arguments.join(" ")))
            .in_repository(&self.directory)
            .args(arguments)
            .run()
            .ok()?;
        Some(answer.lines().map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_above_the_directory_is_ignored() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        let init = Command::new("git init").args(["init", "-q", "-b", "trunk"]);
        init.args([dir.path()]).run().unwrap();
        assert!(Repository::at(&inner).is_none());
        let repository = Repository::at(dir.path()).unwrap();
        let head = repository.ask(&["symbolic-ref", "--short", "HEAD"]);
        assert_eq!(head.as_deref(), Some("trunk"));
        assert_eq!(
            repository.ask(&["rev-parse", "--verify", "-q", "HEAD"]),
            None
        );
    }
}
