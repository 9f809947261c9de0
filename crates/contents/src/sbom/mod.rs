//! Bills of materials: the packages of an image in the formats of SPDX and CycloneDX.

mod cyclonedx;
mod purl;
mod spdx;

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::read::Contents;

/// The format of a bill of materials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// SPDX 2.3, as JSON.
    Spdx,
    /// CycloneDX 1.6, as JSON.
    CycloneDx,
}

/// The image that a bill of materials is about.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// Its reference.
    pub reference: &'a str,
    /// Its id in the engine, `sha256:…`.
    pub id: &'a str,
    /// The time of the document.
    pub created: Timestamp,
    /// The version of the program that writes it.
    pub tool_version: &'a str,
}

/// Returns the bill of materials of an image. The same image and time give the same document.
pub fn document(format: Format, subject: &Subject<'_>, contents: &Contents) -> Value {
    match format {
        Format::Spdx => spdx::document(subject, contents),
        Format::CycloneDx => cyclonedx::document(subject, contents),
    }
}

impl Subject<'_> {
    fn created(&self) -> String {
        self.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// Returns a UUID that is the same for the same image and time.
    fn uuid(&self) -> String {
        let mut hasher = Sha256::new();
        for part in [self.reference, self.id, &self.created()] {
            hasher.update(part.as_bytes());
            hasher.update([0]);
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hasher.finalize()[..16]);
        let id = uuid::Builder::from_custom_bytes(bytes).into_uuid();
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os_release::OsRelease;
    use crate::package::{Package, PackageId, PackageKind};

    fn contents() -> Contents {
        let package =
            |kind, name: &str, architecture: Option<&str>, location: Option<&str>| Package {
                id: PackageId {
                    kind,
                    name: name.to_owned(),
                    architecture: architecture.map(str::to_owned),
                    location: location.map(str::to_owned),
                },
                version: "1:2+a-3".to_owned(),
                license: (kind == PackageKind::Pip).then(|| "MIT".to_owned()),
            };
        let packages = [
            package(PackageKind::Deb, "libstdc++6", Some("amd64"), None),
            package(PackageKind::Pip, "Oslo_Config", None, Some("/opt/a")),
            package(PackageKind::Pip, "Oslo_Config", None, Some("/opt/b")),
        ];
        Contents {
            os: OsRelease {
                id: "debian".to_owned(),
                version: "13".to_owned(),
            },
            packages: packages.into_iter().collect(),
            ..Contents::default()
        }
    }

    fn subject(id: &str) -> Subject<'_> {
        Subject {
            reference: "slipway/a:1",
            id,
            created: Timestamp::UNIX_EPOCH,
            tool_version: "1",
        }
    }

    #[test]
    fn spdx_lists_the_image_and_what_it_contains() {
        let document = document(Format::Spdx, &subject("sha256:1"), &contents());
        assert_eq!(document["spdxVersion"], "SPDX-2.3");
        assert_eq!(document["creationInfo"]["created"], "1970-01-01T00:00:00Z");
        let packages = document["packages"].as_array().unwrap();
        assert_eq!(packages.len(), 4);
        assert_eq!(
            packages[1]["externalRefs"][0]["referenceLocator"],
            "pkg:deb/debian/libstdc%2B%2B6@1:2%2Ba-3?arch=amd64&distro=debian-13"
        );
        let relationships = document["relationships"].as_array().unwrap();
        assert_eq!(relationships.len(), 4);
        assert_eq!(relationships[0]["relationshipType"], "DESCRIBES");
        let mut ids: Vec<_> = packages.iter().map(|p| p["SPDXID"].to_string()).collect();
        ids.dedup();
        assert_eq!(ids.len(), 4);
    }

    #[test]
    fn cyclonedx_has_a_component_for_each_package() {
        let document = document(Format::CycloneDx, &subject("sha256:1"), &contents());
        assert_eq!(document["specVersion"], "1.6");
        let components = document["components"].as_array().unwrap();
        assert_eq!(components[0]["type"], "operating-system");
        assert_eq!(components[2]["purl"], "pkg:pypi/oslo-config@1:2%2Ba-3");
        assert_eq!(components[2]["licenses"][0]["license"]["name"], "MIT");
        assert_ne!(components[2]["bom-ref"], components[3]["bom-ref"]);
    }

    #[test]
    fn an_image_has_one_uuid() {
        let uuid = subject("sha256:1").uuid();
        assert_eq!(uuid, subject("sha256:1").uuid());
        assert_ne!(uuid, subject("sha256:2").uuid());
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "8"));
    }
}
