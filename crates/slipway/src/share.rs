//! The files that come with Slipway: images, overrides, and the static `kolla_set_configs` that is
//! copied into images.

use std::path::PathBuf;

use anyhow::{Context, bail};

const SET_CONFIGS: &str = "kolla_set_configs";

/// Finds a file or directory that comes with Slipway, such as `images`.
///
/// Looks in `$SLIPWAY_SHARE`, then in `../share/slipway` of the binary's directory (an installation),
/// then in the directories above the binary (the checkout that it was built in).
pub fn find(name: &str) -> anyhow::Result<PathBuf> {
    let mut places = Vec::new();
    if let Some(share) = std::env::var_os("SLIPWAY_SHARE") {
        places.push(PathBuf::from(share));
    }
    let binary = own_binary()?;
    if let Some(prefix) = binary.parent().and_then(|bin| bin.parent()) {
        places.push(prefix.join("share/slipway"));
    }
    places.extend(
        binary
            .ancestors()
            .skip(1)
            .filter(|directory| directory.join("images/base/Dockerfile.j2").is_file())
            .map(PathBuf::from),
    );
    match places
        .iter()
        .map(|place| place.join(name))
        .find(|path| path.exists())
    {
        Some(path) => Ok(path),
        None => bail!(
            "{name} is not in {}; set SLIPWAY_SHARE to the directory that has it",
            places
                .iter()
                .map(|p| p.display().to_string())
                .collect::<Vec<_>>()
                .join(", ")
        ),
    }
}

/// Returns the path of the static binary for images: `$SLIPWAY_SET_CONFIGS`, or beside `slipway`
/// itself, or in `../libexec/slipway` (an installation). It may be missing: only images that copy it
/// need it.
pub fn kolla_set_configs() -> anyhow::Result<PathBuf> {
    match std::env::var_os("SLIPWAY_SET_CONFIGS") {
        Some(path) => Ok(PathBuf::from(path)),
        None => {
            let beside = own_binary()?.with_file_name(SET_CONFIGS);
            let prefix = beside.parent().and_then(|bin| bin.parent());
            let installed = prefix.map(|prefix| prefix.join("libexec/slipway").join(SET_CONFIGS));
            Ok(installed.filter(|path| path.is_file()).unwrap_or(beside))
        }
    }
}

/// Returns the path of this binary, with symlinks resolved: symlinks give it its other names.
fn own_binary() -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe().context("cannot find this binary's own path")?;
    Ok(path.canonicalize().unwrap_or(path))
}
