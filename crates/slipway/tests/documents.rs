//! The documentation matches the code.
#![allow(missing_docs, reason = "a test")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeSet;

use slipway_service::ContainerKeys;

/// Returns the words in backquotes.
fn quoted(text: &str) -> BTreeSet<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_key_of_a_container_is_documented_and_no_other() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference");
    let page = std::fs::read_to_string(format!("{directory}/containers.md")).unwrap();
    let rows = page.lines().skip_while(|line| !line.starts_with("| key |"));
    let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
    let documented = rows
        .flat_map(|row| quoted(row.split('|').nth(1).unwrap()))
        .collect();
    let unknown = serde_json::from_str::<ContainerKeys>(r#"{"no such key": 1}"#);
    let mut known = quoted(&unknown.err().unwrap().to_string());
    known.remove("no such key");
    assert_eq!(known, documented);
}
