use slipway_events::Events;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use super::*;
use slipway_engine::{ContainerState, Containers, EngineError};
use slipway_test_support::FakeEngine;

fn set(text: &str) -> ContainerSet {
    ContainerSet {
        config_id: "s".to_owned(),
        managed_by: "m".to_owned(),
        containers: crate::step::parse(Path::new("s.yaml"), text).unwrap(),
    }
}

async fn converge(engine: &FakeEngine, text: &str, options: &ApplyOptions) -> Result<Outcome> {
    apply(engine, &set(text), options, &Events::ignore()).await
}

fn with_state(dir: &tempfile::TempDir) -> ApplyOptions {
    ApplyOptions {
        state_dir: Some(dir.path().join("state")),
        ..ApplyOptions::default()
    }
}

fn failures(result: Result<Outcome>) -> Vec<ContainerFailure> {
    match result.unwrap_err() {
        ConvergeError::Containers { failures, .. } => failures,
        other => panic!("not a container's failure: {other}"),
    }
}

fn changes(calls: &[String]) -> usize {
    let looks = [
        "list",
        "find",
        "list images",
        "find image",
        "volumes",
        "wait",
        "logs",
    ];
    calls
        .iter()
        .filter(|call| !looks.contains(&call.as_str()))
        .count()
}

const STEP: &str = "
db: {image: i, command: up, start_order: 1}
sync: {image: i, command: exit 0, detach: false, start_order: 2}
web: {image: i, command: up, start_order: 3}
bootstrap: {action: exec, command: [web, exit, '0'], start_order: 4}
tidy: {image: i, command: exit 0, detach: false, remove: true, start_order: 5}
";

#[tokio::test(start_paused = true)]
async fn an_unchanged_set_costs_one_list_and_changes_nothing() {
    let (engine, dir) = (FakeEngine::with_image("i"), tempfile::tempdir().unwrap());
    let options = with_state(&dir);
    let first = converge(&engine, STEP, &options).await.unwrap();
    assert_eq!(first.count(PlannedAction::Create), 4);
    assert_eq!(first.count(PlannedAction::Exec), 1);
    assert!(engine.named("tidy").is_none(), "removed when it had ended");
    engine.take_calls();

    let second = converge(&engine, STEP, &options).await.unwrap();
    assert!(second.is_unchanged(), "{second:?}");
    assert_eq!(second.count(PlannedAction::Keep), 5);
    assert_eq!(engine.take_calls(), ["list"]);
}

#[tokio::test(start_paused = true)]
async fn labels_may_tell_digests_only() {
    let (engine, dir) = (FakeEngine::with_image("i"), tempfile::tempdir().unwrap());
    std::fs::create_dir(dir.path().join("state")).unwrap();
    let plain = with_state(&dir);
    let digest = ApplyOptions {
        label_data: LabelData::Digest,
        ..plain.clone()
    };
    let text = "
a: {image: i, command: up, environment: [TRIPLEO_CONFIG_HASH=12ab, P=hunter2, Q=1]}
b: {image: i, command: up, labels: {x: y}}
";
    converge(&engine, text, &digest).await.unwrap();
    for container in engine.containers() {
        let labels = format!("{:?}", container.labels);
        assert!(!labels.contains("hunter2") && !labels.contains("config_data"));
    }
    assert_eq!(
        engine.named("a").unwrap().labels[labels::CONFIG_HASH],
        "12ab"
    );
    // Either way of labelling takes what the other made for its own.
    for options in [&digest, &plain] {
        let again = converge(&engine, text, options).await.unwrap();
        assert!(again.is_unchanged(), "{again:?}");
    }
    let changed = text.replace("hunter2", "hunter3").replace("x: y", "x: z");
    let plan = plan(&engine, &set(&changed), &plain).await.unwrap();
    let keys = |keys: &[&str]| {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        [Reason::Changed { keys }]
    };
    assert_eq!(plan.containers[0].reasons, keys(&["environment.P"]));
    assert_eq!(plan.containers[1].reasons, keys(&["labels"]));
    // With another key, nothing can be told.
    std::fs::remove_file(dir.path().join("state/label-key")).unwrap();
    let lost = super::plan(&engine, &set(text), &plain).await.unwrap();
    assert_eq!(lost.containers[0].reasons, [Reason::Unrecorded]);
}

