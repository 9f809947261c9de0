//! `slipway apply` interrupted at any moment: killed, without its engine, twice at once. The next run
//! must complete it, on a real engine.
//!
//! `SLIPWAY_KILLS` is the number of runs that are killed. The same `SLIPWAY_SEED` selects the same
//! moments.
#![allow(missing_docs, reason = "a test")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may fail, and prints its figures"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use slipway_test_support::{PrivateEngine, Relay};

slipway_test_support::harness! {
    [engine] fn a_run_killed_at_any_moment_is_completed_by_the_next;
    [engine] fn a_run_whose_connection_is_cut_says_so_and_the_next_completes_it;
    [engine] fn two_runs_at_once_do_the_work_once;
    [engine, root] fn an_engine_that_is_killed_in_the_middle_and_restarted_is_no_trouble;
}

/// A set of containers for one test, with a root of its own.
struct Set {
    config_id: String,
    directory: tempfile::TempDir,
    /// `--host`, if it is not the default engine.
    host: Option<String>,
}

/// `V` stands for the version of the set, `@` for the prefix of names. The container `slow` ignores its
/// stop signal, and is killed after its grace period of one second.
const STEP: &str = "
'@db': {IMAGE, command: sleep 600, restart: always, environment: {V: 1}, start_order: 1}
'@slow': {image: debian:trixie, net: none, command: sleep 600, restart: always, environment: {V: 1}, stop_grace_period: 1, start_order: 1}
'@sync': {IMAGE, command: [sh, -c, 'exit 0'], detach: false, environment: {V: 1}, start_order: 2}
'@web': {IMAGE, command: sleep 600, restart: always, environment: {V: 1}, start_order: 3}
'@only-1': {IMAGE, command: sleep 600, restart: always, start_order: 3}
'@boot': {action: exec, command: ['@web', sh, -c, 'echo said >> /tmp/said'], environment: {V: 1}, start_order: 4}
";

impl Set {
    fn new(name: &str, host: Option<String>) -> Set {
        Set {
            config_id: format!("faults-{name}-{}", std::process::id()),
            directory: tempfile::tempdir().unwrap(),
            host,
        }
    }

    fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.config_id)
    }

    /// Writes one version of the set to its file.
    fn write(&self, version: u32) -> PathBuf {
        let text = STEP
            .replace('@', &self.name(""))
            .replace("V: 1", &format!("V: {version}"))
            .replace("only-1", &format!("only-{version}"))
            .replace(
                "IMAGE",
                "image: debian:trixie, net: none, stop_signal: SIGKILL",
            );
        let file = self.directory.path().join(format!("step-{version}.yaml"));
        // Another run may be reading the file.
        if !file.exists() {
            std::fs::write(&file, text).unwrap();
        }
        file
    }

    fn apply(&self, version: u32) -> Command {
        self.apply_at(version, self.host.as_deref())
    }

    fn apply_at(&self, version: u32, host: Option<&str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_slipway"));
        command.args([
            "apply",
            "--format",
            "json",
            "--managed-by",
            "slipway-faults",
        ]);
        command.args(["--config-id", &self.config_id, "--file"]);
        command.arg(self.write(version));
        command.arg("--root").arg(self.directory.path());
        command.args(host.iter().flat_map(|host| ["--host", host]));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Applies a version, and checks the result: every container exists once, under its own name, runs
    /// or has ended, and nothing is left to do.
    fn converges(&self, version: u32, after: &str) {
        let done = self.apply(version).output().unwrap();
        assert!(done.status.success(), "{after}: {}", said(&done));
        let again = self.apply(version).output().unwrap();
        assert!(again.status.success(), "{after}: {}", said(&again));
        let output: Value = serde_json::from_slice(&again.stdout).unwrap();
        assert_eq!(output["changed"], false, "{after}: {output}");
        let up = |state: &str| state == "running";
        let found = self.containers();
        let expected: Vec<String> = ["db", &format!("only-{version}"), "slow", "sync", "web"]
            .map(|name| self.name(name))
            .to_vec();
        assert_eq!(
            found.keys().cloned().collect::<Vec<_>>(),
            expected,
            "{after}"
        );
        for (name, state) in &found {
            let is_done = state == "exited" && name.ends_with("-sync");
            assert!(up(state) || is_done, "{after}: {name} is {state}");
        }
    }

    /// Returns the state of each container by its name in the engine. A second container of the same
    /// name in the set has another name in the engine.
    fn containers(&self) -> BTreeMap<String, String> {
        let filter = format!("label=config_id={}", self.config_id);
        let listed = self.docker(&[
            "ps",
            "-a",
            "--filter",
            &filter,
            "--format",
            "{{.Names}} {{.State}}",
        ]);
        let lines = listed.lines().filter_map(|line| line.split_once(' '));
        lines
            .map(|(name, state)| (name.to_owned(), state.to_owned()))
            .collect()
    }

    fn docker(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("docker");
        command.args(self.host.iter().flat_map(|host| ["--host", host]));
        let done = command.args(arguments).output().unwrap();
        String::from_utf8(done.stdout).unwrap()
    }
}

