//! Copying one entry of `config_files`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::entry::Entry;
use super::permissions::{Properties, mode};
use super::{ApplyError, Result, Run};
use crate::fs::{Found, FsError, Last, Links, MAX_DEPTH, NewFile, Node, Source, show};

/// A source or a destination: the file that was found, and its path for messages.
struct At<'a> {
    path: &'a Path,
    found: Found,
}

impl At<'_> {
    fn node(&self) -> Option<&Node> {
        self.found.node.as_ref()
    }

    fn is_dir(&self) -> bool {
        self.node().is_some_and(Node::is_dir)
    }
}

struct Copy<'a> {
    run: &'a Run<'a>,
    entry: &'a Entry,
    /// `None` means that each copy gets its source's.
    properties: Option<Properties>,
}

impl Run<'_> {
    pub(super) fn copy(&self, entry: &Entry) -> Result<()> {
        let sources = self.sources(entry)?;
        if sources.is_empty() {
            return Ok(());
        }
        let properties = match (entry.preserve_properties, &entry.owner) {
            (true, _) => None,
            (false, Some(owner)) => {
                let owner = self.owners.ids(owner)?;
                Some(Properties {
                    owner,
                    mode: mode(entry.perm.as_ref())?,
                })
            }
            (false, None) => {
                return Err(ApplyError::Unexpected("`owner` is not a string".to_owned()));
            }
        };
        let copy = Copy {
            run: self,
            entry,
            properties,
        };
        sources
            .iter()
            .try_for_each(|source| copy.copy_source(source))
    }

    /// Returns the files that the entry's source matches. No match is an error unless it is optional.
    pub(super) fn sources(&self, entry: &Entry) -> Result<Vec<PathBuf>> {
        let sources = match entry.ignore_globs {
            true => self.root.literal(&entry.source, Links::Any)?,
            false => self.root.glob(&entry.source, Links::Any)?,
        };
        if sources.is_empty() && !entry.optional {
            let source = show(Path::new(&entry.source)).into_owned();
            return Err(ApplyError::MissingRequiredSource(source));
        }
        Ok(sources)
    }
}

/// Returns the destination of one source: a `dest` with a trailing slash is the directory for it.
pub(super) fn destination(entry: &Entry, source: &Path) -> PathBuf {
    let bytes = source.as_os_str().as_bytes();
    let name = bytes
        .rsplit(|byte| *byte == b'/')
        .next()
        .unwrap_or_default();
    match entry.dest.ends_with('/') {
        true => Path::new(&entry.dest).join(OsStr::from_bytes(name)),
        false => PathBuf::from(&entry.dest),
    }
}

/// Python's `os.path.dirname`.
fn dirname(path: &Path) -> &Path {
    let bytes = path.as_os_str().as_bytes();
    let head = &bytes[..bytes
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |at| at + 1)];
    let end = head
        .iter()
        .rposition(|byte| *byte != b'/')
        .map_or(head.len(), |at| at + 1);
    Path::new(OsStr::from_bytes(&head[..end]))
}

fn is_slashed(path: &Path) -> bool {
    path.as_os_str().as_bytes().ends_with(b"/")
}

/// Returns the path without trailing slashes, so that its last component is not followed.
fn unslashed(path: &Path) -> &Path {
    let bytes = path.as_os_str().as_bytes();
    let end = bytes
        .iter()
        .rposition(|byte| *byte != b'/')
        .map_or(bytes.len(), |at| at + 1);
    Path::new(OsStr::from_bytes(&bytes[..end]))
}

