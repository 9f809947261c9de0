//! Builds small trees on the engine of this machine, from its `debian:trixie`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may fail"
)]

mod fixture;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::Duration;

use fixture::Fixture;
use slipway_image::{Error, FailedStatus};

slipway_test_support::harness! {
    [engine] async fn parents_are_built_first_and_a_second_run_builds_nothing;
    [engine] async fn a_changed_file_rebuilds_its_image_and_those_below;
    [engine] async fn files_excluded_by_dockerignore_are_not_sent_or_compared;
    [engine] async fn an_override_for_one_image_rebuilds_that_image;
    [engine] async fn a_parent_built_alone_is_noticed_by_its_children;
    [engine] async fn a_failing_instruction_is_named_with_its_place_and_children_wait;
    [engine] async fn a_stalled_instruction_ends_at_the_timeout;
    [engine] async fn network_faults_are_retried;
    [engine] async fn a_dropped_build_leaves_whole_images_or_none;
    [engine] async fn skipped_parents_must_be_there;
    [engine] async fn a_missing_base_image_is_an_error_with_advice;
    [engine] async fn a_base_image_is_pulled_again_on_request;
    [engine] async fn a_base_image_for_another_platform_is_not_taken;
    [engine] async fn an_image_that_cannot_be_built_does_not_stop_the_others;
    [engine] async fn an_image_that_the_tree_has_not_is_the_engines;
    [engine] async fn files_beside_a_template_are_a_part_of_its_archives;
    [engine] async fn two_builds_run_one_after_the_other;
}

async fn parents_are_built_first_and_a_second_run_builds_nothing() {
    let it = Fixture::new().await;
    let plan = it.reasons().await;
    assert_eq!(plan[0], "base: not in the engine");
    assert!(it.id("base").await.is_none(), "a plan changes nothing");

    let summary = it.build().await.unwrap();
    assert!(summary.is_success(), "{:?}", summary.failures);
    let built: Vec<_> = summary
        .built
        .iter()
        .map(|built| built.name.as_str())
        .collect();
    assert_eq!(built, ["base", "leaf", "left", "right"]);
    let seen = it.seen.take();
    let at = |event: &str| seen.iter().position(|s| s.starts_with(event)).unwrap();
    assert!(
        at("finish base") < at("start left") && at("finish base") < at("start right"),
        "{seen:?}"
    );
    assert!(at("finish left") < at("start leaf"), "{seen:?}");

    let summary = it.build().await.unwrap();
    assert!(summary.built.is_empty() && summary.unchanged.len() == 4);
    let mut seen = it.seen.take();
    seen.sort();
    let expected = [
        "skip base: unchanged",
        "skip leaf: unchanged",
        "skip left: unchanged",
        "skip right: unchanged",
    ];
    assert_eq!(seen, expected);
}

async fn a_changed_file_rebuilds_its_image_and_those_below() {
    let it = Fixture::new().await;
    it.build().await.unwrap();
    let (base, right) = (it.id("base").await, it.id("right").await);
    it.write("images/left/file", "changed");
    let expected = [
        "base: unchanged",
        "left: file file in context changed",
        "right: unchanged",
        "leaf: parent left rebuilt",
    ];
    assert_eq!(it.reasons().await, expected);
    let summary = it.build().await.unwrap();
    let built: Vec<_> = summary
        .built
        .iter()
        .map(|built| built.name.as_str())
        .collect();
    assert_eq!(built, ["leaf", "left"]);
    assert_eq!((base, right), (it.id("base").await, it.id("right").await));
    assert!(it.build().await.unwrap().built.is_empty());
}

async fn files_excluded_by_dockerignore_are_not_sent_or_compared() {
    let mut it = Fixture::new().await;
    it.options.regex = vec!["^left$".to_owned()];
    let template = "FROM {{ namespace }}/base:{{ tag }}\nCOPY . /all\n\
                    RUN test -e /all/file && test -d /all/logs && test ! -e /all/logs/one\n";
    it.write("images/left/Dockerfile.j2", template);
    it.write("images/left/logs/one", "1");
    it.write("images/left/.dockerignore", "logs/*\n");
    it.build().await.unwrap();
    it.write("images/left/logs/one", "2");
    assert_eq!(it.reasons().await, ["base: unchanged", "left: unchanged"]);

    it.write("images/left/.dockerignore", "# none\n[\n");
    let plan = it.load().unwrap().plan(&*it.engine).await.unwrap();
    let wrong = &plan.failed[0];
    assert_eq!(wrong.image, "left");
    assert!(wrong.reason.contains("left/.dockerignore:2: "), "{wrong:?}");
    it.write("images/left/.dockerignore", "f*\n");
    it.write(
        "images/left/Dockerfile.j2",
        &template.replace("COPY .", "COPY file"),
    );
    let missing = it.build().await.unwrap().failures[0].to_string();
    assert!(
        missing.contains("copies file, which ") && missing.ends_with(".dockerignore excludes"),
        "{missing}"
    );
}

