//! SPDX 2.3.

use serde_json::{Value, json};

use super::Subject;
use super::purl::purl;
use crate::package::Package;
use crate::read::Contents;

const IMAGE: &str = "SPDXRef-Image";
const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const UNKNOWN: &str = "NOASSERTION";

pub(super) fn document(subject: &Subject<'_>, contents: &Contents) -> Value {
    let ids: Vec<String> = contents.packages.iter().enumerate().map(id).collect();
    let image = json!({
        "SPDXID": IMAGE,
        "name": subject.reference,
        "versionInfo": subject.id,
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": false,
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": UNKNOWN,
        "copyrightText": UNKNOWN,
        "primaryPackagePurpose": "CONTAINER",
    });
    let packages = contents.packages.iter().zip(&ids);
    let packages = packages.map(|(it, id)| package(it, id, contents));
    let relationship = |from: &str, kind: &str, to: &str| {
        json!({
            "spdxElementId": from,
            "relationshipType": kind,
            "relatedSpdxElement": to,
        })
    };
    let describes = relationship(DOCUMENT, "DESCRIBES", IMAGE);
    let contained = ids.iter().map(|id| relationship(IMAGE, "CONTAINS", id));
    let packages: Vec<Value> = [image].into_iter().chain(packages).collect();
    let relationships: Vec<Value> = [describes].into_iter().chain(contained).collect();
    json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": subject.reference,
        "documentNamespace": format!("urn:uuid:{}", subject.uuid()),
        "creationInfo": {
            "created": subject.created(),
            "creators": [format!("Tool: slipway-{}", subject.tool_version)],
        },
        "packages": packages,
        "relationships": relationships,
    })
}

fn package(package: &Package, id: &str, contents: &Contents) -> Value {
    let mut value = json!({
        "SPDXID": id,
        "name": package.id.name,
        "versionInfo": package.version,
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": false,
        "licenseConcluded": UNKNOWN,
        "licenseDeclared": UNKNOWN,
        "copyrightText": UNKNOWN,
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": purl(package, &contents.os),
        }],
    });
    // Packages name licences in words of their own, which are no SPDX expressions.
    if let Some(license) = &package.license {
        value["licenseComments"] = json!(format!("The package names its licence: {license}"));
    }
    if let Some(location) = &package.id.location {
        value["sourceInfo"] = json!(format!("installed in {location}"));
    }
    value
}

/// Returns the id of a package: letters, digits, `.` and `-`.
fn id((index, package): (usize, &Package)) -> String {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let name = package.id.name.replace(|c| !is_allowed(c), "-");
    format!("SPDXRef-{}-{}-{name}", package.id.kind, index + 1)
}
