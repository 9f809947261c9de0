//! A directory that stands for a container's root: filled as a case says, and looked at.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Mode, Timespec, Timestamps, XattrFlags, llistxattr, lsetxattr, mkfifoat,
    utimensat,
};
use rustix::path::Arg;

use crate::case::{Kind, Node, Step};

const PASSWD: &str = "root:x:0:0:r:/:/b\nkey:x:1001:2001::/:\nsvc:x:1002:2002::/:\n\
                      lone:x:1003:2001::/:\nkey2:x:1001:1::/:\n";
const GROUP: &str = "root:x:0:\nkey:x:2001:\nsvc:x:2002:\nkolla:x:2003:a,b\n";
const CONFIGS: &str = "var/lib/kolla/config_files";
/// Times before this one are those of a case; those after it are of the run.
const BEFORE: i64 = 1_100_000_000;

/// A description of each path. Two descriptions are equal when everything that is compared is equal.
pub type Snapshot = BTreeMap<PathBuf, String>;

pub struct Root {
    dir: tempfile::TempDir,
}

impl Root {
    pub fn new() -> Root {
        let memory = Path::new("/dev/shm");
        let dir = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        };
        Root { dir: dir.unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    fn at(&self, path: &str) -> PathBuf {
        self.path().join(path.trim_start_matches('/'))
    }

    /// Makes it hold the case's tree and nothing else.
    pub fn fill(&self, nodes: &[Node]) {
        // A run may have changed the root itself, through a link that leads up to it.
        chown(self.path(), Some(0), Some(0)).unwrap();
        fs::set_permissions(self.path(), Permissions::from_mode(0o755)).unwrap();
        for entry in fs::read_dir(self.path()).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() && !path.is_symlink() {
                true => fs::remove_dir_all(path).unwrap(),
                false => fs::remove_file(path).unwrap(),
            }
        }
        for dir in ["etc/k", CONFIGS, "src", "dst", "tmp"] {
            fs::create_dir_all(self.at(dir)).unwrap();
        }
        fs::write(self.at("etc/passwd"), PASSWD).unwrap();
        fs::write(self.at("etc/group"), GROUP).unwrap();
        let made: Vec<&Node> = nodes.iter().filter(|node| self.make(node)).collect();
        // Last, since what is made in a directory changes its time.
        made.into_iter().rev().for_each(|node| self.set_time(node));
    }

