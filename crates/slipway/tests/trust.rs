//! Hostile input and other local users: what `slipway` must refuse, and what it must keep to itself.
#![allow(missing_docs, reason = "a test")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

slipway_test_support::harness! {
    [] fn devices_and_pipes_are_refused_at_once;
    [] fn deep_documents_are_refused_at_once;
    [] fn a_config_json_cannot_be_written_outside_of_the_root;
    [] fn escape_sequences_do_not_reach_the_terminal;
    [] fn bind_sources_of_services_cannot_lead_out_of_the_root;
    [] fn bind_sources_cannot_lead_out_of_the_root;
    [] fn symlinks_in_the_root_lead_no_write_out_of_it;
    [] fn files_of_a_deployment_have_the_same_modes_under_any_umask;
    [engine] fn a_template_that_does_not_render_fails_its_image_alone;
    [engine] fn directories_with_state_are_private_whatever_the_umask;
    [engine, root] fn the_container_of_a_killed_reader_is_removed_by_the_next;
    [engine, root] fn a_user_without_root_applies_and_keeps_state_at_home;
}

/// Longer than any refusal takes, on a loaded machine too.
const AT_ONCE: Duration = Duration::from_secs(10);

fn slipway(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_slipway"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a command that must fail as bad input, in no time.
fn refused(arguments: &[&str]) -> String {
    let begun = Instant::now();
    let output = slipway(arguments);
    assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    errors(&output)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A directory with one service, and its path.
fn service(directory: &Path, rest: &str) -> PathBuf {
    let services = directory.join("services");
    fs::create_dir_all(&services).unwrap();
    fs::write(services.join("a.yaml"), format!("service_name: a\n{rest}")).unwrap();
    services
}

fn devices_and_pipes_are_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    let services = service(dir.path(), "");
    let pipe = dir.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    for path in ["/dev/zero", text(&pipe)] {
        for arguments in [
            ["config", "--plan", "--root", text(&root), "--file", path].as_slice(),
            &[
                "config",
                "--plan",
                "--root",
                text(&root),
                "--services",
                text(&services),
                "--hiera",
                path,
            ],
            &[
                "apply",
                "--root",
                text(&root),
                "--config-id",
                "x",
                "--file",
                path,
            ],
            &["build", "--list-images", "--config-file", path],
        ] {
            let output = slipway_within(arguments, AT_ONCE);
            assert!(!output.status.success(), "{arguments:?}");
            let said = errors(&output);
            assert!(said.contains("not a file"), "{arguments:?}: {said}");
        }
    }
}

/// Runs a command and ends it when it takes too long.
fn slipway_within(arguments: &[&str], limit: Duration) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_slipway"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > limit {
            child.kill().unwrap();
            panic!("{arguments:?} takes more than {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

fn deep_documents_are_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    let services = service(dir.path(), "");
    for unit in ["[", "- ", "{a: "] {
        let deep = dir.path().join("deep.yaml");
        fs::write(
            &deep,
            format!("a: \n {}", unit.repeat(240_000 / unit.len())),
        )
        .unwrap();
        refused(&[
            "config",
            "--plan",
            "--root",
            text(&root),
            "--services",
            text(&services),
            "--hiera",
            text(&deep),
        ]);
        refused(&[
            "apply",
            "--root",
            text(&root),
            "--config-id",
            "x",
            "--file",
            text(&deep),
        ]);
        fs::copy(&deep, services.join("b.yaml")).unwrap();
        refused(&["kolla-config", "check", "--services", text(&services)]);
        fs::remove_file(services.join("b.yaml")).unwrap();
    }
}

fn a_config_json_cannot_be_written_outside_of_the_root() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("deep/root");
    for path in ["/../../escaped.json", "/var/../../../escaped.json"] {
        let services = service(
            dir.path(),
            &format!("kolla_config:\n  {path}: {{command: 'true'}}\n"),
        );
        let said = refused(&[
            "kolla-config",
            "write",
            "--services",
            text(&services),
            "--root",
            text(&root),
        ]);
        assert!(said.contains("a.yaml:3:"), "{said}");
        assert!(
            said.contains("leads out of the deployment's root"),
            "{said}"
        );
    }
    assert!(!dir.path().join("escaped.json").exists());
    assert!(!dir.path().join("deep").exists());
}

