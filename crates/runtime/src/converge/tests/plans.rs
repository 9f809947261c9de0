//! Containers that are created, replaced, started, kept and removed.

use slipway_engine::{ContainerState, Containers};

use super::*;

#[tokio::test(start_paused = true)]
async fn an_unchanged_set_costs_one_list_and_changes_nothing() {
    let (engine, dir) = (FakeEngine::with_image("i"), tempfile::tempdir().unwrap());
    let options = with_state(&dir);
    let first = converge(&engine, STEP, &options).await.unwrap();
    assert_eq!(first.count(PlannedAction::Create), 4);
    assert_eq!(first.count(PlannedAction::Exec), 1);
    assert!(
        engine.container("tidy").is_none(),
        "removed when it had ended"
    );
    engine.take_calls();

    let second = converge(&engine, STEP, &options).await.unwrap();
    assert!(second.is_unchanged(), "{second:?}");
    assert_eq!(second.count(PlannedAction::Keep), 5);
    assert_eq!(engine.take_calls(), ["list"]);
}

#[tokio::test(start_paused = true)]
async fn labels_can_hold_digests_only() {
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
        engine.container("a").unwrap().labels[labels::CONFIG_HASH],
        "12ab"
    );
    // Either way of labelling takes what the other made for its own.
    for options in [&digest, &plain] {
        let second = converge(&engine, text, options).await.unwrap();
        assert!(second.is_unchanged(), "{second:?}");
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
    let lost = crate::converge::plan(&engine, &set(text), &plain)
        .await
        .unwrap();
    assert_eq!(lost.containers[0].reasons, [Reason::Unrecorded]);
}

#[tokio::test(start_paused = true)]
async fn actions_without_a_container_run_again_when_no_state_is_kept() {
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
        assert_eq!(engine.container(&container.name).unwrap().id, container.id);
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
    assert_eq!(engine.container("a").unwrap().image_id, "sha256:two");
}

#[tokio::test(start_paused = true)]
async fn unconfigured_containers_are_removed_unless_cleanup_is_off() {
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
    assert!(engine.container("b").is_none() && engine.container("a").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_name_in_use_is_avoided_until_it_is_free() {
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
    assert_eq!(engine.container("a").unwrap().id, stranger);
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
    assert_eq!(engine.container("a").unwrap().id, ours.id);
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
    assert_eq!(
        engine.container("a").unwrap().state,
        ContainerState::Running
    );
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
    let before = engine.container("a").unwrap();
    let outcome = converge(
        &engine,
        "a: {image: i, command: up}",
        &ApplyOptions::default(),
    )
    .await
    .unwrap();
    assert_eq!(outcome.containers["a"].action, PlannedAction::Create);
    assert!(outcome.removed.is_empty());
    assert_eq!(engine.container("a").unwrap().id, before.id);
    assert!(engine.container("b").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_container_with_a_changed_config_json_restarts_only_on_request() {
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
    let id = engine.container("a").unwrap().id;
    let restart = ApplyOptions {
        restart_changed: true,
        ..keep.clone()
    };
    engine.take_calls();
    let done = converge(&engine, &text, &restart).await.unwrap();
    assert_eq!(done.count(PlannedAction::Restart), 1);
    assert_eq!(engine.container("a").unwrap().id, id, "the same container");
    let calls = engine.take_calls();
    let stop = calls.iter().position(|call| call == "stop").unwrap();
    assert_eq!(calls[stop + 1], "start");
}
