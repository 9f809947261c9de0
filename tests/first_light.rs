//! An empty root becomes a running, Puppet-configured Keystone, and stays right: deployed again,
//! changed, killed, and fed with nonsense. One deployment, one story, told in order.

// A test says what is wrong by panicking.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;
use slipway_end_to_end::{Deployment, ProcessWatch, Relay, SECRETS, run, slipway};

#[test]
fn an_empty_root_becomes_a_keystone() {
    let deployment = Deployment::new("first-light");
    images_are_built_parents_first_and_only_once(&deployment);
    a_deployment_ends_with_a_token_and_endpoints_and_shows_no_password(&deployment);
    a_second_deployment_touches_nothing(&deployment);
    a_changed_hiera_value_reaches_the_running_keystone_and_nothing_else(&deployment);
    a_package_added_to_one_image_replaces_only_what_runs_it(&deployment);
    bad_input_is_one_clear_error_and_nothing_is_lost(&deployment);
    a_port_already_taken_is_named_and_the_old_container_comes_back(&deployment);
    an_engine_that_goes_away_is_one_error_and_the_next_run_completes(&deployment);
    killed_anywhere_the_next_run_completes(&deployment);
    deployment.remove();
}

fn images_are_built_parents_first_and_only_once(deployment: &Deployment) {
    stage("images");
    run(&mut deployment.build()).exits(0);
    let again = run(deployment.build().args(["--format", "json"]))
        .exits(0)
        .json();
    assert_eq!(again["built"], json!([]), "{again}");
    let unchanged = again["unchanged"].as_array().expect("images");
    assert!(unchanged.len() >= 8, "{again}");
    for image in unchanged {
        assert_eq!(image["reasons"], json!(["unchanged"]), "{image}");
    }
}

fn a_deployment_ends_with_a_token_and_endpoints_and_shows_no_password(deployment: &Deployment) {
    stage("deploy");
    let passwords: Vec<String> = SECRETS
        .iter()
        .map(|(_, value)| (*value).to_owned())
        .collect();
    let watch = ProcessWatch::start(passwords);
    let deployed = run(deployment.deploy().arg("-vv")).exits(0);
    let (seen, leaked) = watch.finish();
    assert!(seen > 1000, "the process list was hardly read: {seen}");
    assert!(
        leaked.is_empty(),
        "passwords in the process list: {leaked:?}"
    );
    assert_no_password("output", &deployed.out);
    assert_no_password("output", &deployed.err);
    for log in files_below(&deployment.root().join("var/log")) {
        let text = std::fs::read(&log).expect("a log file");
        assert_no_password(&log.display().to_string(), &String::from_utf8_lossy(&text));
    }

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

    // What holds passwords is closed to others.
    for folder in [
        "etc/puppet/hieradata",
        "var/lib/kolla/config_files",
        "var/lib/tripleo-config",
    ] {
        for file in files_below(&deployment.root().join(folder)) {
            assert_eq!(
                mode(&file) & 0o077,
                0,
                "{} is open to others",
                file.display()
            );
        }
    }
}

fn a_second_deployment_touches_nothing(deployment: &Deployment) {
    stage("deploy again");
    let (ids, volumes) = (deployment.ids(), volume_times(deployment));
    let again = run(deployment.deploy().args(["--format", "json"])).exits(0);
    let summary = again.json();
    assert_eq!(summary["changed"], false, "{summary}");
    assert_eq!(deployment.ids(), ids);
    assert_eq!(volume_times(deployment), volumes);
    run(&mut deployment.deploy())
        .exits(0)
        .says(&["nothing has changed"]);
}

fn a_changed_hiera_value_reaches_the_running_keystone_and_nothing_else(deployment: &Deployment) {
    stage("a changed hiera value");
    let (ids, volumes) = (deployment.ids(), volume_times(deployment));
    deployment.set_hiera("keystone::token_expiration", json!(1234));
    run(&mut deployment.deploy()).exits(0);
    assert_eq!(changed(&volumes, &volume_times(deployment)), ["keystone"]);
    let replaced = changed(&ids, &deployment.ids());
    assert!(replaced.contains(&"keystone".to_owned()), "{replaced:?}");
    assert!(
        replaced.iter().all(|name| name.starts_with("keystone")),
        "{replaced:?}"
    );

    assert_eq!(token_lifetime(deployment), 1234);
}

fn a_package_added_to_one_image_replaces_only_what_runs_it(deployment: &Deployment) {
    stage("a package added to one image");
    let (ids, volumes) = (deployment.ids(), volume_times(deployment));
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
    let regenerated = changed(&volumes, &volume_times(deployment));
    assert!(
        regenerated.iter().all(|name| name == "memcached"),
        "{regenerated:?}"
    );
    assert_eq!(deployment.token().status, 201);
}