fn escape_sequences_do_not_reach_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let hostile = "/missing\u{1b}[2J\u{1b}]0;title\u{7}.json";
    // Errors are on standard error, the findings on standard output: here, both are a terminal.
    let command = format!(
        "{} kolla-config check '{hostile}'; {0} apply --config-id x --file '{hostile}'",
        env!("CARGO_BIN_EXE_slipway")
    );
    let output = Command::new("script")
        .args(["--quiet", "--command", &command, "/dev/null"])
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.matches("/missing.json").count(), 2, "{said:?}");
    assert!(!said.contains("\u{1b}[2J"), "{said:?}");
    assert!(!said.contains("title"), "{said:?}");
}

fn bind_sources_cannot_lead_out_of_the_root() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("set.yaml");
    let container = "a: {image: 'debian:trixie', volumes: ['/var/../../../etc:/x']}\n";
    fs::write(&file, container).unwrap();
    let said = refused(&[
        "apply",
        "--root",
        text(&dir.path().join("root")),
        "--managed-by",
        "trust",
        "--config-id",
        "trust",
        "--file",
        text(&file),
    ]);
    assert!(said.contains("set.yaml: a"), "{said}");
    assert!(
        said.contains("leads out of the deployment's root"),
        "{said}"
    );
}

fn bind_sources_of_services_cannot_lead_out_of_the_root() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    for (declaration, place) in [
        (
            "docker_config:\n  step_1:\n    c: {image: i, volumes: ['/../etc:/x']}\n",
            "a.yaml:4:5: docker_config.step_1.c",
        ),
        (
            "puppet_config:\n  config_volume: v\n  step_config: include x\n  config_image: i\n  \
             volumes: ['/var/../../etc:/x']\n",
            "puppet_config.v.volumes",
        ),
    ] {
        let services = service(dir.path(), declaration);
        let said = refused(&[
            "config",
            "--plan",
            "--root",
            text(&root),
            "--services",
            text(&services),
        ]);
        assert!(said.contains(place), "{said}");
        assert!(
            said.contains("leads out of the deployment's root"),
            "{said}"
        );
    }
}

fn symlinks_in_the_root_lead_no_write_out_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let [root, outside] = ["root", "outside"].map(|name| dir.path().join(name));
    fs::create_dir_all(root.join("var")).unwrap();
    fs::create_dir(&outside).unwrap();
    let lib = root.join("var/lib");
    std::os::unix::fs::symlink(&outside, &lib).unwrap();
    let declaration = |path: &str| {
        let text = format!("kolla_config:\n  {path}: {{command: 'true'}}\n");
        service(dir.path(), &text)
    };
    let services = declaration("/var/lib/kolla/config_files/a.json");
    let set = dir.path().join("set.yaml");
    fs::write(&set, "{}\n").unwrap();
    let at_root = |arguments: &[&str]| {
        let said = refused(&[arguments, &["--root", text(&root)]].concat());
        assert!(
            said.contains("leads out of the deployment's root"),
            "{arguments:?}: {said}"
        );
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "{arguments:?}");
        said
    };
    let services = ["--services", text(&services)];
    at_root(&[&["kolla-config", "write"], &services[..]].concat());
    at_root(&[&["deploy", "--write-only"], &services[..]].concat());
    at_root(&[&["config", "--plan"], &services[..]].concat());
    at_root(&["apply", "--config-id", "trust", "--file", text(&set)]);
    // A container may put a symlink into a directory of its own.
    fs::remove_file(&lib).unwrap();
    fs::create_dir(&lib).unwrap();
    std::os::unix::fs::symlink(&outside, lib.join("mine")).unwrap();
    declaration("/var/lib/mine/a.json");
    let said = at_root(&[&["kolla-config", "write"], &services[..]].concat());
    assert!(said.contains("a.yaml:3:"), "{said}");
    assert!(
        said.contains("kolla_config./var/lib/mine/a.json: ") && said.contains("/mine:"),
        "{said}"
    );
}

