//! New deployments of the services that come with Slipway.

#![allow(missing_docs, reason = "a test")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use slipway_init::{InitError, Options, create};

fn library() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../services")
}

fn options(services: &[&str]) -> Options {
    Options {
        services: services.iter().map(|name| (*name).to_owned()).collect(),
        ..Options::default()
    }
}

/// Every key that a manifest or a setting looks up has a value after `create`.
#[test]
fn a_deployment_of_all_services_lacks_no_value() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("first");
    let created = create(&directory, &library(), &options(&[])).unwrap();
    assert!(created.missing.is_empty(), "{:?}", created.missing);
    let services = slipway_service::load_dir(&directory.join("services")).unwrap();
    assert_eq!(services.len(), created.services.len());

    let hiera = std::fs::read_to_string(directory.join("hiera.yaml")).unwrap();
    let hiera: serde_json::Value = slipway_yaml::from_str(&hiera).unwrap();
    let mut known: Vec<String> = hiera.as_object().unwrap().keys().cloned().collect();
    for service in &services {
        known.extend(service.config_settings.keys().cloned());
    }
    for service in &services {
        let text = serde_json::to_string(service).unwrap();
        for rest in text.split("lookup('").skip(1) {
            let key = rest.split('\'').next().unwrap();
            assert!(known.iter().any(|known| known == key), "{key}");
        }
    }
}

#[test]
fn secrets_are_private_and_settings_name_the_files() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("first");
    let mut options = options(&["mariadb", "haproxy"]);
    options.values = vec![("internal_api_vip".to_owned(), "192.0.2.1".to_owned())];
    let created = create(&directory, &library(), &options).unwrap();
    assert_eq!(created.services, ["haproxy", "mariadb"]);
    assert_eq!(created.secrets, ["mysql_root_password"]);

    let file = directory.join("hiera.yaml");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let hiera: serde_json::Value =
        slipway_yaml::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(hiera["internal_api_vip"], "192.0.2.1");
    assert_eq!(
        hiera["mysql_root_password"].as_str().map(str::len),
        Some(24)
    );
    let settings = std::fs::read_to_string(created.settings).unwrap();
    assert!(settings.contains("hiera: hiera.yaml"), "{settings}");
}

#[test]
fn a_key_of_a_service_that_was_not_chosen_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("first");
    let created = create(&directory, &library(), &options(&["memcached"])).unwrap();
    assert_eq!(created.missing, ["internal_api_ip"]);
}

#[test]
fn a_deployment_is_never_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("hiera.yaml");
    std::fs::write(&file, "mine: 1\n").unwrap();
    let error = create(directory.path(), &library(), &options(&[])).unwrap_err();
    assert!(matches!(error, InitError::Exists(_)), "{error}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine: 1\n");
    assert!(!directory.path().join("services").exists());
}

#[test]
fn unknown_services_and_keys_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let error = create(directory.path(), &library(), &options(&["keyston"])).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("did you mean keystone?"), "{error}");
    let mut options = options(&["memcached"]);
    options.values = vec![("internal_vip".to_owned(), "192.0.2.1".to_owned())];
    let error = create(directory.path(), &library(), &options).unwrap_err();
    assert!(matches!(error, InitError::UnknownKey(_)), "{error}");
}
