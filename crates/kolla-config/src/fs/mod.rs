//! Access to files that nobody can redirect: every path is walked from an open root directory, one
//! component at a time, and each file stays open while it is worked on.
//!
//! No path is resolved twice, so nobody can put a symlink in between. This module follows symlinks
//! itself, the kernel never does: on the path of a destination, only symlinks of root or of the
//! running user are followed ([`Links::Trusted`]).

mod expand;
mod file;
mod node;
mod tree;
mod walk;

use std::borrow::Cow;
use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustix::fs::{CWD, FileType, Mode, OFlags, Stat, fstat, openat};
use rustix::io::Errno;

pub(crate) use file::{NewFile, Source};
pub(crate) use node::Listed;
pub(crate) use tree::MAX_DEPTH;
use walk::Walk;

/// The symlinks that are followed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// All: for the path of a source, which is only read.
    Any,
    /// Those that root or the running user owns; any other is an error.
    Trusted,
}

/// The treatment of a symlink that is a path's last component.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    /// It is followed.
    Follow,
    /// It is the result itself.
    Keep,
}

/// An error of a file.
#[derive(Debug)]
pub(crate) struct FsError {
    action: &'static str,
    path: PathBuf,
    cause: Cause,
}

/// The reason of an error.
#[derive(Debug)]
pub(crate) enum Cause {
    /// An error of the system.
    Os(Errno),
    /// A symlink on the path belongs to a user who must not direct root's writes.
    Untrusted { owner: u32 },
    /// An operation that this module does not support.
    Refused(&'static str),
}

pub(crate) type Result<T> = std::result::Result<T, FsError>;

impl FsError {
    pub(crate) fn new(
        action: &'static str,
        path: impl Into<PathBuf>,
        cause: impl Into<Cause>,
    ) -> FsError {
        FsError {
            action,
            path: path.into(),
            cause: cause.into(),
        }
    }

    /// Returns a function for `map_err` that adds the operation to the system's error.
    pub(crate) fn os<E: Into<Cause>>(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(E) -> FsError {
        move |cause| FsError::new(action, path, cause)
    }

    /// Tells whether a symlink was not followed because of its owner.
    pub(crate) fn is_untrusted(&self) -> bool {
        matches!(self.cause, Cause::Untrusted { .. })
    }
}

impl From<Errno> for Cause {
    fn from(errno: Errno) -> Cause {
        Cause::Os(errno)
    }
}

impl From<std::io::Error> for Cause {
    fn from(error: std::io::Error) -> Cause {
        Cause::Os(Errno::from_io_error(&error).unwrap_or(Errno::IO))
    }
}

impl fmt::Display for FsError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "cannot {} {}: ", self.action, show(&self.path))?;
        match self.cause {
            Cause::Os(errno) => write!(f, "{errno}"),
            Cause::Untrusted { owner } => write!(
                f,
                "a symbolic link on the way belongs to uid {owner}, and only root's are followed where files are written"
            ),
            Cause::Refused(reason) => f.write_str(reason),
        }
    }
}

/// Returns a path for messages: names may contain line breaks and control characters.
pub(crate) fn show(path: &Path) -> Cow<'_, str> {
    let text = path.to_string_lossy();
    if !text.contains(char::is_control) {
        return text;
    }
    let mut shown = String::new();
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default())
        } else {
            shown.push(c)
        }
    }
    shown.into()
}

/// A file, directory or anything else, held open.
#[derive(Clone)]
pub(crate) struct Node {
    fd: Rc<OwnedFd>,
    stat: Stat,
    /// True when the file's content can be read through `fd`, not only its metadata.
    readable: bool,
}

/// The end of a walk.
#[derive(Clone)]
pub(crate) struct Found {
    /// The directory that holds it.
    dir: Rc<OwnedFd>,
    /// Its name there; none for a path that ends in a directory without naming it, such as `/`.
    name: Option<OsString>,
    /// The file there, if any.
    pub(crate) node: Option<Node>,
    /// The number of symlinks that were followed.
    links: u32,
}

impl Found {
    /// Returns the same place without a file.
    pub(crate) fn emptied(&self) -> Found {
        Found {
            node: None,
            ..self.clone()
        }
    }

    /// Returns the symlink at this place, if any.
    pub(crate) fn link(&self) -> Option<&Node> {
        self.node.as_ref().filter(|node| node.is_link())
    }

    /// Returns a place in this directory without a file.
    pub(crate) fn vacant(&self, name: &OsStr, path: &Path) -> Result<Found> {
        let dir = self
            .node
            .as_ref()
            .ok_or_else(|| FsError::new("reach", path, Errno::NOENT))?;
        Ok(Found {
            dir: dir.fd.clone(),
            name: Some(name.to_owned()),
            node: None,
            links: self.links,
        })
    }
}

/// The directory that paths start from: `/`, or one that stands for it.
pub(crate) struct Root {
    fd: Rc<OwnedFd>,
    identity: (u64, u64),
    cwd: PathBuf,
    user: u32,
    /// False once openat2, which resolves a whole path, has turned out to be missing from the kernel.
    openat2: Cell<bool>,
}

