//! Any text as YAML, by both schemas: reading ends, what is written is read back as the same, and JSON
//! is read as serde_json reads it.
#![no_main]

use slipway_yaml::{Options, read, read_with, to_string};

libfuzzer_sys::fuzz_target!(|text: &str| {
    for options in [Options::default(), Options::PYYAML] {
        let Ok(document) = read_with(text, options) else {
            continue;
        };
        let value = document.into_value();
        let written = to_string(&value).unwrap();
        if let Ok(reread) = read(&written) {
            assert_eq!(reread.into_value(), value, "{written}");
        }
    }
    if let Ok(expected) = serde_json::from_str::<serde_json::Value>(text)
        && let Ok(document) = read_with(text, Options::PYYAML)
        && expected.is_object()
    {
        assert_eq!(document.into_value(), expected);
    }
});
