//! A Keystone that Slipway built, configured and deployed from an empty root: deployed again,
//! changed, killed, and given invalid input.
//!
//! The tests share one deployment, one test at a time. Each can run alone: the first that runs
//! builds and deploys, and every test starts with the deployment as it was declared at first.

// A test fails by panicking.
#![allow(clippy::expect_used, clippy::panic)]

mod shared;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shared::{assert_no_password, deployed};
use slipway_end_to_end::{Deployment, Relay, run};

slipway_test_support::harness! {
    finally shared::remove;
    [engine, root] fn images_are_built_once;
    [engine, root] fn a_deployment_ends_with_healthy_containers_a_token_and_endpoints;
    [engine, root] fn a_deployment_shows_no_password;
    [engine, root] fn a_second_deployment_changes_nothing;
    [engine, root] fn a_changed_hiera_value_reaches_keystone_and_nothing_else;
    [engine, root] fn a_package_added_to_one_image_replaces_only_its_container;
    [engine, root] fn a_broken_keystone_is_rolled_back;
    [engine, root] fn invalid_input_is_one_clear_error_and_nothing_is_lost;
    [engine, root] fn a_port_in_use_is_named_and_the_old_container_comes_back;
    [engine, root] fn a_lost_engine_is_one_error_and_the_next_run_completes;
    [engine, root] fn a_killed_build_or_deployment_is_completed_by_the_next;
}

fn images_are_built_once() {
    let shared = deployed();
    let second = run(shared.deployment.build().args(["--format", "json"]))
        .exits(0)
        .json();
    assert_eq!(second["built"], json!([]), "{second}");
    let unchanged = second["unchanged"].as_array().expect("images");
    assert!(unchanged.len() >= 8, "{second}");
    for image in unchanged {
        assert_eq!(image["reasons"], json!(["unchanged"]), "{image}");
    }
}

fn a_deployment_ends_with_healthy_containers_a_token_and_endpoints() {
    let shared = deployed();
    let deployment = &shared.deployment;
    let containers = deployment.containers();
    for (name, step) in [
        ("haproxy", 1),
        ("memcached", 1),
        ("mysql", 2),
        ("rabbitmq", 2),
        ("keystone", 3),
    ] {
        let found = containers
            .iter()
            .find(|container| container["container"] == name);
        let container = found.unwrap_or_else(|| panic!("no container {name}: {containers:?}"));
        assert_eq!(container["step"], step, "{container}");
        assert_eq!(container["state"], "running", "{container}");
        assert_eq!(container["health"], "healthy", "{container}");
    }

    let token = deployment.token();
    assert_eq!(token.status, 201, "{token:?}");
    let subject = token.header("X-Subject-Token").expect("the token");
    let endpoints = deployment
        .keystone("GET", "/v3/endpoints", Some(subject), None)
        .body;
    let interfaces: BTreeSet<&str> = endpoints["endpoints"]
        .as_array()
        .expect("endpoints")
        .iter()
        .filter_map(|endpoint| endpoint["interface"].as_str())
        .collect();
    assert_eq!(
        interfaces,
        BTreeSet::from(["admin", "internal", "public"]),
        "{endpoints}"
    );
}

fn a_deployment_shows_no_password() {
    let shared = deployed();
    let first = &shared.first;
    assert!(
        first.processes > 1000,
        "the process list was read {} times",
        first.processes
    );
    assert!(
        first.leaked.is_empty(),
        "passwords in the process list: {:?}",
        first.leaked
    );
    assert_no_password("standard output", &first.run.out);
    assert_no_password("standard error", &first.run.err);
    let root = shared.deployment.root();
    for log in files_below(&root.join("var/log")) {
        let text = std::fs::read(&log).expect("a log file");
        assert_no_password(&log.display().to_string(), &String::from_utf8_lossy(&text));
    }
    for directory in [
        "etc/puppet/hieradata",
        "var/lib/kolla/config_files",
        "var/lib/tripleo-config",
    ] {
        for file in files_below(&root.join(directory)) {
            assert_eq!(
                mode(&file) & 0o077,
                0,
                "{} is open to others",
                file.display()
            );
        }
    }
}

