//! One Puppet run in one container.

use slipway_events::Events;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use slipway_engine::{ContainerSpec, Engine, EngineError, ImageSummary, LogLine, ScopedContainer};
use slipway_service::VolumeMount;
use tokio::sync::Semaphore;

use crate::error::{Failure, Result};
use crate::events::Event;
use crate::input::merge::Run;
use crate::run::mounts;
use crate::run::transcript::Transcript;
use crate::settings::Settings;
use slipway_paths::Paths;

/// Names the deployment that a container works for.
const ROOT_LABEL: &str = "slipway.puppet.root";
/// Names the volume or task that it works on.
const RUN_LABEL: &str = "slipway.puppet.run";
/// The path at which containers see the input of a run.
const IN: &str = "/slipway/in";
/// The path at which containers put the output of a run.
pub const OUT: &str = "/slipway/out";

/// The path at which containers see code that an earlier run compiled.
const CODE: &str = "/slipway/compiled";

const NO_PUPPET: i64 = 90;
const NOT_COPIED: i64 = 91;

/// The scripts that containers run: files of their input.
pub const SCRIPTS: [(&str, &str); 2] = [
    ("run.sh", include_str!("run.sh")),
    ("puppet.rb", include_str!("puppet.rb")),
];

/// A container for one run.
pub struct Container<'a> {
    /// The run.
    pub run: &'a Run,
    /// Its image's id.
    pub image_id: &'a str,
    /// The settings.
    pub settings: &'a Settings,
    /// Holds `in/` and `out/`.
    pub staging: &'a Path,
    /// Code that an earlier run of the image compiled.
    pub code: Option<&'a Path>,
    /// Uses the host's network instead of none.
    pub net_host: bool,
    /// The host's name.
    pub hostname: &'a str,
}

impl Container<'_> {
    /// Runs it to Puppet's success, removes it, and returns the time that it ran.
    ///
    /// It is made at once, and started when there is a place among those that run.
    pub async fn run(
        &self,
        engine: &Arc<dyn Engine>,
        places: &Semaphore,
        transcript: &mut Transcript<'_>,
    ) -> Result<Duration, Failure> {
        let name = self.name();
        let spec = self.spec();
        let id = patiently(|| engine.create_container(&name, &spec)).await?;
        // Puppet would go on changing things that nobody waits for.
        let container = ScopedContainer::new(engine, id);
        // Never closed: there always is a place in the end.
        let place = places.acquire().await;
        let begun = Instant::now();
        let following = follow(&**engine, container.id(), transcript);
        let ended = tokio::time::timeout(self.settings.timeout, following).await;
        let took = begun.elapsed();
        drop(place);
        let outcome = match ended {
            Ok(Err(failure)) => Err(failure),
            Ok(Ok(code)) => self.outcome(Some(code), transcript),
            Err(_) => self.outcome(None, transcript),
        };
        if outcome.is_err() && self.settings.keep_failed {
            // What timed out is still going on.
            let id = container.keep();
            engine.stop_container(&id, Some(Duration::ZERO)).await?;
            transcript.kept(&name);
            return outcome.map(|()| took);
        }
        let removed = container.remove().await;
        outcome?;
        removed?;
        Ok(took)
    }

    /// Interprets an exit code; `None` is a run that did not end in time.
    fn outcome(&self, code: Option<i64>, transcript: &Transcript<'_>) -> Result<(), Failure> {
        let (last, log) = (transcript.last().to_owned(), transcript.path().to_owned());
        Err(match code {
            Some(0) => return Ok(()),
            Some(NO_PUPPET) => Failure::NoPuppet {
                image: self.run.config_image.clone(),
            },
            Some(NOT_COPIED) => Failure::NotCopied { last, log },
            // As a shell tells it; Puppet's own codes are small.
            Some(code @ 129..=192) => Failure::Killed {
                signal: code - 128,
                last,
                log,
            },
            Some(exit) => Failure::Puppet {
                exit,
                errors: transcript.errors(&format!("{IN}/config.pp"), &self.run.manifest),
                log,
            },
            None => Failure::TimedOut {
                limit: self.settings.timeout,
                last,
                log,
            },
        })
    }

    /// Returns a name that no other container has.
    fn name(&self) -> String {
        format!("slipway-config-{}-{}", self.run.volume, self.unique())
    }

    /// The staging directory's name is unique.
    fn unique(&self) -> &str {
        let name = self.staging.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.rsplit('.').next()).unwrap_or("0")
    }

    /// Returns the specification of the container.
    fn spec(&self) -> ContainerSpec {
        let [(script, _), ..] = SCRIPTS;
        ContainerSpec {
            image: self.image_id.to_owned(),
            entrypoint: Some(vec!["/bin/sh".to_owned(), format!("{IN}/{script}")]),
            command: Some(Vec::new()),
            user: Some("root".to_owned()),
            working_dir: Some("/".to_owned()),
            hostname: (!self.net_host).then(|| self.hostname.to_owned()),
            labels: [
                (ROOT_LABEL, self.settings.paths.root().display().to_string()),
                (RUN_LABEL, self.run.volume.to_string()),
            ]
            .map(|(label, value)| (label.to_owned(), value))
            .into(),
            mounts: self.mounts(),
            network_mode: Some(if self.net_host { "host" } else { "none" }.to_owned()),
            privileged: self.run.privileged,
            // As container-puppet.py: paths of the host are mounted, and Podman relabels none in
            // /usr and /etc.
            security_opt: vec!["label=disable".to_owned()],
            ..ContainerSpec::default()
        }
    }

    fn mounts(&self) -> Vec<VolumeMount> {
        let paths = &self.settings.paths;
        let mut binds = vec![
            mounts::bind(&self.staging.join("in"), IN, "ro"),
            mounts::bind(&self.staging.join("out"), OUT, "rw"),
            mounts::bind(&paths.puppet_modules(), "/slipway/modules", "ro"),
        ];
        if let Some(code) = self.code {
            binds.push(mounts::bind(code, CODE, "ro"));
        }
        let modules = self.settings.host_modules.as_deref();
        binds.extend(mounts::of_the_host(paths, modules, self.net_host));
        let volumes = self.run.volumes.iter();
        binds.extend(volumes.map(|volume| mounts::declared(volume)));
        binds
    }
}