async fn an_override_for_one_image_rebuilds_that_image() {
    let mut it = Fixture::new().await;
    it.build().await.unwrap();
    let text = "{% extends parent_template %}\n{% set right_packages_append = ['puppet'] %}\n";
    let file = it.write("override.j2", text);
    let changed = format!("right: Dockerfile changed ({})", file.display());
    it.options.template_overrides = vec![file];
    let expected = [
        "base: unchanged",
        "left: unchanged",
        changed.as_str(),
        "leaf: unchanged",
    ];
    assert_eq!(it.reasons().await, expected);
    let dockerfile = it.load().unwrap().dockerfile("right").unwrap().to_owned();
    assert!(dockerfile.contains("ENV P=\"one puppet\""), "{dockerfile}");
}

async fn a_parent_built_alone_is_noticed_by_its_children() {
    let mut it = Fixture::new().await;
    it.build().await.unwrap();
    // Only base, and so its children still stand on the base before.
    it.options.regex = vec!["^base$".to_owned()];
    it.options.build_args = BTreeMap::from([("X".to_owned(), "1".to_owned())]);
    it.build().await.unwrap();
    it.options.regex.clear();
    assert_eq!(
        it.reasons().await,
        [
            "base: unchanged",
            "left: build arguments changed (X), parent base changed",
            "right: build arguments changed (X), parent base changed",
            "leaf: build arguments changed (X), parent left rebuilt",
        ]
    );
}

async fn a_failing_instruction_is_named_with_its_place_and_children_wait() {
    let mut it = Fixture::new().await;
    let template = "FROM {{ namespace }}/{{ image_prefix }}base:{{ tag }}\n\nRUN echo here it comes >&2 \\\n    && exit 7\n";
    let path = it.write("images/left/Dockerfile.j2", template);
    it.options.logs_dir = Some(path.parent().unwrap().join("../../logs"));
    let summary = it.build().await.unwrap();
    assert!(!summary.is_success());
    let built: Vec<_> = summary
        .built
        .iter()
        .map(|built| built.name.as_str())
        .collect();
    assert_eq!(built, ["base", "right"]);
    let failed: Vec<_> = summary
        .failed
        .iter()
        .map(|f| (f.name.as_str(), f.status, f.parent.as_deref()))
        .collect();
    assert_eq!(
        failed,
        [
            ("leaf", FailedStatus::ParentError, Some("left")),
            ("left", FailedStatus::Error, None)
        ]
    );
    let [failure] = &summary.failures[..] else {
        panic!("{:?}", summary.failures)
    };
    let instruction = failure.instruction.as_ref().unwrap();
    assert!(
        instruction.text.starts_with("RUN echo here it comes"),
        "{instruction:?}"
    );
    assert_eq!(instruction.template, Some((path, 3)));
    assert!(
        failure.message.contains("returned a non-zero code: 7"),
        "{failure}"
    );
    assert!(
        failure.log_tail.iter().any(|line| line == "here it comes"),
        "{failure}"
    );
    let log = std::fs::read_to_string(failure.log_file.as_ref().unwrap()).unwrap();
    assert!(log.contains("here it comes"), "{log}");
    let link = failure.log_file.as_ref().unwrap();
    let link = link.with_file_name("000_FAILED_left.log");
    assert_eq!(std::fs::read_to_string(&link).unwrap(), log);
    assert!(
        it.id("left").await.is_none(),
        "a failed build leaves no image of that name"
    );

    // Mended, the rest is built and what was built stays.
    it.write(
        "images/left/Dockerfile.j2",
        &template.replace("exit 7", "true"),
    );
    let summary = it.build().await.unwrap();
    let built: Vec<_> = summary
        .built
        .iter()
        .map(|built| built.name.as_str())
        .collect();
    assert_eq!(built, ["leaf", "left"]);
    assert!(!link.is_symlink());
}

async fn a_stalled_instruction_ends_at_the_timeout() {
    let mut it = Fixture::new().await;
    let template =
        "FROM {{ namespace }}/{{ image_prefix }}base:{{ tag }}\nRUN echo up; sleep 1000\n";
    it.write("images/left/Dockerfile.j2", template);
    it.options.regex = vec!["^base$".to_owned()];
    it.build().await.unwrap();
    it.options.regex = vec!["^left$".to_owned()];
    it.options.build_timeout = Some(Duration::from_secs(3));
    it.options.retries = 0;
    let summary = it.build().await.unwrap();
    let [failure] = &summary.failures[..] else {
        panic!("{:?}", summary.failures)
    };
    assert!(failure.message.contains("--timeout"), "{failure}");
    let instruction = failure.instruction.as_ref().unwrap();
    assert_eq!(instruction.text, "RUN echo up; sleep 1000");
    it.no_container_of("base").await;
}

