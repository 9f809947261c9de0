//! Building what the plan says, parents first.

mod event;
mod failure;
mod job;
mod lock;
mod summary;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use runtime::engine::Engine;
use tokio::task::JoinSet;

pub use event::{Event, Observer};
pub use failure::{FailedInstruction, Failure};
pub use summary::{Built, Failed, FailedStatus, Left, Named, Summary};

use crate::decide::RunState;
use crate::error::{Error, IoContext, Result};
use crate::fingerprint::FINGERPRINT_LABEL;
use crate::graph::Selection;
use crate::plan::{Action, Decision};
use crate::set::{ImageSet, Prepared};
use job::Job;

/// Builds a set; see [`ImageSet::build`].
pub(crate) async fn run(
    set: &ImageSet,
    engine: Arc<dyn Engine>,
    observer: Arc<dyn Observer>,
) -> Result<Summary> {
    let prepared = set.prepare().await?;
    let options = set.options();
    if let Some(folder) = &options.logs_dir {
        std::fs::create_dir_all(folder).at(folder)?;
    }
    let _lock = lock::acquire(&engine.info().address, &options.reference("*"), || {
        observer.event(&Event::Waiting);
    })
    .await?;
    let mut state = RunState::read(set, &*engine).await?;
    fetch_bases(set, &*engine, &*observer, &mut state).await?;
    let mut build = Build {
        set,
        engine,
        observer,
        prepared,
        state,
        waiting: BTreeMap::new(),
        ready: BTreeSet::new(),
        failed: BTreeMap::new(),
        summary: Summary::default(),
    };
    build.line_up();
    build.run().await?;
    build.summary.sort();
    Ok(build.summary)
}

/// Pulls the distribution's images that are not there.
async fn fetch_bases(
    set: &ImageSet,
    engine: &dyn Engine,
    observer: &dyn Observer,
    state: &mut RunState,
) -> Result<()> {
    for reference in state.missing_bases() {
        if !set.options().pull {
            return Err(Error::NoBaseImageLocally(reference));
        }
        observer.event(&Event::Pulling {
            reference: &reference,
        });
        let pulled = pull(engine, &reference).await;
        let id = pulled.map_err(|reason| Error::NoBaseImage {
            reference: reference.clone(),
            reason,
        })?;
        state.add_base(&reference, id);
    }
    Ok(())
}

async fn pull(engine: &dyn Engine, reference: &str) -> Result<String, String> {
    let mut progress = engine
        .pull_image(reference)
        .await
        .map_err(|error| error.reason())?;
    while let Some(step) = progress.next().await {
        step.map_err(|error| error.reason())?;
    }
    match engine.find_image(reference).await {
        Ok(Some(image)) => Ok(image.id),
        Ok(None) => Err("the engine says it is pulled and does not have it".to_owned()),
        Err(error) => Err(error.reason()),
    }
}

/// A build under way.
struct Build<'a> {
    set: &'a ImageSet,
    engine: Arc<dyn Engine>,
    observer: Arc<dyn Observer>,
    prepared: BTreeMap<usize, Prepared>,
    state: RunState,
    /// Images whose parents are not all done with, and how many are not.
    waiting: BTreeMap<usize, usize>,
    /// Images whose turn has come: the one with most below it first.
    ready: BTreeSet<(Reverse<usize>, usize)>,
    /// Images that are not there: index → the image whose failure it was.
    failed: BTreeMap<usize, usize>,
    summary: Summary,
}

/// What a running job will want to be remembered by.
type Running = JoinSet<(usize, Decision, Result<job::Done, Failure>)>;

