//! kolla-build's log, which scripts around it read.
//!
//! Lines are those of Python's `logging`: `LEVEL:LOGGER:MESSAGE` on standard error. An image's logger
//! has the image's name at its end. `--quiet` silences images only, as in kolla-build.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::ZonedDateTime;
use slipway_image::{Action, BuildConfig, Event, Events, FailedStatus, Failure, ImageSet, Summary};

use crate::output::{Level, Output};

/// Releases up to this one have their logger in another module.
const LAST_OF_OLD_LOGGER: u32 = 5;

/// Writes kolla-build's log.
#[derive(Clone)]
pub struct KollaLog {
    output: Arc<Output>,
    logger: &'static str,
    /// The release has a choice of engines, and names containers in its messages, not Docker.
    has_engines: bool,
    /// The parents of each image that is to be built.
    parents: Arc<BTreeMap<String, Vec<String>>>,
    images: Arc<Mutex<Images>>,
}

/// Names of images by the events that the log has seen of them.
#[derive(Default)]
struct Images {
    skipped: BTreeSet<String>,
    /// Being built, or unchanged.
    started: BTreeSet<String>,
    pushing: BTreeSet<String>,
}

impl KollaLog {
    pub fn new(config: &BuildConfig, output: &Arc<Output>) -> KollaLog {
        let kolla = config.kolla.as_deref();
        let major = |version: &str| version.split('.').next()?.parse::<u32>().ok();
        let major = kolla.and_then(|kolla| major(kolla.version()));
        let has_engines = kolla.is_none_or(|kolla| kolla.has_option("engine"));
        KollaLog {
            output: Arc::clone(output),
            logger: match major {
                Some(major) if major <= LAST_OF_OLD_LOGGER => "kolla.image.build",
                _ => "kolla.common.utils",
            },
            has_engines,
            parents: Arc::default(),
            images: Arc::default(),
        }
    }

    /// Logs the lines that come before anything is read.
    pub fn begin(&self, config: &BuildConfig) {
        if self.has_engines {
            let engine = config.engine.as_deref().unwrap_or("docker");
            self.info(format_args!("Using engine: {engine}"));
        }
        let kind = self.image_kind().to_lowercase();
        let tree = config.tree.display();
        self.info(format_args!("Found the {kind} image folder at {tree}"));
    }

    pub fn info(&self, message: impl Display) {
        self.line("INFO", message);
    }

    pub fn warning(&self, message: impl Display) {
        self.line("WARNING", message);
    }

    pub fn error(&self, message: impl Display) {
        self.line("ERROR", message);
    }

    pub fn templates_written(&self, directory: &Path) {
        let directory = directory.display();
        self.info(format_args!("Dockerfiles are generated in {directory}"));
    }

    pub fn dependencies_written(&self, file: &Path) {
        let (kind, file) = (self.image_kind(), file.display());
        self.info(format_args!("{kind} images dependency are saved in {file}"));
    }

    /// Logs that no engine answers.
    pub fn no_engine(&self, error: &anyhow::Error) {
        self.error(match self.has_engines {
            true => "Unable to connect to container engine daemon, exiting",
            false => "Unable to connect to Docker, exiting",
        });
        self.info(format_args!("Exception caught: {error:#}"));
    }

    /// Returns the receiver that logs the build of these images.
    pub fn events(&self, images: &ImageSet) -> Events<Event> {
        let owned = |(image, parents): (&str, Vec<&str>)| {
            let parents = parents.into_iter().map(str::to_owned);
            (image.to_owned(), parents.collect())
        };
        let log = KollaLog {
            parents: Arc::new(images.edges().map(owned).collect()),
            ..self.clone()
        };
        Events::new(move |event| log.event(&event))
    }

    /// Logs the lists at the end: images built, failed, skipped and unbuildable.
    pub fn summary(&self, summary: &Summary, allowed_to_fail: &[String]) {
        let kept = summary.unchanged.iter().map(|image| image.name.as_str());
        let built = summary.built.iter().map(|image| image.name.as_str());
        self.list("Successfully built images", built.chain(kept));
        if !summary.failed.is_empty() {
            self.heading("Images that failed to build");
        }
        let mut failed: Vec<_> = summary.failed.iter().collect();
        failed.sort_by(|a, b| a.name.cmp(&b.name));
        for image in failed {
            let suffix = match allowed_to_fail.contains(&image.name) {
                true => " (allowed to fail)",
                false => "",
            };
            let (name, status) = (&image.name, status_name(image.status));
            self.error(format_args!("{name} Failed with status: {status}{suffix}"));
        }
        let skipped = summary.skipped.iter().map(|image| image.name.as_str());
        self.list("Images skipped due to build options", skipped);
        let unbuildable = summary.unbuildable.iter().map(|image| image.name.as_str());
        self.list("Images not buildable due to build options", unbuildable);
    }

