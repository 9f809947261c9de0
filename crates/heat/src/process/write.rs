//! Writing a processed tree to disk.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use rayon::prelude::*;
use slipway_files::{Lock, StagedFile, remove_unfinished};

use super::{Content, Error, File, Tree};

/// Options of writing files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Writing {
    /// Do not overwrite: a rendered file that exists is an error.
    pub safe: bool,
}

/// Writes a tree to a directory. Each file is written beside its place and then renamed. Other files stay,
/// except for those of an interrupted run. Runs that write to the same directory wait for each other.
pub fn write(tree: &Tree, out: &Path, writing: Writing) -> Result<(), Error> {
    if writing.safe {
        let is_there = |file: &&File| {
            matches!(file.content, Content::Rendered(_)) && out.join(&file.path).exists()
        };
        if let Some(file) = tree.files.iter().find(is_there) {
            return Err(Error::Exists {
                place: out.join(&file.path),
            });
        }
    }
    refuse_own_directory(&tree.root, out)?;
    create(out)?;
    let _lock = lock(out)?;
    clean_up(out)?;
    for directory in &tree.directories {
        let place = out.join(directory);
        create(&place)?;
        clean_up(&place)?;
    }
    tree.files
        .par_iter()
        .try_for_each(|file| write_one(file, &out.join(&file.path)))
}

fn create(place: &Path) -> Result<(), Error> {
    fs::create_dir_all(place).map_err(|error| Error::file("cannot create", place, error))
}

/// Waits until no other run writes to the directory.
fn lock(out: &Path) -> Result<Lock, Error> {
    Lock::wait(|| Lock::try_take_directory(out), |_| {})
        .map_err(|error| Error::file("cannot lock", out, error.into_reason()))
}

fn clean_up(directory: &Path) -> Result<(), Error> {
    remove_unfinished(directory).map_err(|error| Error::file("cannot clean up", directory, error))
}

/// Refuses an output directory inside the templates.
fn refuse_own_directory(root: &Path, out: &Path) -> Result<(), Error> {
    // The location of a missing directory follows from the nearest existing one above it.
    let absolute =
        std::path::absolute(out).map_err(|error| Error::file("cannot find", out, error))?;
    let existing = absolute
        .ancestors()
        .find_map(|ancestor| ancestor.canonicalize().ok());
    match (root.canonicalize(), existing) {
        (Ok(root), Some(place)) if place.starts_with(&root) => Err(Error::Inside {
            out: out.to_owned(),
        }),
        _ => Ok(()),
    }
}

fn write_one(file: &File, place: &Path) -> Result<(), Error> {
    let failed = |error| Error::file("cannot write", place, error);
    let directory = place.parent().unwrap_or(Path::new("."));
    let mut staged = StagedFile::new_in(directory).map_err(failed)?;
    let permissions = match &file.content {
        Content::Rendered(text) => {
            staged.write_all(text.as_bytes()).map_err(failed)?;
            readable()
        }
        Content::Copied(source) => {
            let unreadable = |error| Error::file("cannot read", source, error);
            let mut from = fs::File::open(source).map_err(unreadable)?;
            std::io::copy(&mut from, &mut staged).map_err(failed)?;
            from.metadata().map_err(unreadable)?.permissions()
        }
    };
    staged.file().set_permissions(permissions).map_err(failed)?;
    staged.persist(place).map_err(failed)
}

/// Returns the mode of rendered files: everybody may read them, like their sources.
fn readable() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    fs::Permissions::from_mode(0o644)
}