fn bad_input_is_one_clear_error_and_nothing_is_lost(deployment: &Deployment) {
    stage("bad input");
    let (ids, volumes) = (deployment.ids(), volume_times(deployment));
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
    assert_eq!(volume_times(deployment), volumes);
    run(&mut deployment.deploy())
        .exits(0)
        .says(&["nothing has changed"]);
}

fn a_port_already_taken_is_named_and_the_old_container_comes_back(deployment: &Deployment) {
    stage("a port already taken");
    // A port that haproxy is to listen on as well, and that somebody else has.
    let stranger = std::net::TcpListener::bind("127.0.9.1:0").expect("a port");
    let port = stranger.local_addr().expect("its address").port();
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
    drop(stranger);
    deployment.write("hiera.json", &hiera);
    run(&mut deployment.deploy()).exits(0);
    assert!(
        changed(&before, &deployment.ids())
            .iter()
            .all(|name| name == "haproxy")
    );
    assert_eq!(deployment.token().status, 201);
}

fn an_engine_that_goes_away_is_one_error_and_the_next_run_completes(deployment: &Deployment) {
    stage("an engine that goes away");
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

fn killed_anywhere_the_next_run_completes(deployment: &Deployment) {
    stage("killed");
    let template =
        std::fs::read_to_string(deployment.file("overrides/puppet.j2")).expect("the override");
    for (round, after) in [200, 1500, 4000].into_iter().enumerate() {
        let package = ["hello", "sl", "cowsay"][round];
        let with_package = template.replace(
            "['puppet-module-saz-memcached']",
            &format!("['puppet-module-saz-memcached', '{package}']"),
        );
        deployment.write("overrides/puppet.j2", &with_package);
        killed(deployment.build(), after);
    }
    run(&mut deployment.build()).exits(0);
    run(&mut deployment.build())
        .exits(0)
        .says(&["nothing has changed"]);
    for (round, after) in [300, 1500, 4000, 9000].into_iter().enumerate() {
        // Something to do at every station: a config volume, and the containers that mount it.
        deployment.set_hiera("keystone::token_expiration", json!(2000 + round));
        deployment.set_hiera("memcached::max_connections", json!(2000 + round));
        killed(deployment.deploy(), after);
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

/// Starts a command, and ends it with SIGKILL after some milliseconds.
fn killed(mut command: std::process::Command, after: u64) {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("slipway");
    std::thread::sleep(Duration::from_millis(after));
    child.kill().expect("SIGKILL");
    child.wait().expect("its end");
}

/// How long a token is valid that the running Keystone issues now, in seconds.
fn token_lifetime(deployment: &Deployment) -> i64 {
    let token = deployment.token().body;
    let [issued, expires] = ["issued_at", "expires_at"]
        .map(|key| seconds(token["token"][key].as_str().expect("a time")));
    (expires - issued + 86_400) % 86_400
}

#[test]
fn the_binary_explains_itself() {
    run(slipway().arg("--version")).exits(0);
    let help = run(slipway().arg("--help")).exits(0);
    for word in ["build", "config", "deploy", "Exit status"] {
        assert!(help.out.contains(word), "no {word} in the help");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            !run(slipway().args(["completions", shell]))
                .exits(0)
                .out
                .is_empty()
        );
    }
    let pages = Path::new(env!("CARGO_TARGET_TMPDIR")).join("man");
    run(slipway().arg("man").arg(&pages)).exits(0);
    assert!(pages.join("slipway.1").is_file() && pages.join("slipway-deploy.1").is_file());
    run(slipway().args(["deploy", "--servces", "x"]))
        .exits(2)
        .says(&["--services"]);
}

fn stage(name: &str) {
    static BEGAN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let began = BEGAN.get_or_init(Instant::now);
    println!("[{:>4} s] {name}", began.elapsed().as_secs());
}

#[track_caller]
fn assert_no_password(what: &str, text: &str) {
    for (key, value) in SECRETS {
        assert!(!text.contains(value), "the value of {key} is in {what}");
    }
}

/// Names whose value is another, new, or gone.
fn changed<V: PartialEq>(before: &BTreeMap<String, V>, after: &BTreeMap<String, V>) -> Vec<String> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .cloned()
        .collect()
}

/// When each config volume was last put in place, and which folder it is: a swap changes it.
fn volume_times(deployment: &Deployment) -> BTreeMap<String, u64> {
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

fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
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

/// Seconds of the day in a time such as `2026-01-31T12:34:56.000000Z`.
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
