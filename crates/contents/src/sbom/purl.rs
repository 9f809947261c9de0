//! Package URLs.

use crate::os_release::OsRelease;
use crate::package::{Package, PackageKind};

/// Returns the package URL of a package.
pub(super) fn purl(package: &Package, os: &OsRelease) -> String {
    let version = escaped(&package.version);
    let namespace = match os.id.as_str() {
        "" => "unknown".to_owned(),
        id => escaped(id),
    };
    let mut qualifiers = Vec::new();
    if let Some(architecture) = &package.id.architecture {
        qualifiers.push(format!("arch={}", escaped(architecture)));
    }
    let distribution = || format!("distro={}", escaped(&format!("{}-{}", os.id, os.version)));
    match package.id.kind {
        PackageKind::Pip => format!(
            "pkg:pypi/{}@{version}",
            escaped(&normalized(&package.id.name))
        ),
        PackageKind::Deb | PackageKind::Rpm => {
            let name = escaped(&package.id.name);
            let mut version = version;
            if package.id.kind == PackageKind::Rpm
                && let Some((epoch, rest)) = package.version.split_once(':')
            {
                qualifiers.push(format!("epoch={}", escaped(epoch)));
                version = escaped(rest);
            }
            if !os.id.is_empty() {
                qualifiers.push(distribution());
            }
            qualifiers.sort();
            let end = match qualifiers.is_empty() {
                true => String::new(),
                false => format!("?{}", qualifiers.join("&")),
            };
            format!("pkg:{}/{namespace}/{name}@{version}{end}", package.id.kind)
        }
    }
}

/// Returns the name of a Python distribution, as PyPI compares names.
fn normalized(name: &str) -> String {
    let parts = name.split(['-', '_', '.']);
    let parts: Vec<String> = parts
        .filter(|part| !part.is_empty())
        .map(str::to_lowercase)
        .collect();
    parts.join("-")
}

/// Returns a text with percent-encoding, where a package URL needs it.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b':' => {
                escaped.push(char::from(byte));
            }
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::PackageId;

    #[test]
    fn an_epoch_of_rpm_is_a_qualifier() {
        let package = Package {
            id: PackageId {
                kind: PackageKind::Rpm,
                name: "openssl".to_owned(),
                architecture: Some("x86_64".to_owned()),
                location: None,
            },
            version: "1:3.0-1.el9".to_owned(),
            license: None,
        };
        let os = OsRelease {
            id: "rocky".to_owned(),
            version: "9.4".to_owned(),
        };
        assert_eq!(
            purl(&package, &os),
            "pkg:rpm/rocky/openssl@3.0-1.el9?arch=x86_64&distro=rocky-9.4&epoch=1"
        );
    }
}
