//! The one place where files are touched: every path is walked from an open root directory, one
//! component at a time, and what was found is held open while something is done to it.
//!
//! Nothing here acts on a path twice, so no one can put a symbolic link in between. Links are
//! followed by this module, never by the kernel: those on the way to a destination only when root,
//! or whoever runs this, made them ([`Links::Trusted`]).

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

/// Which symbolic links are followed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// All of them: the way to a source, which is read, and which whoever declared it vouches for.
    Any,
    /// Those that root or the running user owns; another one is an error.
    Trusted,
}

/// What happens to a symbolic link that is a path's last component.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    /// It is followed.
    Follow,
    /// It is what was looked for.
    Keep,
}

/// What went wrong with a file.
#[derive(Debug)]
pub(crate) struct FsError {
    action: &'static str,
    path: PathBuf,
    cause: Cause,
}

/// Why it went wrong.
#[derive(Debug)]
pub(crate) enum Cause {
    /// The system said so.
    Os(Errno),
    /// A symbolic link on the way belongs to someone who must not direct root's writes.
    Untrusted { owner: u32 },
    /// Something that this module does not do.
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

    /// For `map_err`: the system's answer, together with what was asked.
    pub(crate) fn os<E: Into<Cause>>(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(E) -> FsError {
        move |cause| FsError::new(action, path, cause)
    }

    /// Whether a link was not followed for its owner.
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

/// A path for people: names may hold line breaks and worse.
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
    /// Whether a file's content can be read through it; if not, only its description.
    readable: bool,
}

/// Where a walk ended.
#[derive(Clone)]
pub(crate) struct Found {
    /// The directory that holds it.
    dir: Rc<OwnedFd>,
    /// Its name there; none for a path that ends in a directory without naming it, such as `/`.
    name: Option<OsString>,
    /// What is there, if anything is.
    pub(crate) node: Option<Node>,
    /// Links followed on the way.
    links: u32,
}

impl Found {
    /// The same place with nothing there.
    pub(crate) fn emptied(&self) -> Found {
        Found {
            node: None,
            ..self.clone()
        }
    }

    /// The symbolic link that is here, if one is.
    pub(crate) fn link(&self) -> Option<&Node> {
        self.node.as_ref().filter(|node| node.is_link())
    }

    /// A place in this directory where nothing is.
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
    /// Whether the kernel can walk a path for us, as far as is known.
    openat2: Cell<bool>,
}

impl Root {
    /// Opens `root`; paths that are not absolute are taken from `cwd` in it.
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

    /// Walks to `path`. That its last component is not there is no error.
    pub(crate) fn find(&self, path: &Path, links: Links, last: Last) -> Result<Found> {
        if path.as_os_str().is_empty() {
            return Err(FsError::new("reach", path, Errno::NOENT));
        }
        self.walk(&self.fd, 0, &self.cwd.join(path), &Walk::new(links, last))
            .map_err(|cause| FsError::new("reach", path, cause))
    }

    /// The same from a directory that was found before; `path` is what errors call it.
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

    /// The same for what a directory's listing has; a file is opened for reading at once.
    pub(crate) fn find_listed(&self, dir: &Found, listed: &Listed, path: &Path) -> Result<Found> {
        if listed.kind == FileType::RegularFile
            && let Ok(mut found) = dir.vacant(&listed.name, path)
            && let Ok(source) = Source::open_in(&found.dir, &listed.name, path)
            && source.node().is_file()
        {
            found.node = Some(source.node().clone());
            return Ok(found);
        }
        // It has become something else since, or cannot be opened: whoever reads it will see.
        self.find_in(dir, &listed.name, path, Links::Any, Last::Keep)
    }

    /// Whether there would still be a way to `path` without this link. One that leads back to
    /// where it is can be on the way to itself.
    pub(crate) fn is_reachable_without(&self, link: &Node, path: &Path) -> bool {
        let walk = Walk::new(Links::Trusted, Last::Follow).without(link);
        self.walk(&self.fd, 0, &self.cwd.join(path), &walk).is_ok()
    }

    /// What is behind a link that was found; anything else is its own answer.
    pub(crate) fn follow(&self, found: &Found, path: &Path, links: Links) -> Result<Found> {
        let Some(name) = found.name.as_ref().filter(|_| found.link().is_some()) else {
            return Ok(found.clone());
        };
        let walk = Walk::new(links, Last::Follow);
        self.walk(&found.dir, found.links, Path::new(name), &walk)
            .map_err(|cause| FsError::new("follow", path, cause))
    }

    /// Whether `found` is `dir` or somewhere below it.
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

    /// Whether there is something at `path`, links followed.
    pub(crate) fn exists(&self, path: &Path) -> bool {
        self.find(path, Links::Any, Last::Follow)
            .is_ok_and(|found| found.node.is_some())
    }

    /// Makes the directory `path` and those above it, where they are missing.
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
