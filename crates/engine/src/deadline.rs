//! Deadlines of engine calls.
//!
//! | calls | deadline |
//! |---|---|
//! | lookups, lists, health, rename, resize, attach | [`Limits::lookup`] |
//! | create, start, remove, remove image, generated unit | [`Limits::change`] |
//! | stop | the grace period, and [`Limits::change`] after it |
//! | wait, exec | as long as the container or command runs, while the engine answers lookups |
//! | pull, push, download, output that is not followed | [`Limits::silence`] without news |
//! | build, followed output | none: the caller bounds builds, and a person watches output |

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};
use slipway_events::Events;
use tokio::time::Instant;

use crate::{
    Attached, BuildRequest, ContainerSpec, ContainerSummary, Containers, Engine, EngineError,
    EngineInfo, Event, ExecResult, ExecSpec, HealthReport, ImageSummary, Images, LogLine, Progress,
    PushProgress, Result, SystemInfo, TarStream, UnitGenerator,
};

/// The grace period of a container that has none of its own: the engines' default.
const DEFAULT_GRACE: Duration = Duration::from_secs(10);

/// The deadlines of calls.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Calls that only look something up or change a name.
    pub lookup: Duration,
    /// Calls that make, start or remove something, which disks and networks may slow down.
    pub change: Duration,
    /// The time without news in calls that transfer data.
    pub silence: Duration,
    /// The time between two checks that the engine still answers while a container runs.
    pub heartbeat: Duration,
    /// The time after which a call is reported as waited for, and again after each such time.
    pub notice: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            lookup: Duration::from_secs(120),
            change: Duration::from_secs(300),
            silence: Duration::from_secs(120),
            heartbeat: Duration::from_secs(30),
            notice: Duration::from_secs(5),
        }
    }
}

/// Waits for work, at most `limit`, and reports the time waited after each `notice`, which is not zero.
/// Returns `None` at the limit; the work is dropped, which ends it.
pub async fn wait_within<T>(
    limit: Duration,
    notice: Duration,
    work: impl Future<Output = T>,
    report: impl Fn(Duration),
) -> Option<T> {
    tokio::pin!(work);
    let mut waited = Duration::ZERO;
    loop {
        let pause = notice.min(limit.saturating_sub(waited));
        if let Ok(result) = tokio::time::timeout(pause, &mut work).await {
            return Some(result);
        }
        waited += pause;
        if waited >= limit {
            return None;
        }
        report(waited);
    }
}

/// An engine whose calls have deadlines.
#[derive(Debug)]
pub struct Timed<E> {
    engine: E,
    limits: Limits,
    events: Events<Event>,
    /// Names of containers by id, for messages.
    names: Mutex<HashMap<String, String>>,
}

/// The thing that a call is about, for what to look at when it does not end.
enum Subject<'a> {
    Engine,
    Container(&'a str),
    Registry,
}

/// A call and its deadline.
struct Call {
    action: String,
    limit: Duration,
    advice: String,
}

impl<E: Engine> Timed<E> {
    /// Adds deadlines to the calls of an engine. `events` gets the calls that take long.
    pub fn new(engine: E, limits: Limits, events: Events<Event>) -> Timed<E> {
        Timed {
            engine,
            limits,
            events,
            names: Mutex::default(),
        }
    }

    /// The engine without deadlines.
    pub fn inner(&self) -> &E {
        &self.engine
    }

    /// The container's name where it is known, or else its short id.
    fn name(&self, id: &str) -> String {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let is_id = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        match names.get(id) {
            Some(name) => name.clone(),
            None if is_id => id[..12].to_owned(),
            None => id.to_owned(),
        }
    }

