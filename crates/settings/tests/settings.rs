//! Precedence, paths and errors of settings.
#![allow(missing_docs, reason = "a test")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use slipway_settings::{CONFIG_VARIABLE, Setting, Settings, SettingsError, Sources};

fn none(_: &str) -> Option<OsString> {
    None
}

fn written(directory: &Path, text: &str) -> PathBuf {
    let file = directory.join("slipway.yaml");
    std::fs::write(&file, text).unwrap();
    file
}

#[track_caller]
fn error(text: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = written(directory.path(), text);
    let error = Settings::load(&Sources::named(&file), none).unwrap_err();
    let directory = format!("{}/", directory.path().display());
    error.to_string().replace(&directory, "")
}

#[test]
fn the_users_file_wins_over_the_systems_and_the_environment_over_both() {
    let directory = tempfile::tempdir().unwrap();
    let configs = directory.path().join("slipway");
    std::fs::create_dir(&configs).unwrap();
    written(&configs, "role: Compute\njobs: 3\n");
    let variable = |name: &str| match name {
        "XDG_CONFIG_HOME" => Some(directory.path().into()),
        "SLIPWAY_ROLE" => Some("Controller".into()),
        "SLIPWAY_ROOT" => Some("".into()),
        _ => None,
    };
    let settings = Settings::load(&Sources::find(None, variable), variable).unwrap();
    let value = |setting| settings.get(setting).map(|value| value.values().join(" "));
    assert_eq!(value(Setting::Role).as_deref(), Some("Controller"));
    assert_eq!(value(Setting::Jobs).as_deref(), Some("3"));
    assert_eq!(value(Setting::Root), None, "an empty variable is unset");
    let origin = settings.get(Setting::Jobs).unwrap().origin().to_string();
    assert!(origin.ends_with("slipway/slipway.yaml:2"), "{origin}");
}

#[test]
fn a_named_file_is_read_alone_and_must_exist() {
    let directory = tempfile::tempdir().unwrap();
    let named = directory.path().join("named.yaml");
    let variable = |name: &str| match name {
        "XDG_CONFIG_HOME" => Some(directory.path().into()),
        CONFIG_VARIABLE => Some(named.clone().into_os_string()),
        _ => None,
    };
    assert_eq!(Sources::find(None, variable), Sources::named(&named));
    let error = Settings::load(&Sources::named(&named), none).unwrap_err();
    assert!(matches!(error, SettingsError::Read { .. }), "{error}");
}

#[test]
fn lists_are_separated_by_colons_in_the_environment() {
    let variable = |name: &str| (name == "SLIPWAY_HIERA").then(|| "a.yaml::b.yaml".into());
    let settings = Settings::load(&Sources::find(None, variable), variable).unwrap();
    let hiera = settings.get(Setting::Hiera).unwrap();
    assert_eq!(hiera.values(), ["a.yaml", "b.yaml"]);
}

#[test]
fn errors_name_the_place_and_the_nearest_setting() {
    assert_eq!(
        error("root: /\nservces: x\n"),
        "slipway.yaml:2:1: servces: unknown setting; did you mean services?"
    );
    assert_eq!(
        error("jobs: 0\n"),
        "slipway.yaml:1:1: jobs: expected a number above 0"
    );
    assert_eq!(
        error("root: [a]\n"),
        "slipway.yaml:1:1: root: expected a path"
    );
    assert_eq!(
        error("- a\n"),
        "slipway.yaml:1:1: expected a mapping of settings"
    );
    let variable = |name: &str| (name == "SLIPWAY_JOBS").then(|| "many".into());
    let error = Settings::load(&Sources::find(None, variable), variable).unwrap_err();
    assert_eq!(error.to_string(), "SLIPWAY_JOBS: expected a number above 0");
}

#[test]
fn an_empty_file_sets_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = written(directory.path(), "# services: []\n");
    let settings = Settings::load(&Sources::named(&file), none).unwrap();
    assert!(
        Setting::ALL
            .iter()
            .all(|setting| settings.get(*setting).is_none())
    );
    assert_eq!(settings.files(), [file]);
}
