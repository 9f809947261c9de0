//! `--check`: compares the files in place with config.json.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::copy::destination;
use super::entry::Entry;
use super::value::{items, object, text, truthy};
use super::{ApplyError, RUN_COMMAND, Result, Run};
use crate::config::user_group;
use crate::fs::{Found, Last, Links, MAX_DEPTH, Node, Source, show};
use crate::parse::MAX_SIZE;

impl Run<'_> {
    pub(super) fn compare_command(&self, config: &Value) -> Result<()> {
        let running = self.root.read(Path::new(RUN_COMMAND), MAX_SIZE)?;
        match config.get("command").and_then(Value::as_str) {
            Some(command) if command.as_bytes() == running => Ok(()),
            Some(_) => Err(ApplyError::ConfigFileCommandDiffers),
            None => Err(ApplyError::Unexpected(
                "`command` is not a string".to_owned(),
            )),
        }
    }

    pub(super) fn compare_files(&self, config: &Value) -> Result<()> {
        let files = items(config, "config_files")?;
        self.compare_state(files)?;
        files
            .iter()
            .try_for_each(|file| self.compare_entry(&Entry::from_value(file)?))
    }

    /// Returns the files that a start would remove, because config.json no longer has them.
    fn compare_state(&self, files: &[Value]) -> Result<()> {
        let state = self.defaults_state()?;
        let mut current = Vec::new();
        for file in files {
            let file = object(file, "config_files")?;
            if truthy(file.get("dest")) {
                let (source, dest) = (text(file, "source")?, text(file, "dest")?);
                let name = source.rsplit('/').next().unwrap_or_default();
                current.push(if dest.ends_with('/') {
                    format!("{dest}{name}")
                } else {
                    dest.to_owned()
                });
            }
        }
        let mut removed: Vec<_> = state
            .keys()
            .filter(|path| !current.contains(path))
            .cloned()
            .collect();
        removed.sort_unstable();
        if removed.is_empty() {
            Ok(())
        } else {
            Err(ApplyError::StateMismatch(removed.join(", ")))
        }
    }

    fn compare_entry(&self, entry: &Entry) -> Result<()> {
        let mut bad = Vec::new();
        for source in self.sources(entry)? {
            let dest = destination(entry, &source);
            let compare = Comparison { run: self, entry };
            let found = self.root.find(&source, Links::Any, Last::Follow);
            let is_dir = found.is_ok_and(|found| found.node.is_some_and(|node| node.is_dir()));
            let same = match is_dir {
                true => compare.directory(&source, &dest, MAX_DEPTH)?,
                false => compare.file(&source, &dest)?,
            };
            if !same {
                bad.push(show(&source).into_owned());
            }
        }
        if bad.is_empty() {
            Ok(())
        } else {
            Err(ApplyError::ConfigFileBadState(bad.join(", ")))
        }
    }
}

struct Comparison<'a> {
    run: &'a Run<'a>,
    entry: &'a Entry,
}

impl Comparison<'_> {
    fn find(&self, path: &Path) -> crate::fs::Result<Found> {
        self.run.root.find(path, Links::Any, Last::Follow)
    }

    /// Compares everything below a directory. The directories themselves are compared as in Kolla's
    /// script: it compares those *above* the destination, as many levels up as the source is below. A
    /// different rule would make kolla-ansible restart other containers than it does today.
    fn directory(&self, source: &Path, dest: &Path, depth: usize) -> Result<bool> {
        self.level(source, source, dest, "", depth)
    }

    fn level(
        &self,
        top: &Path,
        source: &Path,
        dest: &Path,
        up: &str,
        depth: usize,
    ) -> Result<bool> {
        if depth == 0 {
            return Err(ApplyError::Unexpected(format!(
                "{}: directories are nested too deep",
                show(source)
            )));
        }
        let listed = self
            .find(source)
            .ok()
            .and_then(|found| found.node?.list(source).ok())
            .unwrap_or_default();
        let entries: Vec<PathBuf> = listed
            .iter()
            .map(|entry| source.join(&entry.name))
            .collect();
        let is_dir = |path: &&PathBuf| {
            self.find(path)
                .is_ok_and(|found| found.node.is_some_and(|node| node.is_dir()))
        };
        let (dirs, files): (Vec<_>, Vec<_>) = entries.iter().partition(is_dir);
        let up = format!("{up}/..");
        for _ in &dirs {
            let above = PathBuf::from(format!("{}{up}", dest.display()));
            let mode = self.stat(&above)?.mode();
            if !self.has_perm(&above, "dir", mode) {
                return Ok(false);
            }
        }
        for file in files {
            let relative = file.strip_prefix(top).unwrap_or(file);
            if !self.file(file, &dest.join(relative))? {
                return Ok(false);
            }
        }
        for dir in dirs {
            let link = self
                .run
                .root
                .find(dir, Links::Any, Last::Keep)?
                .node
                .is_some_and(|node| node.is_link());
            if !link && !self.level(top, dir, dest, &up, depth - 1)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn stat(&self, path: &Path) -> Result<Node> {
        let missing = || ApplyError::Unexpected(format!("{} does not exist", show(path)));
        self.find(path)?.node.ok_or_else(missing)
    }

    fn file(&self, source: &Path, dest: &Path) -> Result<bool> {
        let exists = |path| self.run.root.exists(path);
        if exists(source) != exists(dest) {
            return Ok(false);
        }
        let open = |path| Ok::<_, ApplyError>(Source::open(&self.find(path)?, path)?);
        if !open(source)?.same_content(open(dest)?, dest)? {
            self.run.log.error(format_args!(
                "The content of source file({}) and dest file({}) are not equal.",
                show(source),
                show(dest)
            ));
            return Ok(false);
        }
        let node = self.stat(dest)?;
        if !self.has_perm(dest, "file", node.mode()) {
            return Ok(false);
        }
        self.has_owner(dest, &node)
    }

    /// Compares modes as strings of four digits, however the declared one is written.
    fn has_perm(&self, path: &Path, kind: &str, mode: u32) -> bool {
        let expected = self.entry.perm.as_ref().and_then(Value::as_str);
        let actual = format!("{mode:04o}");
        if expected == Some(actual.as_str()) {
            return true;
        }
        self.run.log.error(format_args!(
            "Dest {kind} {} does not have expected perm: {}, actual: {actual}",
            show(path),
            expected.unwrap_or("None")
        ));
        false
    }

    fn has_owner(&self, path: &Path, node: &Node) -> Result<bool> {
        let no_owner = || ApplyError::Unexpected("`owner` is not a string".to_owned());
        let (user, group) = user_group(self.entry.owner.as_deref().ok_or_else(no_owner)?);
        let (uid, gid) = node.owner();
        let owners = &self.run.owners;
        self.is_named(path, "user", user, (uid, owners.user_name(uid)))
            .and_then(|same| {
                Ok(same && self.is_named(path, "group", group, (gid, owners.group_name(gid)))?)
            })
    }

    fn is_named(
        &self,
        path: &Path,
        kind: &str,
        expected: &str,
        (id, name): (u32, Option<&str>),
    ) -> Result<bool> {
        let unknown =
            || ApplyError::Unexpected(format!("{}: {kind} id {id} has no name", show(path)));
        let actual = name.ok_or_else(unknown)?;
        if actual != expected {
            self.run.log.error(format_args!(
                "Dest file {} does not have expected {kind}: {expected}, actual: {actual}",
                show(path)
            ));
        }
        Ok(actual == expected)
    }
}