    fn remember(&self, id: &str, name: &str) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.insert(id.to_owned(), name.to_owned());
    }

    fn advice(&self, subject: &Subject<'_>) -> String {
        let program = self.engine.info().name();
        let log = match program {
            "docker" => "the engine's log (journalctl -u docker)".to_owned(),
            other => format!("the engine's log (journalctl -u {other})"),
        };
        match subject {
            Subject::Engine => format!("look at `{program} info` and {log}"),
            Subject::Container(name) => format!("look at `{program} inspect {name}` and {log}"),
            Subject::Registry => format!("look at the registry and {log}"),
        }
    }

    fn call(&self, action: String, limit: Duration, subject: &Subject<'_>) -> Call {
        Call {
            advice: self.advice(subject),
            action,
            limit,
        }
    }

    fn lookup(&self, action: &str, subject: &Subject<'_>) -> Call {
        self.call(action.to_owned(), self.limits.lookup, subject)
    }

    fn change(&self, verb: &str, name: &str) -> Call {
        let action = format!("{verb} container {name}");
        self.call(action, self.limits.change, &Subject::Container(name))
    }

    /// Runs a call to its deadline, and reports that it is waited for.
    async fn within<T>(&self, call: Call, work: impl Future<Output = Result<T>>) -> Result<T> {
        let report = |waited| self.events.send(call.waiting(waited));
        wait_within(call.limit, self.limits.notice, work, report)
            .await
            .unwrap_or_else(|| Err(call.stalled()))
    }

    /// Runs a call that takes as long as a container or a command does. The engine must answer
    /// lookups meanwhile.
    async fn while_alive<T>(
        &self,
        action: String,
        id: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let begin = Instant::now();
        tokio::pin!(work);
        loop {
            match tokio::time::timeout(self.limits.heartbeat, &mut work).await {
                Ok(result) => return result,
                Err(_) => {
                    self.events.send(Event::Waiting {
                        action: action.clone(),
                        seconds: begin.elapsed().as_secs(),
                        limit: None,
                    });
                    tokio::select! {
                        result = &mut work => return result,
                        answer = self.find_container(id) => drop(answer?),
                    }
                }
            }
        }
    }

    /// Passes a stream on for as long as each item comes in time.
    fn steady<T: Send + 'static, X: Send + 'static>(
        &self,
        call: Call,
        items: BoxStream<'static, std::result::Result<T, X>>,
        error: fn(EngineError) -> X,
    ) -> BoxStream<'static, std::result::Result<T, X>> {
        let notice = self.limits.notice;
        let events = self.events.clone();
        let state = Some((items, call));
        stream::unfold(state, move |state| {
            let events = events.clone();
            async move {
                let (mut items, call) = state?;
                let report = |waited| events.send(call.waiting(waited));
                match wait_within(call.limit, notice, items.next(), report).await {
                    Some(Some(item)) => Some((item, Some((items, call)))),
                    Some(None) => None,
                    None => Some((Err(error(call.stalled())), None)),
                }
            }
        })
        .boxed()
    }

    /// The time that a container has to stop, by its own configuration.
    async fn grace_of(&self, id: &str) -> Result<Duration> {
        let found = self.find_container(id).await?;
        let own = found.and_then(|container| container.stop_timeout);
        Ok(own.unwrap_or(DEFAULT_GRACE))
    }
}

impl Call {
    fn waiting(&self, waited: Duration) -> Event {
        Event::Waiting {
            action: self.action.clone(),
            seconds: waited.as_secs(),
            limit: Some(self.limit.as_secs()),
        }
    }

    fn stalled(self) -> EngineError {
        EngineError::Stalled {
            action: self.action,
            seconds: self.limit.as_secs(),
            advice: self.advice,
        }
    }
}

#[async_trait]
impl<E: Engine> Engine for Timed<E> {
    fn info(&self) -> &EngineInfo {
        self.engine.info()
    }

    async fn system(&self) -> Result<SystemInfo> {
        let call = self.lookup("read the engine's description", &Subject::Engine);
        self.within(call, self.engine.system()).await
    }

    async fn list_volumes(&self) -> Result<Vec<String>> {
        let call = self.lookup("list volumes", &Subject::Engine);
        self.within(call, self.engine.list_volumes()).await
    }

    fn unit_generator(&self) -> Option<&dyn UnitGenerator> {
        self.engine
            .unit_generator()
            .map(|_| self as &dyn UnitGenerator)
    }
}

