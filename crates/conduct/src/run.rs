//! The run of an action on a site.

use std::time::Instant;

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;
use slipway_events::Events;
use slipway_export::ansible::Playbook;
use slipway_files::private_directory;

use crate::ansible::{Ansible, Invocation, NodeRun, private};
use crate::error::{ConductError, Result};
use crate::event::Event;
use crate::inputs::Inputs;
use crate::journal::{Done, Journal, Record, ResultWord, now};
use crate::site::{Site, writing};
use crate::summary::{NodeResult, Outcome, Summary};
use crate::unit::{Action, CONTROLLER, Unit, units};

/// The options of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The action.
    pub action: Action,
    /// Names of nodes and roles; none selects all nodes.
    pub limit: Vec<String>,
    /// Skip what an earlier run did with equal inputs.
    pub resume: bool,
    /// The number of nodes that may fail before the run stops.
    pub max_fail: usize,
    /// The program that distributes the work.
    pub ansible: Ansible,
}

/// The changes that an action would make, by node.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SitePlan {
    /// The changes of each node.
    pub nodes: IndexMap<String, Vec<String>>,
    /// The nodes that failed or did not answer, with the reason.
    pub failed: IndexMap<String, String>,
}

/// The state of a node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeStatus {
    /// The role.
    pub role: String,
    /// The node's answer, or the error in its place.
    #[serde(flatten)]
    pub answer: Answer,
}

/// The answer of a node.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The values of the module `slipway.node.status`.
    State(Value),
    /// The reason of a failure.
    Error(String),
}

/// Runs an action on a site.
///
/// # Errors
/// The run cannot begin or go on. Nodes that fail are in the summary.
pub async fn conduct(site: &Site, options: &Options, events: &Events<Event>) -> Result<Summary> {
    let nodes = site.select(&options.limit)?;
    if options.action == Action::FastForward && site.manifest().releases.len() < 2 {
        return Err(ConductError::NoReleases);
    }
    let (journal, records) = Journal::open(&site.own("journal"))?;
    let mut run = Run {
        site,
        options,
        events,
        inputs: Inputs::read(site, options.action, &nodes)?,
        done: match options.resume {
            true => Done::of(&records, options.action),
            false => Done::default(),
        },
        journal,
        began: Instant::now(),
        summary: Summary {
            action: options.action,
            results: Vec::new(),
            skipped: 0,
            failed: Vec::new(),
            stopped: false,
            seconds: 0.0,
        },
    };
    run.begin()?;
    run.work(&nodes).await?;
    run.finish()
}

/// Asks the nodes what an action would change.
///
/// # Errors
/// Ansible cannot be run, or ended without a result.
pub async fn plan(site: &Site, options: &Options, events: &Events<Event>) -> Result<SitePlan> {
    let nodes = site.select(&options.limit)?;
    start_log(site)?;
    let invocation = Invocation {
        playbook: options.action.playbook(),
        tag: None,
        // Without a limit, the parts of the host that runs Ansible are in the plan, too.
        nodes: (!options.limit.is_empty()).then_some(nodes.as_slice()),
        check: true,
        facts: None,
    };
    let mut runs = options.ansible.run(site, &invocation, events).await?;
    let mut plan = SitePlan::default();
    for node in nodes.iter().map(String::as_str).chain([CONTROLLER]) {
        let Some(run) = runs.remove(node) else {
            continue;
        };
        if let Some(message) = run.outcome.message() {
            plan.failed.insert(node.to_owned(), message.to_owned());
        }
        plan.nodes.insert(node.to_owned(), run.changes);
    }
    Ok(plan)
}

