//! The image of Slipway itself: built, and run against the engine of the host.

// A test fails by panicking.
#![allow(clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

use slipway_end_to_end::{Run, run, slipway};

slipway_test_support::harness! {
    finally remove;
    [engine, root] fn slipway_deploys_from_its_own_image;
}

/// The namespace of the image. A cut-off run leaves it, and the next one uses it.
const NAMESPACE: &str = "slipway-own-image";
const IMAGE: &str = "slipway-own-image/slipway:latest";

/// The root of the deployment. Its path is the same in the container and on the host.
const ROOT: &str = "/tmp/slipway-own-image";

const SERVICE: &str = "\
service_name: sleeper
kolla_config:
  /var/lib/kolla/config_files/sleeper.json: {command: sleep infinity}
docker_config:
  step_1:
    slipway-own-image-sleeper:
      image: debian:trixie
      command: [sleep, infinity]
      volumes: [/var/lib/kolla/config_files/sleeper.json:/config.json:ro]
";

fn slipway_deploys_from_its_own_image() {
    remove();
    std::fs::create_dir_all(ROOT).expect("the root");
    std::fs::write(Path::new(ROOT).join("sleeper.yaml"), SERVICE).expect("a service definition");
    it_is_built_only_when_it_is_named();
    let version = in_image(&["--version"]).exits(0).out;
    assert_eq!(version, run(slipway().arg("--version")).exits(0).out);
    let images = in_image(&["build", "--base", "debian", "--list-images"]).exits(0);
    assert!(images.out.contains("keystone"), "{images:?}");

    let service = format!("{ROOT}/sleeper.yaml");
    let deploy = ["deploy", "--services", &service, "--root", ROOT];
    in_image(&deploy).exits(0);
    let json = docker(&["exec", "slipway-own-image-sleeper", "cat", "/config.json"]);
    assert!(json.out.contains("sleep infinity"), "{json:?}");
    in_image(&deploy).exits(0).says(&["nothing has changed"]);
    in_image(&["delete", "--all", "--root", ROOT]).exits(0);
    let left = docker(&[
        "ps",
        "--all",
        "--quiet",
        "--filter",
        "name=slipway-own-image",
    ]);
    assert_eq!(left.out, "");
}

fn it_is_built_only_when_it_is_named() {
    let build = |arguments: &[&str]| {
        let mut build = slipway();
        build.args(["build", "--base", "debian", "--namespace", NAMESPACE]);
        run(build.args(arguments)).exits(0)
    };
    let all = build(&["--plan", "--format", "json"]).out;
    assert!(!all.contains("\"slipway\""), "{all}");
    build(&["^slipway$"]);
}

/// Runs Slipway in a container, as the guide does.
fn in_image(arguments: &[&str]) -> Run {
    let root = format!("{ROOT}:{ROOT}");
    let socket = socket();
    let socket = format!("{}:/var/run/docker.sock", socket.display());
    let mut container = Command::new("docker");
    container.args(["run", "--rm", "--network", "host"]);
    container.args(["--volume", &socket, "--volume", &root, IMAGE]);
    run(container.args(arguments))
}

/// Returns the socket of the engine.
fn socket() -> PathBuf {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    let path = host.strip_prefix("unix://");
    PathBuf::from(path.unwrap_or("/var/run/docker.sock"))
}

fn docker(arguments: &[&str]) -> Run {
    run(Command::new("docker").args(arguments)).exits(0)
}

/// Removes what this run or a cut-off run made.
fn remove() {
    let names = docker(&[
        "ps",
        "--all",
        "--quiet",
        "--filter",
        "name=slipway-own-image",
    ]);
    for name in names.out.lines() {
        docker(&["rm", "--force", name]);
    }
    let images = docker(&[
        "images",
        "--format",
        "{{.Repository}}:{{.Tag}}",
        "slipway-own-image/*",
    ]);
    for image in images.out.lines() {
        docker(&["rmi", "--force", image]);
    }
    let _ = std::fs::remove_dir_all(ROOT);
}
