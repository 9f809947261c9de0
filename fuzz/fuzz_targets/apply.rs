//! Any bytes as the config.json that kolla_set_configs applies, in a root of its own: nothing
//! outside of it changes, and nothing panics.
#![no_main]

use std::fs;
use std::path::Path;

use slipway_kolla_config::apply::{Environment, Log, apply, check_applied};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(outside) = tempfile::tempdir() else {
        return;
    };
    let root = outside.path().join("root");
    let ready = ["etc", "src/a", "dst"]
        .iter()
        .try_for_each(|dir| fs::create_dir_all(root.join(dir)))
        .and_then(|()| fs::write(root.join("etc/passwd"), "root:x:0:0::/:\n"))
        .and_then(|()| fs::write(root.join("etc/group"), "root:x:0:\n"))
        .and_then(|()| fs::write(root.join("src/a/b"), "b"));
    if ready.is_err() {
        return;
    }
    let environment = Environment {
        config: Some(text.to_owned()),
        config_file: None,
        strategy: Some("COPY_ALWAYS".to_owned()),
        cwd: Path::new("/").to_owned(),
    };
    let log = |_: &str| {};
    // That it may fail is no news.
    let _ = apply(&root, &environment, &Log::new(&log));
    let _ = check_applied(&root, &environment, &Log::new(&log));
    let names: Vec<_> = fs::read_dir(outside.path())
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(names, ["root"]);
});
