//! The way in: Puppet for one deployment.

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
use crate::files;
use crate::input::hiera::Hieradata;
use crate::input::manifest;
use crate::input::merge::{Run, merge};
use crate::plan::decision::{Ahead, Decided, Purpose};
use crate::plan::state::{EVERY_KEY, Record, recorded_keys};
use crate::report::{Outcome, Planned, Report, RunReport};
use crate::run::fork::pool::Pool;
use crate::session::{ContainerOptions, Session};
use crate::settings::Settings;
use crate::volume::changes::FileChange;

/// Puppet for one deployment: its config volumes, its tasks, its host.
pub struct Puppet {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) settings: Settings,
    pub(crate) hiera: Hieradata,
    pub(crate) events: Events<Event>,
}

/// What came of a run that did take place or did not have to.
struct Done {
    outcome: Outcome,
    /// Where Puppet ran: for how long.
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
    /// Puppet for the deployment that the settings and the hiera data describe.
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

    /// Generates the config volumes that these entries describe, as far as they have to be.
    ///
    /// One that fails does not keep the others from being generated; its old content stays.
    ///
    /// # Errors
    /// When nothing could begin. What failed on its own is in the report.
    pub async fn generate(&self, entries: Vec<PuppetConfig>) -> Result<Report> {
        let runs = self.wanted(entries)?;
        let purpose = match self.settings.no_archive {
            true => Purpose::Trial,
            false => Purpose::Volume,
        };
        self.run_all(runs, purpose, &first(self.settings.step))
            .await
    }

    /// What [`Puppet::generate`] would do, and why. Nothing is touched.
    ///
    /// # Errors
    /// As [`Puppet::generate`].
    pub async fn plan(&self, entries: Vec<PuppetConfig>) -> Result<Vec<Planned>> {
        let runs = self.wanted(entries)?;
        let session = Session::look(self)?;
        let first = first(self.settings.step);
        let plans = runs.iter().map(|run| session.plan(run, &first).boxed());
        let at_once = self.settings.process_count.max(1);
        stream::iter(plans).buffered(at_once).try_collect().await
    }

    /// The runs of the config volumes that are asked for.
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

    /// Runs a step's docker_puppet_tasks. A task that succeeded with the same inputs before is
    /// not run again; `depends_on` is one of these inputs, for whatever its success hangs on that
    /// is not seen here, such as which database it was made in.
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

