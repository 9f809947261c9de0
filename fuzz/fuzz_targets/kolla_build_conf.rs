//! Any string as kolla-build's configuration file: it is read or refused, without a panic or an endless
//! loop.
#![no_main]

use std::path::Path;

use slipway_image::config::{Configuration, Request, Unknown};
use slipway_oslo_config::ConfigFiles;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(files) = ConfigFiles::from_text(Path::new("kolla-build.conf"), text) else {
        return;
    };
    for unknown in [Unknown::Refused, Unknown::PassedOver] {
        let request = Request {
            files: files.clone(),
            unknown,
            ..Request::default()
        };
        if let Ok(configuration) = Configuration::load(request) {
            let _ = configuration.check(&["nova-base", "horizon"]);
            let _ = configuration.build.check_names();
        }
    }
});
