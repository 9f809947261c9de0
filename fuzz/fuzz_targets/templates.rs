//! Any text as templates and an environment, parts of it between lines of `---8<---`: the outputs of
//! the first come to an end, within their limits, and to the same again.
#![no_main]

use std::cell::LazyCell;

use slipway_heat::Resolver;

const NAMES: [&str; 4] = ["top.yaml", "environment.yaml", "nested.yaml", "other.yaml"];

thread_local! {
    static DIRECTORY: LazyCell<tempfile::TempDir> = LazyCell::new(|| tempfile::tempdir_in("/dev/shm").unwrap());
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    DIRECTORY.with(|directory| {
        let mut parts = text.split("---8<---\n");
        for name in NAMES {
            let part = parts.next().unwrap_or_default();
            std::fs::write(directory.path().join(name), part).unwrap();
        }
        let environment = directory.path().join("environment.yaml");
        let resolve = || {
            let resolver = Resolver::open(directory.path(), &[environment.clone()])?;
            resolver.within(16).resolve("top.yaml")
        };
        match (resolve(), resolve()) {
            (Ok(first), Ok(second)) => assert_eq!(first, second),
            (Err(first), Err(second)) => assert_eq!(first.to_string(), second.to_string()),
            _ => panic!("once there is a result, and once there is none"),
        }
    });
});