fn a_second_deployment_changes_nothing() {
    let shared = deployed();
    let deployment = &shared.deployment;
    let (ids, volumes) = (deployment.ids(), volume_inodes(deployment));
    let second = run(deployment.deploy().args(["--format", "json"])).exits(0);
    let summary = second.json();
    assert_eq!(summary["changed"], false, "{summary}");
    assert_eq!(deployment.ids(), ids);
    assert_eq!(volume_inodes(deployment), volumes);
    run(&mut deployment.deploy())
        .exits(0)
        .says(&["nothing has changed"]);
}

fn a_changed_hiera_value_reaches_keystone_and_nothing_else() {
    let shared = deployed();
    let deployment = &shared.deployment;
    let (ids, volumes) = (deployment.ids(), volume_inodes(deployment));
    deployment.set_hiera("keystone::token_expiration", json!(1234));
    run(&mut deployment.deploy()).exits(0);
    assert_eq!(changed(&volumes, &volume_inodes(deployment)), ["keystone"]);
    let replaced = changed(&ids, &deployment.ids());
    assert!(replaced.contains(&"keystone".to_owned()), "{replaced:?}");
    assert!(
        replaced.iter().all(|name| name.starts_with("keystone")),
        "{replaced:?}"
    );

    assert_eq!(token_lifetime(deployment), 1234);
}

fn a_package_added_to_one_image_replaces_only_its_container() {
    let shared = deployed();
    let deployment = &shared.deployment;
    let (ids, volumes) = (deployment.ids(), volume_inodes(deployment));
    let memcached =
        std::fs::read_to_string(deployment.file("overrides/puppet.j2")).expect("the override");
    let with_package = memcached.replace(
        "memcached_packages_append = [",
        "memcached_packages_append = ['hello', ",
    );
    assert_ne!(memcached, with_package);
    deployment.write("overrides/puppet.j2", &with_package);
    let built = run(deployment.build().args(["--format", "json"]))
        .exits(0)
        .json();
    let built: Vec<&str> = built["built"]
        .as_array()
        .expect("images")
        .iter()
        .filter_map(|image| image["name"].as_str())
        .collect();
    assert_eq!(built, ["memcached"]);
    run(&mut deployment.deploy()).exits(0);
    assert_eq!(changed(&ids, &deployment.ids()), ["memcached"]);
    let regenerated = changed(&volumes, &volume_inodes(deployment));
    assert!(
        regenerated.iter().all(|name| name == "memcached"),
        "{regenerated:?}"
    );
    issued_token(deployment);
}

fn a_broken_keystone_is_rolled_back() {
    let shared = deployed();
    let deployment = &shared.deployment;
    let image = keystone_image();
    deployment.set_hiera("keystone::token_expiration", json!(4321));
    deployment.replace(
        "images/keystone/Dockerfile.j2",
        "{% block keystone_footer %}",
        "RUN rm /usr/bin/keystone-manage\n{% block keystone_footer %}",
    );
    run(&mut deployment.build()).exits(0);
    assert_ne!(keystone_image(), image);
    let broken = run(deployment.deploy().args(["--wait", "15"]));
    assert_ne!(broken.code, Some(0), "{broken:?}");
    assert!(broken.err.contains("keystone"), "{broken:?}");

    run(&mut deployment.roll_back()).exits(0);
    assert_eq!(keystone_image(), image);
    wait_for_token(deployment);
    let generated = "var/lib/config-data/puppet-generated/keystone/etc/keystone/keystone.conf";
    let generated = std::fs::read_to_string(deployment.root().join(generated));
    assert!(!generated.expect("keystone.conf").contains("4321"));

    // It is the deployment that was declared at first.
    deployment.restore();
    run(&mut deployment.build()).exits(0);
    run(&mut deployment.deploy())
        .exits(0)
        .says(&["nothing has changed"]);
}