    fn list<'n>(&self, heading: &str, names: impl Iterator<Item = &'n str>) {
        let names: BTreeSet<&str> = names.collect();
        if names.is_empty() {
            return;
        }
        self.heading(heading);
        for name in names {
            self.info(name);
        }
    }

    fn heading(&self, heading: &str) {
        let rule = "=".repeat(heading.len());
        self.info(&rule);
        self.info(heading);
        self.info(&rule);
    }

    fn image_kind(&self) -> &'static str {
        match self.has_engines {
            true => "Container",
            false => "Docker",
        }
    }

    fn line(&self, level: &str, message: impl Display) {
        let logger = self.logger;
        let text = format!("{level}:{logger}:{message}");
        self.output.line(Level::Quiet, &text);
    }

    fn of_image(&self, level: &str, image: &str, message: impl Display) {
        let logger = self.logger;
        let text = format!("{level}:{logger}.{image}:{message}");
        self.output.line(Level::Normal, &text);
    }

    /// Logs that the build of an image starts. Images whose parents are all skipped come first.
    fn started(&self, image: &str) {
        let parents = self.parents.get(image).map(Vec::as_slice);
        let is_root = {
            let mut images = self.images();
            images.started.insert(image.to_owned());
            let mut parents = parents.unwrap_or_default().iter();
            parents.all(|parent| images.skipped.contains(parent))
        };
        match is_root {
            true => self.info(format_args!("Added image {image} to queue")),
            false => self.info(format_args!("Added next task BuildTask({image}) to queue")),
        }
        self.attempt("BuildTask", image);
        let now = time(&ZonedDateTime::now());
        self.of_image("INFO", image, format_args!("Building started at {now}"));
    }

    /// Logs a failure. A failed push has no heading.
    fn failed(&self, failure: &Failure) {
        let image = failure.image.as_str();
        let (is_started, is_pushing) = {
            let images = self.images();
            let is_in = |names: &BTreeSet<String>| names.contains(image);
            (is_in(&images.started), is_in(&images.pushing))
        };
        if !is_started {
            self.started(image);
        }
        if !is_pushing {
            let heading = match self.has_engines {
                true => "Unknown container engine error when building",
                false => "Error'd with the following message",
            };
            self.of_image("ERROR", image, heading);
        }
        // Its logger names the image.
        let report = failure.to_string();
        let report = report.strip_prefix(&format!("image {image}: "));
        for line in report.unwrap_or(&failure.message).lines() {
            self.of_image("ERROR", image, line);
        }
    }

    fn images(&self) -> MutexGuard<'_, Images> {
        self.images.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attempt(&self, task: &str, image: &str) {
        self.info(format_args!(
            "Attempt number: 1 to run task: {task}({image}) "
        ));
    }
}

impl KollaLog {
    fn event(&self, event: &Event) {
        match event {
            Event::Waiting => self.info(
                "Another build of this namespace and tag is running: waiting until it has ended",
            ),
            Event::Pulling { reference } => self.info(format_args!("Pulling {reference}")),
            Event::Started { decision } => {
                self.started(&decision.image);
                self.of_image("INFO", &decision.image, decision.why());
            }
            Event::Line { image, line } => self.of_image("INFO", image, line),
            Event::Silent { image, since, .. } => {
                let minutes = since.as_secs() / 60;
                self.of_image(
                    "WARNING",
                    image,
                    format_args!("the engine has said nothing for {minutes} min"),
                );
            }
            Event::LogLost { image, path, error } => {
                let path = path.display();
                self.of_image(
                    "WARNING",
                    image,
                    format_args!("the log {path} ends here: {error}"),
                );
            }
            Event::Retrying {
                image,
                error,
                after,
            } => {
                let seconds = after.as_secs();
                let message = format_args!("{error}; next attempt in {seconds} s");
                self.of_image("WARNING", image, message);
            }
            Event::Finished { image, took, .. } => {
                let (now, took) = (time(&ZonedDateTime::now()), duration(*took));
                self.of_image("INFO", image, format_args!("Built at {now} (took {took})"));
            }
            Event::Pushing { image } => {
                self.images().pushing.insert(image.clone());
                self.info(format_args!(
                    "Added next task PushIntoQueueTask(PushTask({image})) to queue"
                ));
                self.info(format_args!(
                    "Attempt number: 1 to run task: PushIntoQueueTask(PushTask({image})) "
                ));
                self.attempt("PushTask", image);
                self.of_image("INFO", image, "Trying to push the image");
            }
            Event::Pushed { image, .. } => self.of_image("INFO", image, "Pushed successfully"),
            Event::Skipped { decision } => {
                let (image, why) = (&decision.image, decision.why());
                match decision.action {
                    // kolla-build names these images in its summary alone.
                    Action::Skip => {
                        self.images().skipped.insert(image.clone());
                    }
                    Action::Keep | Action::Build => {
                        self.images().started.insert(image.clone());
                        self.of_image("INFO", image, format_args!("Not built again: {why}"));
                    }
                }
            }
            Event::Failed { failure } => self.failed(failure),
            Event::ParentFailed { image, .. } => self.of_image(
                "ERROR",
                image,
                "Parent image error'd with message \"Status.ERROR\"",
            ),
            _ => {}
        }
    }
}

/// Returns the status as the log and the summary name it.
fn status_name(status: FailedStatus) -> String {
    let name = serde_json::to_value(status).ok();
    let name = name.as_ref().and_then(|name| name.as_str());
    name.unwrap_or("error").to_owned()
}

/// Returns a time as Python prints it.
fn time(time: &ZonedDateTime) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// Returns a time span as Python prints it.
fn duration(span: Duration) -> String {
    let (seconds, micros) = (span.as_secs(), span.subsec_micros());
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours}:{minutes:02}:{:02}.{micros:06}", seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_python_prints_them() {
        assert_eq!(
            duration(Duration::from_micros(3_725_000_042)),
            "1:02:05.000042"
        );
    }
}
