//! Finding out what there is to do, without touching anything.

use std::collections::BTreeSet;

use slipway_service::{Action, ContainerConfig, ContainerKeys, RestartPolicy};

use super::diff::{Difference, difference};
use super::digest::DigestKey;
use super::images::Images;
use super::labels::{self, label};
use super::plan::{Existing, Plan, Planned, PlannedAction, Reason, Removal, Rename};
use super::record::{Done, Record};
use super::{ApplyOptions, ContainerSet, Result, config_file, precheck, units};
use slipway_engine::{ContainerState, ContainerSummary, Engine};

/// Plans the actions for a set. Requests one list of containers, and one list of images if the first
/// does not resolve every image reference.
///
/// # Errors
/// The engine fails, or the record of earlier actions cannot be read.
pub async fn plan(engine: &dyn Engine, set: &ContainerSet, options: &ApplyOptions) -> Result<Plan> {
    let record = Record::open(options.state_dir.as_deref(), &set.config_id)?;
    let all = engine.list_containers(&[]).await?;
    let images = Images::of(set, engine, &all).await?;
    let mut plan = Survey {
        set,
        options,
        record: &record,
        all: &all,
        images: &images,
        key: DigestKey::present(options, &all)?.as_ref(),
    }
    .plan_with_units(engine)?;
    config_file::plan_restarts(engine, set, &all, options, &mut plan).await?;
    Ok(plan)
}

/// Finds what would keep [`apply`](super::apply) from beginning with a plan: mount sources and env
/// files that are not there, names that no engine takes. Whether images that are missing can be
/// pulled shows when they are.
///
/// # Errors
/// [`ConvergeError::Missing`](super::ConvergeError::Missing) names all of it; or the engine fails.
pub async fn check(
    engine: &dyn Engine,
    set: &ContainerSet,
    plan: &Plan,
    options: &ApplyOptions,
) -> Result<()> {
    precheck::specs(engine, set, plan, options, None)
        .await
        .map(drop)
}

/// The inputs of a plan.
pub(super) struct Survey<'a> {
    pub(super) set: &'a ContainerSet,
    pub(super) options: &'a ApplyOptions,
    pub(super) record: &'a Record,
    pub(super) all: &'a [ContainerSummary],
    pub(super) images: &'a Images,
    /// The key of digests in labels, where there are any.
    pub(super) key: Option<&'a DigestKey>,
}

/// Set in the name of a container that is to make way, before it is stopped: one that is found
/// after an interruption tells by its name that it was up, and that it may be about to stop.
pub(super) const ASIDE: &str = "-replaced-";

