//! The paths of a deployment.
//!
//! The absolute paths are TripleO's: service definitions and hosts agree on them. `--root DIR` puts
//! DIR in front of each of them, bind-mount sources included, so a second deployment can live on the
//! same host without touching the first.
//!
//! [`Paths::new`] is the way in. No method creates a directory: a command that only reads leaves
//! nothing behind.
//!
//! ```
//! use slipway_paths::Paths;
//!
//! let paths = Paths::new("/srv/second".as_ref())?;
//! assert_eq!(paths.config_data().to_str(), Some("/srv/second/var/lib/config-data"));
//! assert_eq!(paths.bind_source("/var/lib/mysql")?, "/srv/second/var/lib/mysql");
//! assert_eq!(paths.bind_source("/dev/log")?, "/dev/log");
//! assert!(paths.bind_source("/../etc").is_err());
//! # Ok::<(), slipway_paths::PathError>(())
//! ```

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Host paths that `--root` does not move: they belong to the running system, not to a deployment.
const HOST_PATHS: [&str; 11] = [
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

const CONFIG_DATA: &str = "/var/lib/config-data";
const STATE: &str = "/var/lib/slipway";
const LOGS: &str = "/var/log/slipway/config";
const TRIPLEO_CONFIG: &str = "/var/lib/tripleo-config";

/// The directory of the scripts of `docker_config_scripts`, as in tripleo-heat-templates.
pub const DOCKER_SCRIPTS: &str = "/var/lib/docker-config-scripts";

/// The directory of the scripts of `container_config_scripts`, the key's name in later releases.
pub const CONTAINER_SCRIPTS: &str = "/var/lib/container-config-scripts";

/// The directories that Slipway writes to.
const OWN_DIRECTORIES: [&str; 9] = [
    CONFIG_DATA,
    "/var/lib/config-data/puppet-generated",
    STATE,
    LOGS,
    "/etc/puppet/hieradata",
    "/var/lib/kolla/config_files",
    TRIPLEO_CONFIG,
    DOCKER_SCRIPTS,
    CONTAINER_SCRIPTS,
];

/// The reason why a directory cannot be part of a deployment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The root cannot be resolved.
    #[error("cannot use the root {}", root.display())]
    Root {
        /// The root.
        root: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A definition's path leads out of the root.
    #[error("{path}: leads out of the deployment's root: too many `..`")]
    Outside {
        /// The path.
        path: String,
    },
    /// A symlink in the root leads out of it.
    #[error(
        "{}: a symlink that leads out of the deployment's root, to {}; use a directory or a bind mount",
        link.display(),
        target.display()
    )]
    Symlink {
        /// The symlink.
        link: PathBuf,
        /// Its target.
        target: PathBuf,
    },
    /// A definition's path is relative.
    #[error("{path}: not an absolute path")]
    Relative {
        /// The path.
        path: String,
    },
    /// The path cannot be the source of a bind mount.
    #[error("{} cannot be the source of a bind mount: {reason}", path.display())]
    Unmountable {
        /// The path.
        path: PathBuf,
        /// The reason.
        reason: &'static str,
    },
}

/// The paths of one deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    root: PathBuf,
    config_data: PathBuf,
    logs: PathBuf,
    state: PathBuf,
}

impl Paths {
    /// Returns the paths under `root`, with symlinks in `root` resolved. With `/` they are
    /// TripleO's own.
    ///
    /// # Errors
    /// `root` is not a directory (it may be missing), is not UTF-8, or contains a colon; also when a
    /// symlink on the way to one of Slipway's own directories in it leads out of it.
    pub fn new(root: &Path) -> Result<Paths, PathError> {
        let resolved = resolve(root).map_err(|source| PathError::Root {
            root: root.to_owned(),
            source,
        })?;
        let root = mountable(&resolved)?;
        for directory in OWN_DIRECTORIES {
            stays_below(&root, directory)?;
        }
        Ok(Paths {
            config_data: below(&root, CONFIG_DATA),
            logs: below(&root, LOGS),
            state: state_below(&root),
            root,
        })
    }

    /// Moves the config volumes to another directory.
    ///
    /// # Errors
    /// The directory cannot be the source of a bind mount.
    pub fn with_config_data(self, config_data: &Path) -> Result<Paths, PathError> {
        Ok(Paths {
            config_data: mountable(config_data)?,
            ..self
        })
    }