/// Asks the nodes for their state.
///
/// # Errors
/// Ansible cannot be run, or ended without a result.
pub async fn status(
    site: &Site,
    limit: &[String],
    ansible: &Ansible,
    events: &Events<Event>,
) -> Result<IndexMap<String, NodeStatus>> {
    let nodes = site.select(limit)?;
    start_log(site)?;
    let invocation = Invocation {
        playbook: Playbook::Status,
        tag: None,
        nodes: Some(&nodes),
        check: false,
        facts: None,
    };
    let mut runs = ansible.run(site, &invocation, events).await?;
    let states = nodes.into_iter().map(|node| {
        let run = runs.remove(&node);
        let answer = match run.map(|run| (run.status, run.outcome)) {
            Some((Some(state), _)) => Answer::State(state),
            Some((None, outcome)) => {
                Answer::Error(outcome.message().unwrap_or("no answer").to_owned())
            }
            None => Answer::Error("Ansible did not ask the node".to_owned()),
        };
        let role = site.manifest().nodes.get(&node).cloned();
        let role = role.unwrap_or_default();
        (node, NodeStatus { role, answer })
    });
    Ok(states.collect())
}

/// Empties the file of Ansible's output.
fn start_log(site: &Site) -> Result<()> {
    let log = site.own("ansible.log");
    private(&log, false).map_err(|source| writing(&log, source))?;
    Ok(())
}

struct Run<'a> {
    site: &'a Site,
    options: &'a Options,
    events: &'a Events<Event>,
    inputs: Inputs,
    done: Done,
    journal: Journal,
    began: Instant,
    summary: Summary,
}

