//! Any text as docker-puppet's list of entries: read and merged.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(entries) = slipway_puppet::parse_entries("list.json".as_ref(), text) else {
        return;
    };
    let manifests = entries
        .iter()
        .map(|entry| entry.step_config.len())
        .sum::<usize>();
    let Ok(merged) = slipway_puppet::merge(entries) else {
        return;
    };
    let kept = merged
        .runs
        .iter()
        .map(|run| run.manifest.len())
        .sum::<usize>();
    assert!(kept <= manifests + merged.runs.len() + text.len());
});
