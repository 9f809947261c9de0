//! A test harness that knows what each test needs.

use std::future::Future;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// The environment variable that asks for tests which need an engine.
pub const ENGINE_SWITCH: &str = "SLIPWAY_TEST_ENGINE";

/// The environment variable that has a failed test with an engine run once more, and said so. On a
/// machine under load an engine may answer later than a test waits.
pub const AGAIN_SWITCH: &str = "SLIPWAY_TEST_AGAIN";

/// A thing that a test needs of the machine it runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A container engine.
    Engine,
    /// The tests run as root.
    Root,
}

fn is_set(switch: &str) -> bool {
    std::env::var_os(switch).is_some_and(|value| value == "1")
}

impl Need {
    fn is_met(self) -> bool {
        match self {
            Need::Engine => is_set(ENGINE_SWITCH),
            Need::Root => rustix::process::geteuid().is_root(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Need::Engine => "engine",
            Need::Root => "root",
        }
    }

    fn hint(self) -> String {
        match self {
            Need::Engine => {
                format!("set {ENGINE_SWITCH}=1 (scripts/engine starts an engine)")
            }
            Need::Root => "run the tests as root".to_owned(),
        }
    }
}

/// The tests of one binary, collected by [`harness!`](crate::harness!).
#[derive(Default)]
pub struct Tests {
    trials: Vec<Trial>,
    unmet: Vec<(Need, usize)>,
}

impl std::fmt::Debug for Tests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tests")
            .field("count", &self.trials.len())
            .field("unmet", &self.unmet)
            .finish_non_exhaustive()
    }
}

impl Tests {
    /// Adds a test.
    pub fn add(&mut self, needs: &[Need], name: &str, test: fn()) {
        let unmet: Vec<Need> = needs.iter().copied().filter(|n| !n.is_met()).collect();
        for need in &unmet {
            match self.unmet.iter_mut().find(|(other, _)| other == need) {
                Some((_, count)) => *count += 1,
                None => self.unmet.push((*need, 1)),
            }
        }
        let kind: Vec<&str> = needs.iter().map(|need| need.name()).collect();
        let name = name.replace(' ', "");
        let may_retry = needs.contains(&Need::Engine) && is_set(AGAIN_SWITCH);
        let trial = Trial::test(name.clone(), move || {
            if may_retry && std::panic::catch_unwind(test).is_ok() {
                return Ok(());
            }
            if may_retry {
                print(&format!("UNSTABLE: {name} failed as above; runs once more"));
            }
            test();
            Ok(())
        });
        self.trials.push(
            trial
                .with_kind(kind.join(", "))
                .with_ignored_flag(!unmet.is_empty()),
        );
    }

    /// Runs the tests that the command line selects.
    pub fn run(self) -> ExitCode {
        let arguments = Arguments::from_args();
        let conclusion = libtest_mimic::run(&arguments, self.trials);
        if !arguments.list && !arguments.ignored && !arguments.include_ignored {
            for (need, count) in &self.unmet {
                print(&format!(
                    "note: {count} tests of this binary need {}: {}",
                    need.name(),
                    need.hint()
                ));
            }
        }
        conclusion.exit_code()
    }
}

#[allow(
    clippy::print_stderr,
    reason = "a test harness reports on standard error"
)]
fn print(line: &str) {
    eprintln!("{line}");
}

/// Runs an asynchronous test.
pub fn block_on<F: Future<Output = ()>>(test: F) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(test);
}

/// Makes `main` of a test binary from a list of tests and what each needs: `[engine]`, `[root]`,
/// `[engine, root]` or `[]`. A test is a function, plain or `async`, in this file or a module.
/// `finally FUNCTION;` before the list names a function that runs after the tests.
#[macro_export]
macro_rules! harness {
    (finally $last:path; $($all:tt)*) => {
        fn main() -> ::std::process::ExitCode {
            let mut tests = $crate::harness::Tests::default();
            $crate::harness_tests!(tests $($all)*);
            let code = tests.run();
            $last();
            code
        }
    };
    ($($all:tt)*) => {
        fn main() -> ::std::process::ExitCode {
            let mut tests = $crate::harness::Tests::default();
            $crate::harness_tests!(tests $($all)*);
            tests.run()
        }
    };
}

/// One test after another of a [`harness!`](crate::harness!).
#[doc(hidden)]
#[macro_export]
macro_rules! harness_tests {
    ($tests:ident) => {};
    ($tests:ident [$($need:ident),*] async fn $test:path; $($rest:tt)*) => {
        $tests.add(
            &[$($crate::harness_need!($need)),*],
            stringify!($test),
            || $crate::harness::block_on($test()),
        );
        $crate::harness_tests!($tests $($rest)*);
    };
    ($tests:ident [$($need:ident),*] fn $test:path; $($rest:tt)*) => {
        $tests.add(&[$($crate::harness_need!($need)),*], stringify!($test), || $test());
        $crate::harness_tests!($tests $($rest)*);
    };
}

/// One need of a test of a [`harness!`](crate::harness!).
#[doc(hidden)]
#[macro_export]
macro_rules! harness_need {
    (engine) => {
        $crate::harness::Need::Engine
    };
    (root) => {
        $crate::harness::Need::Root
    };
}
