//! The hash of a tree: the same on every host, for the same files.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::error::{At, Result};
use crate::volume::tree::{Entry, Kind, Tree};

/// The password file that a service replaces itself, once it exists.
pub const PASSWORD_FILE: &str = "root/.my.cnf";

/// Hashes of one tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeHash {
    /// Changes when containers that mount the tree have to be replaced.
    pub config: String,
    /// The same without the password file, which a service may replace: changes when somebody
    /// edits the tree.
    pub content: String,
    /// Changes with everything.
    pub exact: String,
}

/// Hashes a tree: sorted relative paths, types, modes, owners, link targets and contents.
///
/// | does not count | why |
/// |---|---|
/// | lines with Puppet's or cron's time (`# HEADER`, `# (… installed on …)`) | nothing reads them |
/// | `etc/puppet` | Puppet's own; no service reads it |
/// | `etc/swift/backups` | copies of rings under the time of day |
/// | `etc/hosts`, `etc/hostname`, `etc/resolv.conf` | the engine's own; Podman writes the name of the run's container into them |
///
/// Everything else counts, Swift's rings and libvirt's passwords included: a container that does not
/// learn of a change keeps the old ones.
pub fn hash(tree: &Tree) -> Result<TreeHash> {
    let (mut config, mut content, mut exact) = (Sha256::new(), Sha256::new(), Sha256::new());
    for (path, digests) in digests_of(tree)? {
        exact.update(digests.exact);
        if is_ignored(path) {
            continue;
        }
        config.update(digests.stable);
        if path != Path::new(PASSWORD_FILE) {
            content.update(digests.stable);
        }
    }
    Ok(TreeHash {
        config: hex::encode(config.finalize()),
        content: hex::encode(content.finalize()),
        exact: hex::encode(exact.finalize()),
    })
}

/// Returns a digest for each path of a tree that counts: equal digests, equal files.
pub fn digests(tree: &Tree) -> Result<BTreeMap<PathBuf, [u8; 32]>> {
    let digests = digests_of(tree)?.into_iter();
    Ok(digests
        .filter(|(path, _)| !is_ignored(path))
        .map(|(path, digests)| (path.to_owned(), digests.stable))
        .collect())
}

fn digests_of(tree: &Tree) -> Result<Vec<(&Path, Digests)>> {
    tree.entries()
        .par_iter()
        .map(|entry| Ok((entry.path.as_path(), Digests::of(tree, entry)?)))
        .collect()
}

fn is_ignored(path: &Path) -> bool {
    let ignored = [
        "etc/puppet",
        "etc/swift/backups",
        "etc/hosts",
        "etc/hostname",
        "etc/resolv.conf",
    ];
    ignored.iter().any(|ignored| path.starts_with(ignored))
}

/// Digests of one entry.
struct Digests {
    /// The digest without lines that hold only a time.
    stable: [u8; 32],
    /// The digest with them.
    exact: [u8; 32],
}

impl Digests {
    fn of(tree: &Tree, entry: &Entry) -> Result<Digests> {
        let mut head = Sha256::new();
        field(&mut head, entry.path.as_os_str().as_bytes());
        head.update(match entry.kind {
            Kind::Directory => b"d",
            Kind::File => b"f",
            Kind::Link(_) => b"l",
            Kind::Pipe => b"p",
            Kind::Socket => b"s",
            Kind::CharacterDevice => b"c",
            Kind::BlockDevice => b"b",
        });
        let mode = match entry.kind {
            // A link's mode means nothing, and differs between systems.
            Kind::Link(_) => 0,
            _ => entry.status.st_mode & 0o7777,
        };
        for number in [mode, entry.status.st_uid, entry.status.st_gid] {
            head.update(number.to_be_bytes());
        }
        if let Kind::Link(target) = &entry.kind {
            field(&mut head, target.as_os_str().as_bytes());
        }
        let (mut stable, mut exact) = (head.clone(), head);
        if let Kind::File = entry.kind {
            // No more than was counted when the tree was read.
            let file = tree.file(entry)?.take(entry.status.st_size.unsigned_abs());
            contents(file, &mut stable, &mut exact).at("read", tree.path().join(&entry.path))?;
        }
        Ok(Digests {
            stable: stable.finalize().into(),
            exact: exact.finalize().into(),
        })
    }
}

fn contents(file: impl Read, stable: &mut Sha256, exact: &mut Sha256) -> std::io::Result<()> {
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
            stable.update(&line);
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

    fn hash(root: &Path) -> TreeHash {
        super::hash(&Tree::open(root).unwrap()).unwrap()
    }

    fn config(root: &Path) -> String {
        hash(root).config
    }

    #[test]
    fn the_same_content_has_the_same_hash_in_any_order_and_place() {
        let (a, b) = (
            tempfile::tempdir().unwrap(),
            tempfile::tempdir_in("/dev/shm").unwrap(),
        );
        tree(a.path(), &["etc/x", "etc/d/y", "root/z"]);
        tree(b.path(), &["root/z", "etc/d/y", "etc/x"]);
        assert_eq!(hash(a.path()), hash(b.path()));
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
        differs("an empty directory");
        std::fs::rename(dir.path().join("etc/x"), dir.path().join("etc/z")).unwrap();
        differs("a name");
    }

    #[test]
    fn times_and_backups_do_not_count() {
        let dir = tempfile::tempdir().unwrap();
        tree(
            dir.path(),
            &["etc/swift/swift.conf", "etc/swift/backups/1", "etc/hosts"],
        );
        let cron = dir.path().join("cron");
        let crontab = |time: &str, job: &str| {
            let text = format!("# HEADER: at {time}\n# (- installed on {time})\n* * * * * {job}\n");
            std::fs::write(&cron, text).unwrap();
        };
        crontab("10:00", "x");
        let before = hash(dir.path());
        crontab("11:00", "x");
        tree(dir.path(), &["etc/swift/backups/2", "etc/puppet/a"]);
        std::fs::remove_file(dir.path().join("etc/swift/backups/1")).unwrap();
        std::fs::write(dir.path().join("etc/hosts"), "127.0.0.1 another").unwrap();
        let after = hash(dir.path());
        assert_eq!(before.config, after.config);
        assert_ne!(before.exact, after.exact);
        crontab("11:00", "y");
        assert_ne!(config(dir.path()), before.config);
    }

    #[test]
    fn rings_and_password_databases_count() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "etc/swift/object.ring.gz",
            "etc/swift/account.builder",
            "etc/libvirt/passwd.db",
        ] {
            tree(dir.path(), &[name]);
            let before = config(dir.path());
            std::fs::write(dir.path().join(name), "changed").unwrap();
            assert_ne!(config(dir.path()), before, "{name}");
        }
    }

    #[test]
    fn the_password_file_counts_for_containers_only() {
        let dir = tempfile::tempdir().unwrap();
        tree(dir.path(), &["etc/x", PASSWORD_FILE]);
        let before = hash(dir.path());
        std::fs::write(dir.path().join(PASSWORD_FILE), "changed").unwrap();
        let after = hash(dir.path());
        assert_eq!(before.content, after.content);
        assert_ne!(before.config, after.config);
    }
}
