//! Building images with the engine's classic builder.

use std::sync::{Arc, Mutex, PoisonError};

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::BuildInfo;
use bollard::query_parameters::{
    BuildImageOptions, BuildImageOptionsBuilder, TagImageOptionsBuilder,
};
use futures_util::stream::{BoxStream, StreamExt};

use super::convert;
use super::fault::Call;
use super::lines::LineCutter;
use super::progress::{Reporter, reported};
use super::reference::split_tag;
use crate::{BuildRequest, EngineError, Progress, Result, TarStream};

/// Builds in a task of its own; dropping the stream closes the connection, which cancels the
/// build in the engine.
pub(super) fn build(
    client: Docker,
    call: Call,
    request: BuildRequest,
    context: TarStream,
) -> BoxStream<'static, Result<Progress>> {
    reported(move |reporter| async move {
        let build = Build {
            client,
            call,
            context_fault: Arc::default(),
        };
        let id = build.run(&request, context, &reporter).await?;
        Ok(Progress::ImageId(id))
    })
}

struct Build {
    client: Docker,
    call: Call,
    /// The error of reading the context: the transport only says that the request broke off.
    context_fault: Arc<Mutex<Option<String>>>,
}

impl Build {
    /// Runs the build, telling lines as they come, and gives the image's id.
    async fn run(
        &self,
        request: &BuildRequest,
        context: TarStream,
        reporter: &Reporter<Progress>,
    ) -> Result<String> {
        let fault = Arc::clone(&self.context_fault);
        let context = context.inspect(move |piece| {
            if let Err(error) = piece {
                *fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
            }
        });
        let body = bollard::body_try_stream(context);
        let mut steps = self
            .client
            .build_image(options(request), None, Some(body))
            .boxed();
        let mut cutter = LineCutter::default();
        let mut image = None;
        while let Some(step) = steps.next().await {
            let info: BuildInfo = step.map_err(|e| self.fault(e))?;
            if let Some(id) = info.aux.and_then(|aux| aux.id) {
                image = Some(id);
            }
            let text = info.stream.or(info.status.map(|status| status + "\n"));
            for line in cutter.push(text.unwrap_or_default().as_bytes()) {
                reporter.report(Progress::Line(line)).await;
            }
        }
        if let Some(line) = cutter.finish() {
            reporter.report(Progress::Line(line)).await;
        }
        self.finish(request, image).await
    }

    /// Finds the image's full id and gives it the tags that the build call cannot.
    async fn finish(&self, request: &BuildRequest, image: Option<String>) -> Result<String> {
        // Podman's service does not always name the result; the tag it was given does.
        let name = image.as_ref().or(request.tags.first());
        let Some(name) = name else {
            return Err(EngineError::Build {
                message: "the engine ended the build without naming an image".to_owned(),
            });
        };
        let found = self.client.inspect_image(name).await;
        let id = convert::image_from_inspect(found.map_err(|e| self.call.fault(e))?).id;
        for reference in request.tags.iter().skip(1) {
            let (repository, tag) = split_tag(reference);
            let options = TagImageOptionsBuilder::new()
                .repo(repository)
                .tag(tag.unwrap_or("latest"))
                .build();
            let tagged = self.client.tag_image(&id, Some(options)).await;
            tagged.map_err(|e| self.call.fault(e))?;
        }
        Ok(id)
    }

    fn fault(&self, error: Error) -> EngineError {
        let context_fault = self.context_fault.lock();
        if let Some(why) = context_fault.unwrap_or_else(PoisonError::into_inner).take() {
            return EngineError::Build {
                message: format!("cannot read the build context: {why}"),
            };
        }
        match error {
            Error::DockerStreamError { error } => EngineError::Build {
                message: error.trim().to_owned(),
            },
            // What the engine finds wrong before the first instruction: the Dockerfile itself.
            Error::DockerResponseServerError {
                status_code: 400,
                message,
            } => EngineError::Build {
                message: message.trim().to_owned(),
            },
            other => self.call.fault(other),
        }
    }
}

fn options(request: &BuildRequest) -> BuildImageOptions {
    let mut options = BuildImageOptionsBuilder::new()
        .dockerfile(&request.dockerfile)
        .nocache(request.no_cache)
        .squash(request.squash)
        .rm(true)
        .forcerm(!request.keep_failed)
        .buildargs(&convert::hash_map(&request.build_args))
        .labels(&convert::hash_map(&request.labels));
    if let Some(tag) = request.tags.first() {
        options = options.t(tag);
    }
    if let Some(network) = &request.network {
        options = options.networkmode(network);
    }
    if let Some(platform) = &request.platform {
        options = options.platform(platform);
    }
    options.build()
}
