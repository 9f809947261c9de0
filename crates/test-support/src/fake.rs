//! An engine in memory, to count calls and to inject faults. The first word of a container's
//! command says what it does: `up` stays up, `exit <code>` ends at once, `refuse` does not start.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};

use slipway_engine::{
    Attached, BuildRequest, ContainerSpec, ContainerState, ContainerSummary, Containers, Engine,
    EngineError, EngineInfo, ExecResult, ExecSpec, HealthReport, ImageSummary, Images, LogLine,
    Progress, PushProgress, Result, SystemInfo, TarStream, UnitGenerator,
};
use slipway_service::RestartPolicy;

/// An engine in memory that records its calls.
#[derive(Debug)]
pub struct FakeEngine {
    info: EngineInfo,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    containers: Vec<Made>,
    images: BTreeMap<String, String>,
    calls: Vec<String>,
    /// The engine is lost when this many more changes were made.
    changes_left: Option<usize>,
    next_id: usize,
    /// The call that never returns.
    stalled: Option<String>,
}

#[derive(Clone, Debug)]
struct Made {
    summary: ContainerSummary,
    command: Vec<String>,
    restart: bool,
}

impl FakeEngine {
    /// An engine that has this image and no container. It is like Docker.
    pub fn with_image(reference: &str) -> FakeEngine {
        let fake = FakeEngine {
            info: EngineInfo::docker("0", "0", "unix:///fake"),
            state: Mutex::default(),
        };
        fake.set_image(reference, "sha256:one");
        fake
    }

    /// The same engine, like Podman.
    pub fn into_podman(mut self) -> FakeEngine {
        self.info = EngineInfo::podman("0", "0", "unix:///fake");
        self
    }

    /// Makes a reference mean the image with this id.
    pub fn set_image(&self, reference: &str, id: &str) {
        self.state()
            .images
            .insert(reference.to_owned(), id.to_owned());
    }

    /// Adds an image that no reference means.
    pub fn set_nameless_image(&self, id: &str) {
        self.set_image(id, id);
    }

    /// Removes such an image.
    pub fn remove_nameless_image(&self, id: &str) {
        self.state().images.remove(id);
    }

    /// Loses the engine after this many further changes; never with `None`.
    pub fn lose_after(&self, changes: Option<usize>) {
        self.state().changes_left = changes;
    }

    /// Sets when a container was started, in nanoseconds since 1970.
    pub fn set_started(&self, name: &str, started: i128) {
        for made in &mut self.state().containers {
            if made.summary.name == name {
                made.summary.started = Some(started);
            }
        }
    }

    /// The calls since the last time this was asked.
    pub fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }

    /// All containers.
    pub fn containers(&self) -> Vec<ContainerSummary> {
        self.state()
            .containers
            .iter()
            .map(|made| made.summary.clone())
            .collect()
    }

    /// Returns the container of this name.
    pub fn container(&self, name: &str) -> Option<ContainerSummary> {
        self.containers().into_iter().find(|c| c.name == name)
    }

    /// Sets the state and the status line of a container.
    pub fn set_state(&self, name: &str, state: ContainerState, status: &str) {
        for made in &mut self.state().containers {
            if made.summary.name == name {
                made.summary.state = state;
                made.summary.status = status.to_owned();
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Lets calls of this name hang; none with `None`.
    pub fn stall_at(&self, call: Option<&str>) {
        self.state().stalled = call.map(str::to_owned);
    }

    async fn look(&self, call: &str) -> Result<MutexGuard<'_, State>> {
        let is_stalled = self.state().stalled.as_deref() == Some(call);
        if is_stalled {
            std::future::pending::<()>().await;
        }
        let mut state = self.state();
        state.calls.push(call.to_owned());
        match state.changes_left {
            Some(0) => Err(self.lost(call)),
            _ => Ok(state),
        }
    }

    async fn change(&self, call: &str) -> Result<MutexGuard<'_, State>> {
        let mut state = self.look(call).await?;
        if let Some(remaining) = &mut state.changes_left {
            *remaining -= 1;
        }
        Ok(state)
    }

    fn lost(&self, action: &str) -> EngineError {
        EngineError::Lost {
            address: self.info.address.clone(),
            action: action.to_owned(),
            reason: "gone".to_owned(),
        }
    }
}

fn refused(status: u16, message: &str) -> EngineError {
    EngineError::Refused {
        action: "do it".to_owned(),
        status,
        message: message.to_owned(),
    }
}

impl State {
    fn find(&mut self, id_or_name: &str) -> Option<&mut Made> {
        self.containers
            .iter_mut()
            .find(|made| made.summary.id == id_or_name || made.summary.name == id_or_name)
    }

