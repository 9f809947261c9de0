//! Builds the images of the plan, parents first.

mod bases;
mod event;
mod failure;
mod job;
mod lock;
mod network_fault;
mod summary;
mod timeline;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use slipway_engine::Engine;
use slipway_events::Events;
use tokio::task::JoinSet;

pub use event::Event;
pub use failure::{FailedInstruction, Failure};
pub use summary::{Built, Failed, FailedStatus, ImageName, NotBuilt, Pushed, Summary};

use crate::decide::{self, Action, Decision, FINGERPRINT_LABEL, Prepared, RunState};
use crate::error::{BaseImageFault, Error, ImageError, Result};
use crate::graph::{Images, Selection};
use crate::push;
use job::Job;
use slipway_files::AtPath;

/// Builds images; see [`ImageSet::build`](crate::ImageSet::build).
pub(crate) async fn run(
    images: &Arc<Images>,
    engine: Arc<dyn Engine>,
    events: Events<Event>,
) -> Result<Summary> {
    decide::make_digest_key(&images.options)?;
    let preparation = decide::prepare(images).await?;
    let options = &images.options;
    if let Some(directory) = &options.logs_dir {
        std::fs::create_dir_all(directory).at(directory)?;
    }
    let _lock = lock::acquire(&engine.info().address, &options.reference("*"), || {
        events.send(Event::Waiting);
    })
    .await?;
    let mut state = RunState::read(images, &*engine).await?;
    let base_faults = bases::fetch(images, &*engine, &events, &mut state).await;
    bases::check_platform(images, &*engine, &state).await?;
    let mut build = Build {
        images,
        engine,
        events,
        prepared: preparation.ready,
        unprepared: preparation.failed,
        base_faults,
        state,
        began: Instant::now(),
        waiting: BTreeMap::new(),
        ready: BTreeSet::new(),
        to_push: VecDeque::new(),
        building: 0,
        pushing: 0,
        failed: BTreeMap::new(),
        summary: Summary::default(),
    };
    build.line_up();
    build.run().await?;
    build.summary.seconds = round(build.began.elapsed());
    build.summary.sort();
    // Only now may the fetched files go.
    drop(preparation.scratch);
    Ok(build.summary)
}

/// A build under way.
struct Build<'a> {
    images: &'a Arc<Images>,
    engine: Arc<dyn Engine>,
    events: Events<Event>,
    prepared: BTreeMap<usize, Prepared>,
    /// Images that cannot be built.
    unprepared: BTreeMap<usize, ImageError>,
    /// Images to start from that cannot be had.
    base_faults: BTreeMap<String, BaseImageFault>,
    state: RunState,
    began: Instant,
    /// Images whose parents are not all done with, and how many are not.
    waiting: BTreeMap<usize, usize>,
    /// Images whose turn has come: the one with most below it first.
    ready: BTreeSet<(Reverse<usize>, usize)>,
    /// Images that are there and wait to be pushed.
    to_push: VecDeque<usize>,
    building: usize,
    pushing: usize,
    /// Images that are not there: index → the image whose failure it was.
    failed: BTreeMap<usize, usize>,
    summary: Summary,
}

/// The end of a running job.
enum Ended {
    Build {
        index: usize,
        decision: Decision,
        started: Duration,
        result: Box<Result<job::Done, Failure>>,
    },
    Push {
        index: usize,
        started: Duration,
        result: Result<String, String>,
    },
}

type Running = JoinSet<Ended>;

