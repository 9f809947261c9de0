//! Puppet for one deployment.

use slipway_events::Events;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use serde_json::json;
use slipway_engine::Engine;
use slipway_redact::Secrets;
use slipway_service::{Hiera, PuppetConfig, Step};

use crate::error::{Failure, Result};
use crate::events::Event;
use crate::files::Staging;
use crate::input::hiera::Hieradata;
use crate::input::manifest;
use crate::input::merge::{Run, merge};
use crate::plan::Planner;
use crate::plan::decision::Purpose;
use crate::plan::state::{EVERY_KEY, Record, State, recorded_keys};
use crate::report::{Outcome, Planned, Report, RunReport};
use crate::run::container;
use crate::session::{RunOptions, Session};
use crate::settings::Settings;
use crate::volume::changes::FileChange;
use crate::volume::{Assembled, Places, swap};

/// Puppet for one deployment: its config volumes, its tasks, its host.
pub struct Puppet {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) settings: Settings,
    pub(crate) hiera: Hieradata,
    pub(crate) events: Events<Event>,
}

/// The result of a run that took place, or was not due.
struct Done {
    outcome: Outcome,
    /// The time that Puppet ran, if it did.
    seconds: Option<f64>,
    hash: Option<String>,
    changed_files: Vec<FileChange>,
    diff: Option<String>,
}

impl Done {
    fn new(outcome: Outcome) -> Done {
        Done {
            outcome,
            seconds: None,
            hash: None,
            changed_files: Vec::new(),
            diff: None,
        }
    }
}

impl Puppet {
    /// Returns Puppet for a deployment.
    pub fn new(
        engine: Arc<dyn Engine>,
        settings: Settings,
        hiera: Hieradata,
        events: Events<Event>,
    ) -> Puppet {
        Puppet {
            engine,
            settings,
            hiera,
            events,
        }
    }

    /// Generates the config volumes of these entries that are due.
    ///
    /// One that fails does not keep the others from being generated; its old content stays.
    ///
    /// # Errors
    /// When nothing could begin. The failures of single volumes are in the report.
    pub async fn generate(&self, entries: Vec<PuppetConfig>) -> Result<Report> {
        let runs = self.wanted(entries)?;
        let purpose = match self.settings.no_archive {
            true => Purpose::Trial,
            false => Purpose::Volume,
        };
        self.run_all(runs, purpose, &first(self.settings.step))
            .await
    }

    /// Returns what [`Puppet::generate`] would do, and why. Nothing is touched.
    ///
    /// # Errors
    /// As [`Puppet::generate`].
    pub async fn plan(&self, entries: Vec<PuppetConfig>) -> Result<Vec<Planned>> {
        let runs = self.wanted(entries)?;
        let planner = Planner::new(self, State::read(&self.settings.paths)?)?;
        let first = first(self.settings.step);
        let plans = runs.iter().map(|run| planner.plan(run, &first).boxed());
        let at_once = self.settings.process_count.max(1);
        stream::iter(plans).buffered(at_once).try_collect().await
    }

    /// Returns the runs of the selected config volumes.
    fn wanted(&self, entries: Vec<PuppetConfig>) -> Result<Vec<Run>> {
        let mut runs = self.merged(entries)?;
        if let Some(only) = &self.settings.config_volume {
            runs.retain(|run| run.volume == *only);
            if runs.is_empty() {
                let text = format!("no entry has config volume {only}: nothing to generate");
                self.events.send(Event::Warning { text });
            }
        }
        Ok(runs)
    }

    /// Runs a step's docker_puppet_tasks. A task that succeeded with the same inputs before is not run
    /// again. `depends_on` is one of these inputs: it stands for what is not seen here, such as the
    /// database that the task changes.
    ///
    /// # Errors
    /// As [`Puppet::generate`].
    pub async fn run_tasks(
        &self,
        step: Step,
        tasks: Vec<PuppetConfig>,
        depends_on: &str,
    ) -> Result<Report> {
        let runs = self.merged(tasks)?;
        let purpose = Purpose::Task { step, depends_on };
        self.run_all(runs, purpose, &first(step.number())).await
    }

