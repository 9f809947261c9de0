//! The differences between two trees, as people read them: names, and the lines of text files.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use serde::Serialize;
use similar::{ChangeTag, TextDiff};
use slipway_redact::{Redactor, Secrets, one_line};

use crate::error::Result;
use crate::volume::hash;
use crate::volume::tree::{Entry, Kind, Tree};

/// A path of a config volume that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// Relative to the volume.
    pub path: String,
    /// Its change.
    pub change: Change,
}

/// The change of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is new.
    Added,
    /// It was removed.
    Removed,
    /// Its content, type, mode or owner changed.
    Changed,
}

/// Longer files are not compared line by line.
const LONGEST: u64 = 1 << 20;

/// Returns the paths that differ between two trees. What does not count in a hash is left out; a
/// missing old tree is an empty one.
pub fn compare(old: Option<&Tree>, new: &Tree) -> Result<Vec<FileChange>> {
    let old = old.map(hash::digests).transpose()?.unwrap_or_default();
    let new = hash::digests(new)?;
    let mut changes = Vec::new();
    let all = old
        .keys()
        .chain(new.keys().filter(|path| !old.contains_key(*path)));
    for path in all {
        let change = match (old.get(path), new.get(path)) {
            (before, after) if before == after => continue,
            (None, _) => Change::Added,
            (_, None) => Change::Removed,
            _ => Change::Changed,
        };
        let path = path.to_string_lossy().into_owned();
        changes.push(FileChange { path, change });
    }
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(changes)
}

/// Returns the changes as a unified diff. `secrets` are masked, and so is every value whose name says
/// that it is secret, on either side.
pub fn unified(
    old: Option<&Tree>,
    new: &Tree,
    changes: &[FileChange],
    mut secrets: Secrets,
) -> String {
    let mut text = String::new();
    let known = secrets.redactor();
    for change in changes {
        let sides = [old, Some(new)].map(|tree| Side::of(tree, Path::new(&change.path)));
        for side in &sides {
            secrets.environment(side.settings().iter().map(String::as_str));
        }
        let [before, after] = &sides;
        // Writing to a String cannot fail.
        let name = one_line(&change.path);
        if before.what != after.what {
            let _ = writeln!(text, "# {name}: {} -> {}", before.what, after.what);
        }
        if before.text != after.text {
            let (a, b) = (before.name("a", &name), after.name("b", &name));
            let diff = TextDiff::from_lines(&before.text, &after.text);
            for secret in replaced_by_secrets(&diff, &known) {
                secrets.add(secret);
            }
            let _ = write!(text, "{}", diff.unified_diff().header(&a, &b));
        }
    }
    secrets.redactor().redact(&text)
}

/// Returns the words that a secret replaces: probably the secret's old value, which is not known
/// otherwise.
fn replaced_by_secrets<'a>(diff: &TextDiff<'a, 'a, 'a, str>, known: &Redactor) -> Vec<&'a str> {
    let mut found = Vec::new();
    for op in diff.ops() {
        let lines = |tag: ChangeTag| -> Vec<&'a str> {
            let of_tag = diff.iter_changes(op).filter(|change| change.tag() == tag);
            of_tag.map(|change| change.value()).collect()
        };
        let (old, new) = (lines(ChangeTag::Delete), lines(ChangeTag::Insert));
        // Line by line, where one stands for another.
        let in_pairs = old.len() == new.len();
        let size = |lines: &[&str]| if in_pairs { 1 } else { lines.len().max(1) };
        for (old, new) in old.chunks(size(&old)).zip(new.chunks(size(&new))) {
            if new.iter().all(|line| known.redact(line) == **line) {
                continue;
            }
            let stays: HashSet<&str> = new.iter().copied().flat_map(words).collect();
            let gone = old.iter().copied().flat_map(words);
            found.extend(gone.filter(|word| !stays.contains(word)));
        }
    }
    found
}

/// Splits a line into the words that may be values.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| c.is_whitespace() || "\"'=:,;<>()[]{}@".contains(c))
        .filter(|word| !word.is_empty())
}

/// A path in one of the trees.
struct Side {
    /// `absent`, or its type, mode and owner, and why its text is not shown.
    what: String,
    text: String,
}

impl Side {
    fn of(tree: Option<&Tree>, path: &Path) -> Side {
        let found = tree.and_then(|tree| Some((tree, tree.entry(path)?)));
        let Some((tree, entry)) = found else {
            return Side {
                what: "absent".to_owned(),
                text: String::new(),
            };
        };
        let (status, mut text) = (&entry.status, String::new());
        let owner = format!("{}:{}", status.st_uid, status.st_gid);
        let mode = format!("{:04o} {owner}", status.st_mode & 0o7777);
        let what = match &entry.kind {
            Kind::Link(target) => format!("link to {}", one_line(&target.to_string_lossy())),
            Kind::Directory => format!("directory {mode}"),
            Kind::File if status.st_size.unsigned_abs() > LONGEST => {
                format!("{mode}, {} bytes", status.st_size)
            }
            Kind::File => match text_of(tree, entry) {
                Some(found) => {
                    text = without_times(&found);
                    mode
                }
                None => format!("{mode}, {} bytes, not text", status.st_size),
            },
            Kind::Pipe | Kind::Socket | Kind::CharacterDevice | Kind::BlockDevice => mode,
        };
        Side { what, text }
    }

