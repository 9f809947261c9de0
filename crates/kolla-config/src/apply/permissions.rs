//! Sets owners and modes.

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::path::Path;

use regex_lite::Regex;
use rustix::fs::FileType;
use serde_json::{Map, Value};

use super::entry::patterns;
use super::value::{object, text, truthy};
use super::{ApplyError, Result, Run};
use crate::config::parse_perm;
use crate::fs::{Found, FsError, Last, Links, Listed, MAX_DEPTH, Node, show};

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

/// The owner and the mode to set.
#[derive(Clone, Copy)]
pub(super) struct Properties {
    pub(super) owner: (u32, u32),
    /// `None` leaves the mode unchanged.
    pub(super) mode: Option<u32>,
}

impl Properties {
    /// Returns the mode for a directory: a user who can read it can also enter it.
    pub(super) fn directory_mode(self) -> Option<u32> {
        self.mode.map(|mode| mode | (mode & 0o444) >> 2)
    }
}

/// Reads `perm`; without it, modes stay unchanged.
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
        .and_then(|perm| parse_perm(perm).or_else(|| parse_perm(five_digits(perm)?)))
        .map(Some)
        .ok_or_else(wrong)
}

/// Returns the digits of a five-digit mode that begins with 0, as Kolla accepted it up to 6.2.4.
fn five_digits(perm: &str) -> Option<&str> {
    perm.strip_prefix('0')
        .filter(|digits| digits.len() == 4 && !digits.starts_with('o'))
}

impl Run<'_> {
    /// Sets owner and mode of the paths in `permissions`. A missing path is not an error.
    pub(super) fn set_permissions(&self, permissions: &Permissions) -> Result<()> {
        let owner = self.owners.ids(permissions.owner)?;
        let paths = match permissions.ignore_globs {
            true => self.root.literal(&permissions.path, Links::Trusted),
            false => self.root.glob(&permissions.path, Links::Trusted),
        };
        let paths = match paths {
            Err(error) if self.pass_over(&error) => Vec::new(),
            paths => paths?,
        };
        for path in paths {
            let Some(found) =
                self.followed(&path, self.root.find(&path, Links::Trusted, Last::Follow))
            else {
                continue;
            };
            let properties = Properties {
                owner,
                mode: mode(permissions.perm)?,
            };
            self.set(&path, &found, properties);
            if permissions.recurse {
                self.set_below(
                    &path,
                    &found,
                    properties,
                    &Exclude::of(permissions.entry),
                    MAX_DEPTH,
                )?;
            }
        }
        Ok(())
    }

    /// Logs that a symlink is not followed, if that was the error.
    fn pass_over(&self, error: &FsError) -> bool {
        if error.is_untrusted() {
            self.log
                .warning(format_args!("{error}; what it points to is left as it is"));
        }
        error.is_untrusted()
    }

    /// Returns the target of a symlink that may be followed and is not dangling.
    fn followed(&self, path: &Path, found: crate::fs::Result<Found>) -> Option<Found> {
        let shown = show(path);
        self.log
            .info(format_args!("Setting permission for {shown}"));
        match found {
            Ok(found) if found.node.is_some() => return Some(found),
            Err(error) if self.pass_over(&error) => {}
            Ok(_) | Err(_) => self.log.warning(format_args!("{shown} does not exist")),
        }
        None
    }

    /// Logs a failure and continues: volumes may be read-only.
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

    /// Sets only a file's owner, without looking at the file.
    fn set_owner_in(&self, dir: &Node, name: &OsStr, path: &Path, owner: (u32, u32)) {
        self.log
            .info(format_args!("Setting permission for {}", show(path)));
        if let Err(error) = dir.set_owner_in(name, path, owner) {
            self.log
                .error(format_args!("Failed to set permissions: {error}"));
        }
    }

    fn set_below(
        &self,
        path: &Path,
        dir: &Found,
        properties: Properties,
        exclude: &Exclude,
        depth: usize,
    ) -> Result<()> {
        if depth == 0 {
            return Err(ApplyError::Unexpected(format!(
                "{}: directories are nested too deep",
                show(path)
            )));
        }
        // A directory that cannot be listed is skipped, as Python's os.walk does.
        let Some(node) = &dir.node else { return Ok(()) };
        for Listed { name, kind } in node.list(path).unwrap_or_default() {
            let inner_path = path.join(&name);
            if kind == FileType::RegularFile && properties.mode.is_none() {
                if !exclude.leaves_out(&inner_path)? {
                    self.set_owner_in(node, &name, &inner_path, properties.owner);
                }
                continue;
            }
            let inner = self
                .root
                .find_in(dir, &name, &inner_path, Links::Trusted, Last::Keep)?;
            let Some(kind) = inner.node.as_ref().map(Node::kind) else {
                continue;
            };
            if !exclude.leaves_out(&inner_path)? {
                let target = self.root.follow(&inner, &inner_path, Links::Trusted);
                if let Some(target) = self.followed(&inner_path, target) {
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

/// The expressions of `exclude`, compiled when a path may be excluded: until then an invalid one is
/// not an error.
struct Exclude<'a> {
    entry: &'a Map<String, Value>,
    patterns: OnceCell<Vec<Regex>>,
}

impl Exclude<'_> {
    fn of(entry: &Map<String, Value>) -> Exclude<'_> {
        Exclude {
            entry,
            patterns: OnceCell::new(),
        }
    }

    /// Kolla's script sets a path once for each pattern that does not match it, so only a path that
    /// all patterns match is excluded.
    fn leaves_out(&self, path: &Path) -> Result<bool> {
        let patterns = match self.patterns.get() {
            Some(patterns) => patterns,
            None => {
                let compiled = patterns(self.entry)?;
                self.patterns.get_or_init(|| compiled)
            }
        };
        let path = path.to_string_lossy();
        Ok(!patterns.is_empty() && patterns.iter().all(|pattern| pattern.is_match(&path)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_those_of_kolla_now_and_then() {
        let read = |perm: &str| mode(Some(&Value::from(perm))).ok();
        assert_eq!(read(""), Some(None));
        assert_eq!(read("2755"), Some(Some(0o2755)));
        assert_eq!(read("0o644"), Some(Some(0o644)));
        assert_eq!(read("02755"), Some(Some(0o2755)));
        for wrong in [
            "12755", "002755", "00o75", "00o755", "0o02755", "02795", "u=rw",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert!(mode(Some(&Value::from(600))).is_err());
    }
}
