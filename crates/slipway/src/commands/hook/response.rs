//! The response of a hook.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use slipway_events::Events;
use slipway_runtime::converge::{
    ContainerFailure, ContainerSet, ConvergeError, Event, Outcome, Result,
};

use crate::commands::apply::paunch_status;

/// The result of a deployment, as heat-config reads it.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Response {
    deploy_stdout: String,
    deploy_stderr: String,
    deploy_status_code: u8,
}

impl Response {
    /// Returns the response for a deployment that was not applied.
    pub fn of_error(error: &anyhow::Error) -> Response {
        Response {
            deploy_stderr: format!("{error:#}"),
            deploy_status_code: 1,
            ..Response::default()
        }
    }
}

/// The output of one container, as the docker command would print it: the id of one that stays up,
/// the output of one that was waited for.
#[derive(Debug, Default)]
struct Printed {
    stdout: String,
    stderr: String,
}

/// Records the output of containers.
#[derive(Debug, Default)]
pub struct Recorder {
    printed: Arc<Mutex<BTreeMap<String, Printed>>>,
}

impl Recorder {
    /// Returns a recorder without records.
    pub fn new() -> Recorder {
        Recorder::default()
    }

    /// Returns events that are recorded and handed on.
    pub fn events(&self, next: Events<Event>) -> Events<Event> {
        let printed = Arc::clone(&self.printed);
        Events::new(move |event| {
            let mut printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
            match &event {
                Event::Started { container, id } => {
                    printed.entry(container.clone()).or_default().stdout = format!("{id}\n");
                }
                Event::Output {
                    container,
                    stdout,
                    stderr,
                } => {
                    let entry = printed.entry(container.clone()).or_default();
                    entry.stdout = lines(stdout);
                    entry.stderr = lines(stderr);
                }
                _ => {}
            }
            drop(printed);
            next.send(event);
        })
    }

    /// Returns the response: the containers' output by start_order, as paunch collects it.
    pub fn response(&self, set: &ContainerSet, done: Result<Outcome>) -> anyhow::Result<Response> {
        let (pulled, failures) = match done {
            Ok(outcome) => (outcome.pulled, Vec::new()),
            Err(ConvergeError::Containers { failures, outcome }) => (outcome.pulled, failures),
            Err(other) => return Err(other.into()),
        };
        let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stdout: Vec<String> = pulled.iter().map(|image| format!("{image}\n")).collect();
        let mut stderr = Vec::new();
        let mut names: Vec<&String> = set.containers.keys().collect();
        names.sort_by_key(|name| set.containers[*name].keys().start_order);
        for name in names {
            let of_container = printed.remove(name).unwrap_or_default();
            stdout.extend(Some(of_container.stdout).filter(|text| !text.is_empty()));
            stderr.extend(Some(of_container.stderr).filter(|text| !text.is_empty()));
        }
        stderr.extend(failures.iter().filter_map(of_docker));
        Ok(Response {
            deploy_stdout: stdout.join("\n"),
            deploy_stderr: stderr.join("\n"),
            deploy_status_code: match failures.is_empty() {
                true => 0,
                false => paunch_status(&failures),
            },
        })
    }
}

/// Returns the failure's text, unless the failure is the exit code of what printed its own.
fn of_docker(failure: &ContainerFailure) -> Option<String> {
    match failure.exit_code {
        Some(_) => None,
        None => Some(format!("{failure}\n")),
    }
}

fn lines(lines: &[String]) -> String {
    lines
        .iter()
        .flat_map(|line| [line.as_str(), "\n"])
        .collect()
}
