//! Converging against a real engine.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use slipway_events::Events;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use slipway_engine::{ContainerState, ContainerSummary, Engine, Health};
use slipway_runtime::converge::{
    ApplyOptions, ContainerFailure, ContainerSet, ConvergeError, Event, Outcome, PlannedAction,
    Reason, apply, labels, plan, wait_healthy,
};
use slipway_runtime::manage;
use slipway_service::ContainerConfig;
use slipway_test_support::{Sweep, engine, shell, unique};

slipway_test_support::harness! {
    [engine] async fn a_set_is_made_kept_changed_and_deleted;
    [engine] async fn containers_start_by_order;
    [engine] async fn failures_name_the_container_and_its_last_words;
    [engine] async fn the_error_of_a_restarting_container_is_reported;
    [engine] async fn missing_inputs_are_reported_before_any_change;
    [engine] async fn a_replacement_that_fails_gives_way_to_the_old_container;
    [engine] async fn a_taken_name_and_leftovers_of_a_killed_run_are_dealt_with;
    [engine] async fn health_is_waited_for;
}

/// A set of its own for one test, removed at its end.
struct Bench {
    engine: Arc<dyn Engine>,
    config_id: String,
    options: ApplyOptions,
    _state: tempfile::TempDir,
    _sweep: Sweep,
}

impl Bench {
    async fn new() -> Bench {
        let config_id = unique("rt-set");
        let state = tempfile::tempdir().unwrap();
        Bench {
            engine: engine().await,
            options: ApplyOptions {
                state_dir: Some(state.path().to_owned()),
                ..ApplyOptions::default()
            },
            _sweep: Sweep(format!("config_id={config_id}")),
            _state: state,
            config_id,
        }
    }

    /// A name in the engine of this test alone.
    fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.config_id)
    }

    /// `@` in the text stands for the prefix of names, and `IMAGE` for the image and what makes
    /// tests quick: a first process ignores SIGTERM.
    fn set(&self, text: &str) -> ContainerSet {
        let text = text.replace('@', &self.name("")).replace(
            "IMAGE",
            "image: debian:trixie, net: none, stop_signal: SIGKILL",
        );
        ContainerSet {
            config_id: self.config_id.clone(),
            managed_by: "slipway-test".to_owned(),
            containers: ContainerConfig::parse_all(Path::new("s.yaml"), &text).unwrap(),
        }
    }

    async fn apply(&self, text: &str) -> Result<Outcome, ConvergeError> {
        let set = self.set(text);
        apply(self.engine.as_ref(), &set, &self.options, &Events::ignore()).await
    }

    async fn failures(&self, text: &str) -> Vec<ContainerFailure> {
        match self.apply(text).await.unwrap_err() {
            ConvergeError::Containers { failures, .. } => failures,
            other => panic!("not a container's failure: {other}"),
        }
    }

    async fn containers(&self) -> BTreeMap<String, ContainerSummary> {
        let filter = format!("config_id={}", self.config_id);
        let all = self.engine.list_containers(&[filter]).await.unwrap();
        let count = all.len();
        let short = |name: &str| name.trim_start_matches(&self.name("")).to_owned();
        let by_name: BTreeMap<_, _> = all
            .into_iter()
            .map(|c| (short(&c.labels[labels::CONTAINER_NAME]), c))
            .collect();
        assert_eq!(by_name.len(), count, "no name is there twice");
        by_name
    }
}

const STEP: &str = "
'@db': {IMAGE, command: sleep 600, restart: always, start_order: 1}
'@sync': {IMAGE, command: [sh, -c, 'exit 6'], detach: false, exit_codes: [0, 6], start_order: 2}
'@web': {IMAGE, command: sleep 600, environment: {V: 1}, start_order: 3}
'@boot': {action: exec, command: ['@web', sh, -c, 'echo $W > /tmp/said'], environment: [W=hi], start_order: 4}
";

