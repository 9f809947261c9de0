//! A tree of files, read by descriptors and within limits.
//!
//! A container may have made the tree, and another one may still write to it: no symlink is
//! followed, and what is read of a path is what was found there.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use crate::error::{At, PuppetError, Result};

/// The most that a tree may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    entries: usize,
    /// Sizes of files as they are read, holes included.
    bytes: u64,
    depth: usize,
}

/// Limits of a config volume.
pub const LIMITS: Limits = Limits {
    entries: 200_000,
    bytes: 1 << 30,
    depth: 64,
};

/// A tree, and every entry that was found in it.
#[derive(Debug)]
pub struct Tree {
    path: PathBuf,
    root: OwnedFd,
    /// Sorted by the bytes of their paths: a directory comes before its entries.
    entries: Vec<Entry>,
}

/// A file, directory or link of a tree.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Relative to the tree.
    pub path: PathBuf,
    /// Its kind.
    pub kind: Kind,
    /// Owner, mode, size and time.
    pub status: Stat,
}

/// The kind of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symlink with this target.
    Link(PathBuf),
    /// A named pipe.
    Pipe,
    /// A socket.
    Socket,
    /// A character device.
    CharacterDevice,
    /// A block device.
    BlockDevice,
}

impl Kind {
    /// Returns its name in an error.
    fn name(&self) -> &'static str {
        match self {
            Kind::Directory => "a directory",
            Kind::File => "a file",
            Kind::Link(_) => "a symlink",
            Kind::Pipe => "a named pipe",
            Kind::Socket => "a socket",
            Kind::CharacterDevice | Kind::BlockDevice => "a device",
        }
    }
}

impl Tree {
    /// Reads the names of a tree.
    ///
    /// # Errors
    /// When `path` is not a directory, or the tree exceeds [`LIMITS`].
    pub fn open(path: &Path) -> Result<Tree> {
        Tree::open_within(path, LIMITS)
    }

    /// Reads the names of a tree that a run brought out: only directories, files and symlinks may be
    /// in it.
    pub fn open_result(path: &Path) -> Result<Tree> {
        let tree = Tree::open(path)?;
        for entry in &tree.entries {
            match &entry.kind {
                Kind::Directory | Kind::File | Kind::Link(_) => {}
                other => {
                    let reason = format!(
                        "is {}; a config volume holds only files, directories and symlinks",
                        other.name()
                    );
                    return Err(tree.refusal(&entry.path, reason));
                }
            }
        }
        Ok(tree)
    }

