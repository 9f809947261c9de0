use slipway_events::Events;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::*;
use crate::manage::{self, Beside};
use crate::systemd::Units;
use slipway_engine::{ContainerState, Containers};
use slipway_test_support::FakeEngine;

/// A fake Podman, a directory of units, and a systemctl that records its calls.
struct Bench {
    engine: FakeEngine,
    options: ApplyOptions,
    directory: tempfile::TempDir,
}

const UNIT: &str = "tripleo_web.service";
const WEB: &str = "web: {image: i, command: up, restart: unless-stopped, depends_on: [a, b.service], systemd_exec_flags: {Nice: 3, A: \"b\\nc\"}, stop_grace_period: 3}";

impl Bench {
    fn new() -> Bench {
        let directory = tempfile::tempdir().unwrap();
        let systemctl = directory.path().join("systemctl");
        let calls = directory.path().join("calls");
        let wants = directory.path().join("units/default.target.wants");
        let script = format!(
            "#!/bin/sh
            echo \"$*\" >>{calls}
            verb=$1; shift
            for unit; do case $verb in
            enable) mkdir -p {wants}; ln -sf ../$unit {wants} ;;
            disable) rm -f {wants}/$unit ;;
            esac; done
            ",
            calls = calls.display(),
            wants = wants.display(),
        );
        std::fs::write(&systemctl, script).unwrap();
        std::fs::set_permissions(&systemctl, PermissionsExt::from_mode(0o755)).unwrap();
        let units = Units::with_systemctl(directory.path().join("units"), systemctl);
        Bench {
            engine: FakeEngine::with_image("i").into_podman(),
            options: ApplyOptions {
                units: Some(units),
                ..ApplyOptions::default()
            },
            directory,
        }
    }

    fn set(text: &str) -> ContainerSet {
        ContainerSet {
            config_id: "s".to_owned(),
            managed_by: "m".to_owned(),
            containers: crate::step::parse(Path::new("s.yaml"), text).unwrap(),
        }
    }

    /// Applies a set, and checks that the changes of units are those of the plan.
    async fn apply(&self, text: &str) -> Result<Outcome> {
        let set = Bench::set(text);
        let planned = plan(&self.engine, &set, &self.options).await?.units;
        let outcome = apply(&self.engine, &set, &self.options, &Events::ignore()).await?;
        assert_eq!(outcome.units, planned);
        Ok(outcome)
    }

    /// Returns the calls of systemctl since the last time.
    fn take_calls(&self) -> Vec<String> {
        let file = self.directory.path().join("calls");
        let calls = std::fs::read_to_string(&file).unwrap_or_default();
        let _ = std::fs::remove_file(file);
        calls.lines().map(str::to_owned).collect()
    }

    fn path(&self, unit: &str) -> PathBuf {
        self.directory.path().join("units").join(unit)
    }

    fn read(&self, unit: &str) -> String {
        std::fs::read_to_string(self.path(unit)).unwrap()
    }

    fn units(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.directory.path().join("units")).unwrap();
        let mut names: Vec<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "default.target.wants")
            .collect();
        names.sort();
        names
    }

    /// The units that paunch leaves for a container with a healthcheck.
    fn of_paunch(&self) {
        std::fs::create_dir_all(self.path("tripleo_web.service.requires")).unwrap();
        for (unit, text) in [
            (UNIT, "[Service]\nExecStart=/usr/bin/podman start web\n"),
            ("tripleo_web_healthcheck.service", "[Service]\n"),
            ("tripleo_web_healthcheck.timer", "[Timer]\n"),
        ] {
            std::fs::write(self.path(unit), text).unwrap();
        }
    }
}

fn each(action: &str) -> String {
    format!("{action} {UNIT}")
}