    /// Makes one, unless something is there or what it would be in is no directory.
    fn make(&self, node: &Node) -> bool {
        let path = self.at(&node.path);
        let parent = path.parent().unwrap();
        if path.symlink_metadata().is_ok()
            || !parent
                .symlink_metadata()
                .is_ok_and(|parent| parent.is_dir())
        {
            return false;
        }
        match &node.kind {
            Kind::File { text, attribute } => {
                fs::write(&path, text).unwrap();
                if *attribute {
                    // Where they can be had.
                    let _ = lsetxattr(&path, "user.t", b"v", XattrFlags::empty());
                }
            }
            Kind::Directory => fs::create_dir(&path).unwrap(),
            Kind::Link { target } => symlink(target, &path).unwrap(),
            Kind::Pipe => mkfifoat(CWD, &path, Mode::from_raw_mode(0o600)).unwrap(),
        }
        if !matches!(node.kind, Kind::Link { .. }) {
            chown(&path, Some(node.owner.0), Some(node.owner.1)).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(node.mode)).unwrap();
        }
        true
    }

    fn set_time(&self, node: &Node) {
        let time = Timespec {
            tv_sec: 1_000_000_000 + i64::from(node.time) * 1000,
            tv_nsec: 123_456_789,
        };
        let times = Timestamps {
            last_access: time,
            last_modification: time,
        };
        utimensat(CWD, self.at(&node.path), &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
    }

    /// Gives it the step's config, and changes a file in between when the step says so.
    pub fn prepare(&self, step: &Step) {
        let yaml = self.at(CONFIGS).join("config.yaml");
        if step.yaml {
            fs::write(yaml, &step.config).unwrap();
        } else {
            // It may not be there.
            let _ = fs::remove_file(yaml);
            fs::write(self.at(CONFIGS).join("config.json"), &step.config).unwrap();
        }
        let changed = self.at("/dst/a");
        if step.tamper
            && changed
                .symlink_metadata()
                .is_ok_and(|found| found.is_file())
        {
            fs::write(changed, "changed").unwrap();
        }
    }

    /// Returns true when symlinks form a loop through which a copy would never end.
    pub fn is_endless(&self) -> bool {
        // No tree of a case has more without such links.
        let mut budget = 1000;
        ["src", "dst", "etc/k"]
            .iter()
            .any(|dir| !self.walk(&self.at(dir), 45, &mut budget))
    }

    /// Goes through a directory as a copy does; false when there is more than `left`.
    fn walk(&self, dir: &Path, depth: usize, budget: &mut usize) -> bool {
        let Ok(entries) = fs::read_dir(dir) else {
            return true;
        };
        for entry in entries.flatten() {
            let mut path = entry.path();
            for _ in 0..8 {
                match fs::read_link(&path) {
                    Ok(target) if target.is_absolute() => {
                        path = self.at(&target.to_string_lossy());
                    }
                    Ok(target) => path = path.parent().unwrap_or(dir).join(target),
                    Err(_) => break,
                }
            }
            if *budget == 0 {
                return false;
            }
            *budget -= 1;
            if path.is_dir() && depth > 0 && !self.walk(&path, depth - 1, budget) {
                return false;
            }
        }
        true
    }

    /// Returns true when a default is kept. Upstream overwrites it at every second restart; ours does not.
    pub fn keeps_a_default(&self) -> bool {
        fs::read_to_string(self.at("/etc/kolla/defaults/state"))
            .is_ok_and(|state| state.contains("\"/etc/kolla/defaults/"))
    }

    pub fn snapshot(&self) -> io::Result<Snapshot> {
        let mut all = Snapshot::new();
        self.look(self.path(), &mut all)?;
        Ok(all)
    }

    /// Makes the files that the scripts keep for themselves root's. A run's `permissions` may have
    /// changed them through a link; upstream then leaves them so, and ours makes them anew.
    pub fn restore_own_files(&self) {
        for (path, mode) in [
            ("/run_command", 0o644),
            ("/etc/kolla/defaults/state", 0o644),
        ] {
            let path = self.at(path);
            if path.symlink_metadata().is_ok_and(|found| found.is_file()) {
                chown(&path, Some(0), Some(0)).unwrap();
                fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            }
        }
    }

    fn look(&self, dir: &Path, all: &mut Snapshot) -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            let found = path.symlink_metadata()?;
            let name = path.strip_prefix(self.path()).unwrap().to_owned();
            all.insert(name, describe(&path, &found)?);
            if found.is_dir() {
                self.look(&path, all)?;
            }
        }
        Ok(())
    }
}

fn describe(path: &Path, found: &fs::Metadata) -> io::Result<String> {
    let kind = found.file_type();
    let owned = format!(
        "{:o} {}:{}",
        found.mode() & 0o7777,
        found.uid(),
        found.gid()
    );
    Ok(if kind.is_symlink() {
        format!("link to {:?} {}", fs::read_link(path)?, found.uid())
    } else if kind.is_dir() {
        format!("directory {owned}")
    } else if kind.is_fifo() {
        format!("pipe {owned}")
    } else {
        let mut names = [0u8; 256];
        let length = llistxattr(path.as_cow_c_str()?.as_ref(), &mut names[..]).unwrap_or(0);
        let time = match found.mtime() < BEFORE {
            true => format!("{}.{}", found.mtime(), found.mtime_nsec()),
            false => "of the run".to_owned(),
        };
        let text = fs::read(path)?;
        format!(
            "file {owned} {time} {:?} {:?}",
            String::from_utf8_lossy(&names[..length]),
            String::from_utf8_lossy(&text)
        )
    })
}