    /// Returns the secrets of a run with this manifest.
    pub(crate) fn secrets(&self, manifest: &str) -> Secrets {
        let mut secrets = self.hiera.secrets();
        let settings = manifest::settings(manifest);
        secrets.environment(settings.iter().map(String::as_str));
        secrets
    }

    fn merged(&self, entries: Vec<PuppetConfig>) -> Result<Vec<Run>> {
        let merged = merge(entries)?;
        for text in merged.warnings {
            self.events.send(Event::Warning { text });
        }
        Ok(merged.runs)
    }

    async fn run_all(&self, runs: Vec<Run>, purpose: Purpose<'_>, first: &Hiera) -> Result<Report> {
        if runs.is_empty() {
            return Ok(Report::default());
        }
        let session = Session::begin(self).await?;
        session.remove_strays().await?;
        if let Purpose::Volume = purpose {
            swap::remove_replaced(&self.settings.paths.replaced())?;
        }
        let jobs: Vec<_> = session
            .order(&runs, purpose)
            .into_iter()
            .map(|(index, run)| {
                let session = &session;
                async move { (index, session.run(run, purpose, first).await) }.boxed()
            })
            .collect();
        let at_once = match purpose {
            // Tasks change what runs, often the same thing, and in the order they were declared.
            Purpose::Task { .. } => 1,
            // One more than may run: its container is made, or its result is put in place, meanwhile.
            Purpose::Volume | Purpose::Trial => self.settings.process_count.max(1) + 1,
        };
        let mut reports: Vec<_> = stream::iter(jobs).buffer_unordered(at_once).collect().await;
        let all_skipped = |(_, report): &(_, RunReport)| matches!(report.outcome, Outcome::Skipped);
        if !reports.iter().all(all_skipped) {
            session.clear_away().await;
        }
        reports.sort_by_key(|(index, _)| *index);
        Ok(Report {
            runs: reports.into_iter().map(|(_, report)| report).collect(),
        })
    }
}

impl std::fmt::Debug for Puppet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Puppet")
            .field("settings", &self.settings)
            .field("hiera", &self.hiera)
            .finish_non_exhaustive()
    }
}

/// Returns the hiera data that comes before all other.
fn first(step: u8) -> Hiera {
    Hiera::from_iter([("step".to_owned(), json!(step))])
}