#[tokio::test]
async fn a_container_with_a_restart_policy_has_a_unit_while_it_exists() {
    let bench = Bench::new();
    let others = "
once: {image: i, command: exit 0, detach: false, restart: always}
plain: {image: i, command: up, restart: 'no'}
";
    let text = format!("{WEB}{others}");
    let first = bench.apply(&text).await.unwrap();
    assert_eq!(first.units[0].action, UnitAction::Write);
    assert_eq!(bench.units(), [UNIT]);
    let id = bench.engine.container("web").unwrap().id;
    assert_eq!(
        bench.read(UNIT),
        format!(
            "# Written by slipway, and again when the container is made anew.\n\
             # managed_by: \"m\"\n# config_id: \"s\"\n# container: \"{id}\"\n\n\
             [Unit]\nWants=a.service\nWants=b.service\nDescription=web container\n\
             [Service]\nA=b c\nNice=3\nRestart=always\n\
             ExecStart=/usr/bin/podman start {id}\nExecStop=/usr/bin/podman stop -t 3 {id}\n"
        )
    );
    let mode = std::fs::metadata(bench.path(UNIT)).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o644);
    let enabled = [
        "daemon-reload".to_owned(),
        each("reset-failed"),
        each("enable"),
        each("start"),
    ];
    assert_eq!(bench.take_calls(), enabled);

    bench.engine.take_calls();
    assert!(bench.apply(&text).await.unwrap().is_unchanged());
    let looks = ["list", "list images"];
    assert_eq!(
        bench.engine.take_calls(),
        [looks, looks].concat(),
        "planned, applied"
    );
    assert_eq!(bench.take_calls(), [""; 0]);

    // systemd would start the old one again, were it not told to stop it.
    bench.apply(&text.replace("3}", "4}")).await.unwrap();
    let calls = bench.take_calls();
    assert_eq!(calls[0], each("stop"));
    assert_eq!(calls[1..], enabled);
    let replaced = bench.engine.container("web").unwrap().id;
    assert!(bench.read(UNIT).contains(&replaced) && !bench.read(UNIT).contains(&id));

    // Stopped by an operator, and started again.
    bench
        .engine
        .set_state("web", ContainerState::Exited, "Exited (0)");
    bench.apply(&text.replace("3}", "4}")).await.unwrap();
    assert_eq!(bench.take_calls(), [each("start")]);

    // Killed before it was enabled, or disabled by somebody.
    std::fs::remove_dir_all(bench.path("default.target.wants")).unwrap();
    bench.apply(&text.replace("3}", "4}")).await.unwrap();
    assert_eq!(bench.take_calls(), enabled);

    // A file that somebody removed.
    std::fs::remove_file(bench.path(UNIT)).unwrap();
    bench.apply(&text.replace("3}", "4}")).await.unwrap();
    assert_eq!(bench.take_calls(), enabled);

    bench.apply(others).await.unwrap();
    assert_eq!(bench.units(), [""; 0]);
    assert_eq!(
        bench.take_calls(),
        [
            each("stop"),
            each("stop"),
            each("disable"),
            "daemon-reload".to_owned(),
            each("reset-failed"),
        ]
    );
}

#[tokio::test]
async fn a_replacement_that_fails_gives_the_old_container_back_to_systemd() {
    let bench = Bench::new();
    bench.apply(WEB).await.unwrap();
    bench.take_calls();
    let before = bench.read(UNIT);
    let failed = bench.apply(&WEB.replace("up", "refuse")).await;
    assert!(failed.is_err());
    assert_eq!(bench.take_calls(), [each("stop"), each("start")]);
    assert_eq!(bench.read(UNIT), before);
    assert!(bench.apply(WEB).await.unwrap().is_unchanged());
}

#[tokio::test]
async fn a_run_cut_off_anywhere_leaves_units_that_the_next_one_puts_right() {
    let old = format!("{WEB}\nold: {{image: i, command: up, restart: always}}");
    let new = WEB.replace("3}", "4}");
    for changes in 0.. {
        let bench = Bench::new();
        bench.apply(&old).await.unwrap();
        bench.engine.lose_after(Some(changes));
        let set = Bench::set(&new);
        let cut = apply(&bench.engine, &set, &bench.options, &Events::ignore()).await;
        bench.engine.lose_after(None);
        bench.apply(&new).await.unwrap();
        assert_eq!(bench.units(), [UNIT], "after {changes} changes");
        let id = bench.engine.container("web").unwrap().id;
        assert!(bench.read(UNIT).contains(&id), "after {changes} changes");
        assert!(bench.apply(&new).await.unwrap().is_unchanged());
        if cut.is_ok() {
            assert!(changes > 3);
            break;
        }
    }
}

