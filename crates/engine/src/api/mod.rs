//! The Docker Engine API, spoken by dockerd and by Podman's compatible service.

use std::time::Duration;

use async_trait::async_trait;
use bollard::Docker;
use bollard::query_parameters as query;
use futures_util::TryStreamExt;
use futures_util::stream::{BoxStream, StreamExt};
use serde::de::DeserializeOwned;

use crate::capabilities::Kind;
use crate::{
    Attached, BuildRequest, ContainerSpec, ContainerSummary, Containers, Engine, EngineError,
    EngineInfo, ExecResult, ExecSpec, HealthReport, ImageSummary, Images, LogLine, Progress,
    PushProgress, Result, SystemInfo, TarStream, UnitGenerator,
};

mod build;
mod buildkit;
mod connect;
mod convert;
mod credentials;
mod environment;
mod fault;
mod http;
mod lines;
mod output;
mod progress;
mod protobuf;
mod pull;
mod push;
mod reference;
mod ssh;
mod tls;
mod transfer;
mod transport;

pub use connect::connect;
pub use credentials::has_login;
pub use reference::named_registry;

use fault::{Call, is_absent};
use reference::{is_valid, split_tag};

/// The deadline of single requests, beyond that of the calls that make them.
const PATIENCE: Duration = Duration::from_secs(600);

/// The time in which removing a container that keeps ending and starting is tried.
const RESTLESS: Duration = Duration::from_secs(10);

/// An engine behind the API.
#[derive(Debug)]
struct ApiEngine {
    /// For calls that are answered soon.
    quick: Docker,
    /// For calls without a deadline of their own, such as a build.
    patient: Docker,
    info: EngineInfo,
    /// For calls that the client library does not support.
    endpoint: buildkit::Endpoint,
}

impl ApiEngine {
    /// Sends a request without the client library, which lacks some calls, reads some answers only from
    /// Docker, and does not limit the size of answers.
    async fn ask<T: DeserializeOwned>(&self, call: &Call, query: &str) -> Result<T> {
        let version = match query.starts_with("libpod/") {
            true => "4.0.0",
            false => &self.endpoint.api_version,
        };
        let path = format!("/v{version}/{query}");
        http::json(call, &self.endpoint.transport, &path, PATIENCE).await
    }

    fn call(&self, action: impl Into<String>) -> Call {
        Call {
            address: self.info.address.clone(),
            action: action.into(),
        }
    }
}

fn label_filter(labels: &[String]) -> std::collections::HashMap<String, Vec<String>> {
    // Podman refuses a filter that asks for nothing.
    match labels {
        [] => std::collections::HashMap::new(),
        _ => [("label".to_owned(), labels.to_vec())].into(),
    }
}

#[async_trait]
impl Engine for ApiEngine {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    async fn system(&self) -> Result<SystemInfo> {
        self.ask(&self.call("read the engine's description"), "info")
            .await
    }

    async fn list_volumes(&self) -> Result<Vec<String>> {
        let call = self.call("list volumes");
        let listed: convert::ListedVolumes = self.ask(&call, "volumes").await?;
        Ok(listed.names())
    }

    fn unit_generator(&self) -> Option<&dyn UnitGenerator> {
        match self.info.kind() {
            // Its daemon restarts containers.
            Kind::Docker => None,
            Kind::Podman => Some(self),
        }
    }
}

#[async_trait]
impl UnitGenerator for ApiEngine {
    async fn systemd_unit(&self, id: &str, restart: &str, grace: Duration) -> Result<String> {
        let call = self.call(format!("generate a systemd unit for container {id}"));
        let grace = convert::whole_seconds(grace);
        let query = format!(
            "libpod/generate/{id}/systemd?restartPolicy={restart}&stopTimeout={grace}&noHeader=true"
        );
        let units: std::collections::BTreeMap<String, String> = self.ask(&call, &query).await?;
        let unit = units.into_values().next();
        unit.ok_or_else(|| EngineError::Answer {
            action: call.action,
            message: "there is no unit in it".to_owned(),
        })
    }
}

#[async_trait]
impl Containers for ApiEngine {
    async fn list_containers(&self, labels: &[String]) -> Result<Vec<ContainerSummary>> {
        let call = self.call("list containers");
        let filters = serde_json::json!(label_filter(labels)).to_string();
        let query = format!(
            "containers/json?all=true&filters={}",
            http::encoded(&filters)
        );
        let listed: Vec<convert::Listed> = self.ask(&call, &query).await?;
        Ok(listed
            .into_iter()
            .map(convert::container_from_list)
            .collect())
    }