async fn network_faults_are_retried() {
    let mut it = Fixture::new().await;
    it.options.network_mode = Some("host".to_owned());
    let local = "127.0.0.1:0";
    // Nobody listens there now.
    let mirror = TcpListener::bind(local).unwrap().local_addr().unwrap();
    let fetch = format!("exec 3<>/dev/tcp/127.0.0.1/{}", mirror.port());
    let template = format!(
        "FROM {{{{ namespace }}}}/{{{{ image_prefix }}}}left:{{{{ tag }}}}\nRUN [\"bash\", \"-c\", \"{fetch}\"]\n"
    );
    it.write("images/leaf/Dockerfile.j2", &template);
    let up_again = async {
        let output = tokio::time::timeout(Duration::from_secs(120), it.seen.wait_for("again leaf"));
        (output.await.unwrap(), TcpListener::bind(mirror).unwrap())
    };
    let (summary, (output, _mirror)) = tokio::join!(it.build(), up_again);
    assert!(output.ends_with("Connection refused"), "{output}");
    assert!(summary.unwrap().is_success());
}

async fn a_dropped_build_leaves_whole_images_or_none() {
    let it = Fixture::new().await;
    let slow = "FROM {{ namespace }}/{{ image_prefix }}base:{{ tag }}\nRUN sleep 60\n";
    it.write("images/left/Dockerfile.j2", slow);
    let mut build = Box::pin(it.build());
    // Until the slow instruction runs.
    let started = async {
        while it.containers_of("base").await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        result = &mut build => panic!("it ended: {result:?}"),
        () = started => {}
    }
    drop(build);
    assert!(it.id("base").await.is_some());
    assert!(it.id("left").await.is_none());
    // The engine is told, and stops what it was running.
    it.no_container_of("base").await;
}

async fn skipped_parents_must_be_there() {
    let mut it = Fixture::new().await;
    it.options.regex = vec!["^right$".to_owned()];
    it.options.skip_parents = true;
    assert_eq!(
        it.reasons().await,
        ["base: --skip-parents", "right: not in the engine"]
    );
    it.options.registry = Some("localhost:1".to_owned());
    let summary = it.build().await.unwrap();
    let failure = summary.failures[0].to_string();
    let parent = it.reference("base");
    assert!(
        failure.contains(&format!("its parent {parent}, "))
            && failure.contains("pulling it failed"),
        "{failure}"
    );
    it.options.pull = false;
    let failure = it.build().await.unwrap().failures[0].to_string();
    assert!(!failure.contains("pulling it failed"), "{failure}");
    let plan = it.load().unwrap().plan(&*it.engine).await.unwrap();
    let failure = &plan.failed[0];
    assert_eq!(failure.image, "right");
    assert!(
        failure
            .reason
            .contains(&format!("it needs its parent {parent}, ")),
        "{failure:?}"
    );

    it.options.registry = None;
    it.options.skip_parents = false;
    it.build().await.unwrap();
    it.write(
        "images/base/Dockerfile.j2",
        "FROM {{ base_image }}:{{ base_distro_tag }}\nENV A=2\n",
    );
    it.options.skip_parents = true;
    assert_eq!(
        it.reasons().await,
        ["base: --skip-parents", "right: unchanged"]
    );
    it.options.skip_parents = false;
    it.options.skip_existing = true;
    assert_eq!(
        it.reasons().await,
        ["base: --skip-existing", "right: --skip-existing"]
    );
    it.options.skip_existing = false;
    it.options.force = true;
    assert_eq!(it.reasons().await, ["base: --rebuild", "right: --rebuild"]);
}

async fn a_missing_base_image_is_an_error_with_advice() {
    let mut it = Fixture::new().await;
    it.options.base_image = Some("localhost:1/slipway-image-test/nothing".to_owned());
    let summary = it.build().await.unwrap();
    let error = summary.failures[0].to_string();
    assert!(
        error.contains("localhost:1/slipway-image-test/nothing:trixie"),
        "{error}"
    );
    assert!(error.contains("scripts/base-image"), "{error}");
    let failed = summary.failed.iter().map(|failed| failed.status);
    let parent = FailedStatus::ParentError;
    let expected = [FailedStatus::Error, parent, parent, parent];
    assert_eq!(failed.collect::<Vec<_>>(), expected);
    it.options.pull = false;
    let failure = it.build().await.unwrap().failures[0].to_string();
    assert!(failure.contains("; pull it, or make"), "{failure}");
}

