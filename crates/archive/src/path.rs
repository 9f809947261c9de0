//! Paths of members.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::bounds::Limits;
use crate::error::{ArchiveError, Bound};

/// Characters of a path that an error shows.
const SHOWN: usize = 100;

/// A member's place in an archive, without `.` and `..`. Empty for the archive's own directory.
///
/// Paths sort as a walk through the directories: a directory, all that is in it, then its sibling.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberPath(
    /// The names, with NUL between them, which sorts before any byte of a name.
    Vec<u8>,
);

impl MemberPath {
    /// Parses a path as an archive has it.
    pub fn parse(path: &[u8], limits: &Limits) -> Result<MemberPath, ArchiveError> {
        let shown = || MemberPath(path.to_owned()).shortened();
        if path.len() > limits.path {
            return Err(Bound::Path.error(Some(&MemberPath(path.to_owned())), limits.path as u64));
        }
        if path.contains(&0) {
            return Err(ArchiveError::Invalid(format!(
                "the path of its member {:?} has a NUL in it",
                shown()
            )));
        }
        let leads_out = || ArchiveError::LeadsOut { member: shown() };
        let mut names: Vec<&[u8]> = Vec::new();
        for component in Path::new(OsStr::from_bytes(path)).components() {
            match component {
                Component::Normal(name) => names.push(name.as_bytes()),
                Component::CurDir => {}
                Component::ParentDir => {
                    names.pop().ok_or_else(leads_out)?;
                }
                Component::RootDir | Component::Prefix(_) => return Err(leads_out()),
            }
        }
        let parsed = MemberPath(names.join(&0));
        match names.len() > limits.depth {
            true => Err(Bound::Depth.error(Some(&parsed), limits.depth as u64)),
            false => Ok(parsed),
        }
    }

    /// True for the archive's own directory.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The directories around it, outermost first.
    pub fn parents(&self) -> impl Iterator<Item = MemberPath> {
        let ends = self.0.iter().enumerate().filter(|(_, byte)| **byte == 0);
        ends.map(|(end, _)| MemberPath(self.0[..end].to_owned()))
    }

    /// True when it lies in a directory, at any depth.
    pub fn is_in(&self, directory: &MemberPath) -> bool {
        match self.0.strip_prefix(directory.0.as_slice()) {
            Some(rest) => directory.is_empty() != rest.starts_with(&[0]),
            None => false,
        }
    }

    /// The path on disk, relative to the directory that the archive is unpacked in.
    pub fn to_path_buf(&self) -> PathBuf {
        let names = self.0.split(|byte| *byte == 0);
        names.map(OsStr::from_bytes).collect()
    }

    /// The beginning of the path, for an error.
    pub(crate) fn shortened(&self) -> String {
        let text = self.to_string();
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}

impl fmt::Display for MemberPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: Vec<u8> = self
            .0
            .iter()
            .map(|b| if *b == 0 { b'/' } else { *b })
            .collect();
        f.write_str(&String::from_utf8_lossy(&text))
    }
}
