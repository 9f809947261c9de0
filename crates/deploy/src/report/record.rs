//! The events of a deployment, kept with their times.

use std::collections::VecDeque;
use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use slipway_engine::Health;
use slipway_puppet::{FileChange, host_subject};
use slipway_runtime::converge::{self, ConvergeError, PlannedAction};
use slipway_service::Step;

use crate::error::DeployError;
use crate::event::Event;
use crate::{Events, Result};

/// The number of a Puppet run's last lines that are kept.
const KEPT_LINES: usize = 60;

/// Records the events of a deployment.
#[derive(Clone, Debug)]
pub struct Recorder {
    began: Instant,
    record: Arc<Mutex<Record>>,
}

/// A deployment over time. Times are seconds after its begin.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Pre, and the steps that began, in order.
    pub(super) stages: Vec<Stage>,
    /// The Puppet runs and containers on which work began, in that order.
    pub(super) items: Vec<Item>,
    /// The names of config volumes, tasks and containers that were left alone.
    pub(super) unchanged: Vec<(Kind, String)>,
    /// The removed containers, with the reasons.
    pub(super) removed: Vec<(String, String)>,
    /// Warnings.
    pub(super) warnings: Vec<String>,
    /// The error that ended the deployment, and its causes.
    pub(super) error: Option<String>,
    /// The length of the deployment.
    pub(super) seconds: f64,
}

/// Pre, or a step.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    /// `None` for Pre.
    pub step: Option<Step>,
    pub started: f64,
}

/// The kind of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    ConfigVolume,
    HostManifest,
    Task,
    Container,
}

/// The end of the work on an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The deployment ended before.
    Running,
    Done,
    /// Puppet ran, and its result is as before.
    Same,
    Failed(String),
}

/// Work on a config volume, a task, a host's manifest or a container.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub kind: Kind,
    pub step: Option<Step>,
    pub name: String,
    /// The action, such as `replace`, and the reasons for it.
    pub why: String,
    pub started: f64,
    pub ended: Option<f64>,
    /// The time at which a container was healthy.
    pub healthy: Option<f64>,
    pub state: State,
    pub changed_files: Vec<FileChange>,
    /// The last lines of a Puppet run.
    pub output: VecDeque<String>,
}

impl Default for Recorder {
    fn default() -> Recorder {
        Recorder {
            began: Instant::now(),
            record: Arc::default(),
        }
    }
}

impl Recorder {
    /// Begins a record.
    pub fn new() -> Recorder {
        Recorder::default()
    }

    /// Returns events that are recorded before they go on to `events`.
    pub fn watch(&self, events: &Events<Event>) -> Events<Event> {
        let recorder = self.clone();
        events.nest(move |event: Event| {
            let at = recorder.began.elapsed().as_secs_f64();
            recorder.locked().note(at, &event);
            event
        })
    }

