//! Any text as a service definition, a container's configuration and a set of them: reading ends, an
//! accepted definition is read again as the same, and an error shows no secret of the text.
#![no_main]

use std::path::Path;

use slipway_service::{ContainerConfig, Role, Service};

const SECRET: &str = "hunter2-secret";

libfuzzer_sys::fuzz_target!(|text: &str| {
    let path = Path::new("fuzz.yaml");
    match Service::parse(path, text) {
        Ok(service) => {
            let reread = Service::parse(path, text).unwrap();
            assert!(service == reread, "read twice, it differs");
            let _ = Role::merge("Fuzz", vec![service, reread]);
        }
        Err(error) => drop(error.to_string()),
    }
    if let Ok(config) = ContainerConfig::parse(path, text) {
        let declared = serde_json::to_string(config.declared()).unwrap();
        let reread = ContainerConfig::parse(path, &declared).unwrap();
        assert_eq!(config.config_data(), reread.config_data());
    }
    let _ = ContainerConfig::parse_all(path, text);
    // A scalar where a map belongs: it may be a password.
    let scalar = format!("config_settings: {SECRET}\n{text}");
    if let Err(error) = Service::parse(path, &scalar) {
        let at_fault = error.to_string().contains(SECRET) && !text.contains(SECRET);
        assert!(!at_fault, "{error}");
    }
});
