//! Missing inputs and containers that fail.

use slipway_engine::ContainerState;

use super::*;

#[tokio::test(start_paused = true)]
async fn everything_missing_is_reported_before_any_change() {
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
    assert_eq!(engine.container("a").unwrap().image_id, "sha256:pulled");
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
        assert!(engine.container("web").is_none());
        assert_eq!(engine.containers().len(), 1);
    }
    let fixed = text.replace("exit 3", "exit 3, exit_codes: [0, 3]");
    converge(&engine, &fixed, &options).await.unwrap();
    assert!(engine.container("web").is_some());
}

#[tokio::test(start_paused = true)]
async fn an_exec_action_waits_for_its_container_and_its_exit_code_counts() {
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
async fn a_replacement_that_does_not_start_is_rolled_back() {
    for bad in ["refuse", "exit 1", "exit 0, restart: always"] {
        let engine = FakeEngine::with_image("i");
        let options = ApplyOptions::default();
        converge(&engine, "a: {image: i, command: up}", &options)
            .await
            .unwrap();
        let old = engine.container("a").unwrap();
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
async fn waiting_for_health_names_the_unhealthy_containers() {
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
async fn a_missing_named_volume_comes_with_the_command_that_makes_it() {
    let engine = FakeEngine::with_image("i");
    let text = "a: {image: i, command: up, volumes: ['lost:/v']}\n";
    let error = converge(&engine, text, &ApplyOptions::default()).await;
    let error = error.unwrap_err().to_string();
    let words = "there is no volume named lost; create it with `docker volume create lost`";
    assert!(error.contains(words), "{error}");
}