impl Root {
    /// Opens `root`. Relative paths start from `cwd` in it.
    pub(crate) fn open(root: &Path, cwd: &Path) -> Result<Root> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = openat(CWD, root, flags, Mode::empty()).map_err(FsError::os("open", root))?;
        let stat = fstat(&fd).map_err(FsError::os("look at", root))?;
        Ok(Root {
            fd: Rc::new(fd),
            identity: (stat.st_dev, stat.st_ino),
            cwd: cwd.to_owned(),
            user: rustix::process::geteuid().as_raw(),
            openat2: Cell::new(true),
        })
    }

    /// Walks to `path`. A missing last component is not an error.
    pub(crate) fn find(&self, path: &Path, links: Links, last: Last) -> Result<Found> {
        if path.as_os_str().is_empty() {
            return Err(FsError::new("reach", path, Errno::NOENT));
        }
        self.walk(&self.fd, 0, &self.cwd.join(path), &Walk::new(links, last))
            .map_err(|cause| FsError::new("reach", path, cause))
    }

    /// Walks from a directory that was found before; `path` is its name in errors.
    pub(crate) fn find_in(
        &self,
        dir: &Found,
        name: &OsStr,
        path: &Path,
        links: Links,
        last: Last,
    ) -> Result<Found> {
        let inner = || {
            let start = dir.node.as_ref().ok_or(Errno::NOENT)?;
            let walk = Walk::new(links, last);
            self.walk(&start.fd, dir.links, Path::new(name), &walk)
        };
        inner().map_err(|cause| FsError::new("reach", path, cause))
    }

    /// Walks to an entry of a directory's listing; a file is opened for reading at once.
    pub(crate) fn find_listed(&self, dir: &Found, listed: &Listed, path: &Path) -> Result<Found> {
        if listed.kind == FileType::RegularFile
            && let Ok(mut found) = dir.vacant(&listed.name, path)
            && let Ok(source) = Source::open_in(&found.dir, &listed.name, path)
            && source.node().is_file()
        {
            found.node = Some(source.node().clone());
            return Ok(found);
        }
        // The file has changed its type since, or cannot be opened: the next operation reports it.
        self.find_in(dir, &listed.name, path, Links::Any, Last::Keep)
    }

    /// Tells whether `path` could still be reached without this symlink: one that leads to its own
    /// directory can be on the path to itself.
    pub(crate) fn is_reachable_without(&self, link: &Node, path: &Path) -> bool {
        let walk = Walk::new(Links::Trusted, Last::Follow).without(link);
        self.walk(&self.fd, 0, &self.cwd.join(path), &walk).is_ok()
    }

    /// Returns the target of a symlink that was found, or the file itself if it is none.
    pub(crate) fn follow(&self, found: &Found, path: &Path, links: Links) -> Result<Found> {
        let Some(name) = found.name.as_ref().filter(|_| found.link().is_some()) else {
            return Ok(found.clone());
        };
        let walk = Walk::new(links, Last::Follow);
        self.walk(&found.dir, found.links, Path::new(name), &walk)
            .map_err(|cause| FsError::new("follow", path, cause))
    }

    /// Tells whether `found` is `dir` or below it.
    pub(crate) fn is_within(&self, found: &Found, dir: &Node) -> Result<bool> {
        let mut here = match &found.node {
            Some(node) if node.is_dir() => node.fd.clone(),
            _ => found.dir.clone(),
        };
        let failed = |errno: Errno| FsError::new("look above", "..", errno);
        loop {
            let stat = fstat(&*here).map_err(failed)?;
            if (stat.st_dev, stat.st_ino) == dir.identity() {
                return Ok(true);
            }
            if (stat.st_dev, stat.st_ino) == self.identity {
                return Ok(false);
            }
            let above = self.parent(here.clone()).map_err(failed)?;
            let is_top = fstat(&*above)
                .is_ok_and(|above| (above.st_dev, above.st_ino) == (stat.st_dev, stat.st_ino));
            if is_top {
                return Ok(false);
            }
            here = above;
        }
    }

    /// Tells whether `path` exists, following symlinks.
    pub(crate) fn exists(&self, path: &Path) -> bool {
        self.find(path, Links::Any, Last::Follow)
            .is_ok_and(|found| found.node.is_some())
    }

    /// Creates the directory `path` and its missing parents.
    pub(crate) fn make_dirs(&self, path: &Path) -> Result<Found> {
        if path.as_os_str().is_empty() {
            return Err(FsError::new("create the directory", path, Errno::NOENT));
        }
        let walk = Walk::new(Links::Trusted, Last::Follow).creating();
        let made = self
            .walk(&self.fd, 0, &self.cwd.join(path), &walk)
            .and_then(|found| match &found.node {
                Some(node) if node.is_dir() => Ok(found),
                _ => Err(Errno::EXIST.into()),
            });
        made.map_err(|cause| FsError::new("create the directory", path, cause))
    }
}
