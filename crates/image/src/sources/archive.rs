//! Archives: reading any, writing normalised ones.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Bound;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path};

use tar::EntryType;

use super::error::{SourceError, is_full};

/// How many bytes a file with holes may have: a few hundred bytes of an archive can say any number.
const MAX_SPARSE: u64 = 1 << 30;

/// A member's place: the names of the folders and its own. Sorting these visits a tree in order.
type Names = Vec<Vec<u8>>;

/// What a member is.
enum Member {
    Folder { mode: u32 },
    File { mode: u32, start: u64, size: u64 },
    Link { target: Vec<u8> },
}

/// Packs a folder, under the name `top` (without a folder of its own when that is empty).
pub(super) fn of_folder(folder: &Path, top: &str, to: &Path) -> Result<(), SourceError> {
    let file = File::create(to).map_err(|error| SourceError::io(to, error))?;
    let mut archive = tar::Builder::new(BufWriter::new(file));
    add_folder(&mut archive, folder, Path::new(top)).map_err(|error| error.writing(to))?;
    finish(archive).map_err(|error| SourceError::io(to, error))
}

fn add_folder(
    archive: &mut tar::Builder<impl Write>,
    folder: &Path,
    inside: &Path,
) -> Result<(), SourceError> {
    let at = |error| SourceError::io(folder, error);
    if inside != Path::new("") {
        let mode = fs::metadata(folder).map_err(at)?.permissions().mode();
        append(archive, EntryType::Directory, mode, 0, inside, io::empty()).map_err(at)?;
    }
    let mut names = fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|e| e.map(|e| e.file_name()))
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(at)?;
    names.sort();
    for name in names {
        let (path, inside) = (folder.join(&name), inside.join(&name));
        let at = |error| SourceError::io(&path, error);
        let metadata = fs::symlink_metadata(&path).map_err(at)?;
        let mode = metadata.permissions().mode();
        if metadata.is_dir() {
            add_folder(archive, &path, &inside)?;
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

/// Puts the members of several archives (plain, gzip, bzip2 or xz) into one, under the folder `top`,
/// sorted, without times, everything root's. Where two have the same, the later one's is taken. A
/// member that would come to lie outside of that folder is an error.
pub fn together(archives: &[&Path], top: &str, to: &Path) -> Result<(), SourceError> {
    let own = |error| SourceError::io(to, error);
    let mut spool = tempfile::tempfile_in(to.parent().unwrap_or(Path::new("."))).map_err(own)?;
    let mut members = BTreeMap::new();
    for path in archives {
        unpack(path, &mut spool, &mut members).map_err(|error| error.writing(to))?;
    }
    let mut archive = tar::Builder::new(BufWriter::new(File::create(to).map_err(own)?));
    write(&mut archive, &members, &mut spool, top).map_err(own)?;
    finish(archive).map_err(own)
}

/// Reads an archive's members; the bytes of its files go to `spool`.
fn unpack(
    path: &Path,
    spool: &mut File,
    members: &mut BTreeMap<Names, Member>,
) -> Result<(), SourceError> {
    let not_one = |error: io::Error| match is_full(&error) {
        true => SourceError::io(path, error),
        false => SourceError::NotAnArchive {
            path: path.to_owned(),
            reason: error.to_string(),
        },
    };
    let mut archive = tar::Archive::new(open(path)?);
    for entry in archive.entries().map_err(not_one)? {
        let mut entry = entry.map_err(not_one)?;
        let escapes = |name: &[u8]| SourceError::Escapes {
            path: path.to_owned(),
            member: String::from_utf8_lossy(name).into_owned(),
        };
        let name = entry.path_bytes().into_owned();
        let kind = entry.header().entry_type();
        let Some(names) = names(&name) else {
            return Err(escapes(&name));
        };
        if leads_through_a_link(&names, members) {
            return Err(escapes(&name));
        }
        let is_both = |names: &Names| {
            let shown = String::from_utf8_lossy(&names.join(&b'/')).into_owned();
            SourceError::NotAnArchive {
                path: path.to_owned(),
                reason: format!("its member {shown:?} is a folder, and also something else"),
            }
        };
        if let Some(parent) = file_above(&names, members) {
            return Err(is_both(&parent));
        }
        let mode = entry.header().mode().unwrap_or(0o644);
        let member = match kind {
            EntryType::Directory => Member::Folder { mode },
            EntryType::GNUSparse if entry.size() > MAX_SPARSE => {
                return Err(not_one(io::Error::other(format!(
                    "its member {:?} would have {} bytes, nearly all of them holes",
                    String::from_utf8_lossy(&name),
                    entry.size()
                ))));
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let start = spool.seek(SeekFrom::End(0)).map_err(not_one)?;
                let size = io::copy(&mut entry, spool).map_err(not_one)?;
                Member::File { mode, start, size }
            }
            EntryType::Symlink => Member::Link {
                target: entry.link_name_bytes().unwrap_or_default().into_owned(),
            },
            EntryType::Link => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                match self::names(&target).map(|names| members.get(&names)) {
                    Some(Some(Member::File { mode, start, size })) => Member::File {
                        mode: *mode,
                        start: *start,
                        size: *size,
                    },
                    Some(_) => continue,
                    None => return Err(escapes(&target)),
                }
            }
            // Headers for the whole archive, devices, pipes.
            _ => continue,
        };
        if !names.is_empty() {
            if !matches!(member, Member::Folder { .. }) && has_members(&names, members) {
                return Err(match member {
                    Member::Link { .. } => escapes(&name),
                    _ => is_both(&names),
                });
            }
            add_parents(&names, members);
            members.insert(names, member);
        }
    }
    Ok(())
}

/// Any archive, unpacked as it is read: its first bytes tell how.
fn open(path: &Path) -> Result<Box<dyn Read>, SourceError> {
    let at = |error| SourceError::io(path, error);
    let mut file = BufReader::new(File::open(path).map_err(at)?);
    let mut magic = Vec::new();
    file.by_ref().take(6).read_to_end(&mut magic).map_err(at)?;
    file.seek(SeekFrom::Start(0)).map_err(at)?;
    Ok(match magic.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(file)),
        [b'B', b'Z', b'h', ..] => Box::new(bzip2::read::MultiBzDecoder::new(file)),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => {
            let mut unpacked = tempfile::tempfile().map_err(at)?;
            lzma_rs::xz_decompress(&mut file, &mut unpacked).map_err(|error| {
                SourceError::NotAnArchive {
                    path: path.to_owned(),
                    reason: format!("{error:?}"),
                }
            })?;
            unpacked.seek(SeekFrom::Start(0)).map_err(at)?;
            Box::new(BufReader::new(unpacked))
        }
        _ => Box::new(file),
    })
}