#[tokio::test(start_paused = true)]
async fn what_leaves_no_container_is_repeated_without_a_memory_as_paunch_does() {
    let engine = FakeEngine::with_image("i");
    converge(&engine, STEP, &ApplyOptions::default())
        .await
        .unwrap();
    let second = converge(&engine, STEP, &ApplyOptions::default())
        .await
        .unwrap();
    assert_eq!(second.containers["bootstrap"].action, PlannedAction::Exec);
    assert_eq!(second.containers["tidy"].action, PlannedAction::Create);
    assert_eq!(second.count(PlannedAction::Keep), 3);
}

#[tokio::test(start_paused = true)]
async fn a_changed_container_is_replaced_and_commands_in_it_run_again() {
    let (engine, dir) = (FakeEngine::with_image("i"), tempfile::tempdir().unwrap());
    let options = with_state(&dir);
    converge(&engine, STEP, &options).await.unwrap();
    let before = engine.containers();
    let changed = STEP.replace("web: {image: i", "web: {environment: [A=hunter2], image: i");
    let outcome = converge(&engine, &changed, &options).await.unwrap();
    assert_eq!(outcome.containers["web"].action, PlannedAction::Replace);
    assert_eq!(
        outcome.containers["web"].reasons,
        [Reason::Changed {
            keys: vec!["environment.A".to_owned()]
        }]
    );
    assert_eq!(outcome.containers["bootstrap"].action, PlannedAction::Exec);
    assert_eq!(outcome.count(PlannedAction::Keep), 3);
    assert!(!serde_json::to_string(&outcome).unwrap().contains("hunter2"));
    let kept: Vec<_> = before.iter().filter(|c| c.name != "web").collect();
    for container in kept {
        assert_eq!(engine.named(&container.name).unwrap().id, container.id);
    }
    assert_eq!(engine.containers().len(), 3, "db, sync, web");
}