    /// Moves the logs of Puppet runs to another directory.
    pub fn with_logs(self, logs: &Path) -> Paths {
        Paths {
            logs: logs.to_owned(),
            ..self
        }
    }

    /// Returns the root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns TripleO's absolute path, moved under the root.
    pub fn path(&self, absolute: &str) -> PathBuf {
        below(&self.root, absolute)
    }

    /// Returns a definition's absolute path, moved under the root. Its `.` and `..` are resolved by
    /// name, so the result is under the root whatever the path says.
    ///
    /// # Errors
    /// [`PathError::Relative`]; [`PathError::Outside`] when the path has more `..` than names before
    /// them; [`PathError::Symlink`] when a symlink on the way leads out of the root.
    pub fn declared(&self, path: &str) -> Result<PathBuf, PathError> {
        let normal = normalize(path)?;
        let directory = normal.rsplit_once('/').map_or("", |(above, _)| above);
        stays_below(&self.root, directory)?;
        Ok(below(&self.root, &normal))
    }

    /// Returns a bind mount's source, moved under the root. Named volumes and paths of the running
    /// system (`/dev`, `/etc/hosts`, …) stay.
    ///
    /// # Errors
    /// [`PathError::Outside`] when the source leads out of the root.
    pub fn bind_source(&self, source: &str) -> Result<String, PathError> {
        if !source.starts_with('/') {
            return Ok(source.to_owned());
        }
        let normal = normalize(source)?;
        if self.root == Path::new("/") {
            return Ok(source.to_owned());
        }
        let trailing = if source.ends_with('/') && source.len() > 1 {
            "/"
        } else {
            ""
        };
        let is_hosts = HOST_PATHS
            .iter()
            .any(|host| Path::new(&normal).starts_with(host));
        Ok(match is_hosts {
            true => format!("{normal}{trailing}"),
            false => format!("{}{trailing}", below(&self.root, &normal).display()),
        })
    }

    /// The config volumes: `/var/lib/config-data`.
    pub fn config_data(&self) -> &Path {
        &self.config_data
    }

    /// The files that Puppet itself wrote, a directory for each config volume.
    pub fn generated(&self) -> PathBuf {
        self.config_data.join("puppet-generated")
    }

    /// The directory in which a config volume is assembled before it is swapped in. It is on the
    /// volumes' file system.
    pub fn staging(&self) -> PathBuf {
        self.config_data.join(".staging")
    }

    /// Trees that were replaced. Running containers may still mount them.
    pub fn replaced(&self) -> PathBuf {
        self.config_data.join(".replaced")
    }

    /// The deployment's `/etc/puppet`: hiera data, and Puppet modules where it has its own.
    pub fn puppet_etc(&self) -> PathBuf {
        self.path("/etc/puppet")
    }

    /// Hiera's data.
    pub fn hieradata(&self) -> PathBuf {
        self.puppet_etc().join("hieradata")
    }

    /// The containers' configs by step: `/var/lib/tripleo-config`.
    pub fn tripleo_config(&self) -> PathBuf {
        self.path(TRIPLEO_CONFIG)
    }

    /// Slipway's records between runs: `/var/lib/slipway`. For a user who cannot write there and
    /// uses no other root, it is `$XDG_STATE_HOME/slipway`.
    pub fn state(&self) -> PathBuf {
        self.state.clone()
    }

    /// The records of Puppet runs.
    pub fn puppet_state(&self) -> PathBuf {
        self.state().join("puppet")
    }

    /// Slipway's own Puppet modules.
    pub fn puppet_modules(&self) -> PathBuf {
        self.puppet_state().join("modules")
    }

    /// The name of the directory, in [`Paths::puppet_state`], that holds the records of config
    /// volumes. Each location of config volumes has its own, so a trial run elsewhere does not
    /// replace the records of the real volumes.
    pub fn volume_records(&self) -> String {
        if self.config_data == self.path(CONFIG_DATA) {
            return "volumes".to_owned();
        }
        let digest = Sha256::digest(self.config_data.as_os_str().as_encoded_bytes());
        format!("volumes-{}", hex::encode(&digest[..8]))
    }

    /// The logs of Puppet runs.
    pub fn logs(&self) -> &Path {
        &self.logs
    }