#[tokio::test]
async fn the_units_of_paunch_serve_until_their_container_goes() {
    let bench = Bench::new();
    let without = ApplyOptions::default();
    let all = [
        UNIT,
        "tripleo_web.service.requires",
        "tripleo_web_healthcheck.service",
        "tripleo_web_healthcheck.timer",
    ];
    apply(&bench.engine, &Bench::set(WEB), &without, &Events::ignore())
        .await
        .unwrap();
    bench.of_paunch();
    assert!(bench.apply(WEB).await.unwrap().is_unchanged());
    assert_eq!(bench.units(), all);

    bench.apply(&WEB.replace("3}", "4}")).await.unwrap();
    assert_eq!(bench.units(), [UNIT]);
    assert!(bench.read(UNIT).starts_with("# Written by slipway"));
    let calls = bench.take_calls();
    // It knows the container by its name only: it ends when the container has been stopped.
    assert_eq!(calls[..2], [each("stop --no-block"), each("stop")]);
    assert!(calls.contains(&"stop tripleo_web_healthcheck.timer".to_owned()));

    bench.of_paunch();
    bench.apply("other: {image: i, command: up}").await.unwrap();
    assert_eq!(bench.units(), [""; 0]);
}

#[tokio::test]
async fn a_masked_unit_and_those_of_other_sets_are_left_alone() {
    let bench = Bench::new();
    std::fs::create_dir(bench.directory.path().join("units")).unwrap();
    symlink("/dev/null", bench.path(UNIT)).unwrap();
    assert_eq!(bench.apply(WEB).await.unwrap().units, []);
    assert_eq!(bench.take_calls(), [""; 0]);

    let theirs = ContainerSet {
        config_id: "other".to_owned(),
        ..Bench::set("db: {image: i, command: up, restart: always}")
    };
    apply(&bench.engine, &theirs, &bench.options, &Events::ignore())
        .await
        .unwrap();
    bench.apply(WEB).await.unwrap();
    assert_eq!(bench.units(), ["tripleo_db.service", UNIT]);
}

#[tokio::test]
async fn delete_removes_units_also_without_a_container() {
    let bench = Bench::new();
    bench
        .apply(&format!(
            "{WEB}\ndb: {{image: i, command: up, restart: on-failure}}"
        ))
        .await
        .unwrap();
    let db = bench.engine.container("db").unwrap().id;
    bench.engine.remove_container(&db).await.unwrap();
    let beside = Beside {
        units: bench.options.units.as_ref(),
        ..Beside::default()
    };
    let ids = ["s".to_owned()];
    let gone = manage::delete(&bench.engine, "m", &ids, beside, &Events::ignore())
        .await
        .unwrap();
    assert_eq!(gone, ["web"]);
    assert_eq!(bench.units(), [""; 0]);
}

#[tokio::test]
async fn docker_starts_its_containers_itself() {
    let bench = Bench {
        engine: FakeEngine::with_image("i"),
        ..Bench::new()
    };
    assert_eq!(bench.apply(WEB).await.unwrap().units, []);
    assert!(!bench.directory.path().join("units").exists());
}

#[tokio::test]
async fn errors_of_systemctl_are_reported() {
    let mut bench = Bench::new();
    let systemctl = bench.directory.path().join("broken");
    std::fs::write(&systemctl, "#!/bin/sh\necho the bus is late >&2; exit 1\n").unwrap();
    std::fs::set_permissions(&systemctl, PermissionsExt::from_mode(0o755)).unwrap();
    let units = bench.directory.path().join("units");
    bench.options.units = Some(Units::with_systemctl(units, systemctl));
    let error = bench.apply(WEB).await.unwrap_err().to_string();
    assert_eq!(error, "systemctl daemon-reload failed: the bus is late");
}