impl Build<'_> {
    /// Puts every image that was asked for in its place.
    fn line_up(&mut self) {
        for (index, node) in self.set.graph().nodes.iter().enumerate() {
            if node.selection == Selection::Unmatched {
                self.summary.not_matched.push(Named {
                    name: node.name.clone(),
                });
            } else if node.parents.is_empty() {
                self.ready.insert((Reverse(node.height), index));
            } else {
                self.waiting.insert(index, node.parents.len());
            }
        }
    }

    async fn run(&mut self) -> Result<()> {
        let threads = self.set.options().threads.max(1);
        let mut running = Running::new();
        loop {
            while running.len() < threads
                && let Some((_, index)) = self.ready.pop_first()
            {
                self.take_up(index, &mut running)?;
            }
            match running.join_next().await {
                Some(Ok((index, decision, Ok(done)))) => self.finished(index, decision, done),
                Some(Ok((index, _, Err(failure)))) => self.failed(index, failure),
                Some(Err(error)) if error.is_panic() => {
                    std::panic::resume_unwind(error.into_panic())
                }
                // Jobs are cancelled only by dropping all of them.
                Some(Err(_)) => {}
                None => return Ok(()),
            }
        }
    }

    /// An image whose parents are all done with.
    fn take_up(&mut self, index: usize, running: &mut Running) -> Result<()> {
        let node = &self.set.graph().nodes[index];
        if let Some(&culprit) = node
            .parents
            .iter()
            .find_map(|parent| self.failed.get(parent))
        {
            let parent = &self.set.graph().nodes[culprit].name;
            self.observer.event(&Event::ParentFailed {
                image: &node.name,
                parent,
            });
            self.summary.failed.push(Failed {
                name: node.name.clone(),
                status: FailedStatus::ParentError,
                parent: Some(parent.clone()),
            });
            self.failed.insert(index, culprit);
            self.release(index);
            return Ok(());
        }
        let Some(decision) = self.state.decide(self.set, &self.prepared, index)? else {
            return Ok(());
        };
        match (decision.action, self.prepared.get(&index)) {
            (Action::Build, Some(prepared)) => {
                let labels = self.state.labels(self.set, prepared, index)?;
                let job = Job::new(self.set, index, prepared, labels);
                let (engine, observer) = (Arc::clone(&self.engine), Arc::clone(&self.observer));
                self.observer.event(&Event::Started {
                    decision: &decision,
                });
                running.spawn(async move {
                    let result = job.run(&*engine, &*observer).await;
                    (index, decision, result)
                });
            }
            (action, _) => {
                self.observer.event(&Event::Skipped {
                    decision: &decision,
                });
                let left = Left {
                    name: decision.image,
                    reasons: decision.reasons,
                    digest: None,
                };
                match action {
                    Action::Skip => self.summary.skipped.push(left),
                    Action::Keep | Action::Build => self.summary.unchanged.push(left),
                }
                self.state.left(self.set, index);
                self.release(index);
            }
        }
        Ok(())
    }

    fn finished(&mut self, index: usize, decision: Decision, done: job::Done) {
        self.observer.event(&Event::Finished {
            image: &decision.image,
            took: done.took,
            id: &done.id,
        });
        let fingerprint = done
            .labels
            .get(FINGERPRINT_LABEL)
            .cloned()
            .unwrap_or_default();
        self.state.built(index, fingerprint, done.id.clone());
        self.summary.built.push(Built {
            name: decision.image,
            reference: decision.reference,
            id: done.id,
            seconds: round(done.took),
            reasons: decision.reasons,
            digest: None,
        });
        self.release(index);
    }

    fn failed(&mut self, index: usize, failure: Failure) {
        self.observer.event(&Event::Failed { failure: &failure });
        self.summary.failed.push(Failed {
            name: failure.image.clone(),
            status: FailedStatus::Error,
            parent: None,
        });
        self.summary.failures.push(failure);
        self.failed.insert(index, index);
        self.release(index);
    }

    /// Lets the children of an image that is done with move up.
    fn release(&mut self, index: usize) {
        let nodes = &self.set.graph().nodes;
        for &child in &nodes[index].children {
            let Some(count) = self.waiting.get_mut(&child) else {
                continue;
            };
            *count -= 1;
            if *count == 0 {
                self.waiting.remove(&child);
                self.ready.insert((Reverse(nodes[child].height), child));
            }
        }
    }
}

/// Seconds to the millisecond.
fn round(took: Duration) -> f64 {
    (took.as_secs_f64() * 1000.0).round() / 1000.0
}