async fn a_set_is_made_kept_changed_and_deleted() {
    let bench = Bench::new().await;
    let first = bench.apply(STEP).await.unwrap();
    assert_eq!(first.count(PlannedAction::Create), 3);
    assert_eq!(first.containers[&bench.name("sync")].exit_code, Some(6));
    let made = bench.containers().await;
    assert_eq!(made["db"].state, ContainerState::Running);
    assert_eq!(made["sync"].exit_code(), Some(6));
    assert_eq!(made["web"].labels["managed_by"], "slipway-test");
    let said = slipway_engine::ExecSpec {
        command: ["cat", "/tmp/said"].map(str::to_owned).to_vec(),
        ..Default::default()
    };
    let said = bench.engine.exec(&made["web"].id, &said).await.unwrap();
    assert_eq!(said.output, [slipway_engine::LogLine::Out("hi".to_owned())]);

    let set = bench.set(STEP);
    let none = plan(bench.engine.as_ref(), &set, &bench.options)
        .await
        .unwrap();
    assert!(none.is_empty(), "{none:?}");
    assert!(bench.apply(STEP).await.unwrap().is_unchanged());
    let mut unchanged = bench.containers().await;
    for (name, container) in &mut unchanged {
        // "Up 2 seconds" goes on counting.
        container.status = made[name].status.clone();
    }
    assert_eq!(unchanged, made);

    let changed = STEP.replace("V: 1", "V: hunter2");
    let outcome = bench.apply(&changed).await.unwrap();
    let web = &outcome.containers[&bench.name("web")];
    let keys = vec!["environment.V".to_owned()];
    assert_eq!(web.reasons, [Reason::Changed { keys }]);
    let boot = &outcome.containers[&bench.name("boot")];
    assert_eq!(boot.action, PlannedAction::Exec);
    let now = bench.containers().await;
    assert_eq!(now["db"].id, made["db"].id);
    assert_ne!(now["web"].id, made["web"].id);
    assert_eq!(now["web"].name, bench.name("web"));

    let without: String = STEP
        .lines()
        .filter(|l| !l.contains("@db"))
        .map(|l| l.to_owned() + "\n")
        .collect();
    let outcome = bench
        .apply(&without.replace("V: 1", "V: hunter2"))
        .await
        .unwrap();
    assert_eq!(outcome.removed, [bench.name("db")]);

    let ids = [bench.config_id.clone()];
    let engine = bench.engine.as_ref();
    let sets = manage::list(engine, Some("slipway-test")).await.unwrap();
    assert_eq!(sets[&bench.config_id].len(), 2);
    let beside = manage::Beside {
        state_dir: bench.options.state_dir.as_deref(),
        ..manage::Beside::default()
    };
    let gone = manage::delete(engine, "slipway-test", &ids, beside, &Events::ignore())
        .await
        .unwrap();
    assert_eq!(gone, [bench.name("sync"), bench.name("web")]);
    assert!(bench.containers().await.is_empty());
}

async fn containers_start_by_order() {
    let bench = Bench::new().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let set = bench.set(
        "
'@c': {IMAGE, command: 'true', detach: false, start_order: 3}
'@a': {IMAGE, command: 'true', detach: false, start_order: -1}
'@b': {IMAGE, command: sleep 600}
",
    );
    let (receiver, prefix) = (Arc::clone(&seen), bench.name(""));
    let events = Events::new(move |event| {
        let line = match event {
            Event::Started { container, .. } => format!("up {container}"),
            Event::Ended { container, .. } => format!("end {container}"),
            _ => return,
        };
        receiver.lock().unwrap().push(line.replace(&prefix, ""));
    });
    apply(bench.engine.as_ref(), &set, &bench.options, &events)
        .await
        .unwrap();
    assert_eq!(*seen.lock().unwrap(), ["end a", "up b", "end c"]);
}

async fn failures_name_the_container_and_its_last_words() {
    let mut bench = Bench::new().await;
    bench.options.redact = Arc::new(|line| line.replace("hunter2", "***"));
    let text = "
'@sync': {IMAGE, command: [sh, -c, 'echo password hunter2 refused >&2; exit 4'], detach: false}
'@late': {IMAGE, command: sleep 600, start_order: 1}
";
    for _ in 0..2 {
        let failed = bench.failures(text).await;
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].what, "ended with exit code 4");
        assert_eq!(failed[0].output, ["password *** refused"]);
        assert_eq!(
            bench.containers().await.len(),
            1,
            "tried again, not doubled"
        );
    }
    let dying = "'@a': {IMAGE, command: [sh, -c, 'echo no config; exit 1'], restart: always}";
    let failed = bench.failures(dying).await;
    // Podman, which restarts without a pause, may be met between two of its tries.
    let words = ["it does not stay up", "ended with exit code 1"];
    assert!(words.contains(&failed[0].what.as_str()), "{}", failed[0]);
    assert_eq!(
        failed[0].output.first().map(String::as_str),
        Some("no config")
    );
    let unstartable = "'@b': {IMAGE, command: /no/such/program}";
    let failed = bench.failures(unstartable).await;
    assert!(failed[0].what.contains("/no/such/program"), "{}", failed[0]);
    assert!(!bench.containers().await.contains_key("b"));
}

async fn the_error_of_a_restarting_container_is_reported() {
    let bench = Bench::new().await;
    // When the second has ended, the first has begun anew, with more lines than are shown.
    let text = "
'@dying': {IMAGE, restart: always, command: [sh, -c, 'seq 100; sleep 0.6; echo no port; exit 1']}
'@sync': {IMAGE, command: sleep 0.7, detach: false, start_order: 1}
";
    let failed = bench.failures(text).await;
    assert_eq!(failed[0].output.last().map(String::as_str), Some("no port"));
}

