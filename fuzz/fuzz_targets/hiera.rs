//! Any text as a file of hiera data: YAML, and JSON where its first byte says so.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let name = if text.starts_with(['{', '[']) {
        "data.json"
    } else {
        "data.yaml"
    };
    let mut hiera = slipway_puppet::Hieradata::new(Default::default());
    if hiera.add(name.as_ref(), text).is_ok() {
        // What is masked in output is found in the data.
        let _ = hiera.redactor().redact(text);
    }
});
