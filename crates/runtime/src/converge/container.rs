//! Work on a single container: creating, replacing, starting, restarting, waiting.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use futures_util::TryStreamExt;
use slipway_service::ContainerKeys;
use tokio::time::{Duration, Instant};

use super::apply::{Halt, Run};
use super::plan::{Existing, Planned};
use super::record::Done;
use super::survey::ASIDE;
use super::{ContainerFailure, Event, Redact};
use crate::systemd::Units;
use slipway_engine::{ContainerSpec, ContainerState, Engine, EngineError, LogLine, Result};
use slipway_redact::printable;

/// The time between two looks at a container that must stay up.
const GLANCE: Duration = Duration::from_millis(100);

/// The number of last lines of a one-shot container's output that are sent.
const OUTPUT_LINES: usize = 10_000;

/// The time in which a container that was restarted is expected to end again.
const LAST_WORDS: Duration = Duration::from_secs(3);

impl Run<'_> {
    fn keys(&self, name: &str) -> &ContainerKeys {
        self.set.containers[name].keys()
    }

    /// Makes and starts a container; gives the exit code of one that is waited for.
    pub(super) async fn create(&self, planned: &Planned) -> Result<Option<i64>, Halt> {
        let name = &planned.container;
        let spec = &self.specs[name];
        let id = self.make(name, spec).await?;
        self.shared().ids.insert(name.clone(), id.clone());
        if let Err(error) = self.engine.start_container(&id).await {
            let halt = self.refused(name, error);
            return Err(self.discard(&id, halt).await);
        }
        self.after_start(name, id).await
    }

    /// Replaces a container.
    pub(super) async fn replace(&self, planned: &Planned) -> Result<Option<i64>, Halt> {
        let name = &planned.container;
        let Some(old) = &planned.existing else {
            return self.create(planned).await;
        };
        // Made under a name of its own first: most of what can go wrong goes wrong here, with the
        // old container still up.
        let made = self
            .engine
            .create_container(&unique(name, "-"), &self.specs[name])
            .await;
        let new = made.map_err(|error| self.refused(name, error))?;
        let swap = Swap {
            name,
            old,
            new: &new,
        };
        if let Err(halt) = self.swap_in(&swap).await {
            let failure = self.discard(&new, halt).await;
            return Err(self.roll_back(&swap, failure).await);
        }
        self.shared().ids.insert(name.clone(), new.clone());
        if self.keys(name).is_one_shot() {
            self.engine.remove_container(&old.id).await?;
            return self.after_start(name, new).await;
        }
        if let Some(trouble) = self.trouble_within_settling(name, &new).await? {
            let failure = self.failure(name, &new, trouble).await;
            if self.options.rollback {
                self.engine.remove_container(&new).await?;
            }
            return Err(self.roll_back(&swap, failure).await);
        }
        self.engine.remove_container(&old.id).await?;
        self.tell(Event::Started {
            container: name.clone(),
            id: new,
        });
        Ok(None)
    }

    /// Sets the old container aside, stops it, and starts the new one under its name.
    async fn swap_in(&self, swap: &Swap<'_>) -> Result<(), Halt> {
        let engine = self.engine;
        let refused = |error| self.refused(swap.name, error);
        if !swap.old.name.contains(ASIDE) {
            let aside = unique(swap.name, ASIDE);
            let renamed = engine.rename_container(&swap.old.id, &aside).await;
            renamed.map_err(refused)?;
        }
        self.stop_unit(swap).await?;
        let stopped = engine.stop_container(&swap.old.id, None).await;
        stopped.map_err(refused)?;
        self.unit_has_stopped(swap).await?;
        if swap.old.name == swap.name || !self.shared().taken.contains(swap.name) {
            let renamed = engine.rename_container(swap.new, swap.name).await;
            renamed.map_err(refused)?;
        }
        engine.start_container(swap.new).await.map_err(refused)
    }

    /// Restores the old container after its replacement failed and was removed.
    async fn roll_back(&self, swap: &Swap<'_>, halt: Halt) -> Halt {
        let Halt::Failure(mut failure) = halt else {
            return halt;
        };
        if !self.options.rollback {
            let removed = self.engine.remove_container(&swap.old.id).await;
            failure.rollback = removed
                .err()
                .map(|error| format!("the old container could not be removed: {error}"));
            return Halt::Failure(failure);
        }
        failure.rollback = Some(match self.put_back(swap).await {
            Ok(false) => "the old container is gone as well".to_owned(),
            Ok(true) => {
                self.tell(Event::RolledBack {
                    container: swap.name.to_owned(),
                });
                match swap.old.was_up {
                    true => "the old container was started again".to_owned(),
                    false => "the old container was left as it was".to_owned(),
                }
            }
            Err(error) => format!("the old container could not be put back: {error}"),
        });
        Halt::Failure(failure)
    }

    /// Returns `true` when the old container was still there to be put back. The engine removes some
    /// containers when they stop.
    async fn put_back(&self, swap: &Swap<'_>) -> super::Result<bool> {
        let Some(now) = self.engine.find_container(&swap.old.id).await? else {
            return Ok(false);
        };
        let name = match swap.old.name.contains(ASIDE) {
            true => swap.name,
            false => &swap.old.name,
        };
        if now.name != name && self.engine.find_container(name).await?.is_none() {
            self.engine.rename_container(&swap.old.id, name).await?;
        }
        if swap.old.was_up && now.state != ContainerState::Running {
            self.engine.start_container(&swap.old.id).await?;
            self.start_unit(swap).await?;
        }
        Ok(true)
    }

    /// Starts an existing container.
    pub(super) async fn start(&self, planned: &Planned) -> Result<Option<i64>, Halt> {
        let Some(existing) = &planned.existing else {
            return Ok(None);
        };
        let name = &planned.container;
        // What an interrupted run asked of the engine may not have happened yet.
        if existing.name.contains(ASIDE) {
            self.engine.stop_container(&existing.id, None).await?;
            if !self.shared().taken.contains(name) {
                self.engine.rename_container(&existing.id, name).await?;
            }
        }
        let started = self.engine.start_container(&existing.id).await;
        if let Err(error) = started {
            return Err(self.refused(name, error));
        }
        self.after_start(name, existing.id.clone()).await
    }

    /// Restarts a container that is up.
    pub(super) async fn restart(&self, planned: &Planned) -> Result<Option<i64>, Halt> {
        let name = &planned.container;
        let Some(existing) = &planned.existing else {
            return Ok(None);
        };
        let swap = Swap {
            name,
            old: existing,
            new: &existing.id,
        };
        self.stop_unit(&swap).await?;
        let stopped = self.engine.stop_container(&existing.id, None).await;
        stopped.map_err(|error| self.refused(name, error))?;
        self.unit_has_stopped(&swap).await?;
        let started = self.engine.start_container(&existing.id).await;
        started.map_err(|error| self.refused(name, error))?;
        self.after_start(name, existing.id.clone()).await
    }

    /// Waits for a one-shot container that an earlier run started.
    pub(super) async fn wait(&self, planned: &Planned) -> Result<Option<i64>, Halt> {
        match &planned.existing {
            Some(existing) => self.see_to_its_end(&planned.container, &existing.id).await,
            None => Ok(None),
        }
    }

    async fn after_start(&self, name: &str, id: String) -> Result<Option<i64>, Halt> {
        if self.keys(name).is_one_shot() {
            return self.see_to_its_end(name, &id).await;
        }
        self.tell(Event::Started {
            container: name.to_owned(),
            id: id.clone(),
        });
        let mut shared = self.shared();
        shared.fresh.push((name.to_owned(), id));
        shared.last_start = Some(Instant::now());
        Ok(None)
    }

    async fn see_to_its_end(&self, name: &str, id: &str) -> Result<Option<i64>, Halt> {
        let exit_code = self.engine.wait_container(id).await?;
        self.tell(Event::Ended {
            container: name.to_owned(),
            exit_code,
        });
        if self.options.send_output {
            let lines = self.engine.logs(id, Some(OUTPUT_LINES), false).await?;
            self.send_output(name, lines.try_collect().await?);
        }
        let keys = self.keys(name);
        let verdict = match keys.accepts_exit_code(exit_code) {
            true => Ok(Some(exit_code)),
            false => Err(self
                .failure(name, id, Trouble::ended(keys, exit_code))
                .await),
        };
        if keys.remove {
            if verdict.is_ok() {
                self.remember_image(name)?;
            }
            self.engine.remove_container(id).await?;
        }
        verdict
    }

    /// Sends the output of a one-shot container or of a command.
    pub(super) fn send_output(&self, name: &str, lines: Vec<LogLine>) {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        for line in lines {
            match line {
                LogLine::Out(line) => stdout.push((self.options.redact)(&line)),
                LogLine::Err(line) => stderr.push((self.options.redact)(&line)),
            }
        }
        self.tell(Event::Output {
            container: name.to_owned(),
            stdout,
            stderr,
        });
    }

    fn remember_image(&self, name: &str) -> Result<(), Halt> {
        let config = &self.set.containers[name];
        let reference = config.keys().image.as_deref().unwrap_or_default();
        if let Some(image) = self.images.id(reference) {
            let done = Done::new(config, image);
            self.shared().record.remember(name, done)?;
        }
        Ok(())
    }

    /// Makes a container under its own name or, where a stranger has that, under a longer one.
    async fn make(&self, name: &str, spec: &ContainerSpec) -> Result<String, Halt> {
        let taken = self.shared().taken.contains(name);
        let first = if taken {
            unique(name, "-")
        } else {
            name.to_owned()
        };
        let made = match self.engine.create_container(&first, spec).await {
            // Somebody took the name in the meantime.
            Err(EngineError::Refused { status: 409, .. }) => {
                self.engine.create_container(&unique(name, "-"), spec).await
            }
            made => made,
        };
        made.map_err(|error| self.refused(name, error))
    }

    /// The trouble of a container that was started, if any, as soon as it shows.
    async fn trouble_within_settling(&self, name: &str, id: &str) -> Result<Option<Trouble>> {
        let end = Instant::now() + self.options.settle;
        loop {
            let trouble = self.trouble(name, id).await?;
            if trouble.is_some() || Instant::now() >= end {
                return Ok(trouble);
            }
            tokio::time::sleep(GLANCE.min(self.options.settle)).await;
        }
    }

    /// The trouble of a container that was started, if any.
    pub(super) async fn trouble(&self, name: &str, id: &str) -> Result<Option<Trouble>> {
        let keys = self.keys(name);
        let Some(container) = self.engine.find_container(id).await? else {
            // Removed by the engine, as configured; nobody can tell how it ended.
            return Ok((!keys.remove).then(|| Trouble::from("it is gone")));
        };
        let restarted = container.restarts.unwrap_or_default() > 0;
        Ok(match container.state {
            ContainerState::Restarting => Some("it does not stay up".into()),
            ContainerState::Running if restarted => {
                self.until_it_ends(id).await?;
                Some("it does not stay up".into())
            }
            ContainerState::Exited => {
                let code = container.exit_code().unwrap_or(-1);
                (!keys.accepts_exit_code(code)).then(|| Trouble::ended(keys, code))
            }
            _ => None,
        })
    }

    /// Waits until a restarted container ends again, because its last lines of output then show the
    /// reason.
    async fn until_it_ends(&self, id: &str) -> Result<()> {
        let end = Instant::now() + LAST_WORDS;
        while Instant::now() < end
            && let Some(container) = self.engine.find_container(id).await?
            && container.state == ContainerState::Running
        {
            tokio::time::sleep(GLANCE).await;
        }
        Ok(())
    }

    /// Removes a container that could not be started, and hands on why it could not.
    async fn discard(&self, id: &str, halt: Halt) -> Halt {
        if let Halt::Failure(_) = halt
            && let Err(error) = self.engine.remove_container(id).await
        {
            return error.into();
        }
        halt
    }

    /// The engine's refusal as the container's failure; anything else is the engine's own.
    pub(super) fn refused(&self, name: &str, error: EngineError) -> Halt {
        match error {
            EngineError::Refused { .. } => Halt::Failure(Box::new(ContainerFailure {
                container: name.to_owned(),
                what: (self.options.redact)(&printable(&error.reason())),
                ..ContainerFailure::default()
            })),
            other => other.into(),
        }
    }

    pub(super) async fn failure(&self, name: &str, id: &str, trouble: Trouble) -> Halt {
        let lines = self.options.log_lines;
        Halt::Failure(Box::new(ContainerFailure {
            container: name.to_owned(),
            what: trouble.what,
            exit_code: trouble.exit_code,
            output: last_lines(self.engine, id, lines, &self.options.redact).await,
            ..ContainerFailure::default()
        }))
    }
}