/// Waits until Keystone issues a token. haproxy takes a server that was down back after some checks.
#[track_caller]
fn wait_for_token(deployment: &Deployment) {
    let begun = Instant::now();
    loop {
        let token = deployment.token();
        if token.status == 201 {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "{token:?}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Returns the id of the image that Keystone's reference means.
fn keystone_image() -> String {
    let mut docker = Command::new("docker");
    let format = ["image", "inspect", "--format", "{{.Id}}"];
    let docker = docker.args(format).arg("slipway-e2e/keystone:latest");
    run(docker).exits(0).out
}

fn invalid_input_is_one_clear_error_and_nothing_is_lost() {
    let shared = deployed();
    let deployment = &shared.deployment;
    let (ids, volumes) = (deployment.ids(), volume_inodes(deployment));
    let with = |file: &str, from: &str, to: &str, code: i32, words: &[&str]| {
        let before = std::fs::read_to_string(deployment.file(file)).expect("a file");
        deployment.replace(file, from, to);
        let failed = run(&mut deployment.deploy()).exits(code).says(words);
        assert_no_password(file, &failed.err);
        deployment.write(file, &before);
    };
    let keystone = "services/keystone.yaml";
    with(
        keystone,
        "include keystone::wsgi::apache",
        "include keystone::wsgi::apach",
        1,
        &["keystone", "keystone::wsgi::apach"],
    );
    with(
        keystone,
        "kolla_config:",
        "kolla_confg:",
        2,
        &["keystone.yaml:", "kolla_confg", "kolla_config"],
    );
    with(
        keystone,
        "stop_signal:",
        "stop_sgnal:",
        2,
        &["keystone.yaml:", "stop_sgnal", "stop_signal"],
    );
    with(
        "services/memcached.yaml",
        "slipway-e2e/memcached:latest",
        "slipway-e2e/no-such:latest",
        1,
        &["slipway-e2e/no-such:latest"],
    );
    with("hiera.json", "{", "{{", 2, &["hiera.json"]);

    let template =
        std::fs::read_to_string(deployment.file("overrides/puppet.j2")).expect("the override");
    deployment.write(
        "overrides/puppet.j2",
        &template.replace("{% set base_packages", "{% sett base_packages"),
    );
    run(&mut deployment.build())
        .exits(2)
        .says(&["puppet.j2", "sett"]);
    deployment.write("overrides/puppet.j2", &template);

    run(deployment
        .deploy()
        .args(["--host", "unix:///nonexistent.sock"]))
    .exits(3)
    .says(&["/nonexistent.sock"]);
    assert_eq!(deployment.ids(), ids);
    assert_eq!(volume_inodes(deployment), volumes);
    run(&mut deployment.deploy())
        .exits(0)
        .says(&["nothing has changed"]);
}

fn a_port_in_use_is_named_and_the_old_container_comes_back() {
    let shared = deployed();
    let deployment = &shared.deployment;
    // HAProxy is configured to listen on this port too.
    let listener = std::net::TcpListener::bind("127.0.9.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let before = deployment.ids();
    let hiera = std::fs::read_to_string(deployment.file("hiera.json")).expect("hiera.json");
    deployment.set_hiera("haproxy_services", json!(["keystone", "mariadb", "taken"]));
    deployment.set_hiera(
        "haproxy_frontend_taken",
        json!({"port": port.to_string(), "mode": "tcp", "options": {}}),
    );
    let failed = run(deployment.deploy().args(["--wait", "30"])).exits(1);
    let failed = failed.says(&["haproxy", &port.to_string()]);
    assert_no_password("the error", &failed.err);
    drop(listener);
    deployment.write("hiera.json", &hiera);
    run(&mut deployment.deploy()).exits(0);
    assert!(
        changed(&before, &deployment.ids())
            .iter()
            .all(|name| name == "haproxy")
    );
    issued_token(deployment);
}

fn a_lost_engine_is_one_error_and_the_next_run_completes() {
    let shared = deployed();
    let deployment = &shared.deployment;
    deployment.set_hiera("keystone::token_expiration", json!(1999));
    for after in [1500, 6500] {
        let relay = Relay::start(&deployment.file("engine.sock"));
        let mut command = deployment.deploy();
        command.args(["--host", &relay.address()]);
        let deploying = std::thread::spawn(move || run(&mut command));
        std::thread::sleep(Duration::from_millis(after));
        relay.cut();
        let failed = deploying.join().expect("the deployment").exits(1);
        assert_eq!(failed.err.matches("error:").count(), 1, "{}", failed.err);
        failed.says(&["engine"]);
    }
    run(&mut deployment.deploy()).exits(0);
    run(&mut deployment.deploy())
        .exits(0)
        .says(&["nothing has changed"]);
    assert_eq!(token_lifetime(deployment), 1999);
}

fn a_killed_build_or_deployment_is_completed_by_the_next() {
    let shared = deployed();
    let deployment = &shared.deployment;
    let template =
        std::fs::read_to_string(deployment.file("overrides/puppet.j2")).expect("the override");
    for (round, after) in [200, 1500, 4000].into_iter().enumerate() {
        let package = ["hello", "sl", "cowsay"][round];
        let with_package = template.replace(
            "['puppet-module-saz-memcached']",
            &format!("['puppet-module-saz-memcached', '{package}']"),
        );
        deployment.write("overrides/puppet.j2", &with_package);
        run_and_kill(deployment.build(), after);
    }
    run(&mut deployment.build()).exits(0);
    run(&mut deployment.build())
        .exits(0)
        .says(&["nothing has changed"]);
    for (round, after) in [300, 1500, 4000, 9000].into_iter().enumerate() {
        // Every stage has work: a config volume, and the containers that mount it.
        deployment.set_hiera("keystone::token_expiration", json!(2000 + round));
        deployment.set_hiera("memcached::max_connections", json!(2000 + round));
        run_and_kill(deployment.deploy(), after);
    }
    run(&mut deployment.deploy()).exits(0);
    run(&mut deployment.deploy())
        .exits(0)
        .says(&["nothing has changed"]);
    assert_eq!(token_lifetime(deployment), 2003);
    let containers = deployment.containers();
    let names: BTreeSet<String> = containers
        .iter()
        .map(|container| container["container"].to_string())
        .collect();
    assert_eq!(names.len(), containers.len(), "doubled: {containers:?}");
}

/// Starts a command, and kills it after some milliseconds.
fn run_and_kill(mut command: std::process::Command, after: u64) {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("slipway");
    std::thread::sleep(Duration::from_millis(after));
    child.kill().expect("SIGKILL");
    child.wait().expect("its end");
}

/// Returns the body of a token that Keystone issues now. haproxy sends requests to a new Keystone
/// only after checks of its own, so the first answers may be errors.
fn issued_token(deployment: &Deployment) -> Value {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = deployment.token();
        if answer.status == 201 {
            return answer.body;
        }
        assert!(Instant::now() < until, "no token: {answer:?}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Returns the lifetime of a token that Keystone issues now, in seconds.
fn token_lifetime(deployment: &Deployment) -> i64 {
    let token = issued_token(deployment);
    let [issued, expires] = ["issued_at", "expires_at"]
        .map(|key| seconds(token["token"][key].as_str().expect("a time")));
    (expires - issued + 86_400) % 86_400
}

/// Returns the names whose value differs between the two, or that only one has.
fn changed<V: PartialEq>(before: &BTreeMap<String, V>, after: &BTreeMap<String, V>) -> Vec<String> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .cloned()
        .collect()
}

/// Returns the inode of each config volume, which a swap changes.
fn volume_inodes(deployment: &Deployment) -> BTreeMap<String, u64> {
    let generated = deployment
        .root()
        .join("var/lib/config-data/puppet-generated");
    let inode = |entry: std::fs::DirEntry| {
        let metadata = entry.metadata().expect("a config volume");
        let name = entry.file_name().to_string_lossy().into_owned();
        metadata
            .is_dir()
            .then(|| (name, std::os::unix::fs::MetadataExt::ino(&metadata)))
    };
    std::fs::read_dir(generated)
        .expect("config volumes")
        .filter_map(|entry| inode(entry.expect("an entry")))
        .collect()
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.file_type().expect("a file type") {
            kind if kind.is_dir() => files.extend(files_below(&entry.path())),
            kind if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    files
}

fn mode(path: &Path) -> u32 {
    std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(path).expect("a file"))
}

/// Returns the seconds of the day of a time such as `2026-01-31T12:34:56.000000Z`.
fn seconds(time: &str) -> i64 {
    let clock = time
        .split('T')
        .nth(1)
        .and_then(|clock| clock.get(..8))
        .expect("a time");
    clock.split(':').fold(0, |sum, part| {
        sum * 60 + part.parse::<i64>().expect("digits")
    })
}
