//! Every call to an engine that never answers ends at its deadline, and is reported before that.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use slipway_engine::{
    BuildRequest, ContainerSpec, Containers, Engine, EngineError, Event, ExecSpec, Images, Limits,
    Timed,
};
use slipway_events::Events;
use slipway_test_support::FakeEngine;

type Call = for<'a> fn(&'a Timed<FakeEngine>, &'a str) -> BoxFuture<'a, Option<EngineError>>;

/// Each call of the seam that has a deadline: its name in the fake engine, its words in the error,
/// and its deadline in seconds.
const CALLS: [(&str, &str, u64, Call); 23] = [
    ("list", "list containers", 120, |e, _| {
        e.list_containers(&[]).map(Result::err).boxed()
    }),
    ("find", "look up container web", 120, |e, id| {
        e.find_container(id).map(Result::err).boxed()
    }),
    (
        "check health",
        "check the health of container web",
        120,
        |e, id| e.check_health(id).map(Result::err).boxed(),
    ),
    ("create", "create container other", 300, |e, _| {
        async {
            e.create_container("other", &ContainerSpec::default())
                .await
                .err()
        }
        .boxed()
    }),
    ("start", "start container web", 300, |e, id| {
        e.start_container(id).map(Result::err).boxed()
    }),
    // Its grace period comes on top.
    ("stop", "stop container web", 337, |e, id| {
        e.stop_container(id, Some(Duration::from_secs(37)))
            .map(Result::err)
            .boxed()
    }),
    ("stop", "stop container web", 310, |e, id| {
        e.stop_container(id, None).map(Result::err).boxed()
    }),
    ("remove", "remove container web", 300, |e, id| {
        e.remove_container(id).map(Result::err).boxed()
    }),
    ("rename", "rename container web to new", 120, |e, id| {
        e.rename_container(id, "new").map(Result::err).boxed()
    }),
    ("attach", "attach to container web", 120, |e, id| {
        e.attach(id).map(Result::err).boxed()
    }),
    (
        "resize",
        "resize the terminal of container web",
        120,
        |e, id| e.resize(id, 1, 1).map(Result::err).boxed(),
    ),
    ("logs", "read the output of container web", 120, |e, id| {
        e.logs(id, None, false).map(Result::err).boxed()
    }),
    ("download", "read /x of container web", 120, |e, id| {
        e.download(id, "/x").map(Result::err).boxed()
    }),
    ("volumes", "list volumes", 120, |e, _| {
        e.list_volumes().map(Result::err).boxed()
    }),
    ("describe", "read the engine's description", 120, |e, _| {
        e.system().map(Result::err).boxed()
    }),
    ("find image", "look up image i", 120, |e, _| {
        e.find_image("i").map(Result::err).boxed()
    }),
    ("list images", "list images", 120, |e, _| {
        e.list_images(&[]).map(Result::err).boxed()
    }),
    ("pull", "pull image i", 120, |e, _| {
        e.pull_image("i").map(Result::err).boxed()
    }),
    ("push", "push image i", 120, |e, _| {
        e.push_image("i").map(Result::err).boxed()
    }),
    ("tag image", "tag image id as i", 300, |e, _| {
        e.tag_image("id", "i").map(Result::err).boxed()
    }),
    ("remove image", "remove image i", 300, |e, _| {
        e.remove_image("i").map(Result::err).boxed()
    }),
    (
        "unit",
        "generate the systemd unit of container web",
        300,
        |e, id| {
            let generator = e.unit_generator().expect("a generator of units");
            generator
                .systemd_unit(id, "always", Duration::ZERO)
                .map(Result::err)
                .boxed()
        },
    ),
    ("exec", "run sh in container web", 0, |e, id| {
        async move {
            let spec = ExecSpec {
                command: vec!["sh".to_owned()],
                ..ExecSpec::default()
            };
            // It takes as long as it takes, while the engine answers.
            let exec = tokio::time::timeout(Duration::from_secs(3600), e.exec(id, &spec)).await;
            assert!(exec.is_err(), "the command was given up");
            None
        }
        .boxed()
    }),
];

async fn engine() -> (Timed<FakeEngine>, String, Arc<Mutex<Vec<String>>>) {
    let fake = FakeEngine::with_image("i").into_podman();
    let spec = ContainerSpec {
        image: "i".to_owned(),
        command: Some(vec!["up".to_owned()]),
        ..ContainerSpec::default()
    };
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let events = Events::new({
        let seen = Arc::clone(&seen);
        move |event: Event| seen.lock().unwrap().push(event.to_string())
    });
    let engine = Timed::new(fake, Limits::default(), events);
    let id = engine.create_container("web", &spec).await.unwrap();
    engine.start_container(&id).await.unwrap();
    (engine, id, seen)
}

#[tokio::test(start_paused = true)]
async fn every_call_ends_at_its_deadline_and_is_reported_before() {
    for (stalled, words, seconds, call) in CALLS {
        let (engine, id, seen) = engine().await;
        engine.inner().stall_at(Some(stalled));
        let begin = tokio::time::Instant::now();
        let error = call(&engine, &id).await;
        let notices = seen.lock().unwrap().clone();
        assert!(
            !notices.is_empty(),
            "{words}: nobody heard that it is waited for"
        );
        assert!(notices[0].contains(words), "{words}: {notices:?}");
        if seconds == 0 {
            continue;
        }
        assert!(
            notices[0].contains("(5 s of at most "),
            "{words}: {notices:?}"
        );
        let error = error.unwrap_or_else(|| panic!("{words}: it ended well"));
        let EngineError::Stalled { action, advice, .. } = &error else {
            panic!("{words}: {error}");
        };
        assert_eq!(action, words);
        let names_something = ["podman inspect web", "podman info", "the registry"];
        let about_other = ["podman inspect other"];
        assert!(
            names_something
                .iter()
                .chain(&about_other)
                .any(|name| advice.contains(name)),
            "{advice}"
        );
        assert_eq!(begin.elapsed().as_secs(), seconds, "{words}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_container_that_runs_is_waited_for_while_the_engine_answers() {
    let (engine, id, seen) = engine().await;
    engine.inner().stall_at(Some("wait"));
    let waited = tokio::time::timeout(Duration::from_secs(3600), engine.wait_container(&id)).await;
    assert!(waited.is_err(), "it is still waited for after an hour");
    let last = seen.lock().unwrap().last().cloned().unwrap();
    assert!(last.contains("tell the end of container web (3"), "{last}");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_hangs_while_a_container_runs_is_noticed() {
    let (engine, id, _) = engine().await;
    let engine = Arc::new(engine);
    engine.inner().stall_at(Some("wait"));
    let waiting = tokio::spawn({
        let (engine, id) = (Arc::clone(&engine), id.clone());
        async move { engine.wait_container(&id).await }
    });
    tokio::time::sleep(Duration::from_secs(100)).await;
    // From now on, no lookup answers either.
    engine.inner().stall_at(Some("find"));
    let error = waiting.await.unwrap().unwrap_err();
    assert!(matches!(error, EngineError::Stalled { .. }), "{error}");
    assert!(
        error.to_string().contains("look up container web"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_build_is_the_callers_to_bound() {
    let (engine, ..) = engine().await;
    engine.inner().stall_at(Some("build"));
    let context = stream::iter([]).boxed();
    let build = engine.build_image(BuildRequest::default(), context);
    let built = tokio::time::timeout(Duration::from_secs(3600), build).await;
    assert!(built.is_err());
}
