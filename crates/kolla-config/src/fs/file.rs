//! Reads files, and writes them beside their place before they are renamed.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Permissions};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, fchown};
use std::path::Path;
use std::rc::Rc;

use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, openat, renameat, symlinkat, unlinkat};
use rustix::io::{Errno, retry_on_intr};

use super::node::copy_times_and_attributes;
use super::{Cause, Found, FsError, Last, Links, Node, Result, Root};

/// The most bytes that are read from a device; some never end.
const DEVICE_LIMIT: u64 = 16 << 20;

/// A file opened to be copied.
pub(crate) struct Source {
    /// The open file, which may have lost its name by now.
    node: Node,
}

impl Read for &Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(&*self.node.fd, buffer)?)
    }
}

impl Source {
    /// Opens a file that was found. It must not be a symlink.
    pub(crate) fn open(found: &Found, path: &Path) -> Result<Source> {
        let (Some(node), Some(name)) = (&found.node, &found.name) else {
            return Err(FsError::new("read", path, Errno::NOENT));
        };
        if node.kind() == FileType::Fifo {
            return Err(FsError::new(
                "read",
                path,
                Cause::Refused("it is a named pipe"),
            ));
        }
        if node.readable {
            return Ok(Source { node: node.clone() });
        }
        Source::open_in(&found.dir, name, path)
    }

    /// Opens a file in a directory.
    pub(super) fn open_in(dir: &OwnedFd, name: &OsStr, path: &Path) -> Result<Source> {
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = openat(dir, name, flags, Mode::empty()).map_err(FsError::os("read", path))?;
        let stat = fstat(&fd).map_err(FsError::os("look at", path))?;
        if !matches!(
            FileType::from_raw_mode(stat.st_mode),
            FileType::RegularFile | FileType::CharacterDevice
        ) {
            return Err(FsError::new(
                "read",
                path,
                Cause::Refused("it is not a file"),
            ));
        }
        Ok(Source {
            node: Node {
                fd: Rc::new(fd),
                stat,
                readable: true,
            },
        })
    }

    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    /// Reads the whole file, unless it is larger than `limit`.
    pub(crate) fn read_all(self, path: &Path, limit: u64) -> Result<Vec<u8>> {
        // One byte more than the file has, so the first read finds the end.
        let size = self.node.size().min(limit) as usize;
        let mut text = Vec::with_capacity(size + 1);
        let length = (&self)
            .take(limit + 1)
            .read_to_end(&mut text)
            .map_err(FsError::os("read", path))?;
        if length as u64 > limit {
            return Err(FsError::new(
                "read",
                path,
                Cause::Refused("it is too large"),
            ));
        }
        Ok(text)
    }

    /// Tells whether two files have the same content.
    pub(crate) fn same_content(self, other: Source, path: &Path) -> Result<bool> {
        /// The bytes that are compared at a time.
        const CHUNK: u64 = 64 << 10;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        loop {
            for (file, chunk) in [(&self, &mut ours), (&other, &mut theirs)] {
                chunk.clear();
                file.take(CHUNK)
                    .read_to_end(chunk)
                    .map_err(FsError::os("read", path))?;
            }
            if ours != theirs {
                return Ok(false);
            }
            if ours.is_empty() {
                return Ok(true);
            }
        }
    }
}

/// A file that is written under a temporary name until it is complete. Dropped before that, it removes
/// itself.
pub(crate) struct NewFile {
    file: File,
    dir: Rc<OwnedFd>,
    beside: OsString,
    in_place: bool,
}

impl NewFile {
    /// Creates a file in the directory of `place`.
    ///
    /// Its temporary name is made from its final one, so the next run removes what a killed run left.
    pub(crate) fn create(place: &Found, path: &Path, mode: u32) -> Result<NewFile> {
        let beside = beside(place.entry(path)?);
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = || openat(&*place.dir, &beside, flags, Mode::from_raw_mode(mode));
        let opened = match open() {
            Err(Errno::EXIST) => {
                unlinkat(&*place.dir, &beside, AtFlags::empty()).and_then(|()| open())
            }
            opened => opened,
        };
        let fd = opened.map_err(FsError::os("create a file for", path))?;
        Ok(NewFile {
            file: fd.into(),
            dir: place.dir.clone(),
            beside,
            in_place: false,
        })
    }

    pub(crate) fn write(&mut self, path: &Path, text: &[u8]) -> Result<()> {
        self.file
            .write_all(text)
            .map_err(FsError::os("write", path))
    }