impl Session<'_> {
    /// Returns the runs in the order in which they start, with their numbers.
    fn order<'r>(&self, runs: &'r [Run], purpose: Purpose<'_>) -> Vec<(usize, &'r Run)> {
        let mut order: Vec<(usize, &Run)> = runs.iter().enumerate().collect();
        if let Purpose::Task { .. } = purpose {
            return order;
        }
        // The longest first, so that none is left to run alone at the end; new ones may be long.
        let time = |run: &Run| {
            let (kind, name) = purpose.record(run);
            let record = self.planner.state.load(kind, &name);
            record.map_or(f64::MAX, |record| record.seconds)
        };
        order.sort_by(|(_, a), (_, b)| time(b).total_cmp(&time(a)));
        order
    }

    /// Does one run from beginning to end. Its failure is in the report.
    async fn run(&self, run: &Run, purpose: Purpose<'_>, first: &Hiera) -> RunReport {
        let begun = Instant::now();
        let subject = run.volume.to_string();
        let mut reason = String::new();
        let done = self
            .run_if_due(run, purpose, first, &mut reason)
            .await
            .unwrap_or_else(|failure| Done::new(Outcome::Failed(failure)));
        // Time in which others ran is not its own.
        let seconds = done.seconds.unwrap_or(begun.elapsed().as_secs_f64());
        let name = subject.clone();
        self.planner.puppet.events.send(match &done.outcome {
            Outcome::Skipped => Event::Skipped {
                subject,
                reason: reason.clone(),
            },
            Outcome::Failed(failure) => Event::Failed {
                subject,
                error: failure.to_string(),
            },
            outcome @ (Outcome::Same | Outcome::Changed) => Event::Finished {
                subject,
                seconds,
                changed: matches!(outcome, Outcome::Changed),
                changed_files: done.changed_files.clone(),
            },
        });
        RunReport {
            name,
            outcome: done.outcome,
            why: reason,
            hash: done.hash,
            seconds,
            changed_files: done.changed_files,
            diff: done.diff,
        }
    }

    async fn run_if_due(
        &self,
        run: &Run,
        purpose: Purpose<'_>,
        first: &Hiera,
        reason: &mut String,
    ) -> Result<Done, Failure> {
        let (planner, puppet) = (&self.planner, self.planner.puppet);
        let image = container::image(&puppet.engine, &run.config_image, &puppet.events).await?;
        let decision = planner.decide(run, purpose, first, &image).await?;
        let Some(why) = decision.reason else {
            *reason = "unchanged".to_owned();
            let result = decision.before.and_then(|record| record.result);
            if let Some(result) = &result {
                self.places(run).restore_hashes(result).await?;
            }
            return Ok(Done {
                hash: result.map(|result| result.generated.config),
                ..Done::new(Outcome::Skipped)
            });
        };
        reason.clone_from(&why);
        puppet.events.send(Event::Started {
            subject: run.volume.to_string(),
            reason: why,
        });
        let (kind, name) = purpose.record(run);
        let options = RunOptions {
            archive: match purpose {
                Purpose::Volume => true,
                Purpose::Trial => puppet.settings.diff,
                Purpose::Task { .. } => false,
            },
            net_host: planner.has_net(purpose),
            log: name.clone(),
        };
        let (staging, took) = self.run_container(run, &image.id, first, &options).await?;
        let mut record = Record {
            inputs: decision.inputs,
            lookups: self.lookups_of(staging.path(), first)?,
            result: None,
            seconds: took.as_secs_f64(),
        };
        let mut done = Done::new(Outcome::Changed);
        done.seconds = Some(record.seconds);
        if options.archive {
            let assembled = self.assemble(run, staging, &mut done).await?;
            if let Purpose::Volume = purpose {
                record.result = Some(assembled.put_in_place().await?);
            }
        }
        if !matches!(purpose, Purpose::Trial) {
            planner.state.save(kind, &name, &record)?;
        }
        let before = decision.before.and_then(|before| before.result);
        if before.is_some() && before == record.result {
            done.outcome = Outcome::Same;
        }
        done.hash = record.result.map(|result| result.generated.config);
        Ok(done)
    }

    fn places(&self, run: &Run) -> Places {
        Places::new(&self.planner.puppet.settings.paths, run.volume.as_str())
    }

    /// Assembles a volume's new trees, and reports what changes.
    async fn assemble(
        &self,
        run: &Run,
        staging: Staging,
        done: &mut Done,
    ) -> Result<Assembled, Failure> {
        let puppet = self.planner.puppet;
        let secrets = puppet.settings.diff.then(|| puppet.secrets(&run.manifest));
        let mut assembled = self.places(run).assemble(staging, secrets).await?;
        done.changed_files = std::mem::take(&mut assembled.changes);
        done.diff = assembled.diff.take();
        if let Some(text) = done.diff.clone().filter(|text| !text.is_empty()) {
            let subject = run.volume.to_string();
            puppet.events.send(Event::Diff { subject, text });
        }
        Ok(assembled)
    }

    /// Returns digests of the hiera data that a run looked up, as it wrote it down.
    fn lookups_of(
        &self,
        staging: &Path,
        first: &Hiera,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let hiera = &self.planner.puppet.hiera;
        let written = staging.join("out/lookups");
        let is_written = hiera.decided_by().is_none() || written.symlink_metadata().is_ok();
        let keys = match is_written && hiera.records_lookups() {
            true => recorded_keys(&written)?,
            false => [EVERY_KEY.to_owned()].into(),
        };
        let keys = keys.iter().map(String::as_str);
        Ok(self.planner.state.lookups(keys, first, hiera))
    }
}
