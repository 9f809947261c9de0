//! Setting owners and modes.

use std::path::Path;

use regex_lite::Regex;
use rustix::fs::FileType;
use serde_json::{Map, Value};

use super::entry::patterns;
use super::value::{object, text, truthy};
use super::{ApplyError, Result, Run};
use crate::config::parse_perm;
use crate::fs::{Found, Last, Links, MAX_DEPTH, Node, show};

/// An entry of `permissions`, `directories` or `files`.
pub(super) struct Permissions<'a> {
    pub(super) path: String,
    owner: &'a str,
    perm: Option<&'a Value>,
    recurse: bool,
    ignore_globs: bool,
    entry: &'a Map<String, Value>,
}

impl Permissions<'_> {
    pub(super) fn from_value(value: &Value) -> Result<Permissions<'_>> {
        let entry = object(value, "permissions")?;
        Ok(Permissions {
            path: text(entry, "path")?.to_owned(),
            owner: text(entry, "owner")?,
            perm: entry.get("perm"),
            recurse: truthy(entry.get("recurse")),
            ignore_globs: truthy(entry.get("ignore_globs")),
            entry,
        })
    }
}

/// Whose something is to be, and with what mode.
#[derive(Clone, Copy)]
pub(super) struct Properties {
    pub(super) owner: (u32, u32),
    /// None leaves the mode as it is.
    pub(super) mode: Option<u32>,
}

impl Properties {
    /// The mode for a directory: who may read it may enter it.
    pub(super) fn directory_mode(self) -> Option<u32> {
        self.mode.map(|mode| mode | (mode & 0o444) >> 2)
    }
}

/// Reads `perm`; nothing there leaves modes alone.
pub(super) fn mode(perm: Option<&Value>) -> Result<Option<u32>> {
    if !truthy(perm) {
        return Ok(None);
    }
    let wrong = || {
        let perm = perm.and_then(Value::as_str).unwrap_or("not a string");
        ApplyError::Unexpected(format!(
            "Invalid permission '{perm}'. Expected three or four octal digits (0600, 2755), 0o in front or not."
        ))
    };
    perm.and_then(Value::as_str)
        .and_then(parse_perm)
        .map(Some)
        .ok_or_else(wrong)
}

impl Run<'_> {
    /// Sets owner and mode of what `permissions` names. Nothing there is no error.
    pub(super) fn set_permissions(&self, permissions: &Permissions) -> Result<()> {
        let owner = self.owners.ids(permissions.owner)?;
        let paths = match permissions.ignore_globs {
            true => self.root.literal(&permissions.path, Links::Trusted)?,
            false => self.root.glob(&permissions.path, Links::Trusted)?,
        };
        for path in paths {
            let Some(found) =
                self.follow(&path, self.root.find(&path, Links::Trusted, Last::Follow))?
            else {
                continue;
            };
            let properties = Properties {
                owner,
                mode: mode(permissions.perm)?,
            };
            self.set(&path, &found, properties);
            if permissions.recurse && found.node.as_ref().is_some_and(Node::is_dir) {
                let exclude = patterns(permissions.entry)?;
                self.set_below(&path, &found, properties, &exclude, MAX_DEPTH)?;
            }
        }
        Ok(())
    }

    /// What was found behind a link, if it may be followed and leads somewhere.
    fn follow(&self, path: &Path, found: crate::fs::Result<Found>) -> Result<Option<Found>> {
        let shown = show(path);
        self.log
            .info(format_args!("Setting permission for {shown}"));
        match found {
            Ok(found) if found.node.is_some() => return Ok(Some(found)),
            Err(error) if error.is_untrusted() => {
                self.log
                    .warning(format_args!("{error}; what it points to is left as it is"));
            }
            Ok(_) | Err(_) => self.log.warning(format_args!("{shown} does not exist")),
        }
        Ok(None)
    }

    /// A failure to set something is told, and no reason to stop: volumes may be read-only.
    fn set(&self, path: &Path, found: &Found, properties: Properties) {
        let Some(node) = &found.node else { return };
        if let Err(error) = node.set_owner(path, properties.owner) {
            self.log
                .error(format_args!("Failed to set permissions: {error}"));
        }
        let mode = if node.is_dir() {
            properties.directory_mode()
        } else {
            properties.mode
        };
        if let Some(Err(error)) = mode.map(|mode| node.set_mode(path, mode)) {
            self.log
                .error(format_args!("Failed to set permissions: {error}"));
        }
    }

    /// Sets a directory's properties for a copy.
    pub(super) fn set_directory(&self, path: &Path, found: &Found, properties: Properties) {
        self.log
            .info(format_args!("Setting permission for {}", show(path)));
        self.set(path, found, properties);
    }

    fn set_below(
        &self,
        path: &Path,
        dir: &Found,
        properties: Properties,
        exclude: &[Regex],
        depth: usize,
    ) -> Result<()> {
        if depth == 0 {
            return Err(ApplyError::Unexpected(format!(
                "{}: directories are nested too deep",
                show(path)
            )));
        }
        // A directory that cannot be listed is passed over, as Python's os.walk does.
        let names = dir
            .node
            .as_ref()
            .and_then(|node| node.names(path).ok())
            .unwrap_or_default();
        for name in names {
            let inner_path = path.join(&name);
            let inner = self
                .root
                .find_in(dir, &name, &inner_path, Links::Trusted, Last::Keep)?;
            let Some(kind) = inner.node.as_ref().map(Node::kind) else {
                continue;
            };
            if !excluded(&inner_path, exclude) {
                let target = match kind {
                    FileType::Symlink => {
                        self.root
                            .find_in(dir, &name, &inner_path, Links::Trusted, Last::Follow)
                    }
                    _ => Ok(inner.clone()),
                };
                if let Some(target) = self.follow(&inner_path, target)? {
                    self.set(&inner_path, &target, properties);
                }
            }
            if kind == FileType::Directory {
                self.set_below(&inner_path, &inner, properties, exclude, depth - 1)?;
            }
        }
        Ok(())
    }
}

/// Kolla's script goes through the patterns and sets what one of them does not match: only what
/// all of them match is left out.
fn excluded(path: &Path, exclude: &[Regex]) -> bool {
    let path = path.to_string_lossy();
    !exclude.is_empty() && exclude.iter().all(|pattern| pattern.is_match(&path))
}
