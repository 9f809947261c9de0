//! Merges archives into one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Bound::{Excluded, Unbounded};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use slipway_archive::{Archive, ArchiveError, Bound, Kind, Limits, MemberPath};
use tar::EntryType;

use super::error::{SourceError, is_full};
use super::pack::{append, append_link, finish};

/// Bytes that the paths of all members may have together, with the directories around them.
const MAX_PATHS: u64 = 64 << 20;

/// A member of the merged archive.
enum Member {
    Directory { mode: u32 },
    File { mode: u32, start: u64, size: u64 },
    Link { target: Vec<u8> },
}

/// The members of the merged archive. The bytes of files are in `spool`.
struct Merged {
    members: BTreeMap<MemberPath, Member>,
    path_bytes: u64,
    spool: File,
}

/// Merges archives (plain, gzip, bzip2 or xz) into one, under the directory `top`: sorted, without
/// times, everything root's. Of members with the same path the later one is taken. An archive that
/// passes a limit, or has a member that would lie outside of the directory, is an error.
pub fn merge(archives: &[&Path], top: &str, to: &Path) -> Result<(), SourceError> {
    merge_over(&[], archives, top, to)
}

/// Merges archives over files, which are given by their paths inside and on disk.
pub(super) fn merge_over(
    files: &[(&str, &Path)],
    archives: &[&Path],
    top: &str,
    to: &Path,
) -> Result<(), SourceError> {
    let own = |error| SourceError::io(to, error);
    let beside = to.parent().unwrap_or(Path::new("."));
    let mut merged = Merged {
        members: BTreeMap::new(),
        path_bytes: 0,
        spool: tempfile::tempfile_in(beside).map_err(own)?,
    };
    for (inside, path) in files {
        merged
            .add_file(inside, path)
            .map_err(|refusal| refusal.of_archive(path).writing(to))?;
    }
    for path in archives {
        merged
            .add_archive(path)
            .map_err(|refusal| refusal.of_archive(path).writing(to))?;
    }
    let mut archive = tar::Builder::new(BufWriter::new(File::create(to).map_err(own)?));
    merged.write(&mut archive, top).map_err(own)?;
    finish(archive).map_err(own)
}

/// The reason why one archive is refused.
enum Refusal {
    Archive(ArchiveError),
    /// Its contents cannot be spooled.
    Spool(io::Error),
    /// A member that is a directory, and also something else.
    TwoKinds(MemberPath),
    /// A member that would lie elsewhere than its path says.
    Escapes(String),
}

impl From<ArchiveError> for Refusal {
    fn from(error: ArchiveError) -> Refusal {
        Refusal::Archive(error)
    }
}

impl Refusal {
    fn of_archive(self, path: &Path) -> SourceError {
        let invalid = |reason: String| SourceError::NotAnArchive {
            path: path.to_owned(),
            reason,
        };
        match self {
            Refusal::Archive(ArchiveError::Io(error)) => SourceError::io(path, error),
            Refusal::Archive(ArchiveError::LeadsOut { member }) | Refusal::Escapes(member) => {
                SourceError::Escapes {
                    path: path.to_owned(),
                    member,
                }
            }
            Refusal::Archive(other) => invalid(other.to_string()),
            Refusal::Spool(error) if is_full(&error) => SourceError::io(path, error),
            Refusal::Spool(error) => invalid(ArchiveError::from_reading(error).to_string()),
            Refusal::TwoKinds(member) => invalid(format!(
                "its member {:?} is a directory, and also something else",
                member.to_string()
            )),
        }
    }
}

impl Merged {
    fn add_file(&mut self, inside: &str, path: &Path) -> Result<(), Refusal> {
        let mut file = File::open(path).map_err(ArchiveError::Io)?;
        let metadata = file.metadata().map_err(ArchiveError::Io)?;
        let start = self.spool.seek(SeekFrom::End(0)).map_err(Refusal::Spool)?;
        let size = io::copy(&mut file, &mut self.spool).map_err(Refusal::Spool)?;
        let member = Member::File {
            mode: metadata.permissions().mode(),
            start,
            size,
        };
        self.add(
            MemberPath::parse(inside.as_bytes(), &Limits::default())?,
            member,
        )
    }