/// The names in a member's path; `None` when it leads out of the archive's folder.
fn names(path: &[u8]) -> Option<Names> {
    use std::os::unix::ffi::OsStrExt;
    let mut names = Names::new();
    for component in Path::new(std::ffi::OsStr::from_bytes(path)).components() {
        match component {
            Component::Normal(name) => names.push(name.as_bytes().to_owned()),
            Component::CurDir => {}
            Component::ParentDir => {
                names.pop()?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(names)
}

/// Whether a member lies below a link of the archive, and so elsewhere than its path says.
fn leads_through_a_link(names: &Names, members: &BTreeMap<Names, Member>) -> bool {
    (1..names.len()).any(|end| matches!(members.get(&names[..end]), Some(Member::Link { .. })))
}

/// The file that a member would lie in, as if it were a folder.
fn file_above(names: &Names, members: &BTreeMap<Names, Member>) -> Option<Names> {
    let mut above = (1..names.len()).map(|end| &names[..end]);
    let file = above.find(|above| matches!(members.get(*above), Some(Member::File { .. })))?;
    Some(file.to_vec())
}

/// Whether something lies below a place.
fn has_members(names: &Names, members: &BTreeMap<Names, Member>) -> bool {
    let mut after = members.range::<Names, _>((Bound::Excluded(names), Bound::Unbounded));
    after
        .next()
        .is_some_and(|(next, _)| next.starts_with(names))
}

fn add_parents(names: &Names, members: &mut BTreeMap<Names, Member>) {
    for end in 1..names.len() {
        let parent = members.entry(names[..end].to_vec());
        parent.or_insert(Member::Folder { mode: 0o755 });
    }
}

fn write(
    archive: &mut tar::Builder<impl Write>,
    members: &BTreeMap<Names, Member>,
    spool: &mut File,
    top: &str,
) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let as_path = |bytes: &[u8]| Path::new(std::ffi::OsStr::from_bytes(bytes)).to_owned();
    let top = Path::new(top);
    append(archive, EntryType::Directory, 0o755, 0, top, io::empty())?;
    for (names, member) in members {
        let inside = top.join(as_path(&names.join(&b'/')));
        match member {
            Member::Folder { mode } => {
                append(
                    archive,
                    EntryType::Directory,
                    *mode,
                    0,
                    &inside,
                    io::empty(),
                )?;
            }
            Member::File { mode, start, size } => {
                spool.seek(SeekFrom::Start(*start))?;
                let bytes = spool.take(*size);
                append(archive, EntryType::Regular, *mode, *size, &inside, bytes)?;
            }
            Member::Link { target } => append_link(archive, &inside, &as_path(target))?,
        }
    }
    Ok(())
}

/// Adds a member as kolla-build does: root's, without a time, writable by its owner.
fn append(
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

fn append_link(
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

fn finish(archive: tar::Builder<BufWriter<File>>) -> io::Result<()> {
    archive.into_inner()?.into_inner()?.sync_data()
}

#[cfg(test)]
mod tests;