    /// The default `managed_by` label: TripleO's for the root `/`, and a different one for every
    /// other root, so two deployments never touch each other's containers.
    pub fn managed_by(&self, role: &str) -> String {
        if self.root == Path::new("/") {
            return format!("tripleo-{role}");
        }
        let digest = Sha256::digest(self.root.as_os_str().as_encoded_bytes());
        format!("slipway-{role}-{}", hex::encode(&digest[..4]))
    }
}

/// Returns the directory for state under this root that this user can write to.
fn state_below(root: &Path) -> PathBuf {
    let own = below(root, STATE);
    let user = rustix::process::geteuid();
    if root != Path::new("/") || user.is_root() {
        return own;
    }
    // An administrator may have given the directory to this user.
    match std::fs::symlink_metadata(&own) {
        Ok(found) if found.is_dir() && found.uid() == user.as_raw() => own,
        _ => slipway_files::state_directory().unwrap_or(own),
    }
}

/// Resolves the `.` and `..` of a definition's absolute path by name, as if there were no symlinks.
///
/// ```
/// assert_eq!(slipway_paths::normalize("/var/lib/../run/./x")?, "/var/run/x");
/// assert!(slipway_paths::normalize("/var/../../etc").is_err());
/// # Ok::<(), slipway_paths::PathError>(())
/// ```
///
/// # Errors
/// [`PathError::Relative`], and [`PathError::Outside`] when the path has more `..` than names before
/// them.
pub fn normalize(path: &str) -> Result<String, PathError> {
    if !path.starts_with('/') {
        return Err(PathError::Relative {
            path: path.to_owned(),
        });
    }
    let mut names = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop().ok_or_else(|| PathError::Outside {
                    path: path.to_owned(),
                })?;
            }
            name => names.push(name),
        }
    }
    Ok(format!("/{}", names.join("/")))
}

/// Checks that no symlink on the way to a directory leads out of the root. Missing directories are made
/// later, as directories. Those who could exchange one in the meantime are trusted: the directories
/// above are root's alone.
fn stays_below(root: &Path, directory: &str) -> Result<(), PathError> {
    let mut at = root.to_owned();
    for name in directory.split('/').filter(|name| !name.is_empty()) {
        at.push(name);
        match at.symlink_metadata() {
            Err(_) => return Ok(()),
            Ok(found) if !found.is_symlink() => continue,
            Ok(_) => {}
        }
        // A symlink to nothing might lead anywhere tomorrow.
        let target = match at.canonicalize() {
            Ok(target) if target.starts_with(root) => continue,
            Ok(target) => target,
            Err(_) => at.read_link().unwrap_or_default(),
        };
        return Err(PathError::Symlink { link: at, target });
    }
    Ok(())
}

fn below(root: &Path, absolute: &str) -> PathBuf {
    root.join(absolute.trim_start_matches('/'))
}

/// Returns the path if the engine accepts it as the source of a bind mount.
fn mountable(path: &Path) -> Result<PathBuf, PathError> {
    let reason = match path.to_str() {
        None => "it is not UTF-8",
        Some(text) if text.contains(':') => "it contains a colon",
        Some(_) if !path.is_absolute() => "it is not absolute",
        Some(_) => return Ok(path.to_owned()),
    };
    Err(PathError::Unmountable {
        path: path.to_owned(),
        reason,
    })
}