    fn add_archive(&mut self, path: &Path) -> Result<(), Refusal> {
        let archive = Archive::open(path, &Limits::default())?;
        let limit = archive.content_limit();
        let mut linked = 0;
        archive.members(|member| {
            let path = member.path.clone();
            self.check_parents(&path)?;
            let added = match member.kind.clone() {
                Kind::Directory => Member::Directory { mode: member.mode },
                Kind::File { .. } => {
                    let start = self.spool.seek(SeekFrom::End(0)).map_err(Refusal::Spool)?;
                    let size = io::copy(member, &mut self.spool).map_err(Refusal::Spool)?;
                    Member::File {
                        mode: member.mode,
                        start,
                        size,
                    }
                }
                Kind::Symlink { target } => Member::Link { target },
                Kind::HardLink { target: None } => {
                    return Err(Refusal::Escapes(path.to_string()));
                }
                Kind::HardLink { target: Some(of) } => match self.members.get(&of) {
                    Some(&Member::File { mode, start, size }) => {
                        // Each name becomes a file of its own.
                        linked += size;
                        if linked > limit {
                            return Err(Bound::Total.error(Some(&path), limit).into());
                        }
                        Member::File { mode, start, size }
                    }
                    _ => return Ok(()),
                },
                Kind::Other => return Ok(()),
            };
            self.add(path, added)
        })
    }

    /// Refuses a member that lies below a link, and so elsewhere than its path says, or below a
    /// file.
    fn check_parents(&self, path: &MemberPath) -> Result<(), Refusal> {
        for parent in path.parents() {
            match self.members.get(&parent) {
                Some(Member::Link { .. }) => return Err(Refusal::Escapes(path.to_string())),
                Some(Member::File { .. }) => return Err(Refusal::TwoKinds(parent)),
                Some(Member::Directory { .. }) | None => {}
            }
        }
        Ok(())
    }

    fn add(&mut self, path: MemberPath, member: Member) -> Result<(), Refusal> {
        if path.is_empty() {
            return Ok(());
        }
        match &member {
            Member::Directory { .. } => {}
            Member::Link { .. } if self.has_members(&path) => {
                return Err(Refusal::Escapes(path.to_string()));
            }
            Member::File { .. } if self.has_members(&path) => return Err(Refusal::TwoKinds(path)),
            Member::Link { .. } | Member::File { .. } => {}
        }
        for parent in path.parents() {
            if !self.members.contains_key(&parent) {
                self.insert(parent, Member::Directory { mode: 0o755 })?;
            }
        }
        self.insert(path, member)
    }

    fn insert(&mut self, path: MemberPath, member: Member) -> Result<(), Refusal> {
        let length = path.len() as u64;
        if self.members.insert(path, member).is_none() {
            self.path_bytes += length;
        }
        match self.path_bytes > MAX_PATHS {
            true => Err(Bound::Paths.error(None, MAX_PATHS).into()),
            false => Ok(()),
        }
    }

    /// True when a member lies below a path.
    fn has_members(&self, path: &MemberPath) -> bool {
        let mut after = self.members.range((Excluded(path), Unbounded));
        after.next().is_some_and(|(next, _)| next.is_in(path))
    }

    fn write(&mut self, archive: &mut tar::Builder<impl Write>, top: &str) -> io::Result<()> {
        let top = Path::new(top);
        append(archive, EntryType::Directory, 0o755, 0, top, io::empty())?;
        for (path, member) in &self.members {
            let inside = top.join(path.to_path_buf());
            match member {
                Member::Directory { mode } => {
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
                    self.spool.seek(SeekFrom::Start(*start))?;
                    let bytes = (&mut self.spool).take(*size);
                    append(archive, EntryType::Regular, *mode, *size, &inside, bytes)?;
                }
                Member::Link { target } => append_link(
                    archive,
                    &inside,
                    Path::new(std::ffi::OsStr::from_bytes(target)),
                )?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
