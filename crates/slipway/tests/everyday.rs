//! `slipway init`, `services`, `settings` and `doctor`, and settings in place of options.
#![allow(missing_docs, reason = "a test")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const SERVICES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../services");

/// Runs slipway without the settings of this machine and this user.
fn slipway(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_slipway"));
    command.args(arguments).env("SLIPWAY_CONFIG", "/dev/null");
    command.output().unwrap()
}

#[track_caller]
fn json(arguments: &[&str]) -> Value {
    let output = slipway(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Makes a deployment below a directory, and returns its settings file.
fn initialized(directory: &Path) -> PathBuf {
    let first = directory.join("first");
    let root = directory.join("root");
    let output = slipway(&[
        "init",
        first.to_str().unwrap(),
        "--from",
        SERVICES,
        "--root",
        root.to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{output:?}");
    first.join("slipway.yaml")
}

#[test]
fn a_new_deployment_needs_no_other_option() {
    let directory = tempfile::tempdir().unwrap();
    let settings = initialized(directory.path());
    let hiera = std::fs::metadata(settings.with_file_name("hiera.yaml")).unwrap();
    assert_eq!(hiera.permissions().mode() & 0o777, 0o600);

    let settings = settings.to_str().unwrap();
    let output = slipway(&["deploy", "--config", settings, "--write-only"]);
    assert!(output.status.success(), "{output:?}");
    let written = directory
        .path()
        .join("root/var/lib/kolla/config_files/keystone.json");
    assert!(written.is_file(), "{output:?}");

    // A typed option wins over the settings file.
    let other = directory.path().join("other");
    let arguments = [
        "deploy",
        "--config",
        settings,
        "--write-only",
        "--root",
        other.to_str().unwrap(),
    ];
    assert!(slipway(&arguments).status.success());
    assert!(
        other
            .join("var/lib/kolla/config_files/keystone.json")
            .is_file()
    );
}

#[test]
fn settings_are_shown_with_their_origin() {
    let directory = tempfile::tempdir().unwrap();
    let settings = initialized(directory.path());
    let settings = settings.to_str().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_slipway"));
    command.args(["settings", "--config", settings, "--format", "json"]);
    let output = command.env("SLIPWAY_ROLE", "Controller").output().unwrap();
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let of = |name: &str| {
        let mut rows = shown.as_array().unwrap().iter();
        rows.find(|row| row["name"] == name).unwrap().clone()
    };
    let services = of("services");
    let expected = directory.path().join("first/services");
    assert_eq!(services["value"][0], expected.to_str().unwrap());
    assert_eq!(services["origin"], format!("{settings}:3"));
    assert_eq!(of("role")["origin"], "SLIPWAY_ROLE");
    assert_eq!(of("jobs")["origin"], Value::Null);
    assert_ne!(of("jobs")["value"], Value::Null, "the default is shown");
}

#[test]
fn an_invalid_settings_file_is_bad_input_and_does_not_stop_the_help() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("slipway.yaml");
    std::fs::write(&file, "servces: x\n").unwrap();
    let file = file.to_str().unwrap();
    let output = slipway(&["ps", "--config", file]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("slipway.yaml:1:1: servces: unknown setting"),
        "{error}"
    );
    assert!(
        slipway(&["--config", file, "ps", "--help"])
            .status
            .success()
    );
    assert!(
        slipway(&["--config", file, "completions", "bash"])
            .status
            .success()
    );
}

#[test]
fn a_deployment_without_services_says_where_they_may_be_named() {
    let output = slipway(&["deploy", "--plan"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("--services"), "{error}");
}

#[test]
fn containers_to_delete_must_be_selected() {
    let output = slipway(&["delete", "--all"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn services_are_described_and_secrets_masked() {
    let services = json(&["services", "--services", SERVICES, "--format", "json"]);
    let keystone = services
        .as_array()
        .unwrap()
        .iter()
        .find(|service| service["name"] == "keystone");
    let keystone = keystone.unwrap();
    assert_eq!(
        keystone["steps"],
        serde_json::json!(["step_2", "step_3", "step_4"])
    );
    let key = &keystone["hiera"]["keystone_admin_password"];
    assert_eq!(
        (&key["type"], &key["default"]),
        (&Value::from("password"), &Value::Null)
    );

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.yaml");
    std::fs::write(
        &file,
        "service_name: a\nconfig_settings: {a::password: s3cret-word}\n",
    )
    .unwrap();
    let output = slipway(&["services", "a", "--services", file.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("a::password") && !text.contains("s3cret-word"),
        "{text}"
    );
}

#[test]
fn schemas_are_printed() {
    for name in ["service", "containers", "docker-puppet", "config-json"] {
        let schema = json(&["services", "--schema", name]);
        assert!(schema["$schema"].is_string(), "{name}");
    }
}

#[test]
fn the_doctor_fails_without_an_engine_and_says_what_to_do() {
    let output = slipway(&[
        "doctor",
        "--host",
        "unix:///no/such.sock",
        "--format",
        "json",
    ]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["status"], "failed");
    let mut checks = report["checks"].as_array().unwrap().iter();
    let engine = checks.find(|check| check["subject"] == "engine").unwrap();
    assert!(
        engine["advice"].as_str().unwrap().contains("--host"),
        "{engine}"
    );
}

#[test]
fn services_and_images_are_drawn() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("services.svg");
    let output = slipway(&[
        "graph",
        "services",
        "--services",
        SERVICES,
        "--out",
        file.to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{output:?}");
    let svg = std::fs::read_to_string(&file).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains(">keystone_bootstrap</text>"));

    let images = json(&[
        "graph", "images", "--base", "debian", "--format", "json", "keystone",
    ]);
    let names = images["nodes"].as_array().unwrap().iter();
    let names: Vec<&str> = names.map(|node| node["label"].as_str().unwrap()).collect();
    assert!(
        names.contains(&"base") && names.contains(&"keystone"),
        "{names:?}"
    );
    let output = slipway(&[
        "graph", "images", "--base", "debian", "--as", "dot", "keystone",
    ]);
    let dot = String::from_utf8(output.stdout).unwrap();
    assert!(dot.starts_with("digraph \"Images\" {"), "{dot}");
    assert_eq!(
        dot.matches(" -> ").count(),
        images["edges"].as_array().unwrap().len()
    );
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_the_work() {
    let directory = tempfile::tempdir().unwrap();
    let report = directory.path().join("missing/report.html");
    let settings = initialized(directory.path());
    let settings = settings.to_str().unwrap();
    let arguments = [
        "deploy",
        "--config",
        settings,
        "--report",
        report.to_str().unwrap(),
    ];
    let output = slipway(&arguments);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("--report") && error.contains("missing directory"),
        "{error}"
    );
}
