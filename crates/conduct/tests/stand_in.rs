//! Runs with a stand-in for `ansible-playbook`: failures, ends, what a run asks for.
#![allow(missing_docs, reason = "a test")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use slipway_conduct::{Action, Ansible, ConductError, Event, Events, Options, Site, Summary};
use slipway_export::ansible::{Definitions, Nodes, Options as ExportOptions, project};

const SECRET: &str = "hunter2-of-the-test";

const NODES: &str = "
releases: [ocata, pike]
nodes:
  a: {role: Controller}
  b: {role: Controller}
  c: {role: Controller}
";

const SERVICE: &str = "
service_name: web
update_tasks:
  - {name: stop, debug: {}, when: step|int == 1}
fast_forward_upgrade_tasks:
  - {name: prep, debug: {}, when: step|int == 0}
  - {name: bootstrap, debug: {}, when: step|int == 4}
";

/// Writes a result for each node of the limit, as the callback does. Files beside it steer it:
/// `fail-PART-NODE` is the message of a failure, `block-PART` keeps it from ending.
const STAND_IN: &str = r#"#!/bin/sh
here=$(dirname "$0")
echo "$@" >>"$here/arguments"
tag=ping nodes=localhost
while [ $# -gt 0 ]; do
    case $1 in
    --tags) tag=$2 ;;
    --limit) nodes=$(cat "${2#@}") ;;
    *deploy.yaml | *update.yaml | *ffu.yaml | *ping.yaml) playbook=$(basename "$1") ;;
    esac
    shift
done
echo "$tag $(echo $nodes)" >>"$here/calls"
while [ -e "$here/block-$tag" ]; do sleep 0.01; done
[ ! -e "$here/break-$tag" ] || { echo "no such option: password hunter2-of-the-test" >&2; exit 1; }
totals=
for node in $nodes; do
    failed=0 unreachable=0
    [ ! -e "$here/fail-$tag-$node" ] || failed=1
    [ ! -e "$here/away-$node" ] || unreachable=1
    echo "{\"event\": \"start\", \"time\": 1.0, \"node\": \"$node\", \"task\": \"work\"}" >>"$SLIPWAY_EVENTS"
    if [ $failed = 1 ]; then
        echo "{\"event\": \"end\", \"time\": 3.5, \"node\": \"$node\", \"task\": \"work\", \"result\": \"failed\", \"message\": \"cannot use hunter2-of-the-test\"}" >>"$SLIPWAY_EVENTS"
    fi
    totals="$totals${totals:+,}\"$node\": {\"changed\": 0, \"failed\": $failed, \"unreachable\": $unreachable}"
done
echo "{\"event\": \"totals\", \"time\": 4.0, \"nodes\": {$totals}}" >>"$SLIPWAY_EVENTS"
"#;

struct Scene {
    directory: tempfile::TempDir,
}

