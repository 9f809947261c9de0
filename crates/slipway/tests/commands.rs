//! The commands for containers, on a real engine.
#![allow(missing_docs, reason = "a test")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

slipway_test_support::harness! {
    [engine] fn ps_lists_containers_as_text_and_as_json;
    [engine] fn an_unhealthy_container_is_reported_with_its_last_output;
    [engine] fn without_rollback_the_old_container_is_not_restored;
    [engine] fn invalid_input_names_file_container_and_key_before_anything_is_touched;
    [engine] fn a_one_shot_command_runs_again_after_its_set_was_deleted;
    [engine] fn a_plan_names_missing_inputs_and_creates_nothing;
    [engine] fn a_deployment_with_a_missing_image_changes_nothing;
    [engine] fn secrets_are_masked_whatever_the_source_of_the_environment;
}

/// A set of containers, with a root of its own.
struct Set {
    id: String,
    directory: tempfile::TempDir,
}

impl Set {
    fn new(name: &str) -> Set {
        Set {
            id: format!("commands-{name}-{}", std::process::id()),
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// Replaces `@` by the prefix of names, and `IMAGE` by an image with options that make tests fast.
    fn text(&self, text: &str) -> String {
        text.replace('@', &format!("{}-", self.id)).replace(
            "IMAGE",
            "image: debian:trixie, net: none, stop_signal: SIGKILL",
        )
    }

    fn write(&self, text: &str) -> PathBuf {
        let file = self.directory.path().join("set.yaml");
        std::fs::write(&file, self.text(text)).unwrap();
        file
    }

    /// Runs a command line. `ROOT` and `ID` stand for this set's root and id.
    fn slipway(&self, line: &str, input: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_slipway"));
        let root = self.directory.path().display().to_string();
        let words = line.split(' ').map(|word| match word {
            "ROOT" => root.clone(),
            other => self.text(other).replace("ID", &self.id),
        });
        command
            .args(words)
            .current_dir(self.directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let input = self.text(input);
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    }

    /// Applies a set from standard input.
    fn apply(&self, options: &str, text: &str) -> Output {
        let line = format!("apply --root ROOT --managed-by ID --config-id ID --file - {options}");
        self.slipway(line.trim(), text)
    }

    fn json(&self, line: &str) -> Value {
        let done = self.slipway(line, "");
        assert!(done.status.success(), "{}", said(&done));
        serde_json::from_slice(&done.stdout).unwrap()
    }
}

impl Drop for Set {
    fn drop(&mut self) {
        self.slipway("delete --managed-by ID --config-id ID --root ROOT", "");
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const UP: &str = "'@a': {IMAGE, command: [sh, -c, 'echo token hunter2; echo oops >&2; exec sleep 600'], environment: {PASSWORD: hunter2, TRIPLEO_CONFIG_HASH: 12ab}}";

fn ps_lists_containers_as_text_and_as_json() {
    let set = Set::new("told");
    let done = set.apply("--wait=60", UP);
    assert!(done.status.success(), "{}", said(&done));

    let listed = set.json("ps --managed-by ID --format json");
    assert_eq!(listed[0]["config_id"], set.id.as_str());
    assert_eq!(listed[0]["state"], "running");
    assert_eq!(listed[0]["config_hash"], "12ab");
    let table = printed(&set.slipway("ps --managed-by ID", ""));
    assert!(
        table.contains("running") && table.contains("12ab"),
        "{table}"
    );

    let logs = set.slipway("logs @a", "");
    assert_eq!(printed(&logs), "token ***\n");
    assert_eq!(said(&logs), "oops\n");
    let logs = printed(&set.slipway("logs @a --format json", ""));
    let mut lines: Vec<&str> = logs.lines().collect();
    lines.sort_unstable();
    let expected = [
        r#"{"stream":"stderr","line":"oops"}"#,
        r#"{"stream":"stdout","line":"token ***"}"#,
    ];
    assert_eq!(lines.len(), 2);
    for (line, expected) in lines.iter().zip(expected) {
        let parsed: Value = serde_json::from_str(line).unwrap();
        assert_eq!(parsed, serde_json::from_str::<Value>(expected).unwrap());
    }

    set.write(UP);
    let command = set.json("debug --file set.yaml --container @a --format json");
    let words = command["command"].as_array().unwrap();
    assert!(["docker", "podman"].contains(&words[0].as_str().unwrap()));
    assert!(!command.to_string().contains("hunter2"), "{command}");
    let wrong = set.slipway(
        "debug --file set.yaml --container @a --overrides {\"comand\":1}",
        "",
    );
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        said(&wrong).contains("did you mean `command`?"),
        "{}",
        said(&wrong)
    );
}

fn an_unhealthy_container_is_reported_with_its_last_output() {
    let set = Set::new("ill");
    let ill = "'@ill': {IMAGE, command: [sh, -c, 'echo no route; exec sleep 600'], healthcheck: {test: 'echo refused; exit 3', interval: 1s, retries: 1}}";
    // Time for several checks, on a machine under load.
    let done = set.apply("--wait=8", ill);
    assert_eq!(done.status.code(), Some(1));
    let error = said(&done);
    for words in [
        "is unhealthy after ",
        "| no route",
        // Podman exits with 1 for every failure.
        match error.contains("exit code 1: refused") {
            true => "| exit code 1: refused",
            false => "| exit code 3: refused",
        },
    ] {
        assert!(error.contains(words), "{error}");
    }
    let for_scripts = set.apply("--wait=1 --format json", ill);
    assert_eq!(for_scripts.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&for_scripts.stdout).unwrap();
    let failure = &report["failures"][0];
    let what = failure["what"].as_str().unwrap();
    assert!(what.starts_with("is unhealthy after "), "{what}");
    assert_eq!(failure["output"][0], "no route");
    assert_eq!(report["changed"], false);
}

fn without_rollback_the_old_container_is_not_restored() {
    let set = Set::new("norollback");
    assert!(set.apply("", UP).status.success());
    let failing = UP.replace("[sh", "[/no/such/program");
    let failed = set.apply("--no-rollback", &failing);
    assert_eq!(failed.status.code(), Some(1));
    assert!(
        !said(&failed).contains("started again"),
        "{}",
        said(&failed)
    );
    assert_eq!(
        set.json("ps --managed-by ID --format json"),
        Value::Array(Vec::new())
    );
}

fn invalid_input_names_file_container_and_key_before_anything_is_touched() {
    let set = Set::new("wrong");
    assert!(set.apply("", UP).status.success());
    let before = set.json("ps --managed-by ID --format json")[0]["id"].clone();
    let wrong = [
        ("", "nothing in it; an empty set is written {}"),
        ("[]", "expected a map"),
        (
            "'@a': {IMAGE, comand: x}",
            "-a.comand: unknown key; did you mean `command`?",
        ),
        (
            "'@a': {IMAGE, healthcheck: [x]}",
            "-a.healthcheck: expected a mapping, found a list",
        ),
        (
            "'@a': {IMAGE, shm_size: 1e30}",
            "-a.shm_size: `1e+30`: expected bytes",
        ),
        (
            "'@a': {IMAGE, environment: {PASSWORD: \"hunter\\02\"}}",
            "-a.environment: a NUL character is in it",
        ),
        (
            "'@a': {IMAGE, tty: true, tty: false}",
            "-a.tty: duplicate key",
        ),
    ];
    for (text, words) in wrong {
        let done = set.apply("", text);
        let error = said(&done);
        assert_eq!(done.status.code(), Some(2), "{text}: {error}");
        assert!(
            error.contains("standard input") && error.contains(words),
            "{text}: {error}"
        );
        assert!(!error.contains("hunter"), "{error}");
    }
    let bad_image = set.apply("", "'@a': {IMAGE, command: x}\n'@b': {image: 'No:Image:'}");
    let words = "-b: image No:Image: is not there and cannot be pulled: ";
    assert!(said(&bad_image).contains(words), "{}", said(&bad_image));
    assert_eq!(
        set.json("ps --managed-by ID --format json")[0]["id"],
        before
    );
}

fn a_one_shot_command_runs_again_after_its_set_was_deleted() {
    let set = Set::new("again");
    let once = "'@once': {IMAGE, command: 'true', detach: false, remove: true}";
    let changed = |done: &Output| {
        assert!(done.status.success(), "{}", said(done));
        serde_json::from_slice::<Value>(&done.stdout).unwrap()["changed"] == true
    };
    let apply = || changed(&set.apply("--format json", once));
    assert!(apply());
    assert!(!apply());
    let deleted = set.slipway("delete --managed-by ID --config-id ID --root ROOT", "");
    assert!(deleted.status.success(), "{}", said(&deleted));
    assert!(apply());
}

fn a_plan_names_missing_inputs_and_creates_nothing() {
    let set = Set::new("plan");
    let text = "'@a': {IMAGE, volumes: ['/no/such/directory:/x'], env_file: /no/such/file}
'@b': {image: no/such/image, command: x}";
    let planned = set.apply("--plan --label-data digest", text);
    assert_eq!(planned.status.code(), Some(1), "{}", said(&planned));
    let table = printed(&planned);
    let pull = table.lines().find(|line| line.starts_with("no/such/image"));
    assert!(pull.is_some_and(|line| line.contains("pull")), "{table}");
    for words in [
        "-a: volume source /",
        "no/such/directory does not exist",
        "-a: env_file /",
    ] {
        assert!(said(&planned).contains(words), "{}", said(&planned));
    }
    assert_eq!(std::fs::read_dir(set.directory.path()).unwrap().count(), 0);
}

fn a_deployment_with_a_missing_image_changes_nothing() {
    let set = Set::new("missing");
    let text = "service_name: web
docker_config:
  step_1:
    '@there': {IMAGE, command: x}
    '@gone': {image: '127.0.0.1:1/no/such/image:1', command: x}";
    std::fs::write(set.directory.path().join("web.yaml"), set.text(text)).unwrap();
    let done = set.slipway("deploy --services web.yaml --root ROOT", "");
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    let gone = format!(
        "127.0.0.1:1/no/such/image:1 (for container {}-gone): ",
        set.id
    );
    for words in [
        "nothing was changed: these images are not in the engine",
        &gone,
    ] {
        assert!(said(&done).contains(words), "{}", said(&done));
    }
    assert!(!said(&done).contains("debian"), "{}", said(&done));
    assert_eq!(
        set.json("ps --managed-by ID --format json"),
        serde_json::json!([])
    );
}

fn secrets_are_masked_whatever_the_source_of_the_environment() {
    let set = Set::new("secrets");
    std::fs::write(set.directory.path().join("env"), "DB_PASSWORD=hunter2\n").unwrap();
    let text = "'@a': {IMAGE, command: [sh, -c, 'echo $DB_PASSWORD $API_TOKEN; exit 3'], env_file: /env, environment: {API_TOKEN: tortoise}}";
    let failed = set.apply("-vv --label-data digest", text);
    assert_eq!(failed.status.code(), Some(1), "{}", said(&failed));
    let logs = set.slipway("logs @a --managed-by ID", "");
    let printed_command = set.slipway("debug --file - --container @a --root ROOT", text);
    for done in [&failed, &logs, &printed_command] {
        let output = said(done) + &printed(done);
        assert!(
            !output.contains("hunter2") && !output.contains("tortoise"),
            "{output}"
        );
    }
    assert!(said(&failed).contains("| *** ***"), "{}", said(&failed));
    assert_eq!(printed(&logs), "*** ***\n", "{}", said(&logs));
}