async fn missing_inputs_are_reported_before_any_change() {
    let bench = Bench::new().await;
    bench
        .apply("'@a': {IMAGE, command: sleep 600}")
        .await
        .unwrap();
    let before = bench.containers().await["a"].id.clone();
    let broken = [
        (
            "'@a': {IMAGE, command: sleep 601}\n'@b': {image: 'localhost:1/no/such:1'}",
            "image localhost:1/no/such:1 is not there and cannot be pulled",
        ),
        (
            "'@a': {IMAGE, command: sleep 601, volumes: ['/nowhere/at/all:/x']}",
            "volume source /nowhere/at/all does not exist",
        ),
    ];
    for (text, words) in broken {
        let error = bench.apply(text).await.unwrap_err();
        assert!(matches!(error, ConvergeError::Missing { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        let now = bench.containers().await;
        assert_eq!((now.len(), &now["a"].id), (1, &before));
        assert_eq!(now["a"].state, ContainerState::Running);
    }
}

async fn a_replacement_that_fails_gives_way_to_the_old_container() {
    let bench = Bench::new().await;
    bench
        .apply("'@a': {IMAGE, command: sleep 600}")
        .await
        .unwrap();
    let old = bench.containers().await.remove("a").unwrap();
    for bad in ["/no/such/program", "[sh, -c, 'exit 1']"] {
        let text = format!("'@a': {{IMAGE, command: {bad}}}");
        let failed = bench.failures(&text).await;
        assert_eq!(
            failed[0].rollback.as_deref(),
            Some("the old container was started again")
        );
        let now = bench.containers().await;
        assert_eq!((&now["a"].id, &now["a"].name), (&old.id, &old.name));
        assert_eq!(now["a"].state, ContainerState::Running);
    }
}

async fn a_taken_name_and_leftovers_of_a_killed_run_are_dealt_with() {
    let bench = Bench::new().await;
    let text = "'@a': {IMAGE, command: sleep 600}";
    // A stranger has the name.
    let mut stranger = shell("exec sleep 600");
    stranger.labels.insert("test".to_owned(), bench.name("a"));
    let _sweep = Sweep(format!("test={}", bench.name("a")));
    let name = bench.name("a");
    let stranger = bench
        .engine
        .create_container(&name, &stranger)
        .await
        .unwrap();
    bench.apply(text).await.unwrap();
    let ours = bench.containers().await.remove("a").unwrap();
    assert!(ours.name.starts_with(&format!("{name}-")), "{}", ours.name);
    bench.engine.remove_container(&stranger).await.unwrap();
    bench.apply(text).await.unwrap();
    let renamed = bench.containers().await.remove("a").unwrap();
    assert_eq!((&renamed.id, &renamed.name), (&ours.id, &name));

    // A run was killed while it replaced the container: the old one is stopped and set aside, the
    // new one made and not started.
    let aside = format!("{name}-replaced-abcdefgh");
    bench
        .engine
        .rename_container(&ours.id, &aside)
        .await
        .unwrap();
    let no_grace = Some(Duration::ZERO);
    bench
        .engine
        .stop_container(&ours.id, no_grace)
        .await
        .unwrap();
    let mut half_made = shell("exec sleep 600");
    half_made.labels = ours.labels.clone();
    bench
        .engine
        .create_container(&name, &half_made)
        .await
        .unwrap();
    bench.apply(text).await.unwrap();
    let back = bench.containers().await.remove("a").unwrap();
    assert_eq!((&back.id, &back.name), (&ours.id, &name));
    assert_eq!(back.state, ContainerState::Running);
    assert!(bench.apply(text).await.unwrap().is_unchanged());
}

async fn health_is_waited_for() {
    let bench = Bench::new().await;
    let text = "
'@well': {IMAGE, command: [sh, -c, 'sleep 1; touch /tmp/up; exec sleep 600'], healthcheck: {test: test -e /tmp/up, interval: 1s}}
'@plain': {IMAGE, command: sleep 600}
";
    bench.apply(text).await.unwrap();
    let engine = bench.engine.as_ref();
    let patience = Duration::from_secs(60);
    wait_healthy(
        engine,
        &bench.set(text),
        patience,
        &bench.options,
        &Events::ignore(),
    )
    .await
    .unwrap();
    let well = bench.containers().await.remove("well").unwrap();
    let health = engine.check_health(&well.id).await.unwrap();
    let health = health.map(|report| report.health);
    assert_eq!(health, Some(Health::Healthy));
    let sets = manage::list(engine, Some("slipway-test")).await.unwrap();
    let listed = |name: &str| {
        let name = bench.name(name);
        let mut set = sets[&bench.config_id].iter();
        set.find(|listed| listed.name == name).unwrap().health
    };
    assert_eq!(
        (listed("well"), listed("plain")),
        (Some(Health::Healthy), None)
    );

    let ill = "'@ill': {IMAGE, command: [sh, -c, 'echo groan; exec sleep 600'], healthcheck: {test: 'false', interval: 1s, retries: 1}}";
    bench.apply(ill).await.unwrap();
    let patience = Duration::from_secs(3);
    let error = wait_healthy(
        engine,
        &bench.set(ill),
        patience,
        &bench.options,
        &Events::ignore(),
    )
    .await
    .unwrap_err()
    .to_string();
    // More than the 3 seconds, on a machine under load.
    assert!(error.contains("ill: is unhealthy after "), "{error}");
    assert!(error.contains("groan"), "{error}");
}
