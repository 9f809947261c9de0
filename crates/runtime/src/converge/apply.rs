//! Carrying out a plan.

use slipway_events::Events;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::stream::{self, StreamExt};
use slipway_files::Lock;
use tokio::time::Instant;

use super::container::retire;
use super::digest::DigestKey;
use super::images::Images;
use super::plan::{Plan, Planned, PlannedAction, Removal, Rename};
use super::record::{self, Record};
use super::survey::Survey;
use super::{
    ApplyOptions, ContainerFailure, ContainerOutcome, ContainerSet, ConvergeError, Event, Outcome,
    Result, config_file, precheck,
};
use crate::spec::Host;
use slipway_engine::{ContainerSpec, ContainerSummary, Engine, EngineError};

/// Converges the containers to the set.
///
/// # Errors
/// See [`ConvergeError`]. After an error or an interruption, the next call resumes.
pub async fn apply(
    engine: &dyn Engine,
    set: &ContainerSet,
    options: &ApplyOptions,
    events: &Events<Event>,
) -> Result<Outcome> {
    let prepared = prepare(engine, set, options, events).await?;
    prepared.carry_out().await
}

/// A plan, and all that it takes to carry it out. Holds the set's lock.
pub struct Prepared<'a> {
    engine: &'a dyn Engine,
    set: &'a ContainerSet,
    options: &'a ApplyOptions,
    events: &'a Events<Event>,
    _lock: Option<Lock>,
    record: Record,
    all: Vec<ContainerSummary>,
    images: Images,
    pulled: Vec<String>,
    key: Option<DigestKey>,
    plan: Plan,
}

impl std::fmt::Debug for Prepared<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared")
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

/// Takes the set's lock, pulls images that are missing, and plans. Nothing but images is touched
/// before [`Prepared::carry_out`].
///
/// # Errors
/// See [`ConvergeError`].
pub async fn prepare<'a>(
    engine: &'a dyn Engine,
    set: &'a ContainerSet,
    options: &'a ApplyOptions,
    events: &'a Events<Event>,
) -> Result<Prepared<'a>> {
    let state_dir = options.state_dir.as_deref();
    let lock = record::lock(state_dir, &set.config_id, events).await?;
    let record = Record::open(state_dir, &set.config_id)?;
    let all = engine.list_containers(&[]).await?;
    let mut images = Images::of(set, engine, &all).await?;
    let pulled = precheck::pull(engine, set, &images, events).await?;
    if !pulled.is_empty() {
        images = Images::of(set, engine, &all).await?;
    }
    let key = DigestKey::open(options, &all)?;
    let survey = Survey {
        set,
        options,
        record: &record,
        all: &all,
        images: &images,
        key: key.as_ref(),
    };
    let mut plan = survey.plan_with_units(engine)?;
    config_file::plan_restarts(engine, set, &all, options, &mut plan).await?;
    events.send(Event::Planned { plan: plan.clone() });
    Ok(Prepared {
        engine,
        set,
        options,
        events,
        _lock: lock,
        record,
        all,
        images,
        pulled,
        key,
        plan,
    })
}

impl Prepared<'_> {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Carries out the plan.
    ///
    /// # Errors
    /// See [`ConvergeError`].
    pub async fn carry_out(self) -> Result<Outcome> {
        let (engine, set, options) = (self.engine, self.set, self.options);
        let key = self.key.as_ref();
        let specs = precheck::specs(engine, set, &self.plan, options, key).await?;
        let shared = Shared::new(set, self.record, &self.all, &self.plan, self.pulled);
        let run = Run {
            engine,
            set,
            options,
            events: self.events,
            specs,
            images: &self.images,
            host: Host::current(),
            all: &self.all,
            shared: Mutex::new(shared),
        };
        run.everything(&self.plan).await
    }
}

/// One run of [`apply`].
pub(super) struct Run<'a> {
    pub(super) engine: &'a dyn Engine,
    pub(super) set: &'a ContainerSet,
    pub(super) options: &'a ApplyOptions,
    pub(super) events: &'a Events<Event>,
    pub(super) specs: BTreeMap<String, ContainerSpec>,
    pub(super) images: &'a Images,
    pub(super) host: Host,
    pub(super) all: &'a [ContainerSummary],
    shared: Mutex<Shared>,
}

