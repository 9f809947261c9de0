//! Slipway's own Puppet module: carried in the binary, installed where Puppet finds it.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

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

/// The start of the names of directories that are not complete.
pub const UNFINISHED: &str = ".modules-";

/// Installs the module among the deployment's records, in the place of an older version.
pub fn install(paths: &Paths) -> Result<()> {
    let root = paths.puppet_modules();
    // A directory for each version: a run of another version may be reading the other one.
    if root.join("slipway").join(digest()).exists() {
        return Ok(());
    }
    files::private_dir(&paths.puppet_state())?;
    let beside = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempdir_in(paths.puppet_state())
        .at("make a directory in", paths.puppet_state())?;
    for (name, text) in FILES {
        write(&beside.path().join(name), text)?;
    }
    write(&beside.path().join("slipway").join(digest()), "")?;
    files::remove(&root)?;
    std::fs::rename(beside.path(), &root).at("put in place", &root)
}

/// Writes a file that a container's user may read, whatever the umask.
fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(directory) = path.parent() {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o755);
        builder.create(directory).at("make", directory)?;
    }
    let written = slipway_files::write_with_mode(path, text.as_bytes(), 0o644);
    Ok(written.map(drop)?)
}

/// Returns a digest of the module.
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
