//! The units by which systemd starts a set's containers at boot.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;

use super::apply::{Halt, Run};
use super::container::{Swap, before_aside};
use super::labels::{self, desired_name};
use super::plan::{Plan, PlannedAction};
use super::{ApplyOptions, ContainerFailure, ContainerSet, Event, Result};
use crate::systemd::{Owner, Present, SystemdError, Units, is_wanted, restart};
use slipway_engine::{ContainerState, ContainerSummary, Engine};

/// The time between stop signal and SIGKILL of a container that has none of its own.
const GRACE: Duration = Duration::from_secs(10);

/// A systemd unit that is to be written or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedUnit {
    /// Its name.
    pub unit: String,
    /// The action.
    pub action: UnitAction,
}

/// The action on a systemd unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitAction {
    /// It is written, enabled and started.
    Write,
    /// It is disabled and removed.
    Remove,
}

impl ApplyOptions {
    /// The units to keep with this engine; none where it restarts containers itself.
    pub(crate) fn units_with(&self, engine: &dyn Engine) -> Option<&Units> {
        with(self.units.as_ref(), engine)
    }
}

/// The same for units that no options hold.
pub(crate) fn with<'a>(units: Option<&'a Units>, engine: &dyn Engine) -> Option<&'a Units> {
    let is_needed = engine.unit_generator().is_some() && engine.info().is_local();
    units.filter(|_| is_needed)
}

/// A container of the set that exists or will be created.
struct Seen<'a> {
    /// Its name in the engine.
    name: &'a str,
    /// Its name in the set.
    container: &'a str,
    /// The id; `None` for a container that will be created.
    id: Option<&'a str>,
    /// It did not exist before this run.
    is_new: bool,
}

