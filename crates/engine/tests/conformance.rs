//! The fake engine and a real one pass the same test, which covers every call that converging makes.
//! The real engine gets an image with the fake's words as programs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail"
)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use slipway_engine::{
    ConnectOptions, ContainerSpec, ContainerState, Engine, EngineError, ExecSpec, connect,
};
use slipway_service::RestartPolicy;
use slipway_test_support::{FakeEngine, NewerApi, build_image};

slipway_test_support::harness! {
    [] async fn the_fake_does_what_engines_do;
    [engine] async fn the_real_engine_does_what_the_fake_does;
    [engine] async fn an_engine_of_a_newer_api_does_what_the_fake_does;
}

/// An engine, an image in it whose reference can be moved, and names of its own.
struct Bench<'a> {
    engine: &'a dyn Engine,
    image: String,
    prefix: String,
}

impl Bench<'_> {
    fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    fn spec(&self, command: &str) -> ContainerSpec {
        ContainerSpec {
            image: self.image.clone(),
            command: Some(command.split(' ').map(str::to_owned).collect()),
            labels: BTreeMap::from([("conformance".to_owned(), self.prefix.clone())]),
            network_mode: Some("none".to_owned()),
            env: vec!["A=b c".to_owned()],
            stop_signal: Some("SIGKILL".to_owned()),
            ..ContainerSpec::default()
        }
    }

    async fn state(&self, id: &str) -> ContainerState {
        let found = self.engine.find_container(id).await.unwrap();
        found.expect("the container").state
    }
}

fn status(result: Result<impl Sized, EngineError>) -> u16 {
    match result {
        Err(EngineError::Refused { status, .. }) => status,
        Err(other) => panic!("not refused: {other}"),
        Ok(_) => panic!("not refused"),
    }
}