    /// What is secret to a run with this manifest.
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
        let mut session = Session::begin(self).await?;
        session.remove_strays().await?;
        let at_once = self.settings.process_count.max(1);
        if matches!(purpose, Purpose::Volume) {
            // A container that still has one of these mounted has copied it long since, and gets
            // the new one when it is started again.
            let replaced = self.settings.paths.replaced();
            files::remove(&replaced)?;
            files::private_dir(&replaced)?;
        }
        let mut order: Vec<(usize, &Run)> = runs.iter().enumerate().collect();
        // The longest first, so that none is left to run alone at the end; unknown ones may be.
        let time = |run: &Run| {
            let (kind, name) = purpose.record(run);
            session
                .state
                .load(kind, &name)
                .map_or(f64::MAX, |record| record.seconds)
        };
        if !matches!(purpose, Purpose::Task { .. }) {
            order.sort_by(|(_, a), (_, b)| time(b).total_cmp(&time(a)));
        }
        let mut decisions = Vec::with_capacity(order.len());
        for (_, run) in &order {
            decisions.push(session.ahead(run, purpose, first).boxed());
        }
        let decisions = stream::iter(decisions).buffered(at_once + 1);
        let decisions: Vec<_> = decisions.collect().await;
        let may_fork = decisions.iter().zip(&order);
        let may_fork = may_fork.filter(|(ahead, _)| ahead.may_fork());
        let may_fork = may_fork.map(|(_, (_, run))| run.config_image.as_str());
        session.pool = Pool::expecting(may_fork, at_once);
        let mut jobs = Vec::with_capacity(order.len());
        for ((index, run), ahead) in order.into_iter().zip(decisions) {
            let session = &session;
            let running = async move { (index, session.run(run, purpose, first, ahead).await) };
            jobs.push(running.boxed());
        }
        let at_once = match purpose {
            // Tasks change what runs, often the same thing, and in the order they were declared.
            Purpose::Task { .. } => 1,
            // One more than may run: its container is made, or its result taken over, meanwhile.
            _ => at_once + 1,
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

/// Hiera data that comes before all other.
fn first(step: u8) -> Hiera {
    Hiera::from_iter([("step".to_owned(), json!(step))])
}

impl Session<'_> {
    /// One run from beginning to end; whatever happens is in the report.
    async fn run(&self, run: &Run, purpose: Purpose<'_>, first: &Hiera, ahead: Ahead) -> RunReport {
        let begun = Instant::now();
        let subject = run.volume.as_str();
        let mut why = String::new();
        let done = self.run_if_needed(run, purpose, first, ahead, &mut why);
        let done = done.await;
        let done = done.unwrap_or_else(|failure| Done::new(Outcome::Failed(failure)));
        // Time in which others ran is not its own.
        let seconds = done.seconds.unwrap_or(begun.elapsed().as_secs_f64());
        self.puppet.events.send(match &done.outcome {
            Outcome::Skipped => Event::Skipped {
                subject: subject.to_owned(),
                reason: why.clone(),
            },
            Outcome::Failed(failure) => Event::Failed {
                subject: subject.to_owned(),
                error: failure.to_string(),
            },
            outcome => Event::Finished {
                subject: subject.to_owned(),
                seconds,
                changed: matches!(outcome, Outcome::Changed),
            },
        });
        RunReport {
            name: subject.to_owned(),
            outcome: done.outcome,
            why,
            hash: done.hash,
            seconds,
            changed_files: done.changed_files,
            diff: done.diff,
        }
    }

    async fn run_if_needed(
        &self,
        run: &Run,
        purpose: Purpose<'_>,
        first: &Hiera,
        ahead: Ahead,
        why: &mut String,
    ) -> Result<Done, Failure> {
        let puppet = self.puppet;
        let (kind, name) = purpose.record(run);
        let Decided {
            image,
            inputs,
            before,
            reason,
        } = self.decided(run, purpose, first, ahead).await?;
        let Some(reason) = reason else {
            *why = "unchanged".to_owned();
            let result = before.and_then(|record| record.result);
            return Ok(Done {
                hash: result.map(|result| result.generated.config),
                ..Done::new(Outcome::Skipped)
            });
        };
        *why = reason;
        let subject = run.volume.as_str();
        puppet.events.send(Event::Started {
            subject: subject.to_owned(),
            reason: why.clone(),
        });
        let is_task = matches!(purpose, Purpose::Task { .. });
        let options = ContainerOptions {
            archive: matches!(purpose, Purpose::Volume) || puppet.settings.diff && !is_task,
            net_host: self.has_net(purpose),
            log: name.clone(),
        };
        let archived = options.archive;
        let (staging, took) = self.in_container(run, &image.id, first, options).await?;
        let mut record = Record {
            inputs,
            lookups: self.lookups_of(staging.path(), first)?,
            result: None,
            seconds: took.as_secs_f64(),
        };
        let mut done = Done::new(Outcome::Changed);
        done.seconds = Some(record.seconds);
        if archived {
            let secrets = puppet.secrets(&run.manifest);
            let mut assembled = self.assemble(run, staging, secrets).await?;
            done.changed_files = std::mem::take(&mut assembled.changes);
            done.diff = assembled.diff.take();
            if let Some(text) = done.diff.as_deref().filter(|text| !text.is_empty()) {
                puppet.events.send(Event::Diff {
                    subject: subject.to_owned(),
                    text: text.to_owned(),
                });
            }
            if matches!(purpose, Purpose::Volume) {
                record.result = Some(self.put_in_place(run, assembled).await?);
            }
        }
        if !matches!(purpose, Purpose::Trial) {
            self.state.save(kind, &name, &record)?;
        }
        let same =
            before.is_some_and(|before| before.result.is_some() && before.result == record.result);
        if same {
            done.outcome = Outcome::Same;
        }
        done.hash = record.result.map(|result| result.generated.config);
        Ok(done)
    }

    /// Digests of the hiera data that a run asked for, as it wrote it down.
    fn lookups_of(
        &self,
        staging: &Path,
        first: &Hiera,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let hiera = &self.puppet.hiera;
        let written = staging.join("out/lookups");
        let is_written = hiera.decided_by().is_none() || written.exists();
        let keys = match is_written && hiera.records_lookups() {
            true => recorded_keys(&written)?,
            false => [EVERY_KEY.to_owned()].into(),
        };
        let keys = keys.iter().map(String::as_str);
        Ok(self.state.lookups(keys, first, hiera))
    }
}
