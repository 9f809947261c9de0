//! The metadata of Python distributions.

use super::{Package, PackageId, PackageKind, field};

/// Returns the directory that a metadata file's distribution is installed in; `None` for other files.
pub(crate) fn location(path: &str) -> Option<&str> {
    let directory = |suffix: &str, file: &str| {
        let path = path.strip_suffix(file)?;
        path.ends_with(suffix)
            .then(|| path.rsplit_once('/').map_or("", |(above, _)| above))
    };
    directory(".dist-info", "/METADATA")
        .or_else(|| directory(".egg-info", "/PKG-INFO"))
        .or_else(|| directory(".egg-info", ""))
}

/// Returns the distribution of a metadata file.
pub(crate) fn parse(text: &str, location: &str) -> Option<Package> {
    // The description follows an empty line.
    let head = text.split("\n\n").next().unwrap_or_default();
    let known = |value: &&str| !value.is_empty() && *value != "UNKNOWN";
    let license = ["License-Expression", "License"]
        .iter()
        .find_map(|name| field(head, name).filter(known));
    Some(Package {
        id: PackageId {
            kind: PackageKind::Pip,
            name: field(head, "Name")?.to_owned(),
            architecture: None,
            location: Some(format!("/{location}")),
        },
        version: field(head, "Version")?.to_owned(),
        license: license.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_found_in_every_form() {
        let site = "usr/lib/python3/dist-packages";
        let is = |name: &str| location(&format!("{site}/{name}")) == Some(site);
        assert!(is("a-1.dist-info/METADATA") && is("a.egg-info/PKG-INFO") && is("a-1.egg-info"));
        assert!(!is("a-1.dist-info/RECORD") && !is("METADATA"));
    }

    #[test]
    fn the_description_is_not_read() {
        let text = "Metadata-Version: 2.1\nName: oslo.config\nVersion: 9.0\nLicense: UNKNOWN\n\nName: no\n";
        let found = parse(text, "opt/lib").unwrap();
        assert_eq!(
            (found.id.name.as_str(), found.version.as_str()),
            ("oslo.config", "9.0")
        );
        assert_eq!(found.id.location.as_deref(), Some("/opt/lib"));
        assert_eq!(found.license, None);
        assert_eq!(parse("Name: x\n", ""), None);
    }
}