impl Run<'_> {
    fn begin(&mut self) -> Result<()> {
        start_log(self.site)?;
        let facts = self.facts();
        if !self.options.resume && facts.exists() {
            std::fs::remove_dir_all(&facts).map_err(|source| writing(&facts, source))?;
        }
        for directory in [self.site.own("facts"), facts] {
            private_directory(&directory).map_err(|source| writing(&directory, source))?;
        }
        self.journal.add(&Record::Run {
            time: now(),
            phase: self.options.action,
            resumed: self.options.resume,
        })
    }

    /// The directory of the facts that a run of one part hands to the next.
    fn facts(&self) -> std::path::PathBuf {
        self.site.own("facts").join(self.options.action.name())
    }

    async fn work(&mut self, nodes: &[String]) -> Result<()> {
        let due: Vec<Unit> = units(self.site.manifest(), self.options.action, nodes)
            .into_iter()
            .filter_map(|unit| self.due(unit))
            .collect();
        if due.is_empty() {
            return Ok(());
        }
        self.ping(nodes).await?;
        for unit in due {
            if self.is_over() {
                self.summary.stopped = true;
                self.events.send(Event::Stopped {
                    failed: self.summary.failed.clone(),
                });
                return Ok(());
            }
            self.run(unit).await?;
        }
        Ok(())
    }

    /// Returns true if more nodes failed than are allowed. Nothing goes on without the host that runs
    /// Ansible.
    fn is_over(&self) -> bool {
        let failed = &self.summary.failed;
        failed.len() > self.options.max_fail || failed.iter().any(|node| node == CONTROLLER)
    }

    /// Removes the nodes on which an earlier run did the part.
    fn due(&mut self, unit: Unit) -> Option<Unit> {
        let tag = unit.part.tag();
        let is_done = |node: &String| self.done.has(&tag, node, self.inputs.of(node));
        let (done, due): (Vec<String>, Vec<String>) = unit.nodes.into_iter().partition(is_done);
        if !done.is_empty() {
            self.summary.skipped += done.len();
            self.events.send(Event::Skipped {
                part: unit.part.to_string(),
                nodes: done,
            });
        }
        (!due.is_empty()).then_some(Unit {
            part: unit.part,
            nodes: due,
        })
    }

    /// Finds the nodes that do not answer, before any node is touched.
    async fn ping(&mut self, nodes: &[String]) -> Result<()> {
        let invocation = Invocation {
            playbook: Playbook::Ping,
            tag: None,
            nodes: Some(nodes),
            check: false,
            facts: None,
        };
        let quiet = Events::ignore();
        let runs = self
            .options
            .ansible
            .run(self.site, &invocation, &quiet)
            .await?;
        for node in nodes {
            let message = match runs.get(node) {
                Some(run) => run.outcome.message().map(ToOwned::to_owned),
                None => Some("Ansible did not ask the node".to_owned()),
            };
            if let Some(message) = message {
                self.events.send(Event::Unreachable {
                    node: node.clone(),
                    message: message.clone(),
                });
                self.summary.failed.push(node.clone());
                let run = NodeRun {
                    outcome: Outcome::Unreachable { message },
                    changes: Vec::new(),
                    slowest: None,
                    status: None,
                };
                let started = self.began.elapsed().as_secs_f64();
                self.summary
                    .results
                    .push(result(node, "ping", &run, started, 0.0));
            }
        }
        Ok(())
    }

    /// Runs a unit on its nodes that have not failed.
    async fn run(&mut self, mut unit: Unit) -> Result<()> {
        unit.nodes
            .retain(|node| !self.summary.failed.contains(node));
        if unit.nodes.is_empty() {
            return Ok(());
        }
        let part = unit.part.to_string();
        self.events.send(Event::Started {
            part: part.clone(),
            nodes: unit.nodes.clone(),
        });
        self.journal.add(&Record::Begin {
            time: now(),
            phase: self.options.action,
            part: unit.part.tag(),
            nodes: unit.nodes.clone(),
        })?;
        let started = self.began.elapsed().as_secs_f64();
        let invocation = Invocation {
            playbook: self.options.action.playbook(),
            tag: Some(unit.part.tag()),
            nodes: (!unit.is_external()).then_some(unit.nodes.as_slice()),
            check: false,
            facts: Some(self.facts()),
        };
        let mut runs = self
            .options
            .ansible
            .run(self.site, &invocation, self.events)
            .await?;
        let seconds = self.began.elapsed().as_secs_f64() - started;
        for node in &unit.nodes {
            let run = runs.remove(node).unwrap_or_else(missing);
            self.record(&unit, node, &run, started, seconds)?;
        }
        Ok(())
    }

    fn record(
        &mut self,
        unit: &Unit,
        node: &str,
        run: &NodeRun,
        started: f64,
        seconds: f64,
    ) -> Result<()> {
        let part = unit.part.to_string();
        self.journal.add(&Record::End {
            time: now(),
            phase: self.options.action,
            part: unit.part.tag(),
            step: unit.part.step(),
            node: node.to_owned(),
            inputs: self.inputs.of(node).to_owned(),
            result: match run.outcome {
                Outcome::Unchanged => ResultWord::Unchanged,
                Outcome::Changed => ResultWord::Changed,
                Outcome::Failed { .. } => ResultWord::Failed,
                Outcome::Unreachable { .. } => ResultWord::Unreachable,
            },
            seconds,
        })?;
        if !run.outcome.is_done() {
            self.summary.failed.push(node.to_owned());
        }
        self.summary
            .results
            .push(result(node, &part, run, started, seconds));
        self.events.send(Event::Ended {
            node: node.to_owned(),
            part,
            outcome: run.outcome.clone(),
            seconds,
        });
        Ok(())
    }

    fn finish(mut self) -> Result<Summary> {
        self.journal.add(&Record::Finished {
            time: now(),
            phase: self.options.action,
            failed: self.summary.failed.clone(),
        })?;
        self.summary.seconds = self.began.elapsed().as_secs_f64();
        Ok(self.summary)
    }
}

fn missing() -> NodeRun {
    NodeRun {
        outcome: Outcome::Failed {
            message: "Ansible did not run this part on the node".to_owned(),
        },
        changes: Vec::new(),
        slowest: None,
        status: None,
    }
}

fn result(node: &str, part: &str, run: &NodeRun, started: f64, seconds: f64) -> NodeResult {
    NodeResult {
        node: node.to_owned(),
        part: part.to_owned(),
        outcome: (&run.outcome).into(),
        changes: run.changes.clone(),
        started,
        seconds,
        slowest: run.slowest.clone(),
    }
}
