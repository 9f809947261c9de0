//! `scripts/docker-puppet.py`, called as TripleO calls the scripts that it replaces.

#![allow(missing_docs, reason = "a test")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

const SCRIPT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../scripts/docker-puppet.py"
);

/// A directory that stands for `/var/lib`, with the script as TripleO writes it: a copy of its
/// content with mode 0600, under this name.
fn written(name: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let stem = name.trim_end_matches(".py");
    let path = root.path().join(stem).join(name);
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    std::fs::write(&path, std::fs::read_to_string(SCRIPT).unwrap()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    root
}

/// Runs what Ansible's `shell` runs, with the environment of the task.
fn shell(root: &Path, line: &str, environment: &[(&str, &str)]) -> Output {
    let line = line.replace("/var/lib", &root.display().to_string());
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line);
    command
        .env("SLIPWAY", env!("CARGO_BIN_EXE_slipway"))
        .envs(environment.iter().copied());
    command.output().unwrap()
}

#[test]
fn the_tasks_of_every_release_reach_slipway() {
    // queens (8.4.1), then stein to ussuri, where python_cmd is the node's Python.
    let tasks = [
        (
            "docker-puppet.py",
            "python3 /var/lib/docker-puppet/docker-puppet.py",
        ),
        (
            "container-puppet.py",
            "python3 /var/lib/container-puppet/container-puppet.py",
        ),
    ];
    for (name, line) in tasks {
        let root = written(name);
        let environment = [
            ("NET_HOST", "true"),
            ("DEBUG", "False"),
            ("PROCESS_COUNT", "3"),
            ("CONTAINER_CLI", "docker"),
            ("CHECK_MODE", "0"),
            ("MOUNT_HOST_PUPPET", "True"),
            ("CONFIG", "/nowhere/list.json"),
        ];
        // The environment names a list that is missing: Slipway says so, as `config`.
        let output = shell(root.path(), line, &environment);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {error}");
        assert!(error.contains("/nowhere/list.json"), "{line}: {error}");
        // Arguments are passed on.
        let output = shell(root.path(), &format!("{line} --version"), &[]);
        let version = String::from_utf8_lossy(&output.stdout);
        assert!(version.starts_with("slipway-config "), "{line}: {version}");
    }
}

#[test]
fn a_missing_binary_is_named() {
    let root = written("docker-puppet.py");
    let line = "python3 /var/lib/docker-puppet/docker-puppet.py";
    let output = shell(root.path(), line, &[("SLIPWAY", "/nowhere/slipway")]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(127), "{error}");
    assert!(error.starts_with("docker-puppet.py: error: there is no slipway in /nowhere/slipway"));
}
