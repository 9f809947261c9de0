//! Writes a rendered tree to disk (`--template-only`).

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::context::DOCKERFILE;
use crate::error::{Error, Result};
use crate::graph::{Images, Selection};
use crate::tree::Tree;
use slipway_files::{AtPath, FileError};

/// Writes the rendered tree to `<work_dir>/docker`; with `keeps_all`, also the images that were not
/// asked for. Returns that path.
pub(crate) fn templates(images: &Images, work_dir: &Path, keeps_all: bool) -> Result<PathBuf> {
    let Images {
        tree,
        graph,
        options,
        ..
    } = images;
    let out = work_dir.join("docker");
    let directories = options.docker_dirs.iter().chain([&options.tree]);
    if let Some(directory) = directories
        .into_iter()
        .find(|directory| is_in(&out, directory))
    {
        return Err(Error::WorkDirInTree {
            work_dir: work_dir.to_owned(),
            directory: directory.clone(),
        });
    }
    let nodes = || {
        let nodes = graph.nodes.iter();
        nodes.map(|node| (node, keeps_all || node.selection == Selection::Matched))
    };
    let dropped: Vec<&str> = nodes()
        .filter(|(_, is_kept)| !is_kept)
        .filter_map(|(node, _)| tree.directory(&node.name))
        .collect();
    let dockerfiles: Vec<(String, &str)> = nodes()
        .filter(|(node, is_kept)| *is_kept && node.fault.is_none())
        .filter_map(|(node, _)| {
            let directory = tree.directory(&node.name)?;
            Some((
                format!("{directory}/{DOCKERFILE}"),
                node.dockerfile.as_str(),
            ))
        })
        .collect();
    write_tree(tree, &dropped, &dockerfiles, &out)
}

/// Writes a tree without some of its directories, and the Dockerfiles into it. What is there besides
/// stays, apart from the directories that are left out. Gives the directory written to.
fn write_tree(
    tree: &Tree,
    dropped: &[&str],
    dockerfiles: &[(String, &str)],
    out: &Path,
) -> Result<PathBuf> {
    let dropped: BTreeSet<&str> = dropped.iter().copied().collect();
    let is_kept =
        |inside: &str| !directories_of(inside).any(|directory| dropped.contains(directory));
    fs::create_dir_all(out).at(out)?;
    for directory in &dropped {
        let path = out.join(directory);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(FileError::new(&path, error).into());
            }
            _ => {}
        }
    }
    for directory in tree.directories().filter(|directory| is_kept(directory)) {
        let path = out.join(directory);
        match fs::create_dir(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            result => result.or_else(|_| fs::create_dir_all(&path)).at(&path)?,
        }
    }
    for (inside, from) in tree.files().filter(|(inside, _)| is_kept(inside)) {
        copy(from, &out.join(inside))?;
    }
    for (inside, text) in dockerfiles {
        let path = out.join(inside);
        fs::write(&path, text).at(&path)?;
    }
    Ok(out.to_owned())
}

/// True when a path is in a directory, or is it. The existing part of the path counts, without links.
pub(crate) fn is_in(path: &Path, directory: &Path) -> bool {
    let there = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = there
        .ancestors()
        .find_map(|above| above.canonicalize().ok());
    match (there, directory.canonicalize()) {
        (Some(there), Ok(directory)) => there.starts_with(directory),
        _ => false,
    }
}

/// A path and the directories it is in.
fn directories_of(inside: &str) -> impl Iterator<Item = &str> {
    let ends = inside.match_indices('/').map(|(at, _)| at);
    ends.chain([inside.len()]).map(|end| &inside[..end])
}

/// The largest file that is read whole.
const SMALL: u64 = 1 << 20;

/// Copies a file with its mode. Most files of a tree are small: one read, one write.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut source = File::open(from).at(from)?;
    let metadata = source.metadata().at(from)?;
    let mode = metadata.permissions().mode() & 0o7777;
    if metadata.size() > SMALL {
        return Ok(write(to, mode, |target| io::copy(&mut source, target).map(drop)).at(to)?);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.size()).unwrap_or_default() + 1);
    source.read_to_end(&mut bytes).at(from)?;
    Ok(write(to, mode, |target| target.write_all(&bytes)).at(to)?)
}

fn write(to: &Path, mode: u32, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut options = File::options();
    let mut target = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(to)?;
    fill(&mut target)?;
    // A file that was there keeps its mode, and a new one loses what the umask says.
    if target.metadata()?.permissions().mode() & 0o7777 != mode {
        target.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_error_names_the_written_file() {
        let dir = tempfile::tempdir().unwrap();
        let images = dir.path().join("images");
        fs::create_dir_all(images.join("base")).unwrap();
        fs::write(images.join("base/Dockerfile.j2"), "FROM x").unwrap();
        let out = dir.path().join("out");
        fs::create_dir_all(out.join("base/Dockerfile.j2")).unwrap();
        let images = Tree::open(&images, &[]).unwrap();
        let error = write_tree(&images, &[], &[], &out).unwrap_err().to_string();
        assert!(
            error.starts_with(&out.join("base/Dockerfile.j2").display().to_string()),
            "{error}"
        );
    }
}
