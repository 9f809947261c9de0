//! Writes archives as kolla-build lays them out: sorted, without times, everything root's.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tar::EntryType;

use super::error::SourceError;

/// Packs a directory under the name `top`, or its contents alone when `top` is empty.
pub(super) fn directory(directory: &Path, top: &str, to: &Path) -> Result<(), SourceError> {
    let file = File::create(to).map_err(|error| SourceError::io(to, error))?;
    let mut archive = tar::Builder::new(BufWriter::new(file));
    add_directory(&mut archive, directory, Path::new(top)).map_err(|error| error.writing(to))?;
    finish(archive).map_err(|error| SourceError::io(to, error))
}

fn add_directory(
    archive: &mut tar::Builder<impl Write>,
    directory: &Path,
    inside: &Path,
) -> Result<(), SourceError> {
    let at = |error| SourceError::io(directory, error);
    if inside != Path::new("") {
        let mode = fs::metadata(directory).map_err(at)?.permissions().mode();
        append(archive, EntryType::Directory, mode, 0, inside, io::empty()).map_err(at)?;
    }
    let mut names = fs::read_dir(directory)
        .and_then(|entries| {
            entries
                .map(|e| e.map(|e| e.file_name()))
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(at)?;
    names.sort();
    for name in names {
        let (path, inside) = (directory.join(&name), inside.join(&name));
        let at = |error| SourceError::io(&path, error);
        let metadata = fs::symlink_metadata(&path).map_err(at)?;
        let mode = metadata.permissions().mode();
        if metadata.is_dir() {
            add_directory(archive, &path, &inside)?;
        } else if metadata.is_symlink() {
            let target = fs::read_link(&path).map_err(at)?;
            append_link(archive, &inside, &target).map_err(at)?;
        } else if metadata.is_file() {
            let file = File::open(&path).map_err(at)?;
            let size = metadata.len();
            append(
                archive,
                EntryType::Regular,
                mode,
                size,
                &inside,
                file.take(size),
            )
            .map_err(at)?;
        }
    }
    Ok(())
}

/// Adds a member as kolla-build does: root's, without a time, writable by its owner.
pub(super) fn append(
    archive: &mut tar::Builder<impl Write>,
    kind: EntryType,
    mode: u32,
    size: u64,
    inside: &Path,
    bytes: impl Read,
) -> io::Result<()> {
    let mut header = header(kind, (mode & 0o7777) | 0o200)?;
    header.set_size(size);
    archive.append_data(&mut header, inside, bytes)
}

pub(super) fn append_link(
    archive: &mut tar::Builder<impl Write>,
    inside: &Path,
    target: &Path,
) -> io::Result<()> {
    let mut header = header(EntryType::Symlink, 0o777)?;
    header.set_size(0);
    archive.append_link(&mut header, inside, target)
}

fn header(kind: EntryType, mode: u32) -> io::Result<tar::Header> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_username("root")?;
    header.set_groupname("root")?;
    Ok(header)
}

pub(super) fn finish(archive: tar::Builder<BufWriter<File>>) -> io::Result<()> {
    archive.into_inner()?.into_inner()?.sync_data()
}
