//! Runs that are killed, and runs at the same time.

use std::collections::BTreeMap;
use std::sync::Mutex;

use slipway_engine::{ContainerState, EngineError};

use super::*;

/// Cuts a run off after each of its changes in turn, as SIGKILL would, and converges again.
async fn interrupt_after_each_change(before: &str, after: &str) {
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
        let second = converge(&engine, then, &options).await.unwrap();
        assert!(second.is_unchanged(), "cut after {changes}: {second:?}");
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
    interrupt_after_each_change("", BEFORE).await;
}

#[tokio::test(start_paused = true)]
async fn a_replacing_run_killed_anywhere_is_completed_or_undone_by_the_next() {
    let after = BEFORE
        .replace("old:", "new:")
        .replace("image: i", "environment: [V=2], image: i");
    interrupt_after_each_change(BEFORE, &after).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_run_of_the_set_waits_and_names_the_holder() {
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
async fn an_unfinished_replacement_is_not_mistaken_for_the_old_container() {
    let engine = FakeEngine::with_image("i");
    let text = "a: {image: i, command: up}";
    converge(&engine, text, &ApplyOptions::default())
        .await
        .unwrap();
    let mut stopped = engine.container("a").unwrap();
    stopped.state = ContainerState::Exited;
    let half_made = slipway_engine::ContainerSummary {
        id: "half".to_owned(),
        state: ContainerState::Created,
        ..stopped.clone()
    };
    let found = crate::converge::survey::find_by_name("a", &[&half_made, &stopped]).unwrap();
    assert_eq!(found.id, stopped.id);
}