#[async_trait]
impl<E: Engine> UnitGenerator for Timed<E> {
    async fn systemd_unit(&self, id: &str, restart: &str, grace: Duration) -> Result<String> {
        let call = self.change("generate the systemd unit of", &self.name(id));
        match self.engine.unit_generator() {
            Some(generator) => {
                let unit = generator.systemd_unit(id, restart, grace);
                self.within(call, unit).await
            }
            None => Err(EngineError::Refused {
                action: call.action,
                status: 501,
                message: "this engine generates no systemd units".to_owned(),
            }),
        }
    }
}

#[async_trait]
impl<E: Engine> Containers for Timed<E> {
    async fn list_containers(&self, labels: &[String]) -> Result<Vec<ContainerSummary>> {
        let call = self.lookup("list containers", &Subject::Engine);
        let listed = self
            .within(call, self.engine.list_containers(labels))
            .await?;
        for container in &listed {
            self.remember(&container.id, &container.name);
        }
        Ok(listed)
    }

    async fn find_container(&self, id_or_name: &str) -> Result<Option<ContainerSummary>> {
        let name = self.name(id_or_name);
        let action = format!("look up container {name}");
        let call = self.lookup(&action, &Subject::Container(&name));
        let found = self
            .within(call, self.engine.find_container(id_or_name))
            .await?;
        if let Some(container) = &found {
            self.remember(&container.id, &container.name);
        }
        Ok(found)
    }

    async fn check_health(&self, id: &str) -> Result<Option<HealthReport>> {
        let name = self.name(id);
        let action = format!("check the health of container {name}");
        let call = self.lookup(&action, &Subject::Container(&name));
        self.within(call, self.engine.check_health(id)).await
    }

    async fn create_container(&self, name: &str, spec: &ContainerSpec) -> Result<String> {
        let call = self.change("create", name);
        let id = self
            .within(call, self.engine.create_container(name, spec))
            .await?;
        self.remember(&id, name);
        Ok(id)
    }

    async fn start_container(&self, id: &str) -> Result<()> {
        let call = self.change("start", &self.name(id));
        self.within(call, self.engine.start_container(id)).await
    }

    async fn stop_container(&self, id: &str, grace: Option<Duration>) -> Result<()> {
        let name = self.name(id);
        let mut call = self.change("stop", &name);
        call.limit += grace.unwrap_or(DEFAULT_GRACE);
        let advice = call.advice.clone();
        let (action, limit) = (call.action.clone(), call.limit);
        let stop = self.engine.stop_container(id, grace);
        tokio::pin!(stop);
        match self.within(call, &mut stop).await {
            // The container may have a longer time of its own.
            Err(EngineError::Stalled { .. }) if grace.is_none() => {
                let own = self.grace_of(id).await.unwrap_or(DEFAULT_GRACE);
                let call = Call {
                    action,
                    limit: own.saturating_sub(DEFAULT_GRACE),
                    advice,
                };
                self.within(call, stop).await.map_err(|error| match error {
                    EngineError::Stalled {
                        action,
                        seconds,
                        advice,
                    } => EngineError::Stalled {
                        action,
                        seconds: seconds + limit.as_secs(),
                        advice,
                    },
                    other => other,
                })
            }
            result => result,
        }
    }

    async fn remove_container(&self, id: &str) -> Result<()> {
        let call = self.change("remove", &self.name(id));
        self.within(call, self.engine.remove_container(id)).await
    }

    async fn rename_container(&self, id: &str, name: &str) -> Result<()> {
        let old = self.name(id);
        let action = format!("rename container {old} to {name}");
        let call = self.lookup(&action, &Subject::Container(&old));
        self.within(call, self.engine.rename_container(id, name))
            .await?;
        self.remember(id, name);
        Ok(())
    }

    async fn wait_container(&self, id: &str) -> Result<i64> {
        let action = format!("tell the end of container {}", self.name(id));
        self.while_alive(action, id, self.engine.wait_container(id))
            .await
    }

