//! Creates and removes directories.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, mkdirat, openat, statat, unlinkat};
use rustix::io::Errno;

use super::node::list;
use super::{Cause, Found, FsError, Node, Result};

/// The deepest nesting of directories. Each level holds descriptors, and configuration is far from
/// this deep.
pub(crate) const MAX_DEPTH: usize = 200;

impl Found {
    /// Creates a directory here and opens it.
    pub(crate) fn make_dir(&self, path: &Path) -> Result<Found> {
        let name = self.entry(path)?;
        let made = || {
            mkdirat(&*self.dir, name, Mode::from_raw_mode(0o777))?;
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let fd = openat(&*self.dir, name, flags, Mode::empty())?;
            Ok(Node {
                stat: fstat(&fd)?,
                fd: Rc::new(fd),
                readable: false,
            })
        };
        let node = made().map_err(FsError::os::<Errno>("create the directory", path))?;
        Ok(Found {
            node: Some(node),
            ..self.clone()
        })
    }

    /// Removes a file, or a directory with everything in it. Symlinks are removed, not followed.
    pub(crate) fn remove(&self, path: &Path) -> Result<()> {
        let name = self.entry(path)?;
        remove(&self.dir, name, MAX_DEPTH).map_err(|cause| FsError::new("delete", path, cause))
    }
}

fn remove(dir: impl AsFd, name: &OsStr, depth: usize) -> std::result::Result<(), Cause> {
    let dir = dir.as_fd();
    let stat = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Ok(unlinkat(dir, name, AtFlags::empty())?);
    }
    if depth == 0 {
        return Err(Cause::Refused("directories are nested too deep"));
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let inner: OwnedFd = openat(dir, name, flags, Mode::empty())?;
    for entry in list(&inner)? {
        remove(&inner, &entry.name, depth - 1)?;
    }
    Ok(unlinkat(dir, name, AtFlags::REMOVEDIR)?)
}
