//! The files of templates: those on disk, and those that are rendered from `*.j2.yaml`.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::environment::absolute;
use crate::error::{Error, Problem, Result};
use crate::process::{self, Inputs};
use crate::sources::Sources;

/// A file that TripleO's templates have before they are processed, and its result.
const UNPROCESSED: &str = "overcloud-resource-registry-puppet.j2.yaml";
const PROCESSED: &str = "overcloud-resource-registry-puppet.yaml";

/// Files, some of them only in memory.
#[derive(Default)]
pub(crate) struct Files(HashMap<PathBuf, String>);

impl Files {
    /// Returns the files of a directory. If TripleO's templates are not processed yet, the files that
    /// `*.j2.yaml` make are rendered. They win over files of the same name.
    pub(crate) fn of(directory: &Path, sources: &Sources) -> Result<Self> {
        if !directory.join(UNPROCESSED).is_file() || directory.join(PROCESSED).exists() {
            return Ok(Self::default());
        }
        let wrong = |error: process::Error| Error::from(Problem::Processing(error.to_string()));
        let inputs = Inputs::of(
            directory,
            sources.roles.as_deref(),
            sources.networks.as_deref(),
        )
        .map_err(wrong)?;
        let tree = process::process(directory, &inputs).map_err(wrong)?;
        let made = tree
            .files
            .into_iter()
            .filter_map(|file| match file.content {
                process::Content::Rendered(text) => {
                    Some((absolute(&directory.join(file.path)), text))
                }
                process::Content::Copied(_) => None,
            });
        Ok(Self(made.collect()))
    }

    /// Returns the number of files that were made.
    pub(crate) fn made(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn read(&self, path: &Path) -> io::Result<String> {
        match self.find(path) {
            Some(text) => Ok(text.clone()),
            None => slipway_files::read_input(path),
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