impl Drop for Set {
    fn drop(&mut self) {
        let filter = format!("label=config_id={}", self.config_id);
        let ids = self.docker(&["ps", "-aq", "--filter", &filter]);
        for id in ids.split_whitespace() {
            self.docker(&["rm", "--force", "--volumes", id]);
        }
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Pseudo-random numbers that are the same at every run.
struct Moments(u64);

impl Moments {
    /// Returns a number below a limit.
    fn below(&mut self, limit: Duration) -> Duration {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let share = f64::from(u32::try_from(self.0 >> 40).unwrap()) / f64::from(1 << 24);
        limit.mul_f64(share)
    }
}

/// Returns the time of an undisturbed run that replaces everything.
fn undisturbed(set: &Set) -> Duration {
    set.converges(1, "the first run");
    let began = Instant::now();
    assert!(set.apply(2).output().unwrap().status.success());
    began.elapsed()
}

fn a_run_killed_at_any_moment_is_completed_by_the_next() {
    let number = |name: &str, default: u32| {
        std::env::var(name).map_or(default, |number| number.parse().unwrap())
    };
    let (kills, seed) = (number("SLIPWAY_KILLS", 8), number("SLIPWAY_SEED", 5));
    let set = Set::new("kill", None);
    let whole = undisturbed(&set);
    let mut moments = Moments(seed.into());
    let mut cut = 0;
    for kill in 0..kills {
        // From one version to the other; the next run completes it, or reverts it.
        let version = 1 + kill % 2;
        let mut run = set.apply(version).spawn().unwrap();
        let moment = moments.below(whole);
        std::thread::sleep(moment);
        run.kill().unwrap();
        let ended = run.wait_with_output().unwrap();
        cut += u32::from(!ended.status.success());
        let then = match kill % 3 {
            0 => 3 - version,
            _ => version,
        };
        set.converges(then, &format!("killed after {moment:?}, the {kill}th time"));
    }
    assert!(cut > 0, "no run was killed before its end");
    println!(
        "{kills} runs killed in moments of {whole:?} (seed {seed}), {cut} of them before their end: \
         the next converged every time"
    );
}

fn a_run_whose_connection_is_cut_says_so_and_the_next_completes_it() {
    let set = Set::new("cut", None);
    let whole = undisturbed(&set);
    let mut moments = Moments(7);
    for cut in 0..4 {
        let version = 1 + cut % 2;
        let relay = Relay::start(&set.directory.path().join("relay.sock"));
        let mut run = set.apply_at(version, Some(&relay.address()));
        let run = run.spawn().unwrap();
        let moment = moments.below(whole);
        std::thread::sleep(moment);
        relay.cut();
        let ended = run.wait_with_output().unwrap();
        if !ended.status.success() {
            let error = said(&ended);
            let words = ["lost the container engine", "no container engine answers"];
            assert!(words.iter().any(|words| error.contains(words)), "{error}");
        }
        set.converges(version, &format!("cut after {moment:?}"));
    }
}

fn two_runs_at_once_do_the_work_once() {
    let set = Set::new("twice", None);
    let runs = [1, 1, 1].map(|version| set.apply(version).spawn().unwrap());
    let ended = runs.map(|run| run.wait_with_output().unwrap());
    let changed = ended.iter().filter(|output| {
        assert!(output.status.success(), "{}", said(output));
        let output: Value = serde_json::from_slice(&output.stdout).unwrap();
        output["changed"] == true
    });
    assert_eq!(changed.count(), 1);
    set.converges(1, "three at once");
}

fn an_engine_that_is_killed_in_the_middle_and_restarted_is_no_trouble() {
    let mut engine = PrivateEngine::start();
    let set = Set::new("restart", Some(engine.host()));
    let whole = undisturbed(&set);
    let mut moments = Moments(11);
    for round in 0..2 {
        let version = 1 + round % 2;
        let run = set.apply(version).spawn().unwrap();
        let moment = moments.below(whole);
        std::thread::sleep(moment);
        engine.kill();
        let ended = run.wait_with_output().unwrap();
        if !ended.status.success() {
            let error = said(&ended);
            let words = ["lost the container engine", "no container engine answers"];
            assert!(words.iter().any(|words| error.contains(words)), "{error}");
        }
        engine.begin();
        set.converges(version, &format!("the engine killed after {moment:?}"));
    }
}