/// The trouble of a container.
pub(super) struct Trouble {
    what: String,
    /// The exit code, for a container that ended.
    exit_code: Option<i64>,
}

impl Trouble {
    fn ended(keys: &ContainerKeys, exit_code: i64) -> Trouble {
        Trouble {
            what: ended_badly(keys, exit_code),
            exit_code: Some(exit_code),
        }
    }
}

impl<S: Into<String>> From<S> for Trouble {
    fn from(what: S) -> Trouble {
        Trouble {
            what: what.into(),
            exit_code: None,
        }
    }
}

/// An old container and the one made to take its place.
pub(super) struct Swap<'a> {
    pub(super) name: &'a str,
    pub(super) old: &'a Existing,
    new: &'a str,
}

pub(super) fn ended_badly(keys: &ContainerKeys, exit_code: i64) -> String {
    match keys.exit_codes.as_slice() {
        [] | [0] => format!("ended with exit code {exit_code}"),
        codes => {
            let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
            format!(
                "ended with exit code {exit_code}, not with {}",
                codes.join(" or ")
            )
        }
    }
}

/// A container's last lines of output. They explain a failure; that they cannot be had is no
/// failure of its own.
pub(super) async fn last_lines(
    engine: &dyn Engine,
    id: &str,
    count: usize,
    redact: &Redact,
) -> Vec<String> {
    let Ok(lines) = engine.logs(id, Some(count), false).await else {
        return Vec::new();
    };
    let lines: Vec<LogLine> = lines.try_collect().await.unwrap_or_default();
    readable(lines, count, redact)
}

