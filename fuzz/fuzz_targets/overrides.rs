//! Any text as a template and an override of an image: it is rendered or refused, within its bounds,
//! and to the same result again.
#![no_main]

use std::cell::LazyCell;

use slipway_image::{BuildConfig, Tree, render_image};

thread_local! {
    static DIRECTORY: LazyCell<tempfile::TempDir> = LazyCell::new(|| tempfile::tempdir_in("/dev/shm").unwrap());
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    DIRECTORY.with(|directory| {
        let (template, change) = text.split_once("---8<---\n").unwrap_or((text, ""));
        let images = directory.path().join("images");
        std::fs::create_dir_all(images.join("web")).unwrap();
        std::fs::write(images.join("web/Dockerfile.j2"), template).unwrap();
        let file = directory.path().join("override.j2");
        std::fs::write(&file, format!("{{% extends parent_template %}}\n{change}")).unwrap();
        let render = || {
            let mut config = BuildConfig::new(&images)?;
            config.template_overrides = vec![file.clone()];
            let tree = Tree::open(&config.tree, &config.docker_dirs)?;
            render_image(&tree, &config, "web")
        };
        // `random` and objects' addresses apart, which are not compared.
        assert_eq!(render().is_ok(), render().is_ok());
    });
});
