//! The source and the revision of a Kolla, which its images are labelled with.

use serde_json::Value;
use slipway_git::Repository;

use slipway_files::AtPath;

use crate::error::Result;
use crate::place::Place;
use crate::version::metadata_directories;

/// Kolla's own repository.
const UPSTREAM: &str = "https://opendev.org/openstack/kolla";

/// The source that a Kolla was installed from, and its commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The address of the repository.
    pub source: Option<String>,
    /// The commit.
    pub revision: Option<String>,
}

/// Finds the source and the revision: as pip noted them, or those of a checkout.
pub(crate) fn read(place: &Place) -> Result<Provenance> {
    let mut found = as_pip_noted(place)?;
    let is_local = |source: &str| source.starts_with("file:");
    let is_upstream = found.source.as_deref().is_none_or(is_local);
    if found.revision.is_none() || found.source.as_deref().is_some_and(is_local) {
        let repository = place.checkout.as_deref().and_then(Repository::at);
        let revision = repository.and_then(|it| it.ask(&["rev-parse", "--verify", "HEAD"]));
        if let Some(revision) = revision {
            found.revision = Some(revision);
            if is_upstream {
                found.source = Some(UPSTREAM.to_owned());
            }
        }
    }
    if found.source.as_deref().is_some_and(is_local) {
        found.source = Some(UPSTREAM.to_owned());
    }
    Ok(found)
}

/// Reads `direct_url.json`, which pip writes for packages that do not come from an index.
fn as_pip_noted(place: &Place) -> Result<Provenance> {
    let Some(site) = place.package.parent() else {
        return Ok(Provenance::default());
    };
    for directory in metadata_directories(site)? {
        let file = directory.join("direct_url.json");
        if !file.is_file() {
            continue;
        }
        let text = slipway_files::read_input(&file).at(&file)?;
        let noted: Value = serde_json::from_str(&text).unwrap_or_default();
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        return Ok(Provenance {
            source: text(noted.get("url")),
            revision: text(noted.pointer("/vcs_info/commit_id")),
        });
    }
    Ok(Provenance::default())
}
