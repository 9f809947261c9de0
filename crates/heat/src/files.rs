//! The files of templates: those on the disk, and those that `*.j2.yaml` become.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::environment::absolute;
use crate::error::{Error, Problem, Result};
use crate::process::{self, Inputs};

/// How many bytes a file may have.
const LARGEST: u64 = 64 << 20;

/// What TripleO's templates have before they are processed, and what it becomes.
const UNPROCESSED: &str = "overcloud-resource-registry-puppet.j2.yaml";
const PROCESSED: &str = "overcloud-resource-registry-puppet.yaml";

/// Files, some of which were only made in memory.
#[derive(Default)]
pub(crate) struct Files(HashMap<PathBuf, String>);

impl Files {
    /// The files in a folder. Those of TripleO's templates that are made of `*.j2.yaml` are made, with
    /// the roles of this file or of their own, where nobody has done it.
    pub(crate) fn of(folder: &Path, roles: Option<&Path>) -> Result<Self> {
        if !folder.join(UNPROCESSED).is_file() || folder.join(PROCESSED).exists() {
            return Ok(Self::default());
        }
        let wrong = |error: process::Error| Error::from(Problem::Processing(error.to_string()));
        let inputs = Inputs::of(folder, roles, None).map_err(wrong)?;
        let tree = process::process(folder, &inputs).map_err(wrong)?;
        let made = tree
            .files
            .into_iter()
            .filter_map(|file| match file.content {
                process::Content::Rendered(text) => Some((absolute(&folder.join(file.path)), text)),
                process::Content::Copied(_) => None,
            });
        Ok(Self(made.collect()))
    }

    /// How many were made.
    pub(crate) fn made(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn read(&self, path: &Path) -> io::Result<String> {
        match self.find(path) {
            Some(text) => Ok(text.clone()),
            None => read(path),
        }
    }

    pub(crate) fn is_file(&self, path: &Path) -> bool {
        self.find(path).is_some() || path.is_file()
    }

    fn find(&self, path: &Path) -> Option<&String> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&absolute(path))
    }
}

/// A file's text. What a template names may be a device that never ends.
fn read(path: &Path) -> io::Result<String> {
    let file = std::fs::File::open(path)?;
    let expected = file.metadata()?.len().min(LARGEST);
    let mut text = String::with_capacity(usize::try_from(expected).unwrap_or_default());
    let length = file.take(LARGEST + 1).read_to_string(&mut text)?;
    if length as u64 > LARGEST {
        let reason = format!("it is larger than {} MiB", LARGEST >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
    }
    Ok(text)
}
