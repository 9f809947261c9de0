//! Any text as kolla-build's configuration file: it is read or refused, every option of it too, and
//! nothing panics or goes on for ever.
#![no_main]

use std::path::Path;

use slipway_image::config::{OPTIONS, SCHEMA, SOURCE_OPTIONS, is_known_section};
use slipway_oslo_config::{ConfigFiles, Settings};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(files) = ConfigFiles::from_text(Path::new("kolla-build.conf"), text) else {
        return;
    };
    let settings = Settings::new(SCHEMA, Default::default(), Default::default(), files);
    for option in OPTIONS {
        let _ = settings.get(&option.key());
    }
    for section in settings.sections() {
        for option in SOURCE_OPTIONS {
            let _ = settings.get_in(section, &option.key());
        }
    }
    let _ = settings.check(
        |section| is_known_section(section, &["nova-base", "horizon"]),
        &["nova-base", "horizon"],
    );
});
