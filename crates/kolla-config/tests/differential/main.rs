//! Upstream's set_configs.py of Kolla 23.0.0 and ours, in twin roots: whatever tree and config.json
//! they are given, both must end the same way and leave the same behind.
//!
//! Needs root, for owners and for a chroot, and upstream's script; `scripts/parity kolla-config`
//! fetches that and runs this. Cases are made from a seed that is printed; one that differs is
//! shrunk and kept in `regressions/`, which is tried first, every time.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]
#![allow(
    clippy::print_stdout,
    reason = "counts and seeds are for whoever runs this"
)]

mod case;
mod root;
mod upstream;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use case::Case;
use root::{Root, Snapshot};
use upstream::{Ending, Upstream, run_ours};

/// The number of runs for each end, and of runs that failed on both sides with different trees.
#[derive(Default)]
struct Counts {
    endings: BTreeMap<(bool, Ending), usize>,
    different_remains: usize,
    endless: usize,
}

struct Twins {
    theirs: Root,
    ours: Root,
    upstream: Upstream,
    counts: Arc<Mutex<Counts>>,
}

impl Twins {
    fn new(counts: &Arc<Mutex<Counts>>) -> Twins {
        let needed = |name: &str| {
            std::env::var(name)
                .map_err(|_| format!("{name} is not set; run scripts/parity kolla-config"))
                .unwrap()
        };
        Twins {
            theirs: Root::new(),
            ours: Root::new(),
            upstream: Upstream::start(&needed("PARITY_PYTHON"), &needed("PARITY_SET_CONFIGS")),
            counts: counts.clone(),
        }
    }

    /// Runs a case in both roots; an error says what differs.
    fn compare(&mut self, case: &Case) -> Result<(), String> {
        self.theirs.fill(&case.tree);
        self.ours.fill(&case.tree);
        for (run, step) in case.steps.iter().enumerate() {
            if !step.check && self.theirs.keeps_a_default() {
                break;
            }
            if self.theirs.is_endless() {
                self.counts.lock().unwrap().endless += 1;
                break;
            }
            self.theirs.prepare(step);
            self.ours.prepare(step);
            let theirs = self.upstream.run(self.theirs.path(), step);
            if theirs.ending.code < 0 {
                self.counts.lock().unwrap().endless += 1;
                break;
            }
            let ours = run_ours(self.ours.path(), step);
            if run > 0 {
                self.theirs.restore_own_files();
                self.ours.restore_own_files();
            }
            let failed = theirs.ending.code != 0 && !step.check;
            let remains = difference(self.theirs.snapshot(), self.ours.snapshot());
            let mut counts = self.counts.lock().unwrap();
            *counts
                .endings
                .entry((step.check, theirs.ending.clone()))
                .or_default() += 1;
            counts.different_remains += usize::from(failed && remains.is_some());
            drop(counts);
            let ended = (theirs.ending != ours.ending)
                .then(|| format!("upstream: {:?}\nours: {:?}", theirs.ending, ours.ending));
            let stray = self
                .ours
                .snapshot()
                .unwrap_or_default()
                .into_keys()
                .find(|path| {
                    path.file_name()
                        .is_some_and(|name| name.to_string_lossy().starts_with(".kolla-"))
                })
                .map(|path| format!("{} was left behind", path.display()));
            // How far each came before it failed is told by the documented differences.
            let differs = ended.or(stray).or(remains.filter(|_| !failed));
            if let Some(differs) = differs {
                return Err(format!(
                    "{differs}\n--- upstream's log\n{}\n--- our log\n{}",
                    theirs.log, ours.log
                ));
            }
            if failed {
                break;
            }
        }
        Ok(())
    }
}

fn difference(
    theirs: std::io::Result<Snapshot>,
    ours: std::io::Result<Snapshot>,
) -> Option<String> {
    let (Ok(theirs), Ok(ours)) = (theirs, ours) else {
        return Some("a tree is nested too deep to be looked at".to_owned());
    };
    let paths: std::collections::BTreeSet<&PathBuf> = theirs.keys().chain(ours.keys()).collect();
    let lines: Vec<String> = paths
        .into_iter()
        .filter(|path| theirs.get(*path) != ours.get(*path))
        .map(|path| {
            format!(
                "/{}\n  upstream: {:?}\n  ours:     {:?}",
                path.display(),
                theirs.get(path),
                ours.get(path)
            )
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn regressions() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/regressions")
}

/// Tries cases made from a seed; gives the smallest that differs, and how.
fn search(seed: u64, cases: u32, counts: &Arc<Mutex<Counts>>) -> Result<(), (Case, String)> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 4000,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let twins = Mutex::new(Twins::new(counts));
    let mut runner = TestRunner::new_with_rng(config, rng);
    let tried = runner.run(&case::case(), |case| {
        twins
            .lock()
            .unwrap()
            .compare(&case)
            .map_err(TestCaseError::fail)
    });
    match tried {
        Ok(()) => Ok(()),
        Err(TestError::Fail(why, case)) => Err((case, why.message().to_owned())),
        Err(TestError::Abort(why)) => unreachable!("no case is rejected: {why}"),
    }
}

#[test]
#[ignore = "needs root and upstream's script: scripts/parity kolla-config"]
fn both_scripts_leave_the_same_tree() {
    assert!(
        rustix::process::geteuid().is_root(),
        "owners and a chroot need root"
    );
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let counts = Arc::new(Mutex::new(Counts::default()));

    let mut twins = Twins::new(&counts);
    let mut kept = 0;
    for entry in fs::read_dir(regressions()).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let case: Case = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            let compared = twins.compare(&case);
            assert!(
                compared.is_ok(),
                "{}: {}",
                path.display(),
                compared.unwrap_err()
            );
            kept += 1;
        }
    }
    drop(twins);

    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let seed = number("PARITY_SEED").unwrap_or(now);
    let cases = number("PARITY_CASES").unwrap_or(500);
    let workers = std::thread::available_parallelism().unwrap().get().min(8) as u64;
    println!("{kept} kept cases; {cases} cases, seed {seed}, {workers} workers");
    let found = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for worker in 0..workers {
            let (counts, found) = (&counts, &found);
            scope.spawn(move || {
                let share = cases / workers + u64::from(worker < cases % workers);
                // Far apart, so that the next seed is not the next worker.
                let own = seed.wrapping_add(worker << 32);
                if let Err((case, why)) = search(own, share as u32, counts) {
                    let file = regressions().join(format!("{seed}-{worker}.json"));
                    let text = serde_json::to_string_pretty(&case).unwrap();
                    fs::write(&file, format!("{text}\n")).unwrap();
                    println!("{text}\n{why}\nkept as {}", file.display());
                    found.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let counts = counts.lock().unwrap();
    for ((check, ending), count) in &counts.endings {
        let run = if *check { "--check" } else { "run" };
        println!("{count:>8} {run:<8} exit {} {}", ending.code, ending.error);
    }
    println!(
        "{:>8} failed runs left something different behind",
        counts.different_remains
    );
    println!(
        "{:>8} runs would not have ended, and were left out",
        counts.endless
    );
    let found = found.into_inner();
    assert_eq!(found, 0, "seed {seed}: {found} cases differ");
    println!("seed {seed}: {cases} cases, no difference");
}