/// The state that containers worked on at the same time share.
pub(super) struct Shared {
    pub(super) record: Record,
    /// Names in use by containers that stay.
    pub(super) taken: BTreeSet<String>,
    /// Ids of the containers of the set by name, as far as they are there.
    pub(super) ids: BTreeMap<String, String>,
    /// Containers started in this run that have not yet proved to stay up.
    pub(super) fresh: Vec<(String, String)>,
    pub(super) last_start: Option<Instant>,
    pub(super) outcome: Outcome,
}

impl Shared {
    fn new(
        set: &ContainerSet,
        record: Record,
        all: &[ContainerSummary],
        plan: &Plan,
        pulled: Vec<String>,
    ) -> Shared {
        let gone: BTreeSet<&str> = plan.removals.iter().map(|r| r.id.as_str()).collect();
        let staying = all.iter().filter(|c| !gone.contains(c.id.as_str()));
        let existing = plan.containers.iter().filter_map(|planned| {
            let existing = planned.existing.as_ref()?;
            Some((planned.container.clone(), existing.id.clone()))
        });
        Shared {
            record,
            taken: staying.map(|c| c.name.clone()).collect(),
            ids: existing.collect(),
            fresh: Vec::new(),
            last_start: None,
            outcome: Outcome {
                config_id: set.config_id.clone(),
                pulled,
                ..Outcome::default()
            },
        }
    }
}

/// The reason why work on one container ended.
pub(super) enum Halt {
    /// The container's own fault.
    Failure(Box<ContainerFailure>),
    /// Not the container's.
    Other(ConvergeError),
}

impl From<EngineError> for Halt {
    fn from(error: EngineError) -> Halt {
        Halt::Other(error.into())
    }
}

impl From<ConvergeError> for Halt {
    fn from(error: ConvergeError) -> Halt {
        Halt::Other(error)
    }
}