impl Copy<'_> {
    fn copy_source(&self, source: &Path) -> Result<()> {
        if self.excluded(source) {
            return Ok(());
        }
        let root = self.run.root;
        let path = &destination(self.entry, source);
        let entry = root.find(source, Links::Any, Last::Keep)?;
        let (found, link) = self.behind(entry, source)?;
        let from = At {
            path: source,
            found,
        };
        if !self.entry.merge {
            self.clear(&from, path)?;
        }
        root.make_dirs(dirname(path))?;
        let dest = At {
            path,
            found: root.find(unslashed(path), Links::Trusted, Last::Keep)?,
        };
        self.merge(&from, link, dest, MAX_DEPTH).inspect_err(|_| {
            self.run.log.error(format_args!(
                "Unable to merge {} with {}",
                show(source),
                show(path)
            ));
        })
    }

    /// Returns the file to copy, and the symlink that leads to it, if any. A dangling symlink can
    /// still be copied as a symlink.
    fn behind(&self, entry: Found, path: &Path) -> Result<(Found, Option<Found>)> {
        if entry.link().is_none() {
            return Ok((entry, None));
        }
        let found = match self.run.root.follow(&entry, path, Links::Any) {
            Err(_) if self.keeps_links() => entry.emptied(),
            found => found?,
        };
        Ok((found, Some(entry)))
    }

    fn excluded(&self, source: &Path) -> bool {
        let source = source.to_string_lossy();
        self.entry
            .exclude
            .iter()
            .any(|pattern| pattern.is_match(&source))
    }

    /// Removes the destination. A file that another file will replace stays until then.
    fn clear(&self, from: &At, path: &Path) -> Result<()> {
        let root = self.run.root;
        let Ok(found) = root.find(unslashed(path), Links::Trusted, Last::Keep) else {
            return Ok(());
        };
        let dest = At { path, found };
        let Some(node) = dest.node() else {
            return Ok(());
        };
        self.refuse_directory_link(&dest)?;
        let refuse = |reason: &str| {
            Err(ApplyError::Unexpected(format!(
                "cannot delete {}: {reason}",
                show(path)
            )))
        };
        if node.is_dir() && path.as_os_str().as_bytes().ends_with(b"/.") {
            return refuse("it is not an entry of a directory");
        }
        if node.is_dir() && root.is_within(&from.found, node)? {
            return refuse("it holds what is to be copied there");
        }
        if node.is_dir() || (from.is_dir() && !is_slashed(path)) {
            self.delete(&dest)?;
        }
        Ok(())
    }

    /// Kolla's script deletes directories and files, and fails on a link to a directory.
    fn refuse_directory_link(&self, dest: &At) -> Result<()> {
        let root = self.run.root;
        let target = || root.follow(&dest.found, dest.path, Links::Any).ok()?.node;
        if dest.node().is_some_and(Node::is_link) && target().is_some_and(|node| node.is_dir()) {
            let reason = format!(
                "cannot delete {}: it is a symbolic link to a directory",
                show(dest.path)
            );
            return Err(ApplyError::Unexpected(reason));
        }
        Ok(())
    }

    /// Kolla's script deletes a symlink that leads to its own directory before it writes to a path
    /// that goes through it: after forty of them, the symlink itself is the last component.
    fn refuse_to_cut_the_way(&self, dest: &At) -> Result<()> {
        let root = self.run.root;
        match dest.found.link() {
            Some(link) if !root.is_reachable_without(link, dirname(dest.path)) => {
                let reason = format!(
                    "cannot replace {}: it is a symbolic link on the way to itself",
                    show(dest.path)
                );
                Err(ApplyError::Unexpected(reason))
            }
            _ => Ok(()),
        }
    }

    fn delete(&self, dest: &At) -> Result<()> {
        self.run
            .log
            .info(format_args!("Deleting {}", show(dest.path)));
        Ok(dest.found.remove(dest.path)?)
    }

    /// Copies a file, or a directory into an existing one. `link` is the symlink that leads to the
    /// source, if any.
    fn merge(&self, from: &At, link: Option<Found>, dest: At, depth: usize) -> Result<()> {
        if depth == 0 {
            return Err(ApplyError::Unexpected(format!(
                "{}: directories are nested too deep",
                show(from.path)
            )));
        }
        if !from.is_dir() {
            return self.file(from, link.as_ref(), &dest);
        }
        let (dest, is_new) = self.directory(from, dest)?;
        let Some(node) = from.node() else {
            return Ok(());
        };
        let root = self.run.root;
        for listed in node.list(from.path)? {
            let (inner, path) = (from.path.join(&listed.name), dest.path.join(&listed.name));
            if self.excluded(&inner) {
                continue;
            }
            let entry = root.find_listed(&from.found, &listed, &inner)?;
            let (found, link) = self.behind(entry, &inner)?;
            let there = match is_new {
                true => dest.found.vacant(&listed.name, &path)?,
                false => {
                    root.find_in(&dest.found, &listed.name, &path, Links::Trusted, Last::Keep)?
                }
            };
            let (from, dest) = (
                At {
                    path: &inner,
                    found,
                },
                At {
                    path: &path,
                    found: there,
                },
            );
            self.merge(&from, link, dest, depth - 1)?;
        }
        Ok(())
    }

    /// Creates a directory where it is missing and sets its properties. Returns whether it is new.
    fn directory<'p>(&self, from: &At, dest: At<'p>) -> Result<(At<'p>, bool)> {
        let path = dest.path;
        let there = match dest.node() {
            Some(node) if node.is_link() => self.run.root.follow(&dest.found, path, Links::Trusted),
            _ => Ok(dest.found.clone()),
        };
        let there = match there {
            Ok(there) => there,
            Err(error) if error.is_untrusted() => return Err(error.into()),
            Err(_) => dest.found.emptied(),
        };
        let is_new = !there.node.as_ref().is_some_and(Node::is_dir);
        let found = if !is_new {
            there
        } else {
            if is_slashed(path) && dest.node().is_some() {
                let reason = format!("{} is not a directory", show(path));
                return Err(ApplyError::Unexpected(reason));
            }
            if dest.node().is_some() {
                self.delete(&dest)?;
            }
            self.run
                .log
                .info(format_args!("Creating directory {}", show(path)));
            match dest.found.link() {
                // The symlink may have been on the path to itself.
                Some(_) => self.run.root.make_dirs(path)?,
                None => dest.found.make_dir(path)?,
            }
        };
        match (self.properties, &found.node, from.node()) {
            (Some(properties), _, _) => self.run.set_directory(path, &found, properties),
            (None, Some(made), Some(source)) => {
                self.run.log.info(format_args!(
                    "Copying permissions from {} onto {}",
                    show(from.path),
                    show(path)
                ));
                made.copy_properties(path, source, from.path)?;
            }
            _ => {}
        }
        Ok((At { path, found }, is_new))
    }

    fn keeps_links(&self) -> bool {
        self.entry.merge && self.entry.preserve_properties
    }

    fn file(&self, from: &At, link: Option<&Found>, dest: &At) -> Result<()> {
        if dest.found.is_entry(&from.found) || link.is_some_and(|link| dest.found.is_entry(link)) {
            let reason = format!(
                "{} and {} are the same file",
                show(from.path),
                show(dest.path)
            );
            return Err(ApplyError::Unexpected(reason));
        }
        let link = link.and_then(Found::link).filter(|_| self.keeps_links());
        if let Some(there) = dest.node() {
            self.refuse_directory_link(dest)?;
            self.refuse_to_cut_the_way(dest)?;
            if there.is_dir() || link.is_some() {
                self.delete(dest)?;
            } else {
                self.run
                    .log
                    .info(format_args!("Deleting {}", show(dest.path)));
            }
        }
        self.run.log.info(format_args!(
            "Copying {} to {}",
            show(from.path),
            show(dest.path)
        ));
        match link {
            Some(link) => Ok(dest
                .found
                .create_link(dest.path, &link.target(from.path)?)?),
            None => self.content(from, dest),
        }
    }

    /// Writes the file under a temporary name beside its place, sets owner and mode, and renames it.
    fn content(&self, from: &At, dest: &At) -> Result<()> {
        let source = Source::open(&from.found, from.path)?;
        let mut file = NewFile::create(&dest.found, dest.path, 0o600)?;
        file.copy_content(dest.path, &source)?;
        match self.properties {
            Some(properties) => {
                // A file without a mode of its own gets the source's. One that has a mode never has the source's, not even
                // for a moment.
                if properties.mode.is_none() {
                    file.set_mode(dest.path, source.node().mode())?;
                }
                self.set(dest.path, &file, properties);
            }
            None => {
                self.run.log.info(format_args!(
                    "Copying permissions from {} onto {}",
                    show(from.path),
                    show(dest.path)
                ));
                file.copy_properties(dest.path, &source)?;
            }
        }
        Ok(file.put(&dest.found, dest.path)?)
    }

    fn set(&self, path: &Path, file: &NewFile, properties: Properties) {
        let log = self.run.log;
        log.info(format_args!("Setting permission for {}", show(path)));
        let failed = |error: FsError| log.error(format_args!("Failed to set permissions: {error}"));
        file.set_owner(path, properties.owner)
            .unwrap_or_else(failed);
        if let Some(mode) = properties.mode {
            file.set_mode(path, mode).unwrap_or_else(failed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_as_in_python() {
        for (path, expected) in [
            ("/a/b", "/a"),
            ("/a/b/", "/a/b"),
            ("/a", "/"),
            ("//a", "//"),
            ("a", ""),
            ("a//b", "a"),
        ] {
            assert_eq!(dirname(Path::new(path)), Path::new(expected), "{path}");
        }
        assert_eq!(unslashed(Path::new("/a//")), Path::new("/a"));
        assert_eq!(unslashed(Path::new("/")), Path::new("/"));
    }
}
