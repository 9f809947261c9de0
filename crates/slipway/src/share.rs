//! The files that come with Slipway: images, overrides, and the static `kolla_set_configs` that is
//! copied into images.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// The name of the static binary that is copied into images.
pub const SET_CONFIGS: &str = "kolla_set_configs";

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

/// The directories that come with Slipway.
const DIRECTORIES: [&str; 3] = ["images", "overrides", "services"];

/// Returns the files that come with Slipway, by their names: `share/images/base/Dockerfile.j2`. Hidden
/// files are left out, and directories that are missing.
pub fn files() -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    for name in DIRECTORIES {
        if let Ok(directory) = find(name) {
            add_files(&directory, &format!("share/{name}"), &mut files)?;
        }
    }
    Ok(files)
}

fn add_files(
    directory: &Path,
    inside: &str,
    files: &mut BTreeMap<String, PathBuf>,
) -> anyhow::Result<()> {
    let unreadable = || format!("cannot read {}", directory.display());
    for entry in directory.read_dir().with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else {
            continue;
        };
        let inside = format!("{inside}/{name}");
        let kind = entry.file_type().with_context(unreadable)?;
        if kind.is_dir() {
            add_files(&entry.path(), &inside, files)?;
        } else if kind.is_file() {
            files.insert(inside, entry.path());
        }
    }
    Ok(())
}

/// Returns the path of this binary, with symlinks resolved: symlinks give it its other names.
pub fn own_binary() -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe().context("cannot find this binary's own path")?;
    Ok(path.canonicalize().unwrap_or(path))
}
