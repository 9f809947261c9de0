//! CycloneDX 1.6.

use serde_json::{Value, json};

use super::Subject;
use super::purl::purl;
use crate::package::Package;
use crate::read::Contents;

pub(super) fn document(subject: &Subject<'_>, contents: &Contents) -> Value {
    let os = &contents.os;
    let system = (!os.id.is_empty()).then(|| {
        json!({
            "type": "operating-system",
            "bom-ref": "os",
            "name": os.id,
            "version": os.version,
        })
    });
    let packages = contents.packages.iter().enumerate();
    let packages = packages.map(|(index, package)| component(index, package, contents));
    let components: Vec<Value> = system.into_iter().chain(packages).collect();
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!("urn:uuid:{}", subject.uuid()),
        "version": 1,
        "metadata": {
            "timestamp": subject.created(),
            "tools": {
                "components": [{
                    "type": "application",
                    "name": "slipway",
                    "version": subject.tool_version,
                }],
            },
            "component": {
                "type": "container",
                "bom-ref": "image",
                "name": subject.reference,
                "version": subject.id,
            },
        },
        "components": components,
    })
}

fn component(index: usize, package: &Package, contents: &Contents) -> Value {
    let mut value = json!({
        "type": "library",
        "bom-ref": format!("{}-{}", package.id.kind, index + 1),
        "name": package.id.name,
        "version": package.version,
        "purl": purl(package, &contents.os),
    });
    if let Some(license) = &package.license {
        value["licenses"] = json!([{ "license": { "name": license } }]);
    }
    if let Some(location) = &package.id.location {
        value["properties"] = json!([{ "name": "slipway:location", "value": location }]);
    }
    value
}
