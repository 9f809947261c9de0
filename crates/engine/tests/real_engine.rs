//! The seam against a real engine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail"
)]

use std::io::Read;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use slipway_engine::{
    BuildRequest, ConnectOptions, ContainerState, EngineError, ExecSpec, LogLine, Progress,
    TarStream, connect,
};
use slipway_test_support::{IMAGE, Relay, Sweep, context, engine, shell, unique};

slipway_test_support::harness! {
    [engine] async fn the_life_of_a_container;
    [engine] async fn commands_and_archives_in_a_running_container;
    [engine] async fn a_build_gives_its_lines_its_image_and_all_tags;
    [engine] async fn a_failed_build_names_the_instruction;
    [engine] async fn an_engine_that_goes_away_is_noticed;
}

async fn the_life_of_a_container() {
    let engine = engine().await;
    let name = unique("rt-life");
    let label = format!("test={name}");
    let _sweep = Sweep(label.clone());

    let mut spec = shell("echo out; echo err >&2; exit 3");
    spec.labels.insert("test".to_owned(), name.clone());
    let id = engine.create_container(&name, &spec).await.unwrap();
    let made = engine.find_container(&name).await.unwrap().unwrap();
    assert_eq!(
        (made.id.as_str(), made.state),
        (id.as_str(), ContainerState::Created)
    );

    engine.start_container(&id).await.unwrap();
    assert_eq!(engine.wait_container(&id).await.unwrap(), 3);
    let mut lines: Vec<LogLine> = engine
        .logs(&id, None, true)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    lines.sort_by_key(|line| matches!(line, LogLine::Err(_)));
    assert_eq!(
        lines,
        [
            LogLine::Out("out".to_owned()),
            LogLine::Err("err".to_owned())
        ]
    );

    let other = unique("rt-life");
    engine.rename_container(&id, &other).await.unwrap();
    let listed = engine.list_containers(&[label]).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].name, other);
    assert_eq!(listed[0].exit_code(), Some(3));
    let image = engine.find_image(IMAGE).await.unwrap().unwrap();
    assert_eq!(listed[0].image_id, image.id);
    let inspected = engine.find_container(&id).await.unwrap().unwrap();
    assert_eq!(inspected.exit_code(), Some(3));
    assert!((inspected.created - listed[0].created).abs() <= 1);

    engine.stop_container(&id, None).await.unwrap();
    engine.remove_container(&id).await.unwrap();
    engine.remove_container(&id).await.unwrap();
    assert!(engine.find_container(&id).await.unwrap().is_none());
}

