//! The processed tree, on disk.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use rayon::prelude::*;
use rustix::fs::{FlockOperation, flock};

use super::{Content, Error, File, Tree};

/// How files are written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Writing {
    /// Leave what is there: a rendered file that exists is an error. Otherwise it is overwritten.
    pub safe: bool,
}

/// How the names of files begin that are not in their places yet.
const BESIDE: &str = ".slipway-";

/// Writes a tree into a folder, each beside its place and then renamed. What else is there stays, but
/// for what a run left that was cut off. Another run that writes there is waited for.
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
    refuse_own_folder(&tree.root, out)?;
    create(out)?;
    let _alone = alone_in(out)?;
    remove_unfinished(out)?;
    for folder in &tree.folders {
        let place = out.join(folder);
        create(&place)?;
        remove_unfinished(&place)?;
    }
    tree.files
        .par_iter()
        .try_for_each(|file| write_one(file, &out.join(&file.path)))
}

fn create(place: &Path) -> Result<(), Error> {
    fs::create_dir_all(place).map_err(|error| Error::file("cannot create", place, error))
}

/// Waits until no other run writes there.
fn alone_in(out: &Path) -> Result<fs::File, Error> {
    let wrong = |error| Error::file("cannot lock", out, error);
    let file = fs::File::open(out).map_err(wrong)?;
    flock(&file, FlockOperation::LockExclusive).map_err(|error| wrong(error.into()))?;
    Ok(file)
}

/// Removes what a run left that was cut off.
fn remove_unfinished(folder: &Path) -> Result<(), Error> {
    let wrong = |error| Error::file("cannot clean up", folder, error);
    for entry in fs::read_dir(folder).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| name.starts_with(BESIDE));
        if is_ours && entry.file_type().map_err(wrong)?.is_file() {
            fs::remove_file(entry.path()).map_err(wrong)?;
        }
    }
    Ok(())
}

/// The result must not become part of what it is made from.
fn refuse_own_folder(root: &Path, out: &Path) -> Result<(), Error> {
    // What is not there yet is in what is.
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
    let folder = place.parent().unwrap_or(Path::new("."));
    let mut beside = tempfile::Builder::new()
        .prefix(BESIDE)
        .tempfile_in(folder)
        .map_err(failed)?;
    let permissions = match &file.content {
        Content::Rendered(text) => {
            beside.write_all(text.as_bytes()).map_err(failed)?;
            readable()
        }
        Content::Copied(source) => {
            let unreadable = |error| Error::file("cannot read", source, error);
            let mut from = fs::File::open(source).map_err(unreadable)?;
            std::io::copy(&mut from, &mut beside).map_err(failed)?;
            from.metadata().map_err(unreadable)?.permissions()
        }
    };
    beside
        .as_file()
        .set_permissions(permissions)
        .map_err(failed)?;
    beside.persist(place).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Templates are for everybody to read, as what they are made from is.
fn readable() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    fs::Permissions::from_mode(0o644)
}
