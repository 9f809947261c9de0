//! Where things are on disk.
//!
//! The absolute paths are TripleO's: service definitions and hosts agree on them. `--root DIR`
//! puts DIR in front of every one of them, bind-mount sources included, so that a second
//! deployment, or a try, lives beside the first without touching it.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};

/// Host paths that stay where they are under `--root`: they belong to the running system, not to
/// a deployment.
const OF_THE_HOST: [&str; 11] = [
    "/dev",
    "/proc",
    "/sys",
    "/run",
    "/usr",
    "/lib",
    "/etc/localtime",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/ssl",
    "/etc/pki",
];

/// The paths of one deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout under `root`; `/` is the plain contract. Nothing is made: whoever only asks what
    /// is there leaves no folder behind.
    pub fn new(root: &Path) -> anyhow::Result<Layout> {
        let root =
            resolve(root).with_context(|| format!("cannot use the root {}", root.display()))?;
        let Some(text) = root.to_str() else {
            bail!(
                "the root {} is not UTF-8; the engine takes no such bind mount",
                root.display()
            );
        };
        if text.contains(':') {
            bail!("the root {text} contains a colon, which bind mounts cannot carry");
        }
        Ok(Layout { root })
    }

    /// The root itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// An absolute path of the contract, under this root.
    pub fn path(&self, absolute: &str) -> PathBuf {
        self.root.join(absolute.trim_start_matches('/'))
    }

    /// A bind mount's source as the engine is to see it. Named volumes and what belongs to the
    /// host stay as they are.
    pub fn bind_source(&self, source: &str) -> String {
        let stays = !source.starts_with('/')
            || self.root == Path::new("/")
            || OF_THE_HOST
                .iter()
                .any(|host| Path::new(source).starts_with(host));
        if stays {
            return source.to_owned();
        }
        let trailing = if source.ends_with('/') && source.len() > 1 {
            "/"
        } else {
            ""
        };
        format!(
            "{}{trailing}",
            self.path(source.trim_end_matches('/')).display()
        )
    }

    /// Config volumes: `/var/lib/config-data`.
    pub fn config_data(&self) -> PathBuf {
        self.path("/var/lib/config-data")
    }

    /// Per-step container configs: `/var/lib/tripleo-config`.
    pub fn tripleo_config(&self) -> PathBuf {
        self.path("/var/lib/tripleo-config")
    }

    /// What Slipway remembers between runs: `/var/lib/slipway`.
    pub fn state(&self) -> PathBuf {
        self.path("/var/lib/slipway")
    }

    /// The `managed_by` label of a deployment that names none: t-h-t's for the plain root, and
    /// one of its own for every other root, so that two deployments never touch each other.
    pub fn managed_by(&self, role: &str) -> String {
        if self.root == Path::new("/") {
            return format!("tripleo-{role}");
        }
        let digest = Sha256::digest(self.root.as_os_str().as_encoded_bytes());
        format!("slipway-{role}-{}", hex::encode(&digest[..4]))
    }
}

/// A folder's path with links resolved, as far as it is there: the rest may be made later.
fn resolve(folder: &Path) -> std::io::Result<PathBuf> {
    let absolute = std::path::absolute(folder)?;
    let mut missing = Vec::new();
    for there in absolute.ancestors() {
        match there.canonicalize() {
            Ok(found) if !found.is_dir() => return Err(std::io::ErrorKind::NotADirectory.into()),
            Ok(found) => {
                return Ok(missing
                    .iter()
                    .rev()
                    .fold(found, |path, name| path.join(name)));
            }
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            // A path that ends in `..`, or a link that leads nowhere, could become anything.
            Err(error) => match there.file_name() {
                Some(name) if !there.is_symlink() => missing.push(name),
                _ => return Err(error),
            },
        }
    }
    Err(std::io::ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_that_is_not_there_is_resolved_and_not_made() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let layout = Layout::new(&link.join("a/b")).unwrap();
        assert_eq!(layout.root(), real.join("a/b"));
        assert!(!real.join("a").exists());
        std::fs::create_dir_all(real.join("a/b")).unwrap();
        assert_eq!(Layout::new(&link.join("a/b")).unwrap(), layout);
        // As text, too: a deployment is known by it, and a slash at its end would make it another.
        for same in ["a/b", "a/b/", "a//./b"] {
            let again = Layout::new(&link.join(same)).unwrap();
            assert_eq!(again.managed_by("R"), layout.managed_by("R"), "{same}");
        }
        assert_eq!(layout.root().as_os_str(), real.join("a/b").as_os_str());
    }

    #[test]
    fn a_root_that_cannot_be_a_folder_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let nowhere = dir.path().join("nowhere");
        std::os::unix::fs::symlink("missing", &nowhere).unwrap();
        for root in [
            &file,
            &file.join("below"),
            &nowhere,
            &dir.path().join("a/../b"),
        ] {
            assert!(Layout::new(root).is_err(), "{}", root.display());
        }
    }

    #[test]
    fn a_root_moves_the_contract_and_leaves_the_host() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path()).unwrap();
        let root = dir.path().canonicalize().unwrap().display().to_string();
        assert_eq!(
            layout.bind_source("/var/lib/config-data/puppet-generated/keystone/"),
            format!("{root}/var/lib/config-data/puppet-generated/keystone/")
        );
        assert_eq!(layout.bind_source("/etc/localtime"), "/etc/localtime");
        assert_eq!(layout.bind_source("/dev/log"), "/dev/log");
        assert_eq!(
            layout.bind_source("/development"),
            format!("{root}/development")
        );
        assert_eq!(layout.bind_source("a-volume"), "a-volume");
    }

    #[test]
    fn the_plain_root_changes_nothing() {
        let layout = Layout::new(Path::new("/")).unwrap();
        assert_eq!(layout.bind_source("/var/lib/mysql"), "/var/lib/mysql");
        assert_eq!(layout.config_data(), Path::new("/var/lib/config-data"));
        assert_eq!(layout.managed_by("Controller"), "tripleo-Controller");
    }

    #[test]
    fn a_root_that_bind_mounts_cannot_carry_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Layout::new(&dir.path().join("a:b")).is_err());
    }
}
