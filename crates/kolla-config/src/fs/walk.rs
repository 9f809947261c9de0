//! Walks a path one component at a time, following symlinks here and not in the kernel.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::rc::Rc;

use rustix::fs::{
    FileType, Mode, OFlags, ResolveFlags, fstat, mkdirat, openat, openat2, readlinkat,
};
use rustix::io::Errno;

use super::{Cause, Found, Last, Links, Node, Root};

/// The number of symlinks that the kernel follows on one path.
const MAX_LINKS: u32 = 40;

/// The rules of a walk.
pub(super) struct Walk {
    links: Links,
    last: Last,
    create: bool,
    without: Option<(u64, u64)>,
}

impl Walk {
    pub(super) fn new(links: Links, last: Last) -> Walk {
        Walk {
            links,
            last,
            create: false,
            without: None,
        }
    }

    /// Creates missing directories.
    pub(super) fn creating(self) -> Walk {
        Walk {
            create: true,
            ..self
        }
    }

    /// Walks as if this symlink did not exist.
    pub(super) fn without(self, link: &Node) -> Walk {
        Walk {
            without: Some(link.identity()),
            ..self
        }
    }
}

impl Root {
    /// Walks from `start` if the path is relative. `links` symlinks were followed before.
    pub(super) fn walk(
        &self,
        start: &Rc<OwnedFd>,
        links: u32,
        path: &Path,
        walk: &Walk,
    ) -> std::result::Result<Found, Cause> {
        let bytes = path.as_os_str().as_bytes();
        let directory_wanted = bytes.ends_with(b"/") || bytes.ends_with(b"/.");
        let (mut here, rest) = self.skip(start, bytes, walk)?;
        let mut links = links;
        // The components still to be walked, and whether a symlink added them.
        let mut todo: VecDeque<(OsString, bool)> =
            components(rest).map(|name| (name, false)).collect();
        while let Some((name, from_link)) = todo.pop_front() {
            if name == ".." {
                here = self.parent(here)?;
                continue;
            }
            let is_last = todo.is_empty();
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mut opened = openat(&*here, &name, flags, Mode::empty());
            if opened.as_ref().err() == Some(&Errno::NOENT) && walk.create && !from_link {
                match mkdirat(&*here, &name, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(errno) => return Err(errno.into()),
                }
                opened = openat(&*here, &name, flags, Mode::empty());
            }
            let fd = match opened {
                Ok(fd) => fd,
                Err(Errno::NOENT) if is_last && !directory_wanted => {
                    return Ok(Found {
                        dir: here,
                        name: Some(name),
                        node: None,
                        links,
                    });
                }
                Err(errno) => return Err(errno.into()),
            };
            let stat = fstat(&fd)?;
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Symlink if !is_last || directory_wanted || walk.last == Last::Follow => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(Errno::LOOP.into());
                    }
                    if walk.without == Some((stat.st_dev, stat.st_ino)) {
                        return Err(Errno::NOENT.into());
                    }
                    if walk.links == Links::Trusted && stat.st_uid != 0 && stat.st_uid != self.user
                    {
                        return Err(Cause::Untrusted { owner: stat.st_uid });
                    }
                    let target = readlinkat(&fd, c"", Vec::new())?.into_bytes();
                    if target.starts_with(b"/") {
                        here = self.fd.clone();
                    }
                    for name in components(&target).collect::<Vec<_>>().into_iter().rev() {
                        todo.push_front((name, true));
                    }
                }
                FileType::Directory if !is_last => here = Rc::new(fd),
                kind => {
                    if kind != FileType::Directory && (!is_last || directory_wanted) {
                        return Err(Errno::NOTDIR.into());
                    }
                    let node = Node {
                        fd: Rc::new(fd),
                        stat,
                        readable: false,
                    };
                    return Ok(Found {
                        dir: here,
                        name: Some(name),
                        node: Some(node),
                        links,
                    });
                }
            }
        }
        let node = Node {
            stat: fstat(&*here)?,
            fd: here.clone(),
            readable: false,
        };
        Ok(Found {
            dir: here,
            name: None,
            node: Some(node),
            links,
        })
    }

    /// Returns the start of a walk and the rest of the path. The kernel walks to the last component at
    /// once when the path is absolute and has no symlink on it.
    fn skip<'p>(
        &self,
        start: &Rc<OwnedFd>,
        path: &'p [u8],
        walk: &Walk,
    ) -> std::result::Result<(Rc<OwnedFd>, &'p [u8]), Errno> {
        if !path.starts_with(b"/") {
            return Ok((start.clone(), path));
        }
        let (way, last) = path.split_at(last_component(path));
        let goes_up = way.split(|byte| *byte == b'/').any(|name| name == b"..");
        if !self.openat2.get() || goes_up || components(way).next().is_none() {
            return Ok((self.fd.clone(), path));
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
        match openat2(&*self.fd, way, flags, Mode::empty(), resolve) {
            Ok(dir) => Ok((Rc::new(dir), last)),
            Err(errno @ (Errno::NOENT | Errno::NOTDIR)) if !walk.create => Err(errno),
            Err(errno) => {
                // Older kernels and container engines do not have it.
                self.openat2
                    .set(!matches!(errno, Errno::NOSYS | Errno::PERM));
                Ok((self.fd.clone(), path))
            }
        }
    }

    /// Returns the parent directory; the root is its own.
    pub(super) fn parent(&self, dir: Rc<OwnedFd>) -> std::result::Result<Rc<OwnedFd>, Errno> {
        let stat = fstat(&*dir)?;
        if (stat.st_dev, stat.st_ino) == self.identity {
            return Ok(dir);
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(&*dir, c"..", flags, Mode::empty()).map(Rc::new)
    }
}

fn components(path: &[u8]) -> impl Iterator<Item = OsString> {
    path.split(|byte| *byte == b'/')
        .filter(|name| !name.is_empty() && *name != b".")
        .map(|name| OsString::from_vec(name.to_owned()))
}

/// Returns the start of the last component that is a name.
fn last_component(path: &[u8]) -> usize {
    let mut end = path.len();
    loop {
        let start = path[..end]
            .iter()
            .rposition(|byte| *byte == b'/')
            .map_or(0, |slash| slash + 1);
        if start == 0 || !matches!(&path[start..end], b"" | b".") {
            return start;
        }
        end = start - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_component_names_something() {
        for (path, expected) in [
            ("/a/b", "b"),
            ("/a/b/", "b/"),
            ("/a/b/.//", "b/.//"),
            ("/a/..", ".."),
            ("/a", "a"),
            ("/", "/"),
            ("/./", "/./"),
            ("a", "a"),
        ] {
            assert_eq!(&path[last_component(path.as_bytes())..], expected, "{path}");
        }
    }
    #[test]
    fn with_the_kernels_help_or_without_walks_end_at_the_same_place() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        std::fs::create_dir_all(at("a/b/c")).unwrap();
        std::fs::write(at("a/b/file"), "").unwrap();
        for (target, path) in [
            ("a", "link"),
            ("/a/b", "a/absolute"),
            ("../../..", "a/b/up"),
            (".", "a/loop"),
            ("nowhere", "a/dangling"),
        ] {
            std::os::unix::fs::symlink(target, at(path)).unwrap();
        }
        let root = Root::open(dir.path(), Path::new("/")).unwrap();
        let names = [
            "a", "b", "c", "file", "link", "absolute", "up", "loop", "dangling", "new", ".", "..",
        ];
        let paths = names
            .iter()
            .flat_map(|one| names.iter().map(move |two| format!("{one}/{two}")));
        let paths = paths.flat_map(|two| names.iter().map(move |three| format!("/{two}/{three}")));
        let mut found = 0;
        for path in paths.flat_map(|path| [format!("{path}/"), path]) {
            for links in [Links::Any, Links::Trusted] {
                for last in [Last::Keep, Last::Follow] {
                    let walked = |with_help: bool| {
                        root.openat2.set(with_help);
                        let found = root.find(Path::new(&path), links, last);
                        found.map_err(|error| error.to_string()).map(|found| {
                            let dir = fstat(&*found.dir).unwrap();
                            let node = found.node.as_ref().map(Node::identity);
                            ((dir.st_dev, dir.st_ino), found.name, node, found.links)
                        })
                    };
                    let (with, without) = (walked(true), walked(false));
                    assert_eq!(with, without, "{path}");
                    found += usize::from(with.is_ok());
                }
            }
        }
        assert!(found > 1000, "{found}");
    }
}