async fn a_base_image_is_pulled_again_on_request() {
    let mut it = Fixture::new().await;
    it.options.regex = vec!["^base$".to_owned()];
    it.options.registry = Some("localhost:1".to_owned());
    assert!(it.build().await.unwrap().is_success());
    let (there, tag) = (it.reference("base"), it.options.tag());
    it.options.base_image = there.strip_suffix(&format!(":{tag}")).map(str::to_owned);
    it.options.base_tag = Some(tag);
    it.options.registry = None;
    it.options.pull_always = true;
    let failure = it.build().await.unwrap().failures[0].to_string();
    assert!(failure.contains("--pull: cannot pull"), "{failure}");
    it.options.pull_always = false;
    assert!(it.build().await.unwrap().is_success());
}

async fn a_base_image_for_another_platform_is_not_taken() {
    let mut it = Fixture::new().await;
    it.options.platform = Some("linux/s390x".to_owned());
    let error = it.build().await.unwrap_err();
    assert!(matches!(error, Error::Platform { .. }), "{error}");
    assert!(it.id("base").await.is_none());
}

async fn an_image_that_cannot_be_built_does_not_stop_the_others() {
    let it = Fixture::new().await;
    std::fs::rename(
        it.options.tree.join("right/file"),
        it.options.tree.join("right/fiel"),
    )
    .unwrap();
    let built = |summary: &slipway_image::Summary| {
        let built = summary.built.iter().map(|built| built.name.as_str());
        built.collect::<Vec<_>>().join(" ")
    };
    let from_base = "FROM {{ namespace }}/{{ image_prefix }}base:{{ tag }}\n";
    let template = |name: &str, text: &str| {
        it.write(
            &format!("images/{name}/Dockerfile.j2"),
            &format!("{from_base}{text}"),
        );
    };
    template("sourceless", "ADD sourceless-archive /src\n");
    let elsewhere = from_base.replace("base:", "rigt:");
    it.write("images/elsewhere/Dockerfile.j2", &elsewhere);
    it.write("images/nothing/Dockerfile.j2", "# nothing\n");

    let summary = it.build().await.unwrap();
    assert_eq!(built(&summary), "base leaf left");
    let failures: Vec<String> = summary.failures.iter().map(|f| f.to_string()).collect();
    let expected = [
        (
            "image elsewhere: the engine has no image ",
            "; did you mean right?; ",
        ),
        (
            "image nothing: the Dockerfile rendered from ",
            " has no FROM line",
        ),
        (
            "image right: its Dockerfile copies file, which is not in ",
            "; did you mean fiel?",
        ),
        (
            "image sourceless: its Dockerfile adds sourceless-archive",
            " source [sourceless] ",
        ),
    ];
    assert_eq!(failures.len(), expected.len(), "{failures:?}");
    for (failure, (start, part)) in failures.iter().zip(expected) {
        assert!(
            failure.starts_with(start) && failure.contains(part),
            "{failure}"
        );
    }
    // The engine's answer about the parent of `elsewhere` comes with the build alone.
    let plan = it.load().unwrap().plan(&*it.engine).await.unwrap();
    let failed: Vec<&str> = plan.failed.iter().map(|f| f.image.as_str()).collect();
    assert_eq!(failed, ["nothing", "right", "sourceless"]);
}

async fn an_image_that_the_tree_has_not_is_the_engines() {
    let mut it = Fixture::new().await;
    it.build().await.unwrap();
    let from_base = "FROM {{ namespace }}/{{ image_prefix }}base:{{ tag }}\n";
    it.write("other/child/Dockerfile.j2", from_base);
    it.options.tree = it.options.tree.with_file_name("other");
    assert_eq!(it.load().unwrap().names(), ["child"]);
    let summary = it.build().await.unwrap();
    assert!(summary.is_success(), "{:?}", summary.failures);
    assert_eq!(summary.built[0].name, "child");
}

async fn files_beside_a_template_are_a_part_of_its_archives() {
    let it = Fixture::new().await;
    let from_base = "FROM {{ namespace }}/{{ image_prefix }}base:{{ tag }}\n";
    it.write(
        "images/archives/Dockerfile.j2",
        &format!(
            "{from_base}ADD additions-archive /\nADD plugins-archive /\n\
                  RUN test \"$(cat /additions/a/f)\" = one && test -f /plugins/p\n"
        ),
    );
    it.write("images/archives/additions/a/f", "one");
    it.write("images/archives/plugins/p", "");
    let summary = it.build().await.unwrap();
    assert!(summary.is_success(), "{:?}", summary.failures);
}

async fn two_builds_run_one_after_the_other() {
    let it = Fixture::new().await;
    let (first, second) = tokio::join!(it.build(), it.build());
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.built.len() + second.built.len(), 4);
    assert_eq!(first.unchanged.len() + second.unchanged.len(), 4);
}