    fn get(&mut self, id: &str) -> Result<&mut Made> {
        self.find(id)
            .ok_or_else(|| refused(404, "no such container"))
    }
}

fn exit_code(command: &[String]) -> Option<i64> {
    match command {
        [word, code, ..] if word == "exit" => code.parse().ok(),
        _ => None,
    }
}

#[async_trait]
impl Engine for FakeEngine {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    async fn system(&self) -> Result<SystemInfo> {
        drop(self.look("describe").await?);
        Ok(SystemInfo {
            storage_driver: "overlay2".to_owned(),
            cgroup_version: "2".to_owned(),
            cgroup_driver: "systemd".to_owned(),
            ..SystemInfo::default()
        })
    }

    async fn list_volumes(&self) -> Result<Vec<String>> {
        drop(self.look("volumes").await?);
        Ok(vec!["data".to_owned()])
    }

    fn unit_generator(&self) -> Option<&dyn UnitGenerator> {
        match self.info.name() {
            "podman" => Some(self),
            _ => None,
        }
    }
}

#[async_trait]
impl UnitGenerator for FakeEngine {
    async fn systemd_unit(&self, id: &str, restart: &str, grace: Duration) -> Result<String> {
        let mut state = self.look("unit").await?;
        let id = &state.get(id)?.summary.id;
        let grace = grace.as_secs();
        Ok(format!(
            "# {id}.service\n\n[Unit]\nDescription=Podman {id}\n[Service]\nRestart={restart}\n\
             ExecStart=/usr/bin/podman start {id}\nExecStop=/usr/bin/podman stop -t {grace} {id}\n"
        ))
    }
}

#[async_trait]
impl Containers for FakeEngine {
    async fn list_containers(&self, labels: &[String]) -> Result<Vec<ContainerSummary>> {
        let images = self.look("list").await?.images.clone();
        let carries = |c: &ContainerSummary, label: &String| match label.split_once('=') {
            Some((key, value)) => c.labels.get(key).map(String::as_str) == Some(value),
            None => c.labels.contains_key(label),
        };
        let all = self.containers().into_iter();
        let listed = all.filter(|c| labels.iter().all(|label| carries(c, label)));
        Ok(listed
            .map(|mut c| {
                // As Docker does: a reference that means another image now is not shown.
                if images.get(&c.image) != Some(&c.image_id) {
                    c.image = c.image_id.clone();
                }
                c.restarts = None;
                c.command = Vec::new();
                c.env = Vec::new();
                c
            })
            .collect())
    }

    async fn find_container(&self, id_or_name: &str) -> Result<Option<ContainerSummary>> {
        let mut state = self.look("find").await?;
        Ok(state.find(id_or_name).map(|made| made.summary.clone()))
    }

    async fn check_health(&self, id: &str) -> Result<Option<HealthReport>> {
        let mut state = self.look("check health").await?;
        let health = state.find(id).and_then(|made| made.summary.health);
        Ok(health.map(|health| HealthReport {
            health,
            log: Vec::new(),
        }))
    }

    async fn create_container(&self, name: &str, spec: &ContainerSpec) -> Result<String> {
        let mut state = self.change("create").await?;
        if state.find(name).is_some() {
            return Err(refused(409, "the name is taken"));
        }
        let Some(image_id) = state.images.get(&spec.image).cloned() else {
            return Err(refused(404, "no such image"));
        };
        state.next_id += 1;
        let id = format!("id{}", state.next_id);
        let created = i64::try_from(state.next_id).unwrap();
        state.containers.push(Made {
            summary: ContainerSummary {
                id: id.clone(),
                name: name.to_owned(),
                image: spec.image.clone(),
                image_id,
                labels: spec.labels.clone(),
                state: ContainerState::Created,
                health: None,
                status: "Created".to_owned(),
                created,
                restarts: Some(0),
                command: spec.command.clone().unwrap_or_default(),
                env: spec.env.clone(),
                pid: None,
                started: None,
                stop_timeout: None,
            },
            command: spec.command.clone().unwrap_or_default(),
            restart: spec.restart == Some(RestartPolicy::Always),
        });
        Ok(id)
    }

    async fn start_container(&self, id: &str) -> Result<()> {
        let mut state = self.change("start").await?;
        let made = state.get(id)?;
        if made.command.first().is_some_and(|word| word == "refuse") {
            return Err(refused(500, "port is already allocated"));
        }
        (made.summary.state, made.summary.status) = match exit_code(&made.command) {
            Some(_) if made.restart => (ContainerState::Restarting, "Restarting".to_owned()),
            Some(code) => (ContainerState::Exited, format!("Exited ({code})")),
            None => (ContainerState::Running, "Up 1 second".to_owned()),
        };
        Ok(())
    }