impl Survey<'_> {
    pub(super) fn plan_with_units(&self, engine: &dyn Engine) -> Result<Plan> {
        let mut plan = self.plan();
        if let Some(units) = self.options.units_with(engine) {
            plan.units = units::plan(units, self.set, self.all, &plan)?;
        }
        Ok(plan)
    }

    fn plan(&self) -> Plan {
        let mut plan = Plan {
            config_id: self.set.config_id.clone(),
            pulls: self.images.missing().map(str::to_owned).collect(),
            removals: Vec::new(),
            renames: Vec::new(),
            containers: Vec::new(),
            units: Vec::new(),
        };
        let ours = labels::managed(self.all, &self.set.managed_by, Some(&self.set.config_id));
        self.plan_removals(&ours, &mut plan);
        for (name, config) in &self.set.containers {
            let planned = match config.keys().action {
                Action::Exec => self.plan_exec(name, config, &ours),
                Action::Run => self.plan_run(name, config, &ours, &mut plan.removals),
            };
            plan.containers.push(planned);
        }
        plan.containers.sort_by_key(|planned| planned.start_order);
        self.order_execs_after_what_they_need(&mut plan);
        let taken = self.taken(&plan);
        plan.renames = renames(&plan, &taken);
        for planned in &mut plan.containers {
            let is_made = planned.action == PlannedAction::Create;
            if is_made && taken.contains(planned.container.as_str()) {
                planned.reasons.push(Reason::NameTaken);
            }
        }
        plan
    }

    fn plan_removals(&self, ours: &[&ContainerSummary], plan: &mut Plan) {
        for container in ours {
            let config = self.set.containers.get(labels::desired_name(container));
            let configured = config.is_some_and(|config| config.keys().action == Action::Run);
            if !configured && self.options.cleanup {
                plan.removals
                    .push(removal(container, Reason::NotConfigured));
            }
        }
    }

    fn plan_run(
        &self,
        name: &str,
        config: &ContainerConfig,
        ours: &[&ContainerSummary],
        removals: &mut Vec<Removal>,
    ) -> Planned {
        let mut candidates: Vec<&ContainerSummary> = Vec::new();
        for container in ours.iter().filter(|c| labels::desired_name(c) == name) {
            if is_half_made(container) {
                removals.push(removal(container, Reason::HalfMade));
            } else {
                candidates.push(container);
            }
        }
        // The best last: as configured before anything else, up before stopped, then the newest.
        candidates.sort_by_key(|c| (self.changes(c, config).is_empty(), is_up(c), c.created));
        let best = candidates.pop();
        removals.extend(candidates.iter().map(|c| removal(c, Reason::Double)));
        let (action, reasons) = match best {
            Some(container) => self.judge(container, config),
            None if self.is_recorded(name, config) => (PlannedAction::Keep, Vec::new()),
            None => (PlannedAction::Create, vec![Reason::NotThere]),
        };
        Planned {
            container: name.to_owned(),
            start_order: config.keys().start_order,
            action,
            reasons,
            existing: best.map(|container| Existing {
                id: container.id.clone(),
                name: container.name.clone(),
                was_up: is_up(container) || container.name.contains(ASIDE),
            }),
        }
    }

    /// The reasons for replacing a container that exists.
    fn changes(&self, container: &ContainerSummary, config: &ContainerConfig) -> Vec<Reason> {
        let mut reasons = match difference(container, config, self.key) {
            Difference::None => Vec::new(),
            Difference::Keys(keys) => vec![Reason::Changed { keys }],
            Difference::Unknown => vec![Reason::Unrecorded],
        };
        let reference = config.keys().image.as_deref().unwrap_or_default();
        let same_image = self.images.id(reference) == Some(container.image_id.as_str());
        if reasons.is_empty() && !same_image {
            reasons.push(Reason::ImageChanged);
        }
        reasons
    }

    fn judge(
        &self,
        container: &ContainerSummary,
        config: &ContainerConfig,
    ) -> (PlannedAction, Vec<Reason>) {
        let changes = self.changes(container, config);
        if !changes.is_empty() {
            return (PlannedAction::Replace, changes);
        }
        judge_state(container, config.keys())
    }

    /// Returns `true` when a one-shot container that was removed afterwards has succeeded before.
    fn is_recorded(&self, name: &str, config: &ContainerConfig) -> bool {
        let keys = config.keys();
        let image = keys
            .image
            .as_deref()
            .and_then(|image| self.images.id(image));
        keys.is_one_shot()
            && keys.remove
            && image.is_some_and(|image| self.record.has(name, &Done::new(config, image)))
    }

    fn plan_exec(
        &self,
        name: &str,
        config: &ContainerConfig,
        ours: &[&ContainerSummary],
    ) -> Planned {
        let target = exec_target(config);
        let found = find_by_name(target, ours).or_else(|| find_by_name(target, &refs(self.all)));
        let done =
            found.is_some_and(|container| self.record.has(name, &Done::new(config, &container.id)));
        Planned {
            container: name.to_owned(),
            start_order: config.keys().start_order,
            action: if done {
                PlannedAction::Keep
            } else {
                PlannedAction::Exec
            },
            reasons: if done { Vec::new() } else { vec![Reason::Due] },
            existing: None,
        }
    }

    /// A command that has succeeded is due again when the container that it ran in is created again.
    fn order_execs_after_what_they_need(&self, plan: &mut Plan) {
        let renewed: BTreeSet<String> = plan
            .containers
            .iter()
            .filter(|c| matches!(c.action, PlannedAction::Create | PlannedAction::Replace))
            .map(|c| c.container.clone())
            .collect();
        for planned in &mut plan.containers {
            let config = &self.set.containers[&planned.container];
            let is_exec = config.keys().action == Action::Exec;
            if is_exec && renewed.contains(exec_target(config)) {
                planned.action = PlannedAction::Exec;
                planned.reasons = vec![Reason::Due];
            }
        }
    }

    /// The names of containers that stay.
    fn taken(&self, plan: &Plan) -> BTreeSet<&str> {
        let gone: BTreeSet<&str> = plan.removals.iter().map(|r| r.id.as_str()).collect();
        let staying = self.all.iter().filter(|c| !gone.contains(c.id.as_str()));
        staying.map(|c| c.name.as_str()).collect()
    }
}

