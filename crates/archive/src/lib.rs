//! Reads tar archives that others made, within bounds.
//!
//! An archive from elsewhere can be a bomb: a few bytes that become gigabytes, a dictionary larger
//! than the memory, a million members, directories without end. [`Archive::open`] recognises plain
//! tar, gzip, bzip2 and xz by their first bytes, and [`Archive::members`] hands over one member
//! after another as the archive is read. Whatever passes a bound of [`Limits`] is an
//! [`ArchiveError::TooLarge`], raised before a byte of the member in question is handed over.
//!
//! Each member comes with a [`MemberPath`]: `.` and `..` are resolved, and a path that leads out of
//! the archive is an error.
//!
//! ```
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("sources.tar");
//! # let mut tar = tar::Builder::new(std::fs::File::create(&path)?);
//! # let mut header = tar::Header::new_gnu();
//! # header.set_size(2);
//! # tar.append_data(&mut header, "nova/setup.cfg", &b"ok"[..])?;
//! # tar.finish()?;
//! use slipway_archive::{Archive, ArchiveError, Kind, Limits};
//!
//! let mut names = Vec::new();
//! Archive::open(&path, &Limits::default())?.members(|member| {
//!     if let Kind::File { size } = member.kind {
//!         names.push((member.path.to_string(), size));
//!     }
//!     Ok::<(), ArchiveError>(())
//! })?;
//! assert_eq!(names, [("nova/setup.cfg".to_owned(), 2)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bounds;
mod error;
mod path;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use tar::EntryType;

pub use bounds::Limits;
use bounds::{Budget, Metered};
pub use error::{ArchiveError, Bound};
pub use path::MemberPath;

/// Memory that decompressing xz may take, in KiB. `xz -9` needs a dictionary of 64 MiB.
const XZ_MEMORY: u32 = 128 << 10;

/// An archive, open for reading.
pub struct Archive {
    tar: tar::Archive<Metered<Box<dyn Read>>>,
    budget: Budget,
    limits: Limits,
}

/// One member of an archive. It can be read when it is a file.
pub struct Member<'a> {
    /// Its place in the archive.
    pub path: MemberPath,
    /// Its kind.
    pub kind: Kind,
    /// Its permission bits.
    pub mode: u32,
    /// The ids of its user and group.
    pub owner: (u64, u64),
    contents: tar::Entry<'a, Metered<Box<dyn Read>>>,
}

/// The kinds of members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A file, holes included in its size.
    File {
        /// Its size in bytes.
        size: u64,
    },
    /// A symbolic link.
    Symlink {
        /// The path that it holds.
        target: Vec<u8>,
    },
    /// A further name of a member before it.
    HardLink {
        /// The path of that member; `None` when it leads out of the archive.
        target: Option<MemberPath>,
    },
    /// A device, a pipe, or a header for the whole archive.
    Other,
}

impl Archive {
    /// Opens an archive file.
    pub fn open(path: &Path, limits: &Limits) -> Result<Archive, ArchiveError> {
        let file = File::open(path).map_err(ArchiveError::Io)?;
        let packed = file.metadata().map_err(ArchiveError::Io)?.len();
        Archive::from_reader(file, packed, limits)
    }

    /// Reads an archive of `packed` bytes.
    pub fn from_reader(
        source: impl Read + Seek + 'static,
        packed: u64,
        limits: &Limits,
    ) -> Result<Archive, ArchiveError> {
        let budget = Budget::new(limits, packed);
        let unpacked = decompressed(source).map_err(ArchiveError::Io)?;
        Ok(Archive {
            tar: tar::Archive::new(budget.meter(unpacked)),
            budget,
            limits: *limits,
        })
    }

    /// Reads an archive that is not compressed, as it arrives.
    pub fn stream(source: impl Read + 'static, limits: &Limits) -> Archive {
        // The limit on the ratio is for what is compressed.
        let budget = Budget::new(limits, u64::MAX);
        let source: Box<dyn Read> = Box::new(source);
        Archive {
            tar: tar::Archive::new(budget.meter(source)),
            budget,
            limits: *limits,
        }
    }

    /// The bytes that the contents of all members may have together: the smaller of the limits on
    /// the total and on the compression ratio.
    pub fn content_limit(&self) -> u64 {
        self.budget.content_limit()
    }

    /// Calls `visit` with each member, in the archive's order. What `visit` leaves unread of a
    /// member is skipped.
    pub fn members<E: From<ArchiveError>>(
        mut self,
        mut visit: impl FnMut(&mut Member<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (budget, limits) = (self.budget.clone(), self.limits);
        let mut entries = self.tar.entries().map_err(ArchiveError::from_reading)?;
        let mut count = 0;
        loop {
            budget.begin_header();
            let Some(entry) = entries.next() else {
                return Ok(());
            };
            let entry = entry.map_err(ArchiveError::from_reading)?;
            budget.begin_contents();
            count += 1;
            if count > limits.entries {
                return Err(Bound::Entries.error(None, limits.entries).into());
            }
            let mut member = member(entry, &limits)?;
            if let Kind::File { size } = member.kind {
                budget.add_contents(&member.path, size, &limits)?;
            }
            visit(&mut member)?;
            io::copy(&mut member.contents, &mut io::sink()).map_err(ArchiveError::from_reading)?;
        }
    }
}

impl Read for Member<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.contents.read(buffer)
    }
}

fn member<'a>(
    entry: tar::Entry<'a, Metered<Box<dyn Read>>>,
    limits: &Limits,
) -> Result<Member<'a>, ArchiveError> {
    let path = MemberPath::parse(&entry.path_bytes(), limits)?;
    let target = || entry.link_name_bytes().unwrap_or_default().into_owned();
    let kind = match entry.header().entry_type() {
        EntryType::Directory => Kind::Directory,
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            Kind::File { size: entry.size() }
        }
        EntryType::Symlink => match target() {
            target if target.len() > limits.path => {
                return Err(Bound::Path.error(Some(&path), limits.path as u64));
            }
            target => Kind::Symlink { target },
        },
        EntryType::Link => match MemberPath::parse(&target(), limits) {
            Ok(target) => Kind::HardLink {
                target: Some(target),
            },
            Err(ArchiveError::LeadsOut { .. }) => Kind::HardLink { target: None },
            Err(error) => return Err(error),
        },
        _ => Kind::Other,
    };
    Ok(Member {
        mode: entry.header().mode().unwrap_or(0o644),
        owner: (
            entry.header().uid().unwrap_or_default(),
            entry.header().gid().unwrap_or_default(),
        ),
        path,
        kind,
        contents: entry,
    })
}

/// The bytes of an archive, decompressed as its first bytes tell.
fn decompressed(source: impl Read + Seek + 'static) -> io::Result<Box<dyn Read>> {
    let mut source = BufReader::new(source);
    let mut magic = Vec::new();
    source.by_ref().take(6).read_to_end(&mut magic)?;
    source.seek(SeekFrom::Start(0))?;
    Ok(match magic.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(source)),
        [b'B', b'Z', b'h', ..] => Box::new(bzip2::read::MultiBzDecoder::new(source)),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => {
            Box::new(lzma_rust2::XzReader::new_mem_limit(source, true, XZ_MEMORY))
        }
        _ => Box::new(source),
    })
}

#[cfg(test)]
mod tests;