impl Build<'_> {
    /// Queues every requested image.
    fn line_up(&mut self) {
        for (index, node) in self.images.graph.nodes.iter().enumerate() {
            let name = || ImageName {
                name: node.name.clone(),
            };
            if node.selection == Selection::Unmatched {
                self.summary.not_matched.push(name());
            } else if node.selection == Selection::Unbuildable {
                self.summary.unbuildable.push(name());
            } else {
                // The parents of a skipped parent may not be in this run.
                let parents = node
                    .parents
                    .iter()
                    .map(|&parent| &self.images.graph.nodes[parent]);
                let parents = parents.filter(|parent| parent.selection != Selection::Unmatched);
                match parents.count() {
                    0 => drop(self.ready.insert((Reverse(node.height), index))),
                    count => drop(self.waiting.insert(index, count)),
                }
            }
        }
    }

    async fn run(&mut self) -> Result<()> {
        let options = &self.images.options;
        let (threads, push_threads) = (options.threads.max(1), options.push_threads.max(1));
        let mut running = Running::new();
        loop {
            while self.building < threads
                && let Some((_, index)) = self.ready.pop_first()
            {
                self.take_up(index, &mut running)?;
            }
            while self.pushing < push_threads
                && let Some(index) = self.to_push.pop_front()
            {
                self.push(index, &mut running);
            }
            match running.join_next().await {
                Some(Ok(ended)) => self.ended(ended).await,
                Some(Err(error)) if error.is_panic() => {
                    std::panic::resume_unwind(error.into_panic())
                }
                // Jobs are cancelled only by dropping all of them.
                Some(Err(_)) => {}
                None => return Ok(()),
            }
        }
    }

    async fn ended(&mut self, ended: Ended) {
        match ended {
            Ended::Build {
                index,
                decision,
                started,
                result,
            } => {
                self.building -= 1;
                match *result {
                    Ok(done) => self.finished(index, decision, started, done).await,
                    Err(failure) => self.failed(index, failure),
                }
            }
            Ended::Push {
                index,
                started,
                result,
            } => {
                self.pushing -= 1;
                self.pushed(index, started, result);
            }
        }
    }

    /// An image whose parents are all done with.
    fn take_up(&mut self, index: usize, running: &mut Running) -> Result<()> {
        let node = &self.images.graph.nodes[index];
        if let Some(&culprit) = node
            .parents
            .iter()
            .find_map(|parent| self.failed.get(parent))
        {
            self.orphaned(index, culprit);
            return Ok(());
        }
        if let Some(error) = self.unprepared.remove(&index) {
            self.cannot_build(index, &error);
            return Ok(());
        }
        let decision = match self.state.decide(self.images, &self.prepared, index) {
            Ok(Some(decision)) => decision,
            Ok(None) => return Ok(()),
            Err(Error::Image { source, .. }) => {
                self.cannot_build(index, &source);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        match (decision.action, self.prepared.get(&index)) {
            (Action::Build, Some(prepared)) => {
                if let Some(error) = self.missing_base(index) {
                    self.cannot_build(index, &error);
                    return Ok(());
                }
                let labels = self.state.labels(self.images, prepared, index)?;
                let job = Job::new(self.images, index, prepared, labels);
                let (engine, events) = (Arc::clone(&self.engine), self.events.clone());
                self.events.send(Event::Started {
                    decision: decision.clone(),
                });
                let started = self.began.elapsed();
                self.building += 1;
                running.spawn(async move {
                    let result = Box::new(job.run(&*engine, &events).await);
                    Ended::Build {
                        index,
                        decision,
                        started,
                        result,
                    }
                });
            }
            (action, _) => self.keep(index, decision, action),
        }
        Ok(())
    }

    /// The first image to start from that cannot be had.
    fn missing_base(&self, index: usize) -> Option<ImageError> {
        let graph = &self.images.graph;
        let mut bases = graph.nodes[index].bases.iter();
        let (reference, fault) =
            bases.find_map(|base| Some((base, self.base_faults.get(base)?)))?;
        Some(ImageError::BaseImage {
            reference: reference.clone(),
            fault: fault.clone(),
            nearest: graph.nearest(reference, &self.images.options),
        })
    }

    fn cannot_build(&mut self, index: usize, error: &ImageError) {
        let failure = Failure::of_image(&self.images.graph.nodes[index].name, error);
        self.failed(index, failure);
    }

    /// An image that is not built, because a parent is not there.
    fn orphaned(&mut self, index: usize, culprit: usize) {
        let nodes = &self.images.graph.nodes;
        let (image, parent) = (&nodes[index].name, &nodes[culprit].name);
        self.events.send(Event::ParentFailed {
            image: image.clone(),
            parent: parent.clone(),
        });
        self.summary.failed.push(Failed {
            name: image.clone(),
            status: FailedStatus::ParentError,
            parent: Some(parent.clone()),
        });
        self.failed.insert(index, culprit);
        self.release(index);
    }

    /// Records an image that is not built.
    fn keep(&mut self, index: usize, decision: Decision, action: Action) {
        self.events.send(Event::Skipped {
            decision: decision.clone(),
        });
        let not_built = NotBuilt {
            name: decision.image,
            reasons: decision.reasons,
            digest: None,
        };
        match action {
            Action::Skip => self.summary.skipped.push(not_built),
            Action::Keep | Action::Build => {
                self.summary.unchanged.push(not_built);
                if self.images.options.push {
                    self.to_push.push_back(index);
                }
            }
        }
        self.state.keep(self.images, index);
        self.release(index);
    }

    async fn finished(
        &mut self,
        index: usize,
        decision: Decision,
        started: Duration,
        done: job::Done,
    ) {
        self.events.send(Event::Finished {
            image: decision.image.clone(),
            took: done.took,
            id: done.id.clone(),
        });
        let fingerprint = done
            .labels
            .get(FINGERPRINT_LABEL)
            .cloned()
            .unwrap_or_default();
        self.state.built(index, fingerprint, done.id.clone());
        // Nothing depends on the size, so an engine that does not tell it is no failure.
        let found = self.engine.find_image(&done.id).await.ok().flatten();
        let nodes = &self.images.graph.nodes;
        let parents = nodes[index].parents.iter();
        self.summary.built.push(Built {
            name: decision.image,
            reference: decision.reference,
            id: done.id,
            started: round(started),
            seconds: round(done.took),
            size: found.map_or(0, |image| image.size),
            parents: parents.map(|&parent| nodes[parent].name.clone()).collect(),
            reasons: decision.reasons,
            digest: None,
        });
        if self.images.options.push {
            self.to_push.push_back(index);
        }
        self.release(index);
    }

    fn failed(&mut self, index: usize, failure: Failure) {
        self.events.send(Event::Failed {
            failure: failure.clone(),
        });
        self.summary.failed.push(Failed {
            name: failure.image.clone(),
            status: FailedStatus::Error,
            parent: None,
        });
        self.summary.failures.push(failure);
        self.failed.insert(index, index);
        self.release(index);
    }

    fn push(&mut self, index: usize, running: &mut Running) {
        let node = &self.images.graph.nodes[index];
        let (name, reference) = (node.name.clone(), node.reference.clone());
        let (engine, events) = (Arc::clone(&self.engine), self.events.clone());
        let retries = self.images.options.retries;
        let started = self.began.elapsed();
        self.events.send(Event::Pushing {
            image: name.clone(),
        });
        self.pushing += 1;
        running.spawn(async move {
            let say = |line: &str| {
                events.send(Event::Line {
                    image: name.clone(),
                    line: line.to_owned(),
                });
            };
            let result = push::push(&*engine, &reference, retries, &say).await;
            Ended::Push {
                index,
                started,
                result,
            }
        });
    }

    fn pushed(&mut self, index: usize, started: Duration, result: Result<String, String>) {
        let node = &self.images.graph.nodes[index];
        let took = self.began.elapsed().saturating_sub(started);
        match result {
            Ok(digest) => {
                self.events.send(Event::Pushed {
                    image: node.name.clone(),
                    digest: digest.clone(),
                });
                self.summary.note_digest(&node.name, &digest);
                self.summary.pushed.push(Pushed {
                    name: node.name.clone(),
                    reference: node.reference.clone(),
                    digest,
                    started: round(started),
                    seconds: round(took),
                });
            }
            Err(reason) => {
                let failure = Failure::of_push(&node.name, &node.reference, &reason);
                self.events.send(Event::Failed {
                    failure: failure.clone(),
                });
                self.summary.forget(&node.name);
                self.summary.failed.push(Failed {
                    name: node.name.clone(),
                    status: FailedStatus::PushError,
                    parent: None,
                });
                self.summary.failures.push(failure);
            }
        }
    }

    /// Queues the children of a finished image.
    fn release(&mut self, index: usize) {
        let nodes = &self.images.graph.nodes;
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
