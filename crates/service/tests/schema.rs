//! The published JSON Schemas are those of this version.
#![allow(missing_docs, reason = "a test")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::path::Path;

use slipway_service::{containers_schema, entries_schema, service_schema};

#[test]
fn the_published_schemas_are_those_of_this_version() {
    for (name, schema) in [
        ("service", service_schema()),
        ("containers", containers_schema()),
        ("docker-puppet", entries_schema()),
    ] {
        let file = format!("../../docs/reference/{name}.schema.json");
        let published = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        assert_eq!(
            format!("{schema:#}\n"),
            std::fs::read_to_string(&published).unwrap(),
            "write it anew: slipway services --schema {name} > {}",
            published.display()
        );
    }
}
