//! Slipway's own Puppet module, carried in the binary and put where Puppet finds it.

use sha2::{Digest, Sha256};

use crate::error::{At, Result};
use crate::files;
use slipway_paths::Paths;

macro_rules! module {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../module/", $path)))),*]
    };
}

const FILES: &[(&str, &str)] = module![
    "slipway/metadata.json",
    "slipway/manifests/packages.pp",
    "slipway/lib/puppet/functions/noop_resource.rb",
    "slipway/lib/puppet/functions/slipway/hiera.rb",
    "slipway/lib/puppet/provider/rabbitmq_user/stdin.rb",
];

/// Puts the module under the deployment's state, and removes what an older version left there.
pub fn install(paths: &Paths) -> Result<()> {
    let root = paths.puppet_modules();
    // A folder per version of the text: a run of another version may be reading the other one.
    if root.join("slipway").join(digest()).exists() {
        return Ok(());
    }
    files::private_dir(&paths.puppet_state())?;
    let beside = tempfile::Builder::new()
        .prefix(".modules-")
        .tempdir_in(paths.puppet_state())
        .at("make a folder in", paths.puppet_state())?;
    for (name, text) in FILES {
        let path = beside.path().join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).at("make", folder)?;
        }
        std::fs::write(&path, text).at("write", &path)?;
    }
    let mark = beside.path().join("slipway").join(digest());
    std::fs::write(&mark, "").at("write", &mark)?;
    files::remove(&root)?;
    std::fs::rename(beside.path(), &root).at("put in place", &root)
}

/// Tells one version of the module from another.
pub fn digest() -> String {
    let mut digest = Sha256::new();
    for (name, text) in FILES {
        digest.update((name.len() as u64).to_be_bytes());
        digest.update(name);
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text);
    }
    hex::encode(digest.finalize())
}