impl Scene {
    fn new() -> Scene {
        let scene = Scene {
            directory: tempfile::tempdir().unwrap(),
        };
        let program = scene.file("ansible-playbook", STAND_IN);
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
        scene.export(SERVICE);
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    fn export(&self, service: &str) {
        let nodes = Nodes::read(&self.file("nodes.yaml", NODES)).unwrap();
        let definitions = Definitions::read(&[self.file("web.yaml", service)]).unwrap();
        let hiera = serde_json::json!({"web_password": SECRET});
        let options = ExportOptions {
            binary: self.path("ansible-playbook"),
            hiera: hiera.as_object().unwrap().clone(),
        };
        let site = slipway_export::Site::open(&self.path("site")).unwrap();
        let project = project(&nodes, &definitions, &options).unwrap();
        project.write(&site).unwrap();
    }

    fn options(&self, action: Action) -> Options {
        Options {
            action,
            limit: Vec::new(),
            resume: false,
            max_fail: 0,
            ansible: Ansible {
                program: self.path("ansible-playbook"),
                forks: None,
            },
        }
    }

    async fn site(&self) -> Site {
        let events = Events::ignore();
        Site::open(&self.path("site"), true, &events).await.unwrap()
    }

    async fn run(&self, options: &Options) -> Summary {
        let events = Events::ignore();
        slipway_conduct::conduct(&self.site().await, options, &events)
            .await
            .unwrap()
    }

    /// The parts and nodes of the runs since the last call.
    fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("calls")).unwrap_or_default();
        let _ = fs::remove_file(self.path("calls"));
        text.lines().map(ToOwned::to_owned).collect()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

fn resume(options: &Options) -> Options {
    Options {
        resume: true,
        ..options.clone()
    }
}

#[tokio::test]
async fn a_failed_node_stops_the_roll_and_a_resumed_run_goes_on_there() {
    let scene = Scene::new();
    scene.file("fail-step_2-b", "");
    let options = scene.options(Action::Update);
    let summary = scene.run(&options).await;
    assert_eq!(summary.failed, ["b"]);
    assert!(summary.stopped && !summary.is_success());
    let calls = scene.calls();
    assert_eq!(calls.last().unwrap(), "step_2 b");
    assert!(
        !calls
            .iter()
            .any(|call| call.ends_with(" c") && !call.starts_with("ping"))
    );

    scene.remove("fail-step_2-b");
    let summary = scene.run(&resume(&options)).await;
    assert!(summary.is_success(), "{summary:?}");
    assert_eq!(summary.skipped, 8 + 3);
    let calls = scene.calls();
    assert_eq!(calls[..2], ["ping a b c", "step_2 b"]);
    assert_eq!(calls.last().unwrap(), "slipway_health c");
    assert!(!calls.iter().any(|call| call.ends_with(" a")), "{calls:?}");

    let summary = scene.run(&resume(&options)).await;
    assert!(summary.is_success());
    assert!(scene.calls().is_empty());
}

#[tokio::test]
async fn more_nodes_may_fail_where_that_is_allowed() {
    let scene = Scene::new();
    scene.file("fail-step_2-b", "");
    let options = Options {
        max_fail: 1,
        ..scene.options(Action::Update)
    };
    let summary = scene.run(&options).await;
    assert_eq!(summary.failed, ["b"]);
    assert!(!summary.stopped);
    let calls = scene.calls();
    assert!(!calls.contains(&"step_3 b".to_owned()));
    assert_eq!(calls.last().unwrap(), "slipway_health c");
}

#[tokio::test]
async fn a_part_that_was_cut_off_runs_again() {
    let scene = Scene::new();
    let part = "fast_forward_upgrade_tasks_ocata_4";
    scene.file(&format!("block-{part}"), "");
    let options = scene.options(Action::FastForward);
    let site = scene.site().await;
    let events = Events::ignore();
    let run = slipway_conduct::conduct(&site, &options, &events);
    let begun = async {
        while !fs::read_to_string(scene.path("calls"))
            .unwrap_or_default()
            .contains(part)
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        _ = run => unreachable!("the part is blocked"),
        () = begun => {}
    }
    drop(site);
    scene.remove(&format!("block-{part}"));
    assert_eq!(
        scene.calls(),
        [
            "ping a b c",
            "fast_forward_upgrade_tasks_ocata_0 a b c",
            "fast_forward_upgrade_tasks_ocata_4 a",
        ]
    );
    let summary = scene.run(&resume(&options)).await;
    assert!(summary.is_success());
    assert_eq!(
        scene.calls(),
        ["ping a b c", "fast_forward_upgrade_tasks_ocata_4 a"]
    );
}

#[tokio::test]
async fn changed_inputs_make_a_part_due_again() {
    let scene = Scene::new();
    let options = scene.options(Action::Update);
    scene.run(&options).await;
    let all = scene.calls();
    scene.export(&SERVICE.replace("stop", "stop it"));
    scene.run(&resume(&options)).await;
    assert_eq!(scene.calls(), all);
}

#[tokio::test]
async fn a_node_that_does_not_answer_is_told_before_any_node_is_touched() {
    let scene = Scene::new();
    scene.file("away-c", "");
    let (send, receive) = std::sync::mpsc::channel();
    let events = Events::new(move |event| {
        if let Event::Unreachable { node, .. } = event {
            send.send(node).unwrap();
        }
    });
    let site = scene.site().await;
    let options = scene.options(Action::Deploy);
    let summary = slipway_conduct::conduct(&site, &options, &events)
        .await
        .unwrap();
    assert!(summary.stopped);
    assert_eq!(receive.try_iter().collect::<Vec<_>>(), ["c"]);
    assert_eq!(scene.calls(), ["ping a b c"]);

    let options = Options {
        limit: vec!["b".to_owned()],
        ..options
    };
    let summary = slipway_conduct::conduct(&site, &options, &events)
        .await
        .unwrap();
    assert!(summary.is_success());
    assert!(scene.calls().iter().all(|call| call.ends_with(" b")));
}

#[tokio::test]
async fn secrets_are_in_no_argument_message_page_or_journal() {
    let scene = Scene::new();
    scene.file("fail-step_2-a", "");
    let summary = scene.run(&scene.options(Action::Update)).await;
    let message = summary.results.last().unwrap().outcome.message.clone();
    assert_eq!(message.unwrap(), "work: cannot use ***");
    let seen = [
        summary.page("Update"),
        serde_json::json!(summary).to_string(),
        scene.read("arguments"),
        scene.read("site/.slipway/journal"),
    ];
    for text in &seen {
        assert!(!text.contains(SECRET), "{text}");
    }
    assert!(seen[0].contains("cannot use ***"));

    scene.file("break-slipway_prepare", "");
    let events = Events::ignore();
    let options = scene.options(Action::Update);
    let site = scene.site().await;
    let error = slipway_conduct::conduct(&site, &options, &events);
    let error = error.await.unwrap_err().to_string();
    assert!(error.ends_with("no such option: password ***"), "{error}");
}

#[tokio::test]
async fn wrong_input_is_named() {
    let scene = Scene::new();
    let events = Events::ignore();
    let site = scene.site().await;
    let options = Options {
        limit: vec!["d".to_owned()],
        ..scene.options(Action::Deploy)
    };
    let error = slipway_conduct::conduct(&site, &options, &events)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "--limit d: no such node or role; nodes: a, b, c"
    );
    assert!(error.is_invalid_input());
    let refused = Site::open(&scene.path("site"), false, &events)
        .await
        .unwrap_err();
    assert!(matches!(refused, ConductError::Lock(_)));
    drop(site);
    let other = scene.path("other");
    fs::create_dir(&other).unwrap();
    let error = Site::open(&other, false, &events).await.unwrap_err();
    assert!(error.is_invalid_input(), "{error}");
    assert!(is_empty(&other));
}

fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).unwrap().next().is_none()
}