    fn name(&self, side: &str, path: &str) -> String {
        match self.what.as_str() {
            "absent" => "/dev/null".to_owned(),
            _ => format!("{side}/{path}"),
        }
    }

    /// Returns `name=value` for each line `name=value` or `name: value`.
    fn settings(&self) -> Vec<String> {
        let lines = self.text.lines();
        let settings = lines.flat_map(|line| ['=', ':'].map(|sign| line.split_once(sign)));
        let bare = |text: &str| text.trim().trim_matches(['"', '\'', ',']).to_owned();
        settings
            .flatten()
            .map(|(name, value)| format!("{}={}", bare(name), bare(value)))
            .collect()
    }
}

/// Returns the content of a file that is text.
fn text_of(tree: &Tree, entry: &Entry) -> Option<String> {
    let (mut text, file) = (String::new(), tree.file(entry).ok()?);
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Removes the lines that hold only a time: they do not count.
fn without_times(text: &str) -> String {
    text.split_inclusive('\n')
        .filter(|line| !hash::is_timestamp(line.as_bytes()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn changes_are_shown_and_secrets_are_masked() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("old"), dir.path().join("new"));
        for (tree, files) in [
            (
                &old,
                [
                    ("a", "# HEADER: at 10\nx = 1\npassword = first-one\n"),
                    ("gone", "g\n"),
                ],
            ),
            (
                &new,
                [
                    ("a", "# HEADER: at 11\nx = 2\npassword = second-one\n"),
                    ("b", "known-one\n"),
                ],
            ),
        ] {
            std::fs::create_dir(tree).unwrap();
            for (name, text) in files {
                std::fs::write(tree.join(name), text).unwrap();
                let mode = std::fs::Permissions::from_mode(0o644);
                std::fs::set_permissions(tree.join(name), mode).unwrap();
            }
            std::fs::write(tree.join("same"), "s\n").unwrap();
        }
        let (old, new) = (Tree::open(&old).unwrap(), Tree::open(&new).unwrap());
        let changes = compare(Some(&old), &new).unwrap();
        let names: Vec<(&str, Change)> = changes
            .iter()
            .map(|change| (change.path.as_str(), change.change))
            .collect();
        assert_eq!(
            names,
            [
                ("a", Change::Changed),
                ("b", Change::Added),
                ("gone", Change::Removed)
            ]
        );
        let mut secrets = Secrets::default();
        secrets.add("known-one");
        let text = unified(Some(&old), &new, &changes, secrets);
        let owner = format!(
            "{}:{}",
            rustix::process::getuid().as_raw(),
            rustix::process::getgid().as_raw()
        );
        let expected = format!(
            "--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n-x = 1\n-password = ***\n+x = 2\n+password = ***\n\
             # b: absent -> 0644 {owner}\n--- /dev/null\n+++ b/b\n@@ -0,0 +1 @@\n+***\n\
             # gone: 0644 {owner} -> absent\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-g\n"
        );
        assert_eq!(text, expected);
        assert_eq!(compare(None, &new).unwrap().len(), 3);
    }

    #[test]
    fn names_end_no_line_and_command_no_terminal() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("old"), dir.path().join("new"));
        for tree in [&old, &new] {
            std::fs::create_dir(tree).unwrap();
        }
        std::fs::write(new.join("a\n+++ b\u{1b}[31m"), "x\n").unwrap();
        std::os::unix::fs::symlink("to\nwhere", new.join("link")).unwrap();
        let (old, new) = (Tree::open(&old).unwrap(), Tree::open(&new).unwrap());
        let changes = compare(Some(&old), &new).unwrap();
        let text = unified(Some(&old), &new, &changes, Secrets::default());
        assert!(text.contains("+++ b/a\\n+++ b\\u{1b}[31m\n"), "{text}");
        assert!(text.contains("link to to\\nwhere\n"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn a_value_replaced_by_a_secret_is_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("old"), dir.path().join("new"));
        let text = |secret: &str| {
            format!(
                "user {secret} stays\nplain of-{secret}\n\"db_password\": \"keyed-{secret}\",\n"
            )
        };
        for (tree, secret) in [(&old, "former-one"), (&new, "latter-one")] {
            std::fs::create_dir(tree).unwrap();
            std::fs::write(tree.join("a"), text(secret)).unwrap();
            let more = format!(
                "{}moved {secret}\n",
                "a line more\n".repeat(secret.len() % 3)
            );
            std::fs::write(tree.join("b"), more).unwrap();
        }
        let (old, new) = (Tree::open(&old).unwrap(), Tree::open(&new).unwrap());
        let changes = compare(Some(&old), &new).unwrap();
        let mut secrets = Secrets::default();
        secrets.add("latter-one");
        let text = unified(Some(&old), &new, &changes, secrets);
        assert!(!text.contains("former-one"), "{text}");
        assert!(!text.contains("latter-one"), "{text}");
        assert!(text.contains("-user *** stays\n"), "{text}");
    }
}
