//! The hashes of config volumes, for the environment of the containers that mount them.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use slipway_paths::Paths;
use slipway_service::{ConfigVolume, ContainerConfig};

/// The environment variable that carries the hash.
pub const CONFIG_HASH: &str = "TRIPLEO_CONFIG_HASH";

/// The hashes of the config volumes that exist.
///
/// A container's environment gets the hashes of the volumes it mounts, so that it is replaced
/// when one of them changes, and only then.
#[derive(Clone, Debug)]
pub struct Hashes {
    prefix: PathBuf,
}

impl Hashes {
    /// Returns the hashes of a deployment's volumes.
    pub fn of(paths: &Paths) -> Hashes {
        Hashes {
            prefix: paths.config_data().to_owned(),
        }
    }

    /// Returns the value of [`CONFIG_HASH`] for a container with these mounts (each a source, or
    /// `source:target[:options]`): the hash of each config volume among them, in the order of
    /// their paths, joined by `-`. `None` if it mounts none.
    pub fn for_mounts<'a>(&self, mounts: impl IntoIterator<Item = &'a str>) -> Option<String> {
        let volumes = self.directories(mounts);
        let hashes: Vec<String> = volumes
            .iter()
            .filter_map(|volume| slipway_files::read_input(hash_file(volume)).ok())
            .map(|hash| hash.trim().to_owned())
            .filter(|hash| !hash.is_empty())
            .collect();
        (!hashes.is_empty()).then(|| hashes.join("-"))
    }

    /// Returns the names of the config volumes among these mounts.
    pub fn volumes<'a>(&self, mounts: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
        let directories = self.directories(mounts).into_iter();
        let names = directories.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
        names.collect()
    }

    fn directories<'a>(&self, mounts: impl IntoIterator<Item = &'a str>) -> BTreeSet<PathBuf> {
        let mounts = mounts.into_iter();
        let directories =
            mounts.filter_map(|mount| self.volume(Path::new(mount.split(':').next()?)));
        directories.collect()
    }

    /// Sets [`CONFIG_HASH`] in the environment of a container that mounts config volumes.
    pub fn apply(&self, container: &mut ContainerConfig) {
        let mounts = container.keys().volumes.iter();
        let sources = mounts.filter_map(|mount| mount.source.as_deref());
        if let Some(hash) = self.for_mounts(sources) {
            container.set_env(CONFIG_HASH, &hash);
        }
    }

    /// Returns the volume that a path belongs to.
    fn volume(&self, path: &Path) -> Option<PathBuf> {
        let mut names = path.strip_prefix(&self.prefix).ok()?.components();
        let mut volume = self.prefix.clone();
        let mut name = name_of(names.next()?)?;
        if name == "puppet-generated" {
            volume.push(name);
            name = name_of(names.next()?)?;
        }
        ConfigVolume::new(name).ok()?;
        volume.push(name);
        Some(volume)
    }
}

fn name_of(component: Component<'_>) -> Option<&str> {
    match component {
        Component::Normal(name) => name.to_str(),
        _ => None,
    }
}

/// Returns the file beside a tree that holds its hash.
pub(crate) fn hash_file(volume: &Path) -> PathBuf {
    let mut name = volume.as_os_str().to_owned();
    name.push(".sha256");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mounted_volume_counts_once() {
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::new(root.path()).unwrap();
        std::fs::create_dir_all(paths.generated()).unwrap();
        let prefix = paths.config_data();
        std::fs::write(prefix.join("memcached.sha256"), "m\n").unwrap();
        std::fs::write(prefix.join("puppet-generated/keystone.sha256"), "k\n").unwrap();
        let hashes = Hashes::of(&paths);
        let value = |mounts: &[&str]| {
            let mounts: Vec<String> = mounts
                .iter()
                .map(|m| m.replace("PREFIX", &prefix.display().to_string()))
                .collect();
            hashes.for_mounts(mounts.iter().map(String::as_str))
        };
        let keystone = "PREFIX/puppet-generated/keystone/:/src:ro";
        assert_eq!(value(&[keystone]), Some("k".into()));
        assert_eq!(
            value(&[
                keystone,
                "PREFIX/puppet-generated/keystone/etc:/x",
                "PREFIX/memcached/etc/a:/a"
            ]),
            Some("m-k".into())
        );
        assert_eq!(
            value(&["/etc/hosts:/etc/hosts", "PREFIX/none:/x", "PREFIX:/all"]),
            None
        );
        assert_eq!(
            value(&["PREFIX/../x:/y", "PREFIX/puppet-generated:/y"]),
            None
        );
    }
}