    fn open_within(path: &Path, limits: Limits) -> Result<Tree> {
        let root = rustix::fs::open(path, DIRECTORY, Mode::empty()).at("read", path)?;
        let mut tree = Tree {
            path: path.to_owned(),
            root,
            entries: Vec::new(),
        };
        tree.walk(limits)?;
        tree.entries.sort_by(|a, b| {
            a.path
                .as_os_str()
                .as_bytes()
                .cmp(b.path.as_os_str().as_bytes())
        });
        Ok(tree)
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the entries, each directory before its content.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the entry of a path.
    pub fn entry(&self, path: &Path) -> Option<&Entry> {
        let bytes = path.as_os_str().as_bytes();
        let found = self
            .entries
            .binary_search_by(|entry| entry.path.as_os_str().as_bytes().cmp(bytes));
        found.ok().and_then(|index| self.entries.get(index))
    }

    /// Opens a file of the tree.
    ///
    /// # Errors
    /// When it is no longer the file that was found.
    pub fn file(&self, entry: &Entry) -> Result<File> {
        let file = self.beneath(&entry.path, FILE).and_then(|file| {
            let now = rustix::fs::fstat(&file)?;
            let same = (now.st_dev, now.st_ino) == (entry.status.st_dev, entry.status.st_ino);
            if same {
                Ok(File::from(file))
            } else {
                Err(Errno::STALE)
            }
        });
        file.at("read", self.path.join(&entry.path))
    }

    fn walk(&mut self, limits: Limits) -> Result<()> {
        let root = rustix::fs::fstat(&self.root).at("read", &self.path)?;
        let (mut bytes, mut pending) = (0_u64, vec![PathBuf::new()]);
        while let Some(directory) = pending.pop() {
            let opened = match directory.as_os_str().is_empty() {
                // A descriptor of its own: reading a directory moves it.
                true => rustix::fs::openat(&self.root, ".", DIRECTORY, Mode::empty()),
                false => self.beneath(&directory, DIRECTORY),
            };
            let place = self.path.join(&directory);
            let opened = opened.at("read", &place)?;
            for found in Dir::read_from(&opened).at("read", &place)? {
                let found = found.at("read", &place)?;
                let name = found.file_name().to_bytes();
                if matches!(name, b"." | b"..") {
                    continue;
                }
                let path = directory.join(std::ffi::OsStr::from_bytes(name));
                let Some(entry) = entry(&opened, found.file_name(), path).at("read", &place)?
                else {
                    continue;
                };
                if entry.status.st_dev != root.st_dev {
                    return Err(self.refusal(&entry.path, "is on another file system".to_owned()));
                }
                if let Kind::File = entry.kind {
                    bytes = bytes.saturating_add(entry.status.st_size.unsigned_abs());
                }
                if bytes > limits.bytes {
                    let reason = format!("its files exceed {} bytes, the limit", limits.bytes);
                    return Err(self.refusal(Path::new(""), reason));
                }
                if self.entries.len() >= limits.entries {
                    let reason = format!("it exceeds {} entries, the limit", limits.entries);
                    return Err(self.refusal(Path::new(""), reason));
                }
                if let Kind::Directory = entry.kind {
                    if entry.path.components().count() >= limits.depth {
                        let reason =
                            format!("is deeper than {} directories, the limit", limits.depth);
                        return Err(self.refusal(&entry.path, reason));
                    }
                    pending.push(entry.path.clone());
                }
                self.entries.push(entry);
            }
        }
        Ok(())
    }

    /// Opens a path of the tree without following any symlink.
    fn beneath(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        match rustix::fs::openat2(&self.root, path, flags, Mode::empty(), resolve) {
            // Kernels before 5.6, and seccomp filters that do not know the call.
            Err(Errno::NOSYS | Errno::PERM) => self.step_by_step(path, flags),
            opened => opened,
        }
    }

    fn step_by_step(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        let mut now = rustix::io::fcntl_dupfd_cloexec(self.root.as_fd(), 0)?;
        let mut names = path.components().peekable();
        while let Some(name) = names.next() {
            let Component::Normal(name) = name else {
                return Err(Errno::INVAL);
            };
            let flags = match names.peek() {
                Some(_) => DIRECTORY,
                None => flags,
            };
            now = rustix::fs::openat(&now, name, flags | OFlags::NOFOLLOW, Mode::empty())?;
        }
        Ok(now)
    }

    fn refusal(&self, path: &Path, reason: String) -> PuppetError {
        PuppetError::Tree {
            path: self.path.join(path),
            reason,
        }
    }
}

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// Describes an entry of a directory; `None` if it was removed.
fn entry(
    directory: &OwnedFd,
    name: &std::ffi::CStr,
    path: PathBuf,
) -> Result<Option<Entry>, Errno> {
    let status = match rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(None),
        status => status?,
    };
    let kind = match FileType::from_raw_mode(status.st_mode) {
        FileType::Directory => Kind::Directory,
        FileType::RegularFile => Kind::File,
        FileType::Fifo => Kind::Pipe,
        FileType::Socket => Kind::Socket,
        FileType::CharacterDevice => Kind::CharacterDevice,
        FileType::Symlink => {
            let target = rustix::fs::readlinkat(directory, name, Vec::new())?;
            Kind::Link(std::ffi::OsString::from_vec(target.into_bytes()).into())
        }
        FileType::BlockDevice | FileType::Unknown => Kind::BlockDevice,
    };
    Ok(Some(Entry { path, kind, status }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn names_are_sorted_and_links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("tree");
        std::fs::create_dir_all(root.join("b/c")).unwrap();
        std::fs::write(root.join("b/c/d"), "text").unwrap();
        symlink("/etc", root.join("a")).unwrap();
        let tree = Tree::open_result(&root).unwrap();
        let names: Vec<&str> = tree
            .entries()
            .iter()
            .map(|e| e.path.to_str().unwrap())
            .collect();
        assert_eq!(names, ["a", "b", "b/c", "b/c/d"]);
        let file = tree.entry(Path::new("b/c/d")).unwrap();
        assert_eq!(
            std::io::read_to_string(tree.file(file).unwrap()).unwrap(),
            "text"
        );

        // Exchanged since it was found: neither way of opening leads out of the tree.
        let outside = dir.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("d"), "host").unwrap();
        std::fs::rename(root.join("b/c"), root.join("was")).unwrap();
        symlink(&outside, root.join("b/c")).unwrap();
        assert!(tree.file(file).is_err());
        assert!(tree.step_by_step(&file.path, FILE).is_err());
        std::fs::remove_file(root.join("b/c")).unwrap();
        std::fs::create_dir(root.join("b/c")).unwrap();
        std::fs::hard_link(outside.join("d"), root.join("b/c/d")).unwrap();
        assert!(tree.file(file).is_err(), "it is another file");

        let link = dir.path().join("link");
        symlink(&root, &link).unwrap();
        assert!(Tree::open(&link).is_err());
    }

    #[test]
    fn a_tree_beyond_a_limit_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/b/c")).unwrap();
        std::fs::File::create(dir.path().join("a/sparse"))
            .unwrap()
            .set_len(1 << 31)
            .unwrap();
        let small = Limits {
            entries: 10,
            bytes: 1 << 32,
            depth: 4,
        };
        assert!(Tree::open_within(dir.path(), small).is_ok());
        let refusal = |limits| {
            Tree::open_within(dir.path(), limits)
                .unwrap_err()
                .to_string()
        };
        assert!(
            refusal(Limits {
                entries: 3,
                ..small
            })
            .contains("exceeds 3 entries")
        );
        assert!(refusal(LIMITS).contains("files exceed 1073741824 bytes"));
        assert!(refusal(Limits { depth: 3, ..small }).contains("a/b/c\": is deeper than 3"));
    }

    #[test]
    fn a_result_holds_no_devices_pipes_or_sockets() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("socket");
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let refusal = Tree::open_result(dir.path()).unwrap_err().to_string();
        assert!(refusal.contains("is a socket"), "{refusal}");
        drop(listener);
        std::fs::remove_file(&socket).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, dir.path().join("p"), Mode::RUSR).unwrap();
        let refusal = Tree::open_result(dir.path()).unwrap_err().to_string();
        assert!(refusal.contains("is a named pipe"), "{refusal}");
        assert!(Tree::open(dir.path()).is_ok());
    }
}