#[tokio::test(start_paused = true)]
async fn a_new_image_of_the_same_name_replaces() {
    let engine = FakeEngine::with_image("i");
    let text = "a: {image: i, command: up}";
    converge(&engine, text, &ApplyOptions::default())
        .await
        .unwrap();
    engine.set_image("i", "sha256:two");
    let outcome = converge(&engine, text, &ApplyOptions::default())
        .await
        .unwrap();
    assert_eq!(outcome.containers["a"].reasons, [Reason::ImageChanged]);
    assert_eq!(engine.named("a").unwrap().image_id, "sha256:two");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_configured_goes_unless_cleanup_is_off() {
    let engine = FakeEngine::with_image("i");
    let both = "a: {image: i, command: up}\nb: {image: i, command: up}";
    let one = "a: {image: i, command: up}";
    converge(&engine, both, &ApplyOptions::default())
        .await
        .unwrap();
    let keep = ApplyOptions {
        cleanup: false,
        ..ApplyOptions::default()
    };
    assert!(converge(&engine, one, &keep).await.unwrap().is_unchanged());
    let outcome = converge(&engine, one, &ApplyOptions::default())
        .await
        .unwrap();
    assert_eq!(outcome.removed, ["b"]);
    assert!(engine.named("b").is_none() && engine.named("a").is_some());
}

#[tokio::test(start_paused = true)]
async fn all_that_is_missing_is_found_before_anything_is_touched() {
    let engine = FakeEngine::with_image("i");
    converge(
        &engine,
        "a: {image: i, command: up}",
        &ApplyOptions::default(),
    )
    .await
    .unwrap();
    engine.take_calls();
    let broken = "
a: {image: i, command: down, volumes: ['/nowhere/at/all:/x']}
b: {image: i, volumes: ['data:/d', 'nothing:/n'], env_file: /no/env}
'c d': {image: i}
";
    let error = converge(&engine, broken, &ApplyOptions::default())
        .await
        .unwrap_err();
    let text = error.to_string();
    for words in [
        "a: volume source /nowhere/at/all",
        "no volume named nothing",
        "b: env_file /no/env",
        "c d: engines want",
    ] {
        assert!(text.contains(words), "{text}");
    }
    assert!(!text.contains("named data"));
    let absent = "a: {image: i, command: down}\nb: {image: absent/b}";
    let text = converge(&engine, absent, &ApplyOptions::default())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("b: image absent/b is not there and cannot be pulled"),
        "{text}"
    );
    assert_eq!(
        changes(&engine.take_calls()),
        1,
        "only the pull that failed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_missing_image_is_pulled() {
    let engine = FakeEngine::with_image("i");
    let text = "a: {image: far, command: up}";
    let outcome = converge(&engine, text, &ApplyOptions::default()).await;
    assert_eq!(outcome.unwrap().pulled, ["far"]);
    assert_eq!(engine.named("a").unwrap().image_id, "sha256:pulled");
}

#[tokio::test(start_paused = true)]
async fn a_failed_one_shot_stops_the_later_ones_and_is_tried_again() {
    let engine = FakeEngine::with_image("i");
    let text = "
sync: {image: i, command: exit 3, detach: false, start_order: 1}
web: {image: i, command: up, start_order: 2}
";
    let options = ApplyOptions {
        redact: Arc::new(|line| line.replace("hunter2", "***")),
        ..ApplyOptions::default()
    };
    for _ in 0..2 {
        let failed = failures(converge(&engine, text, &options).await);
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].container, "sync");
        assert_eq!(failed[0].what, "ended with exit code 3");
        assert_eq!(failed[0].output, ["the password is ***"]);
        assert!(engine.named("web").is_none());
        assert_eq!(engine.containers().len(), 1);
    }
    let fixed = text.replace("exit 3", "exit 3, exit_codes: [0, 3]");
    converge(&engine, &fixed, &options).await.unwrap();
    assert!(engine.named("web").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_command_waits_for_its_container_and_is_judged() {
    let engine = FakeEngine::with_image("i");
    let options = ApplyOptions::default();
    let lonely = "e: {action: exec, command: [ghost, x]}";
    let failed = failures(converge(&engine, lonely, &options).await);
    assert!(failed[0].what.contains("no container named ghost"));
    let stopped = "a: {image: i, command: exit 0}\ne: {action: exec, command: [a, x]}";
    let failed = failures(converge(&engine, stopped, &options).await);
    assert!(
        failed[0]
            .what
            .contains("a, in which to run it, has stopped with exit code 0")
    );
    let failing = "a: {image: i, command: up}\ne: {action: exec, command: [a, exit, '4']}";
    let failed = failures(converge(&engine, failing, &options).await);
    assert_eq!(failed[0].what, "ended with exit code 4 in container a");
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_does_not_start_gives_way_to_the_old_container() {
    for bad in ["refuse", "exit 1", "exit 0, restart: always"] {
        let engine = FakeEngine::with_image("i");
        let options = ApplyOptions::default();
        converge(&engine, "a: {image: i, command: up}", &options)
            .await
            .unwrap();
        let old = engine.named("a").unwrap();
        let broken = format!("a: {{image: i, command: {bad}}}");
        let failed = failures(converge(&engine, &broken, &options).await);
        assert_eq!(
            failed[0].rollback.as_deref(),
            Some("the old container was started again"),
            "{bad}"
        );
        let now = engine.containers();
        assert_eq!(now.len(), 1, "{bad}: {now:?}");
        assert_eq!((&now[0].id, now[0].name.as_str()), (&old.id, "a"));
        assert_eq!(now[0].state, ContainerState::Running);

        let no_way_back = ApplyOptions {
            rollback: false,
            ..ApplyOptions::default()
        };
        failures(converge(&engine, &broken, &no_way_back).await);
        assert!(engine.containers().iter().all(|c| c.id != old.id), "{bad}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_container_that_does_not_stay_up_is_reported() {
    let engine = FakeEngine::with_image("i");
    for (bad, words) in [
        ("exit 1", "ended with exit code 1"),
        ("exit 1, restart: always", "it does not stay up"),
        ("refuse", "port is already allocated"),
    ] {
        let text = format!("a: {{image: i, command: {bad}}}");
        let failed = failures(converge(&engine, &text, &ApplyOptions::default()).await);
        assert_eq!(
            (failed[0].container.as_str(), failed[0].what.as_str()),
            ("a", words)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_strangers_name_is_respected_and_taken_over_when_it_is_free() {
    let engine = FakeEngine::with_image("i");
    let spec = slipway_engine::ContainerSpec {
        image: "i".to_owned(),
        ..Default::default()
    };
    let stranger = engine.create_container("a", &spec).await.unwrap();
    let text = "a: {image: i, command: up}";
    let made = converge(&engine, text, &ApplyOptions::default())
        .await
        .unwrap();
    let reasons = [Reason::NotThere, Reason::NameTaken];
    assert_eq!(made.containers["a"].reasons, reasons);
    assert_eq!(engine.named("a").unwrap().id, stranger);
    let ours = engine
        .containers()
        .into_iter()
        .find(|c| c.id != stranger)
        .unwrap();
    assert_eq!(ours.name.len(), "a-".len() + 8);
    assert!(
        converge(&engine, text, &ApplyOptions::default())
            .await
            .unwrap()
            .is_unchanged()
    );

    engine.remove_container(&stranger).await.unwrap();
    let outcome = converge(&engine, text, &ApplyOptions::default())
        .await
        .unwrap();
    assert_eq!(outcome.renamed[0].to, "a");
    assert_eq!(engine.named("a").unwrap().id, ours.id);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_container_is_started_and_a_finished_one_is_not() {
    let engine = FakeEngine::with_image("i");
    let text = "a: {image: i, command: up, restart: always}\nb: {image: i, command: exit 0}";
    converge(&engine, text, &ApplyOptions::default())
        .await
        .unwrap();
    engine.set_state("a", ContainerState::Exited, "Exited (137) 1 second ago");
    let outcome = converge(&engine, text, &ApplyOptions::default())
        .await
        .unwrap();
    assert_eq!(outcome.containers["a"].action, PlannedAction::Start);
    assert_eq!(outcome.containers["b"].action, PlannedAction::Keep);
    assert_eq!(engine.named("a").unwrap().state, ContainerState::Running);
}

#[tokio::test(start_paused = true)]
async fn containers_of_another_manager_are_left_alone() {
    let engine = FakeEngine::with_image("i");
    let mut theirs = set("a: {image: i, command: up}\nb: {image: i, command: up}");
    theirs.managed_by = "paunch".to_owned();
    apply(
        &engine,
        &theirs,
        &ApplyOptions::default(),
        &Events::ignore(),
    )
    .await
    .unwrap();
    let before = engine.named("a").unwrap();
    let outcome = converge(
        &engine,
        "a: {image: i, command: up}",
        &ApplyOptions::default(),
    )
    .await
    .unwrap();
    assert_eq!(outcome.containers["a"].action, PlannedAction::Create);
    assert!(outcome.removed.is_empty());
    assert_eq!(engine.named("a").unwrap().id, before.id);
    assert!(engine.named("b").is_some());
}

/// Cuts a run off after each of its changes in turn, as SIGKILL would, and converges again.
async fn interrupted_everywhere(before: &str, after: &str) {
    for changes in 0.. {
        let (engine, dir) = (FakeEngine::with_image("i"), tempfile::tempdir().unwrap());
        let options = with_state(&dir);
        if !before.is_empty() {
            converge(&engine, before, &options).await.unwrap();
        }
        engine.lose_after(Some(changes));
        let cut = converge(&engine, after, &options).await;
        engine.lose_after(None);
        let was_cut = match cut {
            Err(ConvergeError::Engine(EngineError::Lost { .. })) => true,
            Err(other) => panic!("{other}"),
            Ok(_) => false,
        };
        // Either way leads on from here: forward to the new set, or back to the old.
        let then = if changes % 2 == 0 || before.is_empty() {
            after
        } else {
            before
        };
        converge(&engine, then, &options).await.unwrap();
        let mut seen = BTreeMap::new();
        for container in engine.containers() {
            let name = container.labels[labels::CONTAINER_NAME].clone();
            assert_eq!(container.name, name, "preferred name, cut after {changes}");
            assert!(
                seen.insert(name, container.state).is_none(),
                "doubled, cut after {changes}"
            );
        }
        for (name, config) in &set(then).containers {
            if config.keys().restart.is_some() {
                assert_eq!(
                    seen[name],
                    ContainerState::Running,
                    "{name}, cut after {changes}"
                );
            }
        }
        let again = converge(&engine, then, &options).await.unwrap();
        assert!(again.is_unchanged(), "cut after {changes}: {again:?}");
        if !was_cut {
            assert!(changes > 3, "the run was cut at all");
            return;
        }
    }
}

const BEFORE: &str = "
db: {image: i, command: up, restart: always, start_order: 1}
old: {image: i, command: up, restart: always}
sync: {image: i, command: exit 0, detach: false, start_order: 2}
web: {image: i, command: up, restart: always, start_order: 3}
boot: {action: exec, command: [web, exit, '0'], start_order: 4}
";

#[tokio::test(start_paused = true)]
async fn a_first_run_killed_anywhere_is_completed_by_the_next() {
    interrupted_everywhere("", BEFORE).await;
}

#[tokio::test(start_paused = true)]
async fn a_replacing_run_killed_anywhere_is_completed_or_undone_by_the_next() {
    let after = BEFORE
        .replace("old:", "new:")
        .replace("image: i", "environment: [V=2], image: i");
    interrupted_everywhere(BEFORE, &after).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_run_on_the_set_waits_and_says_for_whom() {
    let dir = tempfile::tempdir().unwrap();
    let lock = record::lock(Some(dir.path()), "s", &Events::ignore())
        .await
        .unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let events = Events::new({
        let seen = Arc::clone(&seen);
        move |event| seen.lock().unwrap().push(event)
    });
    let second = record::lock(Some(dir.path()), "s", &events);
    let early = tokio::time::timeout(Duration::from_secs(5), second).await;
    assert!(early.is_err(), "the lock was given twice");
    let Some(Event::Waiting { holder }) = seen.lock().unwrap().first().cloned() else {
        panic!("nothing said");
    };
    assert!(
        holder.contains(&format!("process {}", std::process::id())),
        "{holder}"
    );
    drop(lock);
    record::lock(Some(dir.path()), "s", &Events::ignore())
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn waiting_for_health_tells_who_is_not_well() {
    let engine = FakeEngine::with_image("i");
    let options = ApplyOptions::default();
    let text = "a: {image: i, command: up}\nb: {image: i, command: up}";
    converge(&engine, text, &options).await.unwrap();
    let patience = Duration::from_secs(5);
    wait_healthy(&engine, &set(text), patience, &options, &Events::ignore())
        .await
        .unwrap();
    engine.set_state("b", ContainerState::Exited, "Exited (9) 1 second ago");
    let error = wait_healthy(&engine, &set(text), patience, &options, &Events::ignore())
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("container b: ended with exit code 9"),
        "{text}"
    );
    assert!(!text.contains("container a"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_an_interrupted_run_made_is_not_taken_for_what_it_was_to_replace() {
    let engine = FakeEngine::with_image("i");
    let text = "a: {image: i, command: up}";
    converge(&engine, text, &ApplyOptions::default())
        .await
        .unwrap();
    let mut stopped = engine.named("a").unwrap();
    stopped.state = ContainerState::Exited;
    let half_made = slipway_engine::ContainerSummary {
        id: "half".to_owned(),
        state: ContainerState::Created,
        ..stopped.clone()
    };
    let found = super::survey::find_by_name("a", &[&half_made, &stopped]).unwrap();
    assert_eq!(found.id, stopped.id);
}

#[tokio::test(start_paused = true)]
async fn a_container_whose_config_json_changed_is_kept_and_restarted_where_asked_for() {
    let (engine, dir) = (FakeEngine::with_image("i"), tempfile::tempdir().unwrap());
    let file = dir.path().join("a.json");
    std::fs::write(&file, "{}").unwrap();
    let modified = std::fs::metadata(&file).unwrap().modified().unwrap();
    let modified = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
    let modified = i128::try_from(modified.as_nanos()).unwrap();
    let text = format!(
        "a: {{image: i, command: up, volumes: ['{}:/var/lib/kolla/config_files/config.json:ro']}}\n",
        file.display()
    );
    let keep = with_state(&dir);
    converge(&engine, &text, &keep).await.unwrap();
    engine.take_calls();

    engine.set_started("a", modified + 1);
    let unchanged = plan(&engine, &set(&text), &keep).await.unwrap();
    assert_eq!(unchanged.containers[0].reasons, []);

    engine.set_started("a", modified - 1);
    let wanted = plan(&engine, &set(&text), &keep).await.unwrap();
    assert!(wanted.is_empty(), "it is kept");
    let reasons = &wanted.containers[0].reasons;
    let file = file.display().to_string();
    assert_eq!(*reasons, [Reason::ConfigFileChanged { file: file.clone() }]);
    assert_eq!(
        reasons[0].to_string(),
        format!("restart wanted: {file} changed after it was started")
    );
    let id = engine.named("a").unwrap().id;
    let restart = ApplyOptions {
        restart_changed: true,
        ..keep.clone()
    };
    engine.take_calls();
    let done = converge(&engine, &text, &restart).await.unwrap();
    assert_eq!(done.count(PlannedAction::Restart), 1);
    assert_eq!(engine.named("a").unwrap().id, id, "the same container");
    let calls = engine.take_calls();
    let stop = calls.iter().position(|call| call == "stop").unwrap();
    assert_eq!(calls[stop + 1], "start");
}

#[tokio::test(start_paused = true)]
async fn a_missing_named_volume_comes_with_the_command_that_makes_it() {
    let engine = FakeEngine::with_image("i");
    let text = "a: {image: i, command: up, volumes: ['lost:/v']}\n";
    let error = converge(&engine, text, &ApplyOptions::default()).await;
    let error = error.unwrap_err().to_string();
    let words = "there is no volume named lost; create it with `docker volume create lost`";
    assert!(error.contains(words), "{error}");
}