    async fn stop_container(&self, id: &str, _grace: Option<Duration>) -> Result<()> {
        let mut state = self.change("stop").await?;
        if let Some(made) = state.find(id)
            && made.summary.state == ContainerState::Running
        {
            made.summary.state = ContainerState::Exited;
            made.summary.status = "Exited (0)".to_owned();
        }
        Ok(())
    }

    async fn remove_container(&self, id: &str) -> Result<()> {
        let mut state = self.change("remove").await?;
        state.containers.retain(|made| made.summary.id != id);
        Ok(())
    }

    async fn rename_container(&self, id: &str, name: &str) -> Result<()> {
        let mut state = self.change("rename").await?;
        if state.find(name).is_some() {
            return Err(refused(409, "the name is taken"));
        }
        state.get(id)?.summary.name = name.to_owned();
        Ok(())
    }

    async fn wait_container(&self, id: &str) -> Result<i64> {
        let mut state = self.look("wait").await?;
        let made = state.get(id)?;
        let code = exit_code(&made.command).unwrap_or_default();
        made.summary.state = ContainerState::Exited;
        made.summary.status = format!("Exited ({code})");
        Ok(code)
    }

    async fn attach(&self, _id: &str) -> Result<Attached> {
        drop(self.look("attach").await?);
        Err(refused(501, "not in the fake"))
    }

    async fn resize(&self, _id: &str, _rows: u16, _columns: u16) -> Result<()> {
        drop(self.look("resize").await?);
        Err(refused(501, "not in the fake"))
    }

    async fn logs(
        &self,
        _id: &str,
        _tail: Option<usize>,
        _follow: bool,
    ) -> Result<BoxStream<'static, Result<LogLine>>> {
        drop(self.look("logs").await?);
        let line = LogLine::Err("the password is hunter2".to_owned());
        Ok(stream::iter([Ok(line)]).boxed())
    }

    async fn exec(&self, id: &str, spec: &ExecSpec) -> Result<ExecResult> {
        let mut state = self.change("exec").await?;
        if state.get(id)?.summary.state != ContainerState::Running {
            return Err(refused(409, "not running"));
        }
        Ok(ExecResult {
            exit_code: exit_code(&spec.command).unwrap_or_default(),
            output: Vec::new(),
        })
    }

    async fn download(&self, _id: &str, _path: &str) -> Result<TarStream> {
        drop(self.look("download").await?);
        Err(refused(501, "not in the fake"))
    }
}

#[async_trait]
impl Images for FakeEngine {
    async fn find_image(&self, reference: &str) -> Result<Option<ImageSummary>> {
        let state = self.look("find image").await?;
        Ok(state.images.get(reference).map(|id| ImageSummary {
            id: id.clone(),
            tags: vec![reference.to_owned()],
            labels: BTreeMap::new(),
            size: 0,
            platform: None,
        }))
    }

    async fn list_images(&self, _labels: &[String]) -> Result<Vec<ImageSummary>> {
        let state = self.look("list images").await?;
        let images = state.images.iter().map(|(reference, id)| ImageSummary {
            id: id.clone(),
            tags: self
                .info
                .listed_names(reference)
                .into_iter()
                .take(1)
                .collect(),
            labels: BTreeMap::new(),
            size: 0,
            platform: None,
        });
        Ok(images.collect())
    }

    async fn pull_image(&self, reference: &str) -> Result<BoxStream<'static, Result<Progress>>> {
        drop(self.look("pull").await?);
        if reference.starts_with("absent") {
            return Err(refused(404, "no such image in the registry"));
        }
        self.set_image(reference, "sha256:pulled");
        Ok(stream::iter([Ok(Progress::ImageId("sha256:pulled".to_owned()))]).boxed())
    }

    async fn push_image(
        &self,
        _reference: &str,
    ) -> Result<BoxStream<'static, Result<PushProgress>>> {
        drop(self.look("push").await?);
        Err(refused(501, "not in the fake"))
    }

    async fn tag_image(&self, id: &str, reference: &str) -> Result<()> {
        let mut state = self.change("tag image").await?;
        state.images.insert(reference.to_owned(), id.to_owned());
        Ok(())
    }

    async fn remove_image(&self, _reference: &str) -> Result<()> {
        drop(self.look("remove image").await?);
        Err(refused(501, "not in the fake"))
    }

    async fn build_image(
        &self,
        _request: BuildRequest,
        _context: TarStream,
    ) -> Result<BoxStream<'static, Result<Progress>>> {
        drop(self.look("build").await?);
        Err(refused(501, "not in the fake"))
    }
}
