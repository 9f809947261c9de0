//! Any bytes as a config.json: read, checked, written, and read again as the same.
#![no_main]

use std::path::Path;

use slipway_kolla_config::{Config, check, check_in, to_nice_json};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let file = Path::new("config.json");
    let Ok(config) = Config::from_json(text, file) else {
        return;
    };
    check(&config);
    check_in(&config, &Default::default());
    let reread = Config::from_json(&to_nice_json(&config), file);
    assert_eq!(reread.ok().as_ref(), Some(&config));
});