    /// Ends the record with the result of the deployment.
    pub fn finish<T>(&self, result: &Result<T>) -> Record {
        let mut record = self.locked().clone();
        record.seconds = self.began.elapsed().as_secs_f64();
        if let Err(error) = result {
            record.fail(error);
        }
        record
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Record> {
        // A panic elsewhere does not make the record wrong.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    /// Adds an event that happened `at` this time.
    fn note(&mut self, at: f64, event: &Event) {
        match event {
            Event::StepStarted { step } => self.stages.push(Stage {
                step: Some(*step),
                started: at,
            }),
            Event::StepConverged { outcome, .. } => self.note_outcome(outcome),
            Event::Puppet(event) => self.note_puppet(at, event),
            Event::Containers(event) => self.note_containers(at, event),
            Event::ConfigJson { path, finding } => self.warnings.push(format!("{path}: {finding}")),
            Event::Waiting { .. }
            | Event::Wrote { .. }
            | Event::NoUnits { .. }
            | Event::Pulling { .. }
            | Event::PullLine { .. }
            | Event::ImageRestored { .. } => {}
        }
    }

    fn note_outcome(&mut self, outcome: &converge::Outcome) {
        for (name, container) in &outcome.containers {
            if container.action == PlannedAction::Keep {
                self.unchanged.push((Kind::Container, name.clone()));
            }
        }
    }

    fn note_puppet(&mut self, at: f64, event: &slipway_puppet::Event) {
        use slipway_puppet::Event;
        match event {
            Event::Started { subject, reason } => {
                let kind = self.kind_of(subject);
                self.begin(at, kind, subject, reason.clone());
            }
            Event::Line { subject, line } => {
                if let Some(item) = self.latest(subject) {
                    item.output.push_back(line.clone());
                    if item.output.len() > KEPT_LINES {
                        item.output.pop_front();
                    }
                }
            }
            Event::Finished {
                subject,
                changed,
                changed_files,
                ..
            } => self.end(at, subject, |item| {
                item.state = match changed {
                    true => State::Done,
                    false => State::Same,
                };
                item.changed_files.clone_from(changed_files);
            }),
            Event::Failed { subject, error } => {
                // A run can fail before Puppet starts.
                if self.latest(subject).is_none() {
                    let kind = self.kind_of(subject);
                    self.begin(at, kind, subject, String::new());
                }
                self.end(at, subject, |item| {
                    item.state = State::Failed(error.clone())
                });
            }
            Event::Skipped { subject, .. } => {
                let kind = self.kind_of(subject);
                if kind != Kind::HostManifest {
                    self.unchanged.push((kind, subject.clone()));
                }
            }
            Event::Warning { text } => self.warnings.push(text.clone()),
            _ => {}
        }
    }

    fn note_containers(&mut self, at: f64, event: &converge::Event) {
        use converge::Event;
        match event {
            Event::Beginning {
                container,
                action,
                reasons,
            } => {
                let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
                let why = format!("{}: {}", action.verb(), reasons.join(", "));
                self.begin(at, Kind::Container, container, why);
            }
            Event::Started { container, .. } => {
                self.end(at, container, |item| item.state = State::Done)
            }
            Event::Ended {
                container,
                exit_code,
            } => self.end(at, container, |item| {
                item.state = State::Done;
                if *exit_code != 0 {
                    item.why.push_str(&format!("; exit code {exit_code}"));
                }
            }),
            Event::RolledBack { container } => self.end(at, container, |item| {
                item.state = State::Failed("did not start; the old one is back".to_owned());
            }),
            Event::HealthChanged {
                container,
                health: None | Some(Health::Healthy),
            } => {
                if let Some(item) = self.latest(container) {
                    item.healthy.get_or_insert(at);
                }
            }
            Event::Removed { name, reason } => {
                self.removed.push((name.clone(), reason.to_string()));
            }
            _ => {}
        }
    }

    /// Returns the kind of a Puppet run.
    fn kind_of(&self, subject: &str) -> Kind {
        match self.step() {
            None => Kind::ConfigVolume,
            Some(step) if host_subject(step) == subject => Kind::HostManifest,
            Some(_) => Kind::Task,
        }
    }

    fn step(&self) -> Option<Step> {
        self.stages.last().and_then(|stage| stage.step)
    }

    fn begin(&mut self, at: f64, kind: Kind, name: &str, why: String) {
        self.items.push(Item {
            kind,
            step: self.step(),
            name: name.to_owned(),
            why,
            started: at,
            ended: None,
            healthy: None,
            state: State::Running,
            changed_files: Vec::new(),
            output: VecDeque::new(),
        });
    }

    fn end(&mut self, at: f64, name: &str, change: impl FnOnce(&mut Item)) {
        if let Some(item) = self.latest(name) {
            item.ended = Some(at);
            change(item);
        }
    }

    /// Returns the item of this name in the step that is under way.
    fn latest(&mut self, name: &str) -> Option<&mut Item> {
        let step = self.step();
        let mut items = self.items.iter_mut().rev();
        items.find(|item| item.name == name && item.step == step)
    }

    /// Adds the error that ended the deployment.
    fn fail(&mut self, error: &DeployError) {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let shown = error.to_string();
            if !text.contains(&shown) {
                text.push_str(&format!("\n{shown}"));
            }
            cause = error.source();
        }
        self.error = Some(text);
        for failure in container_failures(error) {
            if let Some(item) = self.latest(&failure.container) {
                item.state = State::Failed(failure.to_string());
            }
        }
    }

    /// Applies `redact` to every text.
    pub fn redacted(mut self, redact: impl Fn(&str) -> String) -> Record {
        let apply = |text: &mut String| *text = redact(text);
        for item in &mut self.items {
            apply(&mut item.why);
            item.output.iter_mut().for_each(apply);
            if let State::Failed(error) = &mut item.state {
                apply(error);
            }
        }
        self.removed
            .iter_mut()
            .for_each(|(_, reason)| apply(reason));
        self.warnings.iter_mut().for_each(apply);
        self.error.iter_mut().for_each(apply);
        self
    }
}

impl Item {
    /// Returns the time of the work, without the wait for health.
    pub fn seconds(&self, now: f64) -> f64 {
        self.ended.unwrap_or(now) - self.started
    }

    /// Returns the time of the work and of the wait for health.
    pub fn seconds_in_all(&self, now: f64) -> f64 {
        let end = self.ended.unwrap_or(now);
        self.healthy.unwrap_or(end).max(end) - self.started
    }

    /// Returns true if the work failed.
    pub fn has_failed(&self) -> bool {
        matches!(self.state, State::Failed(_))
    }
}

fn container_failures(error: &DeployError) -> &[converge::ContainerFailure] {
    match error {
        DeployError::Step { source, .. } => container_failures(source),
        DeployError::Containers(ConvergeError::Containers { failures, .. }) => failures,
        _ => &[],
    }
}

#[cfg(test)]
pub(super) mod tests {
    use slipway_puppet::Change;
    use slipway_runtime::converge::{ContainerFailure, ContainerOutcome, Outcome, Reason};

