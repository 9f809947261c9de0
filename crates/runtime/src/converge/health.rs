//! Waiting until containers are healthy.

use slipway_events::Events;
use std::collections::BTreeMap;
use std::time::Duration;

use slipway_service::{Action, ContainerConfig, RestartPolicy};
use tokio::time::Instant;

use super::container::{ended_badly, last_lines};
use super::{
    ApplyOptions, ContainerFailure, ContainerSet, ConvergeError, Event, Outcome, Redact, Result,
    labels,
};
use slipway_engine::{ContainerState, ContainerSummary, Engine, Health};
use slipway_redact::printable;

/// The interval at which all containers are checked.
const GLANCE: Duration = Duration::from_millis(250);

/// Waits until every container with a healthcheck is healthy and every other has stayed up.
///
/// Every look is one list call. Containers that were started long enough ago are not waited for.
///
/// # Errors
/// After `timeout`, or at once where waiting cannot help, [`ConvergeError::Containers`] names
/// those that are not well, with their last lines of output.
pub async fn wait_healthy(
    engine: &dyn Engine,
    set: &ContainerSet,
    timeout: Duration,
    options: &ApplyOptions,
    events: &Events<Event>,
) -> Result<()> {
    let begin = Instant::now();
    let mut watch = Watch::default();
    let filter = format!("{}={}", labels::CONFIG_ID, set.config_id);
    loop {
        let mut listed = engine
            .list_containers(std::slice::from_ref(&filter))
            .await?;
        if !engine.info().capabilities().lists_health {
            check_health(engine, set, &mut listed).await?;
        }
        let ours = labels::managed(&listed, &set.managed_by, Some(&set.config_id));
        let verdicts = watch.look(set, &ours, options.settle, events);
        let is_over = begin.elapsed() >= timeout;
        let mut failures = Vec::new();
        for (name, verdict) in &verdicts {
            let what = match verdict {
                Verdict::Failed(what) => what.clone(),
                Verdict::Pending(what) if is_over => {
                    format!("{what} after {} s", begin.elapsed().as_secs())
                }
                _ => continue,
            };
            let found = find(name, &ours);
            let lines = options.log_lines;
            failures.push(ContainerFailure {
                container: (*name).to_owned(),
                what,
                output: match found {
                    Some(c) => last_lines(engine, &c.id, lines, &options.redact).await,
                    None => Vec::new(),
                },
                health: match found {
                    Some(c) => last_checks(engine, &c.id, &options.redact).await,
                    None => Vec::new(),
                },
                ..ContainerFailure::default()
            });
        }
        if !failures.is_empty() {
            let outcome = Box::new(Outcome {
                config_id: set.config_id.clone(),
                ..Outcome::default()
            });
            return Err(ConvergeError::Containers { failures, outcome });
        }
        if verdicts
            .iter()
            .all(|(_, verdict)| *verdict == Verdict::Well)
        {
            return Ok(());
        }
        tokio::time::sleep(GLANCE).await;
    }
}

/// Runs the healthchecks, for an engine whose list does not tell the health of containers.
async fn check_health(
    engine: &dyn Engine,
    set: &ContainerSet,
    listed: &mut [ContainerSummary],
) -> Result<()> {
    for container in listed {
        let config = set.containers.get(labels::desired_name(container));
        let has_check = config.is_some_and(|config| config.keys().healthcheck.is_some());
        if has_check && container.state == ContainerState::Running {
            container.health = engine
                .check_health(&container.id)
                .await?
                .map(|report| report.health);
        }
    }
    Ok(())
}

/// The last results of a container's healthcheck, the latest last. That they cannot be read is said
/// in their place, and is no failure of its own.
async fn last_checks(engine: &dyn Engine, id: &str, redact: &Redact) -> Vec<String> {
    const CHECKS: usize = 2;
    let log = match engine.check_health(id).await {
        Ok(report) => report.map(|report| report.log).unwrap_or_default(),
        Err(error) => return vec![redact(&printable(&format!("results not read: {error}")))],
    };
    let skipped = log.len().saturating_sub(CHECKS);
    let last = log.into_iter().skip(skipped);
    last.map(|check| {
        let said = redact(&printable(check.output.trim()));
        format!("exit code {}: {said}", check.exit_code)
    })
    .collect()
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Well,
    /// Not healthy yet, for this reason.
    Pending(String),
    Failed(String),
}