async fn commands_and_archives_in_a_running_container() {
    let engine = engine().await;
    let name = unique("rt-exec");
    let _sweep = Sweep(format!("test={name}"));
    let mut spec = shell("exec sleep 600");
    spec.labels.insert("test".to_owned(), name.clone());
    let id = engine.create_container(&name, &spec).await.unwrap();
    engine.start_container(&id).await.unwrap();

    let result = engine
        .exec(
            &id,
            &ExecSpec {
                command: ["sh", "-c", "echo $WORD; exit 7"]
                    .map(str::to_owned)
                    .to_vec(),
                env: vec!["WORD=said".to_owned()],
                ..ExecSpec::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(result.exit_code, 7);
    assert_eq!(result.output, [LogLine::Out("said".to_owned())]);

    let write = ExecSpec {
        command: ["sh", "-c", "echo written >/tmp/note"]
            .map(str::to_owned)
            .to_vec(),
        ..ExecSpec::default()
    };
    assert_eq!(engine.exec(&id, &write).await.unwrap().exit_code, 0);
    let pieces: Vec<Bytes> = engine
        .download(&id, "/tmp/note")
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    let bytes = pieces.concat();
    let mut archive = tar::Archive::new(bytes.as_slice());
    let mut text = String::new();
    let mut entry = archive.entries().unwrap().next().unwrap().unwrap();
    entry.read_to_string(&mut text).unwrap();
    assert_eq!(text, "written\n");
    let absent = engine.download(&id, "/nowhere").await.err().unwrap();
    assert!(absent.to_string().contains("/nowhere"), "{absent}");
    engine
        .stop_container(&id, Some(Duration::ZERO))
        .await
        .unwrap();
}

async fn a_build_gives_its_lines_its_image_and_all_tags() {
    let engine = engine().await;
    let (one, two) = (unique("rt-build"), unique("rt-build"));
    let dockerfile = format!("FROM {IMAGE}\nARG WORD\nRUN echo \"word is $WORD\"\n");
    let request = BuildRequest {
        tags: vec![format!("{one}:1"), format!("{two}:2")],
        dockerfile: "Dockerfile".to_owned(),
        build_args: [("WORD".to_owned(), "given".to_owned())].into(),
        labels: [("made-by".to_owned(), one.clone())].into(),
        no_cache: true,
        network: Some("none".to_owned()),
        ..BuildRequest::default()
    };
    let steps: Vec<Progress> = engine
        .build_image(request, context(&[("Dockerfile", &dockerfile)]))
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert!(steps.contains(&Progress::Line("word is given".to_owned())));
    let Some(Progress::ImageId(id)) = steps.last() else {
        panic!("no image id at the end of {steps:?}");
    };
    let listed = engine
        .list_images(&[format!("made-by={one}")])
        .await
        .unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(&listed[0].id, id);
    assert_eq!(listed[0].tags.len(), 2);
    engine.remove_image(&format!("{one}:1")).await.unwrap();
    engine.remove_image(&format!("{two}:2")).await.unwrap();
    assert!(engine.find_image(id).await.unwrap().is_none());
}

async fn a_failed_build_names_the_instruction() {
    let engine = engine().await;
    let request = || BuildRequest {
        dockerfile: "Dockerfile".to_owned(),
        ..BuildRequest::default()
    };
    let failing = [
        (format!("FROM {IMAGE}\nRUN exit 5\n"), "exit 5"),
        (format!("FROM {IMAGE}\nRUNN true\n"), "RUNN"),
    ];
    for (dockerfile, words) in failing {
        let steps: Result<Vec<Progress>, EngineError> = engine
            .build_image(request(), context(&[("Dockerfile", &dockerfile)]))
            .await
            .unwrap()
            .try_collect()
            .await;
        let error = steps.unwrap_err();
        assert!(matches!(error, EngineError::Build { .. }), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }

    let broken: TarStream =
        stream::iter([Err(std::io::Error::other("the disk is on fire"))]).boxed();
    let steps: Result<Vec<Progress>, EngineError> = engine
        .build_image(request(), broken)
        .await
        .unwrap()
        .try_collect()
        .await;
    let error = steps.unwrap_err().to_string();
    assert!(error.contains("the disk is on fire"), "{error}");
}

async fn an_engine_that_goes_away_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let relay = Relay::start(&dir.path().join("relay.sock"));
    let relayed = connect(&ConnectOptions {
        host: Some(relay.address()),
        ..ConnectOptions::default()
    })
    .await
    .unwrap();

    let name = unique("rt-lost");
    let _sweep = Sweep(format!("test={name}"));
    let mut spec = shell("exec sleep 600");
    spec.labels.insert("test".to_owned(), name.clone());
    let id = relayed.create_container(&name, &spec).await.unwrap();
    relayed.start_container(&id).await.unwrap();
    let waiting = tokio::spawn({
        let relayed = relayed.clone();
        async move { relayed.wait_container(&id).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    relay.cut();
    let error = waiting.await.unwrap().unwrap_err();
    assert!(matches!(error, EngineError::Lost { .. }), "{error:?}");
    let error = relayed.list_containers(&[]).await.unwrap_err();
    assert!(matches!(error, EngineError::Lost { .. }), "{error:?}");
    assert!(error.to_string().contains("relay.sock"), "{error}");
}
