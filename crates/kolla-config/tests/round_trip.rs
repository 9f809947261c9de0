//! Whatever a config.json says, it says the same after it was written and read again.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::path::Path;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use slipway_kolla_config::{Config, ConfigFile, Created, Permission, check, to_nice_json};

prop_compose! {
    fn config_file()(
        source in any::<String>(), dest in any::<String>(), owner in of(any::<String>()), perm in of(any::<String>()),
        optional in of(any::<bool>()), preserve_properties in of(any::<bool>()), merge in of(any::<bool>()),
        exclude in of(vec(any::<String>(), 0..3)), ignore_globs in of(any::<bool>()),
    ) -> ConfigFile {
        ConfigFile { source, dest, owner, perm, optional, preserve_properties, merge, exclude, ignore_globs }
    }
}

prop_compose! {
    fn created()(
        path in any::<String>(), owner in any::<String>(), perm in any::<String>(),
        recurse in of(any::<bool>()), exclude in of(vec(any::<String>(), 0..3)),
    ) -> Created {
        Created { path, owner, perm, recurse, exclude }
    }
}

prop_compose! {
    fn permission()(
        path in any::<String>(), owner in any::<String>(), perm in of(any::<String>()),
        recurse in of(any::<bool>()), optional in of(any::<bool>()),
        exclude in of(vec(any::<String>(), 0..3)), ignore_globs in of(any::<bool>()),
    ) -> Permission {
        Permission { path, owner, perm, recurse, optional, exclude, ignore_globs }
    }
}

prop_compose! {
    fn config()(
        command in any::<String>(), config_files in of(vec(config_file(), 0..3)),
        directories in of(vec(created(), 0..2)), files in of(vec(created(), 0..2)),
        permissions in of(vec(permission(), 0..3)),
    ) -> Config {
        Config { command, config_files, directories, files, permissions }
    }
}

proptest! {
    #[test]
    fn written_files_read_back_the_same(config in config()) {
        let text = to_nice_json(&config);
        prop_assert!(text.is_ascii());
        prop_assert_eq!(&Config::from_json(&text, Path::new("a.json")).unwrap(), &config);
        check(&config);
    }

    #[test]
    fn no_text_panics(text in r#"[\[\]{}":,a-z0-9\\ ]{0,60}"#) {
        let _ = Config::from_json(&text, Path::new("a.json")).map_err(|error| error.to_string());
    }
}