/// The modes of everything below a directory.
fn modes(directory: &Path) -> BTreeMap<PathBuf, u32> {
    let mut found = BTreeMap::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
        let inside = path.strip_prefix(directory).unwrap().to_owned();
        found.insert(inside, fs::symlink_metadata(&path).unwrap().mode());
    }
    found
}

fn files_of_a_deployment_have_the_same_modes_under_any_umask() {
    const DIRECTORY: u32 = 0o040_000;
    let dir = tempfile::tempdir().unwrap();
    let services = service(
        dir.path(),
        "kolla_config:\n  /var/lib/kolla/config_files/a.json: {command: 'true'}\n\
         docker_config:\n  step_1:\n    c: {image: i}\n",
    );
    let [open, usual, closed] = ["000", "022", "077"].map(|umask| {
        let root = dir.path().join(umask);
        let output = Command::new("sh")
            .args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"])
            .arg(env!("CARGO_BIN_EXE_slipway"))
            .args(["deploy", "--write-only", "--services", text(&services)])
            .args(["--root", text(&root)])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", errors(&output));
        let mut modes = modes(&root);
        modes.remove(Path::new(""));
        modes
    });
    assert!(usual.len() > 5, "{usual:?}");
    assert_eq!(open, usual);
    // The directories above Slipway's own are as closed as the user asks for.
    let is_file = |(_, mode): &(&PathBuf, &u32)| *mode & DIRECTORY == 0;
    let files = |modes: &BTreeMap<PathBuf, u32>| -> Vec<(PathBuf, u32)> {
        let files = modes.iter().filter(is_file);
        files.map(|(path, mode)| (path.clone(), *mode)).collect()
    };
    assert_eq!(files(&closed), files(&usual));
}

/// Removes the images of a namespace when the test ends.
struct Namespace(String);

impl Drop for Namespace {
    fn drop(&mut self) {
        for name in ["other", "base"] {
            let image = format!("{}/{name}:latest", self.0);
            let _ = Command::new("docker")
                .args(["rmi", "--force", &image])
                .output();
        }
    }
}

fn a_template_that_does_not_render_fails_its_image_alone() {
    let dir = tempfile::tempdir().unwrap();
    let parent = |name: &str| {
        format!("FROM {{{{ namespace }}}}/{{{{ image_prefix }}}}{name}:{{{{ tag }}}}\n")
    };
    for (name, template) in [
        (
            "base",
            "FROM {{ base_image }}:{{ base_distro_tag }}\n".to_owned(),
        ),
        (
            "broken",
            format!("{}RUN {{{{ nothing.of.this }}}}\n", parent("base")),
        ),
        ("child", parent("broken")),
        ("other", parent("base")),
    ] {
        let directory = dir.path().join("share/images").join(name);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("Dockerfile.j2"), template).unwrap();
    }
    let namespace = Namespace(format!("slipway-trust-{}", std::process::id()));
    let build = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_slipway"))
            .args(["build", "--base", "debian", "--nopull", "--format", "json"])
            .args(["--namespace", &namespace.0])
            .args(arguments)
            .env("SLIPWAY_SHARE", dir.path().join("share"))
            .env_remove("SLIPWAY_KOLLA")
            .output()
            .unwrap()
    };
    let names = |list: &Value, key: &str| -> Vec<String> {
        let list = list.as_array().unwrap();
        list.iter()
            .map(|entry| entry[key].as_str().unwrap().to_owned())
            .collect()
    };
    let place = "broken/Dockerfile.j2:2:";

    let output = build(&["--plan"]);
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    assert!(errors(&output).contains(place), "{}", errors(&output));
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(names(&plan["decisions"], "image"), ["base", "other"]);
    assert_eq!(names(&plan["failed"], "image"), ["broken", "child"]);
    assert_eq!(plan["failed"][1]["parent"], "broken");

    let output = build(&[]);
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    assert!(errors(&output).contains(place), "{}", errors(&output));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(names(&summary["built"], "name"), ["base", "other"]);
    assert_eq!(names(&summary["failed"], "name"), ["broken", "child"]);
    assert_eq!(summary["failed"][1]["status"], "parent_error");

    // A plan ends as its build would, when images may fail.
    let configuration = dir.path().join("allowed.conf");
    for (allowed, code) in [("broken", 1), ("broken,child", 0)] {
        fs::write(
            &configuration,
            format!("[DEFAULT]\nallowed_to_fail = {allowed}\n"),
        )
        .unwrap();
        for extra in [&["--plan"][..], &[]] {
            let arguments = [&["--config-file", text(&configuration)], extra].concat();
            let output = build(&arguments);
            assert_eq!(
                output.status.code(),
                Some(code),
                "{allowed} {}",
                errors(&output)
            );
        }
    }

    // A list or a rendered tree would be wrong without it.
    let output = build(&["--list-dependencies"]);
    assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Applies an empty set of containers, which makes the state directory and takes the lock.