/// The actions on the units of a set with these containers.
fn changes(
    units: &Units,
    set: &ContainerSet,
    seen: &[Seen<'_>],
) -> Result<Vec<PlannedUnit>, SystemdError> {
    let mut planned = Vec::new();
    let mut staying = BTreeSet::new();
    for container in seen {
        let unit = Units::name(before_aside(container.name));
        match set.containers.get(container.container) {
            Some(config) if !is_wanted(config.keys()) => continue,
            Some(_) => {
                let write = match units.present(&unit)? {
                    Present::Linked => false,
                    Present::Nothing => true,
                    Present::Theirs => container.is_new,
                    Present::Ours(owner) => {
                        // A run may have been killed between the two.
                        container.id != Some(owner.id.as_str()) || !units.is_enabled(&unit)
                    }
                };
                if write {
                    let action = UnitAction::Write;
                    planned.push(PlannedUnit {
                        unit: unit.clone(),
                        action,
                    });
                }
            }
            // No longer configured, and left where it is.
            None => {}
        }
        staying.insert(unit);
    }
    let ours = units.of_set(&set.managed_by, &set.config_id)?.into_keys();
    planned.extend(
        ours.filter(|unit| !staying.contains(unit))
            .map(|unit| PlannedUnit {
                unit,
                action: UnitAction::Remove,
            }),
    );
    planned.sort_by(|a, b| a.unit.cmp(&b.unit));
    planned.dedup();
    Ok(planned)
}

/// The actions on units once the containers are as planned.
pub(super) fn plan(
    units: &Units,
    set: &ContainerSet,
    all: &[ContainerSummary],
    plan: &Plan,
) -> Result<Vec<PlannedUnit>> {
    let is_made = |action| matches!(action, PlannedAction::Create | PlannedAction::Replace);
    let goes = |id: &str| {
        let replaced = plan
            .containers
            .iter()
            .filter(|planned| is_made(planned.action));
        let mut replaced = replaced.filter_map(|planned| planned.existing.as_ref());
        plan.removals.iter().any(|removal| removal.id == id) || replaced.any(|old| old.id == id)
    };
    let staying = labels::managed(all, &set.managed_by, Some(&set.config_id)).into_iter();
    let staying = staying
        .filter(|container| !goes(&container.id))
        .map(|container| {
            let renamed = plan.renames.iter().find(|rename| rename.id == container.id);
            Seen {
                name: renamed.map_or(&container.name, |rename| &rename.to),
                container: desired_name(container),
                id: Some(&container.id),
                is_new: false,
            }
        });
    let made = plan
        .containers
        .iter()
        .filter(|planned| is_made(planned.action));
    let made = made.map(|planned| Seen {
        name: &planned.container,
        container: &planned.container,
        id: None,
        is_new: true,
    });
    Ok(changes(
        units,
        set,
        &staying.chain(made).collect::<Vec<_>>(),
    )?)
}

/// Returns `true` for an action that ends with a container started that existed before.
fn is_start(action: PlannedAction) -> bool {
    match action {
        PlannedAction::Start | PlannedAction::Restart => true,
        PlannedAction::Keep
        | PlannedAction::Create
        | PlannedAction::Replace
        | PlannedAction::Wait
        | PlannedAction::Exec => false,
    }
}

impl Run<'_> {
    /// Writes the units that are wanted, and removes those that no longer are.
    pub(super) async fn keep_units(&self, plan: &Plan) -> Result<()> {
        let Some(units) = self.options.units_with(self.engine) else {
            return Ok(());
        };
        let started: Vec<&str> = plan
            .containers
            .iter()
            .filter(|planned| is_start(planned.action))
            .map(|planned| planned.container.as_str())
            .collect();
        if plan.units.is_empty() && started.is_empty() {
            return Ok(());
        }
        let filter = format!("{}={}", labels::CONFIG_ID, self.set.config_id);
        let listed = self.engine.list_containers(&[filter]).await?;
        // One that was made and not started is of no use to systemd, nor will it stay.
        let ours: BTreeMap<String, &ContainerSummary> =
            labels::managed(&listed, &self.set.managed_by, None)
                .into_iter()
                .filter(|container| container.state != ContainerState::Created)
                .map(|container| (Units::name(before_aside(&container.name)), container))
                .collect();
        let seen: Vec<Seen<'_>> = ours
            .values()
            .map(|container| Seen {
                name: &container.name,
                container: desired_name(container),
                id: Some(&container.id),
                is_new: self.all.iter().all(|old| old.id != container.id),
            })
            .collect();
        let (mut written, mut changed) = (Vec::new(), changes(units, self.set, &seen)?);
        let present = units.of_set(&self.set.managed_by, &self.set.config_id)?;
        for PlannedUnit { unit, action } in &changed {
            match action {
                UnitAction::Remove => {
                    let id = present.get(unit).map_or("", String::as_str);
                    let runs = listed.iter().any(|container| container.id == id);
                    units.remove(unit, runs).await?;
                }
                UnitAction::Write => {
                    self.write(units, unit, ours[unit]).await?;
                    written.push(unit.clone());
                }
            }
        }
        units.enable(&written).await?;
        let started = ours
            .iter()
            .filter(|(unit, container)| {
                started.contains(&desired_name(container)) && !written.contains(unit)
            })
            .map(|(unit, _)| unit.clone());
        let mut there = Vec::new();
        for unit in started {
            if matches!(units.present(&unit)?, Present::Ours(_) | Present::Theirs) {
                there.push(unit);
            }
        }
        units.start(&there).await?;
        for planned in &changed {
            self.tell(Event::Unit(planned.clone()));
        }
        self.shared().outcome.units.append(&mut changed);
        Ok(())
    }

    async fn write(&self, units: &Units, unit: &str, container: &ContainerSummary) -> Result<()> {
        let keys = self.set.containers[desired_name(container)].keys();
        let policy = restart(keys).unwrap_or("always");
        let grace = keys.stop_grace_period.unwrap_or(GRACE);
        let id = container.id.clone();
        let Some(generator) = self.engine.unit_generator() else {
            return Ok(());
        };
        let generated = generator.systemd_unit(&id, policy, grace).await?;
        let owner = Owner {
            managed_by: self.set.managed_by.clone(),
            config_id: self.set.config_id.clone(),
            id,
        };
        Ok(units.write(unit, &owner, &generated, keys).await?)
    }

    /// Stops the unit of a container that is about to be stopped.
    pub(super) async fn stop_unit(&self, swap: &Swap<'_>) -> Result<(), Halt> {
        let Some(units) = self.options.units_with(self.engine) else {
            return Ok(());
        };
        let name = before_aside(&swap.old.name);
        let stopped = units.stop_of(name, &swap.old.id).await;
        stopped.map_err(|error| failure(swap, &error))
    }

    /// Waits until systemd has finished with a stopped container.
    pub(super) async fn unit_has_stopped(&self, swap: &Swap<'_>) -> Result<(), Halt> {
        let Some(units) = self.options.units_with(self.engine) else {
            return Ok(());
        };
        let name = before_aside(&swap.old.name);
        let stopped = units.has_stopped(name, &swap.old.id).await;
        stopped.map_err(|error| failure(swap, &error))
    }

    /// Starts the unit of a container that runs again.
    pub(super) async fn start_unit(&self, swap: &Swap<'_>) -> Result<(), SystemdError> {
        match self.options.units_with(self.engine) {
            Some(units) => {
                let name = before_aside(&swap.old.name);
                units.start_of(name, &swap.old.id).await
            }
            None => Ok(()),
        }
    }
}

fn failure(swap: &Swap<'_>, error: &SystemdError) -> Halt {
    Halt::Failure(Box::new(ContainerFailure {
        container: swap.name.to_owned(),
        what: error.to_string(),
        ..ContainerFailure::default()
    }))
}