    async fn find_container(&self, id_or_name: &str) -> Result<Option<ContainerSummary>> {
        if !is_valid(id_or_name) {
            return Ok(None);
        }
        let call = self.call(format!("look up container {id_or_name}"));
        let query = format!("containers/{id_or_name}/json");
        match self.ask(&call, &query).await {
            Ok(found) => Ok(Some(convert::container_from_inspect(found))),
            Err(EngineError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn check_health(&self, id: &str) -> Result<Option<HealthReport>> {
        let call = self.call(format!("check the health of container {id}"));
        match self.info.kind() {
            Kind::Docker => {
                let found: Result<convert::InspectedHealthOnly> =
                    self.ask(&call, &format!("containers/{id}/json")).await;
                match found {
                    Ok(found) => Ok(found.into_report()),
                    Err(EngineError::Refused { status: 404, .. }) => Ok(None),
                    Err(error) => Err(error),
                }
            }
            Kind::Podman => {
                let query = format!("libpod/containers/{id}/healthcheck");
                let result: Result<convert::InspectedHealth> = self.ask(&call, &query).await;
                match result {
                    Ok(health) => Ok(health.into_report()),
                    // It has no healthcheck, or does not run.
                    Err(EngineError::Refused { .. }) => Ok(None),
                    Err(error) => Err(error),
                }
            }
        }
    }

    async fn create_container(&self, name: &str, spec: &ContainerSpec) -> Result<String> {
        let call = self.call(format!("create container {name}"));
        let options = query::CreateContainerOptionsBuilder::new()
            .name(name)
            .build();
        let made = self
            .patient
            .create_container(Some(options), convert::create_body(spec))
            .await;
        Ok(made.map_err(|e| call.fault(e))?.id)
    }

    async fn start_container(&self, id: &str) -> Result<()> {
        let call = self.call(format!("start container {id}"));
        let started = self.patient.start_container(id, None).await;
        started.map_err(|e| call.fault(e))
    }

    async fn stop_container(&self, id: &str, grace: Option<Duration>) -> Result<()> {
        let call = self.call(format!("stop container {id}"));
        let options = grace.map(|grace| query::StopContainerOptions {
            t: i32::try_from(convert::whole_seconds(grace)).ok(),
            ..query::StopContainerOptions::default()
        });
        match self.patient.stop_container(id, options).await {
            Ok(()) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(call.fault(error)),
        }
    }

    async fn remove_container(&self, id: &str) -> Result<()> {
        let call = self.call(format!("remove container {id}"));
        let options = query::RemoveContainerOptionsBuilder::new()
            .v(true)
            .force(true)
            .build();
        let began = tokio::time::Instant::now();
        loop {
            match self
                .patient
                .remove_container(id, Some(options.clone()))
                .await
            {
                Ok(()) => return Ok(()),
                Err(error) if is_absent(&error) => return Ok(()),
                // Another removal is in progress, or the engine's own of an auto-removed container.
                // Wait for its end.
                Err(bollard::errors::Error::DockerResponseServerError {
                    status_code: 409,
                    message,
                }) if message.contains("already in progress") => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                // Podman, where the container was just ending or starting by itself.
                Err(bollard::errors::Error::DockerResponseServerError { message, .. })
                    if message.contains("container state improper")
                        && began.elapsed() < RESTLESS =>
                {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => return Err(call.fault(error)),
            }
        }
    }

    async fn rename_container(&self, id: &str, name: &str) -> Result<()> {
        let call = self.call(format!("rename container {id} to {name}"));
        let options = query::RenameContainerOptionsBuilder::new()
            .name(name)
            .build();
        let renamed = self.patient.rename_container(id, options).await;
        renamed.map_err(|e| call.fault(e))
    }

    async fn wait_container(&self, id: &str) -> Result<i64> {
        let call = self.call(format!("wait for container {id}"));
        let mut answers = Box::pin(self.patient.wait_container(id, None));
        match answers.next().await {
            Some(Ok(answer)) => Ok(answer.status_code),
            Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => Ok(code),
            Some(Err(error)) => Err(call.fault(error)),
            None => Err(call.lost("the connection ended before the container did")),
        }
    }

    async fn attach(&self, id: &str) -> Result<Attached> {
        let call = self.call(format!("attach to container {id}"));
        let options = query::AttachContainerOptionsBuilder::new()
            .stream(true)
            .stdin(true)
            .stdout(true)
            .stderr(true)
            .build();
        let attached = self.patient.attach_container(id, Some(options)).await;
        let attached = attached.map_err(|e| call.fault(e))?;
        Ok(Attached {
            output: output::pieces(call, attached.output),
            input: attached.input,
        })
    }

    async fn resize(&self, id: &str, rows: u16, columns: u16) -> Result<()> {
        let call = self.call(format!("resize the terminal of container {id}"));
        let options = query::ResizeContainerTTYOptionsBuilder::new()
            .h(i32::from(rows))
            .w(i32::from(columns))
            .build();
        let resized = self.quick.resize_container_tty(id, options).await;
        resized.map_err(|e| call.fault(e))
    }

    async fn logs(
        &self,
        id: &str,
        tail: Option<usize>,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<LogLine>>> {
        let call = self.call(format!("read the output of container {id}"));
        let tail = tail.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
        let options = query::LogsOptionsBuilder::new()
            .stdout(true)
            .stderr(true)
            .follow(follow)
            .tail(&tail)
            .build();
        let chunks = self.patient.logs(id, Some(options)).boxed();
        output::log_lines(call, chunks).await
    }

    async fn exec(&self, id: &str, spec: &ExecSpec) -> Result<ExecResult> {
        let program = spec.command.first().cloned().unwrap_or_default();
        let call = self.call(format!("run {program} in container {id}"));
        output::exec(&self.patient, &call, id, spec).await
    }

    async fn download(&self, id: &str, path: &str) -> Result<TarStream> {
        let call = self.call(format!("read {path} of container {id}"));
        let options = query::DownloadFromContainerOptionsBuilder::new()
            .path(path)
            .build();
        let bytes = self.patient.download_from_container(id, Some(options));
        let bytes = bytes.map_err(move |e| call.fault(e));
        output::archive(bytes.boxed()).await
    }
}

#[async_trait]
impl Images for ApiEngine {
    async fn find_image(&self, reference: &str) -> Result<Option<ImageSummary>> {
        if !is_valid(reference) {
            return Ok(None);
        }
        let call = self.call(format!("look up image {reference}"));
        let query = format!("images/{reference}/json");
        match self.ask(&call, &query).await {
            Ok(found) => Ok(Some(convert::image_from_inspect(found))),
            // An invalid reference names no image. A pull says what is wrong with it.
            Err(EngineError::Refused {
                status, message, ..
            }) if matches!(status, 400 | 404) || message.contains("invalid reference format") => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn list_images(&self, labels: &[String]) -> Result<Vec<ImageSummary>> {
        let call = self.call("list images");
        let mut filters = label_filter(labels);
        // A machine that builds has thousands of images without a name.
        filters.insert("dangling".to_owned(), vec!["false".to_owned()]);
        let filters = serde_json::json!(filters).to_string();
        let query = format!("images/json?filters={}", http::encoded(&filters));
        let listed: Vec<convert::ListedImage> = self.ask(&call, &query).await?;
        Ok(listed.into_iter().map(convert::image_from_list).collect())
    }

    async fn pull_image(&self, reference: &str) -> Result<BoxStream<'static, Result<Progress>>> {
        let call = self.call(format!("pull image {reference}"));
        transfer::start(self.patient.clone(), call, reference, pull::pull)
    }

    async fn push_image(
        &self,
        reference: &str,
    ) -> Result<BoxStream<'static, Result<PushProgress>>> {
        let call = self.call(format!("push image {reference}"));
        transfer::start(self.patient.clone(), call, reference, push::push)
    }

    async fn tag_image(&self, id: &str, reference: &str) -> Result<()> {
        let call = self.call(format!("tag image {id} as {reference}"));
        let (repository, tag) = split_tag(reference);
        let options = query::TagImageOptionsBuilder::new()
            .repo(repository)
            .tag(tag.unwrap_or("latest"))
            .build();
        let tagged = self.patient.tag_image(id, Some(options)).await;
        tagged.map_err(|error| call.fault(error))
    }

    async fn remove_image(&self, reference: &str) -> Result<()> {
        let call = self.call(format!("remove image {reference}"));
        let removed = self
            .patient
            .remove_image(reference, None::<query::RemoveImageOptions>, None)
            .await;
        match removed {
            Ok(_) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(call.fault(error)),
        }
    }

    async fn build_image(
        &self,
        request: BuildRequest,
        context: TarStream,
    ) -> Result<BoxStream<'static, Result<Progress>>> {
        let what = request.tags.first().map_or("(untagged)", String::as_str);
        let call = self.call(format!("build image {what}"));
        if request.buildkit {
            let endpoint = self.endpoint.clone();
            return Ok(buildkit::build(endpoint, call, request, context));
        }
        Ok(build::build(self.patient.clone(), call, request, context))
    }
}