async fn follow(
    engine: &dyn Engine,
    id: &str,
    transcript: &mut Transcript<'_>,
) -> Result<i64, Failure> {
    patiently(|| engine.start_container(id)).await?;
    let mut lines = engine.logs(id, None, true).await?;
    while let Some(line) = lines.next().await {
        let (LogLine::Out(line) | LogLine::Err(line)) = line?;
        transcript.line(&line)?;
    }
    Ok(engine.wait_container(id).await?)
}

/// Calls the engine up to three times, while its errors are transient. A failed Puppet is not run again:
/// the same manifest would fail again.
async fn patiently<T, F>(mut ask: impl FnMut() -> F) -> Result<T, EngineError>
where
    F: Future<Output = Result<T, EngineError>>,
{
    for pause in [Duration::from_millis(500), Duration::from_secs(2)] {
        match ask().await {
            Err(error) if error.is_transient() => tokio::time::sleep(pause).await,
            answer => return answer,
        }
    }
    ask().await
}

/// Removes the containers that earlier runs of this deployment left: killed ones, and failed ones
/// that were kept.
pub async fn remove_strays(engine: &dyn Engine, paths: &Paths) -> Result<()> {
    let label = format!("{ROOT_LABEL}={}", paths.root().display());
    for container in engine.list_containers(&[label]).await? {
        engine.remove_container(&container.id).await?;
    }
    Ok(())
}

/// Returns the image of a run; pulls it if it is missing.
pub async fn image(
    engine: &Arc<dyn Engine>,
    reference: &str,
    events: &Events<Event>,
) -> Result<ImageSummary, Failure> {
    if let Some(image) = engine.find_image(reference).await? {
        return Ok(image);
    }
    events.send(Event::Pulling {
        image: reference.to_owned(),
    });
    let missing = |reason: String| Failure::NoImage {
        image: reference.to_owned(),
        reason,
    };
    let pulled = slipway_engine::pull(engine.as_ref(), reference, &|_line| {}).await;
    pulled.map_err(|error| missing(error.to_string()))?;
    engine
        .find_image(reference)
        .await?
        .ok_or_else(|| missing("the pull ended without it".to_owned()))
}
