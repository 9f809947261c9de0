//! Which Kolla it is: from its package's metadata, or from git.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, IoContext, Result};
use crate::place::Place;

/// The version that its metadata has, or that git makes of the last tag, as pbr does it.
pub(crate) fn version(place: &Place) -> Result<String> {
    let site = place.package.parent().unwrap_or(Path::new("."));
    for file in metadata(site)? {
        let text = slipway_files::read_input(&file).at(&file)?;
        let line = text.lines().find_map(|line| line.strip_prefix("Version:"));
        if let Some(version) = line {
            return Ok(version.trim().to_owned());
        }
    }
    let checkout = place.checkout.as_deref();
    let described = checkout.and_then(|checkout| {
        git(
            checkout,
            &["describe", "--tags", "--long", "--match", "[0-9]*"],
        )
    });
    described
        .and_then(|text| from_tag(&text))
        .ok_or_else(|| Error::NoKolla {
            folder: site.to_owned(),
            reason: "neither PKG-INFO, an .egg-info or .dist-info folder nor a git tag says which \
                     version it is"
                .to_owned(),
        })
}

/// The commit of a checkout, in releases whose templates are shown it.
pub(crate) fn commit(place: &Place) -> Result<Option<String>> {
    let Some(checkout) = &place.checkout else {
        return Ok(None);
    };
    if !place.text("version.py")?.contains("git_info") {
        return Ok(None);
    }
    Ok(git(checkout, &["log", "-n1", "--pretty=format:%h"]))
}

/// The files that may tell the version, best first.
fn metadata(site: &Path) -> Result<Vec<PathBuf>> {
    let mut files = vec![site.join("PKG-INFO")];
    let mut folders = Vec::new();
    for entry in fs::read_dir(site).at(site)? {
        let path = entry.at(site)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name == "kolla.egg-info" || (name.starts_with("kolla-") && name.ends_with("-info")) {
            folders.push(path);
        }
    }
    folders.sort();
    files.extend(
        folders
            .iter()
            .flat_map(|folder| [folder.join("METADATA"), folder.join("PKG-INFO")]),
    );
    files.retain(|file| file.is_file());
    Ok(files)
}

/// `23.0.0-12-gabcdef`: the tag itself, or what comes after it.
fn from_tag(described: &str) -> Option<String> {
    let mut parts = described.rsplitn(3, '-');
    let (_, count, tag) = (parts.next()?, parts.next()?, parts.next()?);
    if count == "0" {
        return Some(tag.to_owned());
    }
    let (rest, patch) = tag.rsplit_once('.')?;
    let patch: u64 = patch.parse().ok()?;
    Some(format!("{rest}.{}.dev{count}", patch + 1))
}

fn git(checkout: &Path, arguments: &[&str]) -> Option<String> {
    // Only this checkout's own repository counts, not one around it.
    let folder = checkout.join(".git");
    if !folder.exists() {
        return None;
    }
    let mut command = Command::new("git");
    command.arg("--git-dir").arg(folder).args(arguments);
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_and_what_comes_after_it() {
        assert_eq!(from_tag("23.0.0-0-gabc").as_deref(), Some("23.0.0"));
        assert_eq!(from_tag("23.0.0-12-gabc").as_deref(), Some("23.0.1.dev12"));
        assert_eq!(from_tag("nothing"), None);
    }
}
