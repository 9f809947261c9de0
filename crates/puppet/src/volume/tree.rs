//! What a generated tree amounts to: one hash, the same on every host.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::error::{At, Result};

/// The password file that a service replaces itself, once it is there.
pub const PASSWORD_FILE: &str = "root/.my.cnf";

/// Hashes of one tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeHash {
    /// What containers that mount the tree depend on.
    pub config: String,
    /// The same without the password file, which a service may replace: whether the tree is as
    /// it was generated.
    pub content: String,
    /// Everything there is, with nothing left out.
    pub exact: String,
}

/// Hashes a tree: sorted relative paths, types, modes, owners, link targets and contents.
///
/// Left out, as in docker-puppet: lines with Puppet's and cron's timestamps, Swift's rings and
/// backups, libvirt's password database. Also Puppet's own `/etc/puppet`, of which nothing a
/// service reads depends.
pub fn hash(root: &Path) -> Result<TreeHash> {
    let entries = entries(root)?;
    let (mut config, mut content, mut exact) = (Sha256::new(), Sha256::new(), Sha256::new());
    for (path, entry) in entries {
        exact.update(entry.exact);
        if is_left_out(&path) {
            continue;
        }
        config.update(entry.plain);
        if path != Path::new(PASSWORD_FILE) {
            content.update(entry.plain);
        }
    }
    Ok(TreeHash {
        config: hex::encode(config.finalize()),
        content: hex::encode(content.finalize()),
        exact: hex::encode(exact.finalize()),
    })
}

/// What counts of each path of a tree: equal digests, equal files.
pub fn digests(root: &Path) -> Result<BTreeMap<PathBuf, [u8; 32]>> {
    let entries = entries(root)?.into_iter();
    Ok(entries
        .filter(|(path, _)| !is_left_out(path))
        .map(|(path, entry)| (path, entry.plain))
        .collect())
}

/// Every path of a tree, relative and sorted as bytes.
fn entries(root: &Path) -> Result<Vec<(PathBuf, Entry)>> {
    let mut paths = Vec::new();
    walk(root, &mut paths)?;
    paths.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
    paths
        .par_iter()
        .map(|path| {
            let relative = path.strip_prefix(root).unwrap_or(path);
            Ok((relative.to_owned(), Entry::read(path, relative)?))
        })
        .collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).at("read", folder)? {
        let entry = entry.at("read", folder)?;
        let path = entry.path();
        let is_dir = entry.file_type().at("read", &path)?.is_dir();
        found.push(path.clone());
        if is_dir {
            walk(&path, found)?;
        }
    }
    Ok(())
}

fn is_left_out(path: &Path) -> bool {
    let name = path.file_name().map(OsStrExt::as_bytes).unwrap_or_default();
    path.starts_with("etc/puppet")
        || path.starts_with("etc/swift/backups")
        || path == Path::new("etc/libvirt/passwd.db")
        || path.parent() == Some(Path::new("etc/swift"))
            && (name.ends_with(b".ring.gz") || name.ends_with(b".builder"))
}

/// What is hashed of one file, folder or link.
struct Entry {
    /// Without lines that hold nothing but a time.
    plain: [u8; 32],
    /// With them.
    exact: [u8; 32],
}

impl Entry {
    fn read(path: &Path, relative: &Path) -> Result<Entry> {
        let metadata = path.symlink_metadata().at("read", path)?;
        let kind = metadata.file_type();
        let mut head = Sha256::new();
        field(&mut head, relative.as_os_str().as_bytes());
        let letter = match kind {
            _ if kind.is_dir() => b"d",
            _ if kind.is_file() => b"f",
            _ if kind.is_symlink() => b"l",
            _ if kind.is_fifo() => b"p",
            _ if kind.is_socket() => b"s",
            _ if kind.is_char_device() => b"c",
            _ => b"b",
        };
        head.update(letter);
        // A link's mode means nothing, and differs between systems.
        let mode = if kind.is_symlink() {
            0
        } else {
            metadata.mode() & 0o7777
        };
        for number in [mode, metadata.uid(), metadata.gid()] {
            head.update(number.to_be_bytes());
        }
        if kind.is_symlink() {
            let target = std::fs::read_link(path).at("read", path)?;
            field(&mut head, target.as_os_str().as_bytes());
        }
        let (mut plain, mut exact) = (head.clone(), head);
        if kind.is_file() {
            let file = std::fs::File::open(path).at("read", path)?;
            contents(file, &mut plain, &mut exact).at("read", path)?;
        }
        Ok(Entry {
            plain: plain.finalize().into(),
            exact: exact.finalize().into(),
        })
    }
}