/// The reasons for an action on a container that is as configured.
pub(crate) fn state_drift(container: &ContainerSummary, keys: &ContainerKeys) -> Vec<Reason> {
    match is_half_made(container) {
        true => vec![Reason::HalfMade],
        false => judge_state(container, keys).1,
    }
}

/// The action on a container that is as configured, and its reasons.
fn judge_state(container: &ContainerSummary, keys: &ContainerKeys) -> (PlannedAction, Vec<Reason>) {
    // Set aside by a run that was interrupted. It was up before that; where it still is, the
    // engine may be about to stop it.
    if container.name.contains(ASIDE) && !keys.is_one_shot() {
        return (PlannedAction::Start, vec![Reason::Interrupted]);
    }
    if is_up(container) {
        return match keys.is_one_shot() {
            true => (PlannedAction::Wait, vec![Reason::Running]),
            false => (PlannedAction::Keep, Vec::new()),
        };
    }
    let exit_code = container.exit_code().unwrap_or(-1);
    let success = keys.accepts_exit_code(exit_code);
    if keys.is_one_shot() {
        return match success {
            true => (PlannedAction::Keep, Vec::new()),
            false => (PlannedAction::Replace, vec![Reason::Failed { exit_code }]),
        };
    }
    let restarts = match keys.restart.unwrap_or(RestartPolicy::No) {
        RestartPolicy::No => false,
        RestartPolicy::OnFailure(_) => exit_code != 0,
        RestartPolicy::Always | RestartPolicy::UnlessStopped => true,
    };
    match restarts || !success {
        true => (PlannedAction::Start, vec![Reason::Stopped]),
        false => (PlannedAction::Keep, Vec::new()),
    }
}

/// Containers with longer names whose preferred name is free.
fn renames(plan: &Plan, taken: &BTreeSet<&str>) -> Vec<Rename> {
    plan.containers
        .iter()
        .filter(|planned| {
            let made_new = planned.action == PlannedAction::Replace;
            // Renamed when it has stopped for certain.
            let restarted = planned.reasons.contains(&Reason::Interrupted);
            !made_new && !restarted
        })
        .filter_map(|planned| Some((planned, planned.existing.as_ref()?)))
        .filter(|(planned, existing)| {
            existing.name != planned.container && !taken.contains(planned.container.as_str())
        })
        .map(|(planned, existing)| Rename {
            id: existing.id.clone(),
            from: existing.name.clone(),
            to: planned.container.clone(),
        })
        .collect()
}

/// The container that an exec action names.
pub(super) fn exec_target(config: &ContainerConfig) -> &str {
    let command = config.keys().command.as_ref();
    let first = command.and_then(|command| command.words().first());
    first.map(String::as_str).unwrap_or_default()
}

/// The container of this name in its set that is up, or else any: one that was started, before one
/// that an interrupted run made.
pub(super) fn find_by_name<'a>(
    name: &str,
    among: &[&'a ContainerSummary],
) -> Option<&'a ContainerSummary> {
    let named = || {
        among
            .iter()
            .filter(|c| label(c, labels::CONTAINER_NAME) == Some(name))
    };
    named()
        .find(|c| is_up(c))
        .or_else(|| named().find(|c| !is_half_made(c)))
        .or_else(|| named().next())
        .copied()
}

pub(super) fn refs(containers: &[ContainerSummary]) -> Vec<&ContainerSummary> {
    containers.iter().collect()
}

pub(super) fn is_up(container: &ContainerSummary) -> bool {
    matches!(
        container.state,
        ContainerState::Running | ContainerState::Paused | ContainerState::Restarting
    )
}

/// Made and never started, or on its way out: nothing to build upon.
fn is_half_made(container: &ContainerSummary) -> bool {
    matches!(
        container.state,
        ContainerState::Created | ContainerState::Removing | ContainerState::Dead
    )
}

fn removal(container: &ContainerSummary, reason: Reason) -> Removal {
    Removal {
        id: container.id.clone(),
        name: container.name.clone(),
        reason,
    }
}