/// Resolves the symlinks in a directory's path. The last components may be missing: they can be
/// created later.
fn resolve(directory: &Path) -> std::io::Result<PathBuf> {
    let absolute = std::path::absolute(directory)?;
    let mut missing = Vec::new();
    for ancestor in absolute.ancestors() {
        match ancestor.canonicalize() {
            Ok(found) if !found.is_dir() => return Err(std::io::ErrorKind::NotADirectory.into()),
            Ok(found) => {
                return Ok(missing
                    .iter()
                    .rev()
                    .fold(found, |path, name| path.join(name)));
            }
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            // A path that ends in `..`, or a dangling symlink, could become anything.
            Err(error) => match ancestor.file_name() {
                Some(name) if !ancestor.is_symlink() => missing.push(name),
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
    fn a_missing_root_is_resolved_and_not_created() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let paths = Paths::new(&link.join("a/b")).unwrap();
        assert_eq!(paths.root(), real.join("a/b"));
        assert!(!real.join("a").exists());
        std::fs::create_dir_all(real.join("a/b")).unwrap();
        assert_eq!(Paths::new(&link.join("a/b")).unwrap(), paths);
        // The label is made from the path: a trailing slash must not change it.
        for same in ["a/b", "a/b/", "a//./b"] {
            let other = Paths::new(&link.join(same)).unwrap();
            assert_eq!(other.managed_by("R"), paths.managed_by("R"), "{same}");
        }
        assert_eq!(paths.root().as_os_str(), real.join("a/b").as_os_str());
    }

    #[test]
    fn a_root_that_is_not_a_directory_is_rejected() {
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
            assert!(Paths::new(root).is_err(), "{}", root.display());
        }
    }

    #[test]
    fn a_symlink_that_leads_out_of_the_root_is_refused_and_one_inside_is_followed() {
        use std::os::unix::fs::symlink;
        let [outside, root] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let lib = root.path().join("var/lib");
        std::fs::create_dir_all(root.path().join("var")).unwrap();
        for target in [outside.path(), &outside.path().join("missing")] {
            symlink(target, &lib).unwrap();
            let error = Paths::new(root.path()).unwrap_err().to_string();
            assert!(
                error.contains("leads out of the deployment's root"),
                "{error}"
            );
            assert!(error.contains(&target.display().to_string()), "{error}");
            std::fs::remove_file(&lib).unwrap();
        }
        std::fs::create_dir(root.path().join("data")).unwrap();
        symlink("../data", &lib).unwrap();
        let paths = Paths::new(root.path()).unwrap();
        // Containers may write below their own directories.
        symlink(outside.path(), root.path().join("data/service")).unwrap();
        let error = paths.declared("/var/lib/service/config.json").unwrap_err();
        assert!(matches!(error, PathError::Symlink { .. }), "{error}");
        assert!(paths.declared("/var/lib/other/config.json").is_ok());
    }

    #[test]
    fn a_root_moves_tripleos_paths_and_not_the_hosts() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::new(dir.path()).unwrap();
        let root = dir.path().canonicalize().unwrap().display().to_string();
        assert_eq!(
            paths
                .bind_source("/var/lib/config-data/puppet-generated/keystone/")
                .unwrap(),
            format!("{root}/var/lib/config-data/puppet-generated/keystone/")
        );
        assert_eq!(
            paths.bind_source("/etc/localtime").unwrap(),
            "/etc/localtime"
        );
        assert_eq!(paths.bind_source("/dev/log").unwrap(), "/dev/log");
        assert_eq!(
            paths.bind_source("/development").unwrap(),
            format!("{root}/development")
        );
        assert_eq!(paths.bind_source("a-volume").unwrap(), "a-volume");
    }

    #[test]
    fn no_path_of_a_definition_leads_out_of_the_root() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let paths = Paths::new(&root).unwrap();
        for path in [
            "/../x",
            "/../../etc/cron.d/x",
            "/var/../../x",
            "/dev/../../x",
        ] {
            let error = paths.declared(path).unwrap_err().to_string();
            assert!(error.contains("leads out"), "{error}");
            assert!(paths.bind_source(path).is_err(), "{path}");
        }
        assert!(paths.declared("var/x").is_err());
        let expected = root.join("var/x");
        assert_eq!(paths.declared("/var/lib/.././x").unwrap(), expected);
        // A way through a host path is not the host's.
        assert_eq!(
            paths.bind_source("/dev/../var/x").unwrap(),
            expected.display().to_string()
        );
        assert_eq!(paths.bind_source("/var/../dev/log").unwrap(), "/dev/log");
        let plain = Paths::new(Path::new("/")).unwrap();
        assert_eq!(plain.bind_source("/var/../x").unwrap(), "/var/../x");
        assert!(plain.bind_source("/../x").is_err());
    }

    #[test]
    fn the_plain_root_changes_nothing() {
        let paths = Paths::new(Path::new("/")).unwrap();
        assert_eq!(
            paths.bind_source("/var/lib/mysql").unwrap(),
            "/var/lib/mysql"
        );
        assert_eq!(paths.config_data(), Path::new("/var/lib/config-data"));
        assert_eq!(paths.managed_by("Controller"), "tripleo-Controller");
    }

    #[test]
    fn a_root_with_a_colon_is_rejected() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Paths::new(&dir.path().join("a:b")).is_err());
    }
}