fn contents(file: impl Read, plain: &mut Sha256, exact: &mut Sha256) -> std::io::Result<()> {
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        // A file without line ends must not be taken into memory whole.
        let limit = 64 * 1024;
        if reader.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        exact.update(&line);
        if !is_timestamp(&line) {
            plain.update(&line);
        }
    }
}

/// Puppet's `# HEADER: …` and cron's `# (… installed on …)`.
pub fn is_timestamp(line: &[u8]) -> bool {
    let holds = |part: &[u8]| line.windows(part.len()).any(|window| window == part);
    line.first() == Some(&b'#')
        && (holds(b"HEADER") || line.starts_with(b"# (") && holds(b" installed on "))
}

fn field(digest: &mut Sha256, bytes: &[u8]) {
    digest.update((bytes.len() as u64).to_be_bytes());
    digest.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn tree(root: &Path, names: &[&str]) {
        for name in names {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, format!("content of {name}\n")).unwrap();
        }
    }

    fn config(root: &Path) -> String {
        hash(root).unwrap().config
    }

    #[test]
    fn the_same_content_has_the_same_hash_in_any_order_and_place() {
        let (a, b) = (
            tempfile::tempdir().unwrap(),
            tempfile::tempdir_in("/dev/shm").unwrap(),
        );
        tree(a.path(), &["etc/x", "etc/d/y", "root/z"]);
        tree(b.path(), &["root/z", "etc/d/y", "etc/x"]);
        assert_eq!(hash(a.path()).unwrap(), hash(b.path()).unwrap());
    }

    #[test]
    fn whatever_matters_changes_it() {
        let dir = tempfile::tempdir().unwrap();
        tree(dir.path(), &["etc/x", "etc/y"]);
        let mut seen = vec![config(dir.path())];
        let mut differs = |what: &str| {
            let now = config(dir.path());
            assert!(!seen.contains(&now), "{what} went unnoticed");
            seen.push(now);
        };
        std::fs::write(dir.path().join("etc/x"), "other\n").unwrap();
        differs("content");
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(dir.path().join("etc/x"), mode).unwrap();
        differs("a mode");
        symlink("x", dir.path().join("etc/link")).unwrap();
        differs("a link");
        std::fs::remove_file(dir.path().join("etc/link")).unwrap();
        symlink("y", dir.path().join("etc/link")).unwrap();
        differs("a link's target");
        std::fs::create_dir(dir.path().join("empty")).unwrap();
        differs("an empty folder");
        std::fs::rename(dir.path().join("etc/x"), dir.path().join("etc/z")).unwrap();
        differs("a name");
    }

    #[test]
    fn times_and_what_services_change_themselves_do_not_count() {
        let dir = tempfile::tempdir().unwrap();
        tree(
            dir.path(),
            &["etc/x", "etc/swift/object.ring.gz", "etc/libvirt/passwd.db"],
        );
        let cron = dir.path().join("cron");
        std::fs::write(
            &cron,
            "# HEADER: at 10:00\n# (- installed on Mon)\n* * * * * x\n",
        )
        .unwrap();
        let before = hash(dir.path()).unwrap();
        std::fs::write(
            &cron,
            "# HEADER: at 11:00\n# (- installed on Tue)\n* * * * * x\n",
        )
        .unwrap();
        tree(
            dir.path(),
            &[
                "etc/swift/backups/1",
                "etc/swift/account.builder",
                "etc/puppet/a",
            ],
        );
        std::fs::remove_dir_all(dir.path().join("etc/swift")).unwrap();
        std::fs::create_dir(dir.path().join("etc/swift")).unwrap();
        let after = hash(dir.path()).unwrap();
        assert_eq!(before.config, after.config);
        assert_ne!(before.exact, after.exact);
        std::fs::write(&cron, "* * * * * y\n").unwrap();
        assert_ne!(config(dir.path()), before.config);
    }

    #[test]
    fn the_password_file_counts_for_containers_only() {
        let dir = tempfile::tempdir().unwrap();
        tree(dir.path(), &["etc/x", PASSWORD_FILE]);
        let before = hash(dir.path()).unwrap();
        std::fs::write(dir.path().join(PASSWORD_FILE), "changed").unwrap();
        let after = hash(dir.path()).unwrap();
        assert_eq!(before.content, after.content);
        assert_ne!(before.config, after.config);
    }
}