fn apply_nothing(directory: &Path, root: &Path) -> Command {
    let file = directory.join("set.yaml");
    fs::write(&file, "{}\n").unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", "umask 000; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_slipway"))
        .args(["apply", "--root", text(root), "--managed-by", "trust"])
        .args(["--config-id", "trust", "--file", text(&file)]);
    command
}

fn directories_with_state_are_private_whatever_the_umask() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    let state = root.join("var/lib/slipway");
    for existing in [false, true] {
        if existing {
            fs::set_permissions(&state, Permissions::from_mode(0o777)).unwrap();
        }
        let output = apply_nothing(dir.path(), &root).output().unwrap();
        assert!(output.status.success(), "{}", errors(&output));
        assert_eq!(mode(&state), 0o700);
    }
}

fn a_user_without_root_applies_and_keeps_state_at_home() {
    const USER: u32 = 4242;
    let socket = fs::metadata("/var/run/docker.sock").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    fs::create_dir(&home).unwrap();
    for path in [dir.path(), &home] {
        chown(path, Some(USER), Some(USER)).unwrap();
    }
    // The user may not be allowed into the directory of the tests.
    let binary = dir.path().join("slipway");
    fs::copy(env!("CARGO_BIN_EXE_slipway"), &binary).unwrap();
    let file = dir.path().join("set.yaml");
    fs::write(&file, "{}\n").unwrap();
    let output = Command::new("setpriv")
        .arg(format!("--reuid={USER}"))
        .arg(format!("--regid={USER}"))
        .arg(format!("--groups={}", socket.gid()))
        .arg(&binary)
        .args([
            "apply",
            "--managed-by",
            "trust",
            "--config-id",
            "trust-user",
        ])
        .args(["--file", text(&file)])
        .env_remove("XDG_STATE_HOME")
        .env("HOME", &home)
        .uid(0)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", errors(&output));
    let state = home.join(".local/state/slipway");
    assert_eq!(mode(&state), 0o700);
    assert_eq!(fs::metadata(state.join("lock")).unwrap().uid(), USER);
}

/// Returns the name of the container through which a process reads an image.
fn reader_of(process: u32) -> Option<String> {
    let locks = fs::read_dir("/var/lib/slipway/readers").ok()?;
    let mut names = locks.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let holder = format!("process {process}\n");
    names.find(|name| {
        let lock = Path::new("/var/lib/slipway/readers").join(name);
        fs::read_to_string(lock).is_ok_and(|text| text.ends_with(&holder))
    })
}

fn is_container(name: &str) -> bool {
    let found = Command::new("docker")
        .args(["container", "inspect", name])
        .output();
    found.unwrap().status.success()
}

fn the_container_of_a_killed_reader_is_removed_by_the_next() {
    let read = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_slipway"));
        command
            .args(["--quiet", "images", "sbom", "debian:trixie"])
            .stdout(Stdio::null());
        command
    };
    let mut child = read().spawn().unwrap();
    let name = loop {
        match reader_of(child.id()).filter(|name| is_container(name)) {
            Some(name) => break name,
            // It was faster.
            None if child.try_wait().unwrap().is_some() => child = read().spawn().unwrap(),
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    child.kill().unwrap();
    child.wait().unwrap();
    let lock = Path::new("/var/lib/slipway/readers").join(&name);
    if lock.exists() {
        assert!(read().status().unwrap().success());
    }
    assert!(!is_container(&name));
    assert!(!lock.exists());
}
