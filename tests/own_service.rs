//! The guide "Write a service of your own", followed to its end.

// A test fails by panicking.
#![allow(clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

use slipway_end_to_end::{Run, repository, run, slipway};

slipway_test_support::harness! {
    finally remove;
    [engine, root] fn the_guide_leads_to_a_web_server;
}

/// The directory in which the guide begins.
const DIRECTORY: &str = "/tmp/slipway-own-service";

fn the_guide_leads_to_a_web_server() {
    remove();
    std::fs::create_dir_all(DIRECTORY).expect("a directory");
    let page = repository().join("docs/guide/own-service.md");
    let page = std::fs::read_to_string(page).expect("the guide");
    let program = PathBuf::from(slipway().get_program());
    let programs = program.parent().expect("the program's directory");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", &commands(&page)]);
    shell.current_dir(DIRECTORY);
    shell.env("PATH", format!("{}:{path}", programs.display()));
    let walk = run(&mut shell).exits(0);
    for line in ["Hello from lighttpd", "Good evening from lighttpd"] {
        assert!(walk.out.lines().any(|shown| shown == line), "{walk:?}");
    }
    walk.says(&["build lighttpd: built", "nothing has changed"]);
    assert!(!Path::new(DIRECTORY).join("mysite").exists());
}

/// Returns the commands of a page: its code blocks for `sh`.
fn commands(page: &str) -> String {
    let blocks = page.split("```sh\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    let commands: String = blocks.collect();
    assert!(commands.contains("slipway deploy"), "{commands}");
    commands
}

fn docker(arguments: &[&str]) -> Run {
    run(Command::new("docker").args(arguments)).exits(0)
}

/// Removes what this run or a cut-off run made.
fn remove() {
    let root = Path::new(DIRECTORY).join("mysite/root");
    if root.is_dir() {
        run(slipway().args(["delete", "--all", "--root"]).arg(&root)).exits(0);
    }
    let images = docker(&["images", "--format", "{{.Repository}}:{{.Tag}}", "mysite/*"]);
    for image in images.out.lines() {
        docker(&["rmi", "--force", image]);
    }
    let _ = std::fs::remove_dir_all(DIRECTORY);
}