    /// Fills it with the content of `source`.
    pub(crate) fn copy_content(&mut self, path: &Path, source: &Source) -> Result<()> {
        /// The bytes that are copied at a time.
        const CHUNK: u64 = 128 << 10;
        let is_file = source.node.is_file();
        let size = source.node.size();
        let mut chunk = Vec::with_capacity(size.clamp(4 << 10, CHUNK) as usize);
        let mut copied = 0;
        loop {
            chunk.clear();
            let read = || rustix::io::read(&*source.node.fd, spare_capacity(&mut chunk));
            let length = retry_on_intr(read).map_err(FsError::os("read", path))?;
            self.write(path, &chunk)?;
            copied += length as u64;
            if !is_file && copied >= DEVICE_LIMIT {
                let reason = Cause::Refused("the device does not end");
                return Err(FsError::new("copy", path, reason));
            }
            // All that the file had when it was opened. Files that the kernel makes up may say
            // nothing of their size: those are read until nothing comes.
            if length == 0 || (is_file && copied == size) {
                return Ok(());
            }
        }
    }

    /// Copies times, extended attributes and mode, then the owner, from `source`.
    pub(crate) fn copy_properties(&self, path: &Path, source: &Source) -> Result<()> {
        copy_times_and_attributes(&*source.node.fd, &source.node.stat, &self.file)
            .map_err(FsError::os("copy properties to", path))?;
        self.set_mode(path, source.node.mode())?;
        self.set_owner(path, source.node.owner())
    }

    pub(crate) fn set_mode(&self, path: &Path, mode: u32) -> Result<()> {
        self.file
            .set_permissions(Permissions::from_mode(mode))
            .map_err(FsError::os("change the mode of", path))
    }

    pub(crate) fn set_owner(&self, path: &Path, (user, group): (u32, u32)) -> Result<()> {
        fchown(&self.file, Some(user), Some(group))
            .map_err(FsError::os("change the owner of", path))
    }

    /// Renames it to its place, where it replaces a file.
    pub(crate) fn put(mut self, place: &Found, path: &Path) -> Result<()> {
        renameat(&*self.dir, &self.beside, &*place.dir, place.entry(path)?)
            .map_err(FsError::os("write", path))?;
        self.in_place = true;
        Ok(())
    }
}

/// Returns the temporary name of a file. A name of the maximum length is shortened.
fn beside(name: &OsStr) -> OsString {
    const PREFIX: &str = ".kolla-";
    let bytes = name.as_bytes();
    let room = 255 - PREFIX.len();
    let mut beside = OsString::from(PREFIX);
    beside.push(OsStr::from_bytes(&bytes[..bytes.len().min(room)]));
    beside
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.in_place {
            // The first error is reported already; this one changes nothing.
            let _ = unlinkat(&*self.dir, &self.beside, AtFlags::empty());
        }
    }
}

impl Root {
    /// Reads the whole file at `path`, unless it is larger than `limit`.
    pub(crate) fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>> {
        Source::open(&self.find(path, Links::Any, Last::Follow)?, path)?.read_all(path, limit)
    }

    /// Writes `text` to `path` atomically. A new file gets `mode`, less the umask.
    pub(crate) fn write(&self, path: &Path, text: &[u8], mode: u32) -> Result<()> {
        let place = self.find(path, Links::Trusted, Last::Keep)?;
        let mut file = NewFile::create(&place, path, mode)?;
        file.write(path, text)?;
        file.put(&place, path)
    }
}

impl Found {
    /// Returns its name in its directory.
    pub(super) fn entry(&self, path: &Path) -> Result<&OsStr> {
        let no_name = || {
            FsError::new(
                "replace",
                path,
                Cause::Refused("it is not an entry of a directory"),
            )
        };
        self.name.as_deref().ok_or_else(no_name)
    }

    /// Returns whether both are the same entry of the same directory.
    pub(crate) fn is_entry(&self, other: &Found) -> bool {
        let node = |found: &Found| found.node.as_ref().map(Node::identity);
        let dir = |found: &Found| {
            fstat(&*found.dir)
                .map(|stat| (stat.st_dev, stat.st_ino))
                .ok()
        };
        self.name.is_some()
            && self.name == other.name
            && node(self) == node(other)
            && dir(self) == dir(other)
    }

    /// Creates an empty file here. An existing file is an error.
    pub(crate) fn create_empty(&self, path: &Path, mode: u32) -> Result<()> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(
            &*self.dir,
            self.entry(path)?,
            flags,
            Mode::from_raw_mode(mode),
        )
        .map(drop)
        .map_err(FsError::os("create", path))
    }

    /// Creates a symlink here.
    pub(crate) fn create_link(&self, path: &Path, target: &OsStr) -> Result<()> {
        symlinkat(target, &*self.dir, self.entry(path)?)
            .map_err(FsError::os("create the link", path))
    }
}