/// The state of all containers so far.
#[derive(Default)]
struct Watch {
    /// Since when a container without a healthcheck has been seen up, by name, with its id.
    up_since: BTreeMap<String, (String, Instant)>,
    reported: BTreeMap<String, Option<Health>>,
}

impl Watch {
    fn look<'a>(
        &mut self,
        set: &'a ContainerSet,
        ours: &[&ContainerSummary],
        settle: Duration,
        events: &Events<Event>,
    ) -> Vec<(&'a str, Verdict)> {
        let stays = |config: &ContainerConfig| {
            config.keys().action == Action::Run && !config.keys().is_one_shot()
        };
        let waited_for = set.containers.iter().filter(|(_, config)| stays(config));
        waited_for
            .map(|(name, config)| {
                let found = find(name, ours);
                let verdict = self.judge(name, config, found, settle);
                if verdict == Verdict::Well {
                    let health = found.and_then(|container| container.health);
                    if self.reported.insert(name.clone(), health) != Some(health) {
                        events.send(Event::HealthChanged {
                            container: name.clone(),
                            health,
                        });
                    }
                }
                (name.as_str(), verdict)
            })
            .collect()
    }

    fn judge(
        &mut self,
        name: &str,
        config: &ContainerConfig,
        found: Option<&ContainerSummary>,
        settle: Duration,
    ) -> Verdict {
        let keys = config.keys();
        let Some(container) = found else {
            return match keys.remove {
                true => Verdict::Well,
                false => Verdict::Failed("is not there".to_owned()),
            };
        };
        if container.state == ContainerState::Exited {
            let code = container.exit_code().unwrap_or(-1);
            let ended = ended_badly(keys, code);
            return match keys.restart.unwrap_or(RestartPolicy::No) {
                // Done, and nobody wants it up again.
                RestartPolicy::No if keys.accepts_exit_code(code) => Verdict::Well,
                RestartPolicy::No => Verdict::Failed(ended),
                RestartPolicy::Always
                | RestartPolicy::UnlessStopped
                | RestartPolicy::OnFailure(_) => Verdict::Pending(ended),
            };
        }
        if container.state != ContainerState::Running {
            self.up_since.remove(name);
            return Verdict::Pending("is not up".to_owned());
        }
        match container.health {
            Some(Health::Healthy) => Verdict::Well,
            Some(Health::Starting) => Verdict::Pending("is not yet healthy".to_owned()),
            Some(Health::Unhealthy) => Verdict::Pending("is unhealthy".to_owned()),
            None => self.judge_by_time(name, container, settle),
        }
    }

    /// Running in every check of the probation time, or already for some seconds.
    fn judge_by_time(
        &mut self,
        name: &str,
        container: &ContainerSummary,
        settle: Duration,
    ) -> Verdict {
        if is_up_for_long(&container.status) {
            return Verdict::Well;
        }
        let now = Instant::now();
        let seen = self
            .up_since
            .get(name)
            .filter(|(id, _)| *id == container.id);
        let since = seen.map_or(now, |(_, since)| *since);
        self.up_since
            .insert(name.to_owned(), (container.id.clone(), since));
        match now.duration_since(since) >= settle {
            true => Verdict::Well,
            false => Verdict::Pending("has not stayed up".to_owned()),
        }
    }
}

/// Returns `true` when the engine's status line says more than a few seconds: `Up 4 minutes`.
fn is_up_for_long(status: &str) -> bool {
    let Some(time) = status.strip_prefix("Up ") else {
        return false;
    };
    match time.split_once(' ') {
        Some((count, unit)) if unit.starts_with("second") => {
            count.parse::<u32>().is_ok_and(|seconds| seconds >= 3)
        }
        _ => !time.starts_with("Less"),
    }
}

fn find<'a>(name: &str, ours: &[&'a ContainerSummary]) -> Option<&'a ContainerSummary> {
    super::survey::find_by_name(name, ours)
}

#[cfg(test)]
mod tests {
    use super::is_up_for_long;

    #[test]
    fn status_lines_have_the_duration() {
        for long in [
            "Up 4 minutes",
            "Up About a minute",
            "Up 3 seconds (healthy)",
            "Up 2 days",
        ] {
            assert!(is_up_for_long(long), "{long}");
        }
        for short in [
            "Up Less than a second",
            "Up 1 second",
            "Exited (0) 2 days ago",
            "running",
        ] {
            assert!(!is_up_for_long(short), "{short}");
        }
    }
}