/// Tests every call that converging makes. `move_image` points the reference to another image.
async fn conforms(bench: &Bench<'_>, move_image: impl AsyncFnOnce()) {
    let engine = bench.engine;
    let up = bench.spec("up");
    let name = bench.name("a");
    assert!(engine.find_container(&name).await.unwrap().is_none());
    let id = engine.create_container(&name, &up).await.unwrap();
    assert_eq!(bench.state(&id).await, ContainerState::Created);
    assert_eq!(status(engine.create_container(&name, &up).await), 409);
    let mut nowhere = up.clone();
    nowhere.image = "localhost:1/no/such:1".to_owned();
    let none = engine.create_container(&bench.name("none"), &nowhere).await;
    assert_eq!(status(none), 404);

    let in_it = |command: &str| ExecSpec {
        command: command.split(' ').map(str::to_owned).collect(),
        ..ExecSpec::default()
    };
    let early = engine.exec(&id, &in_it("exit 4")).await;
    assert!((400..600).contains(&status(early)), "it does not run yet");
    engine.start_container(&id).await.unwrap();
    engine.start_container(&id).await.unwrap();
    assert_eq!(bench.state(&id).await, ContainerState::Running);
    let ran = engine.exec(&id, &in_it("exit 4")).await.unwrap();
    assert_eq!(ran.exit_code, 4);

    let label = format!("conformance={}", bench.prefix);
    let listed = engine.list_containers(&[label]).await.unwrap();
    assert_eq!(listed.len(), 1);
    let listed = &listed[0];
    assert_eq!((&listed.id, &listed.name), (&id, &name));
    assert_eq!(listed.state, ContainerState::Running);
    assert_eq!((listed.restarts, listed.command.len()), (None, 0));
    assert!(listed.env.is_empty());
    let found = engine.find_container(&id).await.unwrap().unwrap();
    assert_eq!(
        (found.restarts, found.command),
        (Some(0), vec!["up".to_owned()])
    );
    assert!(found.env.iter().any(|setting| setting == "A=b c"));
    assert_eq!(found.image_id, listed.image_id);

    let ended = engine
        .create_container(&bench.name("b"), &bench.spec("exit 3"))
        .await
        .unwrap();
    engine.start_container(&ended).await.unwrap();
    assert_eq!(engine.wait_container(&ended).await.unwrap(), 3);
    assert_eq!(bench.state(&ended).await, ContainerState::Exited);
    let all = engine
        .list_containers(&["conformance".to_owned()])
        .await
        .unwrap();
    let listed = all.iter().find(|c| c.id == ended).unwrap();
    assert_eq!(listed.exit_code(), Some(3));

    assert_eq!(status(engine.rename_container(&ended, &name).await), 409);
    let other = bench.name("c");
    engine.rename_container(&ended, &other).await.unwrap();
    assert_eq!(
        engine.find_container(&other).await.unwrap().unwrap().id,
        ended
    );

    let unstartable = engine
        .create_container(&bench.name("d"), &bench.spec("refuse"))
        .await
        .unwrap();
    assert!((400..600).contains(&status(engine.start_container(&unstartable).await)));
    let found = engine.find_container(&unstartable).await.unwrap();
    assert!(found.is_some(), "it is there still");

    let mut dying = bench.spec("exit 1");
    dying.restart = Some(RestartPolicy::Always);
    let dying = engine
        .create_container(&bench.name("e"), &dying)
        .await
        .unwrap();
    engine.start_container(&dying).await.unwrap();
    loop {
        let found = engine.find_container(&dying).await.unwrap().unwrap();
        let shows = found.restarts.unwrap_or_default() > 0;
        if shows || found.state == ContainerState::Restarting {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }

    move_image().await;
    let all = engine
        .list_containers(&["conformance".to_owned()])
        .await
        .unwrap();
    let listed = all.iter().find(|c| c.id == id).unwrap();
    if engine.info().capabilities().lists_current_references {
        assert_eq!(
            listed.image, listed.image_id,
            "the image that the reference named at creation"
        );
    }
    let now = engine.find_image(&bench.image).await.unwrap().unwrap();
    assert_ne!(now.id, listed.image_id);

    engine.stop_container(&id, None).await.unwrap();
    engine.stop_container(&id, None).await.unwrap();
    assert_eq!(bench.state(&id).await, ContainerState::Exited);
    engine.stop_container(&dying, None).await.unwrap();
    for gone in [&id, &ended, &unstartable, &dying] {
        engine.remove_container(gone).await.unwrap();
        engine.remove_container(gone).await.unwrap();
        engine.stop_container(gone, None).await.unwrap();
        assert!(engine.find_container(gone).await.unwrap().is_none());
    }
}

async fn the_fake_does_what_engines_do() {
    let engine = FakeEngine::with_image("words:1");
    let bench = Bench {
        engine: &engine,
        image: "words:1".to_owned(),
        prefix: "c".to_owned(),
    };
    conforms(&bench, async || engine.set_image("words:1", "sha256:two")).await;
}

/// Builds an image with the fake's words as programs.
async fn build(engine: &dyn Engine, tag: &str, salt: &str) {
    let dockerfile = format!(
        "FROM debian:trixie\n\
         RUN printf '#!/bin/sh\\nexec sleep 600\\n' >/usr/bin/up && \
         printf '#!/bin/sh\\nexit $1\\n' >/usr/bin/exit && chmod +x /usr/bin/up /usr/bin/exit\n\
         LABEL salt={salt}\n"
    );
    build_image(engine, tag, &dockerfile).await;
}

async fn the_real_engine_does_what_the_fake_does() {
    real_conforms(ConnectOptions::default()).await;
}

async fn an_engine_of_a_newer_api_does_what_the_fake_does() {
    let real = slipway_test_support::engine().await;
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("newer.sock");
    let newer = NewerApi::start(&socket, &real.info().api_version);
    let version = real_conforms(ConnectOptions {
        host: Some(newer.address().to_owned()),
        ..ConnectOptions::default()
    })
    .await;
    let requests = newer.requests();
    let calls: Vec<&String> = requests
        .iter()
        .filter(|line| !line.contains("/_ping"))
        .collect();
    let prefix = format!(" /v{version}/");
    assert!(calls.len() > 20, "{calls:?}");
    let strays: Vec<_> = calls
        .iter()
        .filter(|line| !line.contains(&prefix))
        .collect();
    assert!(strays.is_empty(), "{strays:?}");
}

/// Returns the version of the API that was spoken.
async fn real_conforms(options: ConnectOptions) -> String {
    let engine = connect(&options)
        .await
        .expect("an engine; scripts/engine starts one");
    let engine = engine.as_ref();
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let prefix = format!("rt-conform-{}-{count}", std::process::id());
    let image = format!("slipway-test/{prefix}:1");
    build(engine, &image, "one").await;
    let bench = Bench {
        engine,
        image: image.clone(),
        prefix,
    };
    let original = engine.find_image(&image).await.unwrap().unwrap().id;
    let run = std::panic::AssertUnwindSafe(conforms(&bench, async || {
        build(engine, &image, "two").await;
    }));
    let result = futures_util::FutureExt::catch_unwind(run).await;
    let label = format!("conformance={}", bench.prefix);
    for container in engine.list_containers(&[label]).await.unwrap() {
        engine.remove_container(&container.id).await.unwrap();
    }
    for image in [&image, &original] {
        engine.remove_image(image).await.unwrap();
    }
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
    engine.info().api_version.clone()
}
