//! The metadata of a file that was found, read and set.

use std::ffi::{OsStr, OsString};
use std::fs::Permissions;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{
    AtFlags, Dir, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid, XattrFlags,
    chownat, fchmod, fgetxattr, flistxattr, fsetxattr, futimens, openat, readlinkat,
};
use rustix::io::Errno;

use super::{FsError, Node, Result};

impl Node {
    pub(crate) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }

    pub(crate) fn is_dir(&self) -> bool {
        self.kind() == FileType::Directory
    }

    pub(crate) fn is_link(&self) -> bool {
        self.kind() == FileType::Symlink
    }

    pub(crate) fn is_file(&self) -> bool {
        self.kind() == FileType::RegularFile
    }

    /// Returns the identity that no other file has.
    pub(super) fn identity(&self) -> (u64, u64) {
        (self.stat.st_dev, self.stat.st_ino)
    }

    /// Returns user and group.
    pub(crate) fn owner(&self) -> (u32, u32) {
        (self.stat.st_uid, self.stat.st_gid)
    }

    /// Returns the size that the file reports.
    pub(super) fn size(&self) -> u64 {
        u64::try_from(self.stat.st_size).unwrap_or(0)
    }

    /// Returns the permission bits, with set-ID and sticky.
    pub(crate) fn mode(&self) -> u32 {
        self.stat.st_mode & 0o7777
    }

    /// Returns the target of a symlink.
    pub(crate) fn target(&self, path: &Path) -> Result<OsString> {
        let target =
            readlinkat(&*self.fd, c"", Vec::new()).map_err(FsError::os("read the link", path))?;
        Ok(OsString::from_vec(target.into_bytes()))
    }

    pub(crate) fn set_owner(&self, path: &Path, (user, group): (u32, u32)) -> Result<()> {
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
        chownat(&*self.fd, c"", Some(user), Some(group), AtFlags::EMPTY_PATH)
            .map_err(FsError::os("change the owner of", path))
    }

    pub(crate) fn set_mode(&self, path: &Path, mode: u32) -> Result<()> {
        // No other call sets a file's mode through a descriptor that does not open the file itself.
        let through = format!("/proc/self/fd/{}", self.fd.as_raw_fd());
        std::fs::set_permissions(through, Permissions::from_mode(mode))
            .map_err(FsError::os("change the mode of", path))
    }

    /// Opens a directory for reading its entries.
    pub(crate) fn open_dir(&self, path: &Path) -> Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(&*self.fd, c".", flags, Mode::empty())
            .map_err(FsError::os("open the directory", path))
    }

    /// Returns the entries of a directory, sorted by name.
    pub(crate) fn list(&self, path: &Path) -> Result<Vec<Listed>> {
        list(&self.open_dir(path)?).map_err(FsError::os("list the directory", path))
    }

    /// Sets the owner of the file that has this name in this directory now. Symlinks are not
    /// followed.
    pub(crate) fn set_owner_in(
        &self,
        name: &OsStr,
        path: &Path,
        (user, group): (u32, u32),
    ) -> Result<()> {
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
        chownat(
            &*self.fd,
            name,
            Some(user),
            Some(group),
            AtFlags::SYMLINK_NOFOLLOW,
        )
        .map_err(FsError::os("change the owner of", path))
    }

    /// Copies times, extended attributes and mode, then the owner, from the directory `of`.
    pub(crate) fn copy_properties(&self, path: &Path, of: &Node, of_path: &Path) -> Result<()> {
        let (from, to) = (of.open_dir(of_path)?, self.open_dir(path)?);
        copy_times_and_attributes(&from, &of.stat, &to)
            .map_err(FsError::os("copy properties to", path))?;
        fchmod(&to, Mode::from_raw_mode(of.mode()))
            .map_err(FsError::os("change the mode of", path))?;
        self.set_owner(path, of.owner())
    }
}

/// An entry of a directory's listing.
pub(crate) struct Listed {
    pub(crate) name: OsString,
    /// Its type at that time; not every file system reports it.
    pub(crate) kind: FileType,
}

pub(super) fn list(dir: &OwnedFd) -> std::result::Result<Vec<Listed>, Errno> {
    let mut entries = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = OsString::from_vec(entry.file_name().to_bytes().to_owned());
        if name != OsStr::new(".") && name != OsStr::new("..") {
            let kind = entry.file_type();
            entries.push(Listed { name, kind });
        }
    }
    entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}

pub(super) fn copy_times_and_attributes(
    from: &impl AsFd,
    stat: &Stat,
    to: &impl AsFd,
) -> std::result::Result<(), Errno> {
    let time = |seconds, nanoseconds: u64| Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds.cast_signed(),
    };
    futimens(
        to,
        &Timestamps {
            last_access: time(stat.st_atime, stat.st_atime_nsec),
            last_modification: time(stat.st_mtime, stat.st_mtime_nsec),
        },
    )?;
    match copy_attributes(from, to) {
        // Attributes that cannot be set are skipped, as Python's copystat does.
        Err(Errno::PERM | Errno::NOTSUP | Errno::NODATA | Errno::INVAL | Errno::ACCESS) => Ok(()),
        done => done,
    }
}

fn copy_attributes(from: &impl AsFd, to: &impl AsFd) -> std::result::Result<(), Errno> {
    /// The kernel's limits on all names together, and on one value.
    const LARGEST: usize = 65536;
    // Few files have one, and then this much is enough.
    match flistxattr(from, &mut [0u8; 64][..]) {
        Ok(0) => return Ok(()),
        Ok(_) | Err(Errno::RANGE) => {}
        Err(errno) => return Err(errno),
    }
    let mut names = vec![0; LARGEST];
    let length = flistxattr(from, &mut names[..])?;
    let mut value = vec![0; LARGEST];
    for name in names[..length]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        let copied = fgetxattr(from, name, &mut value[..])
            .and_then(|length| fsetxattr(to, name, &value[..length], XattrFlags::empty()));
        match copied {
            Err(Errno::PERM | Errno::NOTSUP | Errno::NODATA | Errno::INVAL | Errno::ACCESS) => {}
            done => done?,
        }
    }
    Ok(())
}