impl Run<'_> {
    pub(super) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tell(&self, event: Event) {
        self.events.send(event);
    }

    async fn everything(&self, plan: &Plan) -> Result<Outcome> {
        let worked = self.work(plan).await;
        // What is up is to be up after boot, also where others failed.
        if matches!(worked, Ok(()) | Err(ConvergeError::Containers { .. })) {
            let kept = self.keep_units(plan).await;
            worked.and(kept)?;
        } else {
            worked?;
        }
        let mut shared = self.shared();
        let containers = &self.set.containers;
        shared
            .record
            .keep_only(|name| containers.contains_key(name))?;
        Ok(std::mem::take(&mut shared.outcome))
    }

    async fn work(&self, plan: &Plan) -> Result<()> {
        self.remove_all(&plan.removals).await?;
        for rename in &plan.renames {
            self.rename(rename).await?;
        }
        let mut rest = plan.containers.as_slice();
        while let Some(first) = rest.first() {
            let same = |p: &Planned| p.start_order == first.start_order;
            let (group, later) = rest.split_at(rest.iter().take_while(|p| same(p)).count());
            self.group(group).await?;
            rest = later;
        }
        self.settle_fresh().await
    }

    async fn remove_all(&self, removals: &[Removal]) -> Result<()> {
        let mut removed = stream::iter(removals)
            .map(|removal| async move {
                let units = self.options.units_with(self.engine);
                retire(self.engine, units, &removal.id, &removal.name).await?;
                Ok::<_, ConvergeError>(removal)
            })
            .buffer_unordered(self.options.concurrency.max(1));
        while let Some(removal) = removed.next().await {
            let removal = removal?;
            self.shared().outcome.removed.push(removal.name.clone());
            self.tell(Event::Removed {
                name: removal.name.clone(),
                reason: removal.reason.clone(),
            });
        }
        Ok(())
    }

    async fn rename(&self, rename: &Rename) -> Result<()> {
        self.engine.rename_container(&rename.id, &rename.to).await?;
        let mut shared = self.shared();
        shared.taken.remove(&rename.from);
        shared.taken.insert(rename.to.clone());
        shared.outcome.renamed.push(rename.clone());
        self.tell(Event::Renamed(rename.clone()));
        Ok(())
    }

    /// Applies one start_order: first the containers, then the commands that run in them.
    async fn group(&self, group: &[Planned]) -> Result<()> {
        let is_exec = |planned: &&Planned| planned.action == PlannedAction::Exec;
        let (commands, containers): (Vec<_>, Vec<_>) = group.iter().partition(is_exec);
        for part in [containers, commands] {
            let results: Vec<Result<(), Halt>> = stream::iter(part)
                .map(|planned| self.apply_container(planned))
                .buffer_unordered(self.options.concurrency.max(1))
                .collect()
                .await;
            self.stop_at_failures(results)?;
        }
        Ok(())
    }

    async fn apply_container(&self, planned: &Planned) -> Result<(), Halt> {
        if planned.action != PlannedAction::Keep {
            self.tell(Event::Beginning {
                container: planned.container.clone(),
                action: planned.action,
                reasons: planned.reasons.clone(),
            });
        }
        let exit_code = match planned.action {
            PlannedAction::Keep => None,
            PlannedAction::Create => self.create(planned).await?,
            PlannedAction::Replace => self.replace(planned).await?,
            PlannedAction::Start => self.start(planned).await?,
            PlannedAction::Restart => self.restart(planned).await?,
            PlannedAction::Wait => self.wait(planned).await?,
            PlannedAction::Exec => self.exec(planned).await?,
        };
        let done = ContainerOutcome {
            action: planned.action,
            reasons: planned.reasons.clone(),
            exit_code,
        };
        let mut shared = self.shared();
        shared
            .outcome
            .containers
            .insert(planned.container.clone(), done);
        Ok(())
    }

    /// Containers made or started in this run must still be up a moment later.
    async fn settle_fresh(&self) -> Result<()> {
        let (fresh, last_start) = {
            let mut shared = self.shared();
            (std::mem::take(&mut shared.fresh), shared.last_start)
        };
        if let Some(last_start) = last_start {
            tokio::time::sleep_until(last_start + self.options.settle).await;
        }
        let results: Vec<Result<(), Halt>> = stream::iter(fresh)
            .map(|(name, id)| async move {
                match self.trouble(&name, &id).await? {
                    Some(trouble) => Err(self.failure(&name, &id, trouble).await),
                    None => Ok(()),
                }
            })
            .buffer_unordered(self.options.concurrency.max(1))
            .collect()
            .await;
        self.stop_at_failures(results)
    }

    fn stop_at_failures(&self, results: Vec<Result<(), Halt>>) -> Result<()> {
        let mut failures = Vec::new();
        let mut other = None;
        for result in results {
            match result {
                Ok(()) => {}
                Err(Halt::Failure(failure)) => failures.push(*failure),
                Err(Halt::Other(error)) => other = other.or(Some(error)),
            }
        }
        // A lost engine explains more than what it did to single containers.
        if let Some(error) = other {
            return Err(error);
        }
        if failures.is_empty() {
            return Ok(());
        }
        failures.sort_by(|a, b| a.container.cmp(&b.container));
        let outcome = Box::new(std::mem::take(&mut self.shared().outcome));
        Err(ConvergeError::Containers { failures, outcome })
    }
}

/// Renames containers with a suffix to their preferred names, where these are free.
pub(crate) async fn rename_to_preferred(
    engine: &dyn Engine,
    all: &[ContainerSummary],
    ours: &[&ContainerSummary],
) -> Result<Vec<Rename>> {
    let mut taken: BTreeSet<&str> = all.iter().map(|c| c.name.as_str()).collect();
    let mut renamed = Vec::new();
    for container in ours {
        let desired = super::labels::desired_name(container);
        if taken.contains(desired) {
            continue;
        }
        engine.rename_container(&container.id, desired).await?;
        taken.insert(desired);
        renamed.push(Rename {
            id: container.id.clone(),
            from: container.name.clone(),
            to: desired.to_owned(),
        });
    }
    Ok(renamed)
}