pub(super) fn readable(lines: Vec<LogLine>, count: usize, redact: &Redact) -> Vec<String> {
    let skipped = lines.len().saturating_sub(count);
    let kept = lines.into_iter().skip(skipped);
    kept.map(|(LogLine::Out(line) | LogLine::Err(line))| redact(&printable(&line)))
        .collect()
}

/// Removes a container that is no longer wanted, from systemd's care first.
pub(crate) async fn retire(
    engine: &dyn Engine,
    units: Option<&Units>,
    id: &str,
    name: &str,
) -> super::Result<()> {
    if !name.contains(ASIDE) {
        match engine.rename_container(id, &unique(name, ASIDE)).await {
            // It is on its way out already.
            Ok(()) | Err(EngineError::Refused { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let name = before_aside(name);
    if let Some(units) = units {
        units.stop_of(name, id).await?;
    }
    engine.stop_container(id, None).await?;
    if let Some(units) = units {
        units.remove_of(name, id).await?;
    }
    Ok(engine.remove_container(id).await?)
}

/// The name that a container had before it was set aside.
pub(super) fn before_aside(name: &str) -> &str {
    name.split(ASIDE).next().unwrap_or(name)
}

/// Returns a longer name, for a name that another container has.
pub fn longer_name(name: &str) -> String {
    unique(name, "-")
}

/// Returns an unused name: the name with eight random letters and digits, as paunch does.
fn unique(name: &str, between: &str) -> String {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = RandomState::new().build_hasher().finish();
    let mut longer = format!("{name}{between}");
    for _ in 0..8 {
        longer.push(char::from(LETTERS[(random % 36) as usize]));
        random /= 36;
    }
    longer
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_secret_with_an_escape_sequence_in_it_is_masked() {
        let redact: Redact = Arc::new(|text: &str| text.replace("secret", "***"));
        let lines = vec![LogLine::Err(
            "\u{1b}]0;title\u{7}se\u{1b}[0mcret".to_owned(),
        )];
        assert_eq!(readable(lines, 1, &redact), ["***"]);
    }
}