    async fn attach(&self, id: &str) -> Result<Attached> {
        let name = self.name(id);
        let action = format!("attach to container {name}");
        let call = self.lookup(&action, &Subject::Container(&name));
        self.within(call, self.engine.attach(id)).await
    }

    async fn resize(&self, id: &str, rows: u16, columns: u16) -> Result<()> {
        let name = self.name(id);
        let action = format!("resize the terminal of container {name}");
        let call = self.lookup(&action, &Subject::Container(&name));
        self.within(call, self.engine.resize(id, rows, columns))
            .await
    }

    async fn logs(
        &self,
        id: &str,
        tail: Option<usize>,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<LogLine>>> {
        let name = self.name(id);
        let action = format!("read the output of container {name}");
        // The output of a container that writes nothing does not begin either.
        if follow {
            return self.engine.logs(id, tail, follow).await;
        }
        let call = self.lookup(&action, &Subject::Container(&name));
        let lines = self
            .within(call, self.engine.logs(id, tail, follow))
            .await?;
        let call = self.call(action, self.limits.silence, &Subject::Container(&name));
        Ok(self.steady(call, lines, |error| error))
    }

    async fn exec(&self, id: &str, spec: &ExecSpec) -> Result<ExecResult> {
        let program = spec.command.first().cloned().unwrap_or_default();
        let action = format!("run {program} in container {}", self.name(id));
        self.while_alive(action, id, self.engine.exec(id, spec))
            .await
    }

    async fn download(&self, id: &str, path: &str) -> Result<TarStream> {
        let name = self.name(id);
        let action = format!("read {path} of container {name}");
        let call = self.lookup(&action, &Subject::Container(&name));
        let bytes = self.within(call, self.engine.download(id, path)).await?;
        let call = self.call(action, self.limits.silence, &Subject::Container(&name));
        Ok(self.steady(call, bytes, std::io::Error::other))
    }
}

#[async_trait]
impl<E: Engine> Images for Timed<E> {
    async fn find_image(&self, reference: &str) -> Result<Option<ImageSummary>> {
        let action = format!("look up image {reference}");
        let call = self.lookup(&action, &Subject::Engine);
        self.within(call, self.engine.find_image(reference)).await
    }

    async fn list_images(&self, labels: &[String]) -> Result<Vec<ImageSummary>> {
        let call = self.lookup("list images", &Subject::Engine);
        self.within(call, self.engine.list_images(labels)).await
    }

    async fn pull_image(&self, reference: &str) -> Result<BoxStream<'static, Result<Progress>>> {
        let action = format!("pull image {reference}");
        let call = self.lookup(&action, &Subject::Registry);
        let steps = self.within(call, self.engine.pull_image(reference)).await?;
        let call = self.call(action, self.limits.silence, &Subject::Registry);
        Ok(self.steady(call, steps, |error| error))
    }

    async fn push_image(
        &self,
        reference: &str,
    ) -> Result<BoxStream<'static, Result<PushProgress>>> {
        let action = format!("push image {reference}");
        let call = self.lookup(&action, &Subject::Registry);
        let steps = self.within(call, self.engine.push_image(reference)).await?;
        let call = self.call(action, self.limits.silence, &Subject::Registry);
        Ok(self.steady(call, steps, |error| error))
    }

    async fn tag_image(&self, id: &str, reference: &str) -> Result<()> {
        let action = format!("tag image {id} as {reference}");
        let call = self.call(action, self.limits.change, &Subject::Engine);
        self.within(call, self.engine.tag_image(id, reference))
            .await
    }

    async fn remove_image(&self, reference: &str) -> Result<()> {
        let action = format!("remove image {reference}");
        let call = self.call(action, self.limits.change, &Subject::Engine);
        self.within(call, self.engine.remove_image(reference)).await
    }

    async fn build_image(
        &self,
        request: BuildRequest,
        context: TarStream,
    ) -> Result<BoxStream<'static, Result<Progress>>> {
        self.engine.build_image(request, context).await
    }
}
