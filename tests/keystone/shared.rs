//! The deployment that the tests share.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use slipway_end_to_end::{Deployment, ProcessWatch, Run, SECRETS, run};

/// The deployment, and what was seen of the first run.
#[derive(Debug)]
pub struct Shared {
    pub deployment: Deployment,
    pub first: FirstRun,
}

/// The first deployment, into an empty root.
#[derive(Debug)]
pub struct FirstRun {
    pub run: Run,
    /// The number of processes whose arguments were read meanwhile.
    pub processes: usize,
    /// The arguments with a password.
    pub leaked: BTreeSet<String>,
}

static SHARED: Mutex<Option<Shared>> = Mutex::new(None);

/// The deployment, for one test at a time.
pub struct Deployed(MutexGuard<'static, Option<Shared>>);

impl std::ops::Deref for Deployed {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        self.0.as_ref().expect("the deployment")
    }
}

/// Returns the deployment as it was declared at first: built and deployed now, or brought back to
/// that from what the last test left.
pub fn deployed() -> Deployed {
    let mut shared = lock();
    match shared.as_ref() {
        None => *shared = Some(deploy_into_an_empty_root()),
        Some(shared) => {
            let deployment = &shared.deployment;
            deployment.restore();
            run(&mut deployment.build()).exits(0);
            run(&mut deployment.deploy()).exits(0);
        }
    }
    Deployed(shared)
}

/// Removes the deployment, if a test made it.
pub fn remove() {
    if let Some(shared) = lock().take() {
        shared.deployment.remove();
    }
}

/// A test that failed leaves nothing that the next cannot bring back.
fn lock() -> MutexGuard<'static, Option<Shared>> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn deploy_into_an_empty_root() -> Shared {
    let deployment = Deployment::new("keystone");
    run(&mut deployment.build()).exits(0);
    let passwords = SECRETS.iter().map(|(_, value)| (*value).to_owned());
    let watch = ProcessWatch::start(passwords.collect());
    let deployed = run(deployment.deploy().arg("-vv"));
    let (processes, leaked) = watch.finish();
    Shared {
        deployment,
        first: FirstRun {
            run: deployed.exits(0),
            processes,
            leaked,
        },
    }
}

#[track_caller]
pub fn assert_no_password(what: &str, text: &str) {
    for (key, value) in SECRETS {
        assert!(!text.contains(value), "the value of {key} is in {what}");
    }
}