    use super::*;

    fn puppet(event: slipway_puppet::Event) -> Event {
        Event::Puppet(event)
    }

    fn started(subject: &str) -> Event {
        puppet(slipway_puppet::Event::Started {
            subject: subject.to_owned(),
            reason: "hiera data changed: a::b".to_owned(),
        })
    }

    fn step(number: u8) -> Event {
        Event::StepStarted {
            step: Step::new(number).unwrap(),
        }
    }

    fn beginning(container: &str) -> Event {
        Event::Containers(converge::Event::Beginning {
            container: container.to_owned(),
            action: PlannedAction::Create,
            reasons: vec![Reason::NotThere],
        })
    }

    /// A deployment whose step 2 fails.
    pub(in crate::report) fn failed() -> Record {
        let mut record = Record::default();
        let line = |text: &str| {
            puppet(slipway_puppet::Event::Line {
                subject: "a".to_owned(),
                line: text.to_owned(),
            })
        };
        let finished = puppet(slipway_puppet::Event::Finished {
            subject: "a".to_owned(),
            seconds: 2.0,
            changed: true,
            changed_files: vec![FileChange {
                path: "etc/<a>.conf".to_owned(),
                change: Change::Changed,
            }],
        });
        let skipped = puppet(slipway_puppet::Event::Skipped {
            subject: "b".to_owned(),
            reason: "unchanged".to_owned(),
        });
        let kept = ContainerOutcome {
            action: PlannedAction::Keep,
            reasons: Vec::new(),
            exit_code: None,
        };
        let converged = Event::StepConverged {
            step: Step::FIRST,
            outcome: Outcome {
                containers: [("kept".to_owned(), kept)].into_iter().collect(),
                ..Outcome::default()
            },
        };
        let up = |container: &str| {
            Event::Containers(converge::Event::Started {
                container: container.to_owned(),
                id: String::new(),
            })
        };
        let healthy = Event::Containers(converge::Event::HealthChanged {
            container: "first".to_owned(),
            health: Some(Health::Healthy),
        });
        let events = [
            (0.1, started("a")),
            (0.2, line("Notice: s3cret")),
            (2.1, finished),
            (2.1, skipped),
            (2.2, step(1)),
            (2.3, beginning("first")),
            (2.5, up("first")),
            (4.0, healthy),
            (4.1, converged),
            (4.2, step(2)),
            (4.3, started("tasks")),
            (5.3, beginning("second")),
            (6.0, up("second")),
        ];
        for (at, event) in &events {
            record.note(*at, event);
        }
        record.seconds = 7.0;
        let failure = ContainerFailure {
            container: "second".to_owned(),
            what: "ended with exit code 1".to_owned(),
            output: vec!["no <database> s3cret".to_owned()],
            ..ContainerFailure::default()
        };
        let error = ConvergeError::Containers {
            failures: vec![failure],
            outcome: Box::default(),
        };
        let step = Step::new(2).unwrap();
        record.fail(&DeployError::from(error).in_step(step));
        record
    }

    #[test]
    fn items_have_their_steps_kinds_and_times() {
        let record = failed();
        let seen: Vec<_> = record
            .items
            .iter()
            .map(|item| (item.name.as_str(), item.kind, item.step.map(Step::number)))
            .collect();
        let expected = [
            ("a", Kind::ConfigVolume, None),
            ("first", Kind::Container, Some(1)),
            ("tasks", Kind::Task, Some(2)),
            ("second", Kind::Container, Some(2)),
        ];
        assert_eq!(seen, expected);
        assert_eq!(record.items[0].state, State::Done);
        assert_eq!(record.items[1].healthy, Some(4.0));
        assert_eq!(record.items[2].state, State::Running);
        assert!(record.items[3].has_failed());
        let unchanged = [
            (Kind::ConfigVolume, "b".to_owned()),
            (Kind::Container, "kept".to_owned()),
        ];
        assert_eq!(record.unchanged, unchanged);
        let error = record.error.unwrap();
        assert!(
            error.starts_with("step 2 failed\ncontainer second"),
            "{error}"
        );
    }

    #[test]
    fn every_text_is_redacted() {
        let record = failed().redacted(|text| text.replace("s3cret", "***"));
        assert!(!format!("{record:?}").contains("s3cret"));
    }

    #[test]
    fn only_the_last_lines_of_a_run_are_kept() {
        let mut record = Record::default();
        record.note(0.0, &started("a"));
        for number in 0..=KEPT_LINES {
            let line = slipway_puppet::Event::Line {
                subject: "a".to_owned(),
                line: number.to_string(),
            };
            record.note(0.0, &puppet(line));
        }
        assert_eq!(record.items[0].output.len(), KEPT_LINES);
        assert_eq!(record.items[0].output[0], "1");
    }
}
