//! The build of one image.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use slipway_engine::{BuildRequest, Engine, EngineError, Progress, wait_within};
use slipway_events::Events;
use slipway_redact::printable;

use super::event::Event;
use super::failure::{FailedInstruction, Failure, Source, Step, origin};
use super::network_fault;
use crate::context::{Context, DOCKERFILE};
use crate::decide::Prepared;
use crate::graph::Images;
use crate::labels::oci_labels;

/// Lines of a failed build's output that are shown.
const TAIL: usize = 20;

/// The wait before the first new attempt; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The default time of silence after which a build is ended: instructions may compile for long without
/// output.
const SILENCE_LIMIT: Duration = Duration::from_secs(4 * 3600);

/// The time of silence after which a build is warned of, again and again.
const SILENCE_WARNING: Duration = Duration::from_secs(10 * 60);

/// The limit of a build's silence, by its origin.
#[derive(Clone, Copy)]
enum SilenceLimit {
    /// [`SILENCE_LIMIT`], because `--timeout` is missing.
    Default,
    /// The value of `--timeout`.
    Timeout(Duration),
}

impl SilenceLimit {
    fn time(self) -> Duration {
        match self {
            SilenceLimit::Default => SILENCE_LIMIT,
            SilenceLimit::Timeout(time) => time,
        }
    }

    /// Returns the error of a build that reached the limit.
    fn error(self) -> EngineError {
        let origin = match self {
            SilenceLimit::Default => "the default limit; --timeout SECONDS sets another one",
            SilenceLimit::Timeout(_) => "the limit that --timeout sets",
        };
        EngineError::Stalled {
            action: "build it".to_owned(),
            seconds: self.time().as_secs(),
            advice: format!("look at the step that the build's log ends with ({origin})"),
        }
    }
}

/// The inputs of one build.
pub(super) struct Job {
    images: Arc<Images>,
    index: usize,
    context: Context,
    labels: BTreeMap<String, String>,
}

/// A build that succeeded.
pub(super) struct Done {
    pub id: String,
    pub took: Duration,
    pub labels: BTreeMap<String, String>,
}

/// The output of a build so far.
#[derive(Default)]
struct Output {
    log: Option<File>,
    tail: VecDeque<String>,
    step: Option<Step>,
}

impl Job {
    pub(super) fn new(
        images: &Arc<Images>,
        index: usize,
        prepared: &Prepared,
        mut labels: BTreeMap<String, String>,
    ) -> Job {
        labels.extend(oci_labels(&images.options, &images.graph.nodes[index].name));
        Job {
            images: Arc::clone(images),
            index,
            context: prepared.context.clone(),
            labels,
        }
    }

    fn name(&self) -> &str {
        &self.images.graph.nodes[self.index].name
    }

    fn log_file(&self) -> Option<PathBuf> {
        let directory = self.images.options.logs_dir.as_ref()?;
        Some(directory.join(format!("{}.log", self.name())))
    }

    /// Builds the image, again where it was the engine or the network that failed.
    pub(super) async fn run(
        self,
        engine: &dyn Engine,
        events: &Events<Event>,
    ) -> Result<Done, Failure> {
        let started = Instant::now();
        let mut output = Output::default();
        if let Some(path) = self.log_file() {
            match begin_log(&path) {
                Ok(file) => output.log = Some(file),
                Err(error) => {
                    let message = format!("cannot write its log {}: {error}", path.display());
                    return Err(self.failure(message, &Output::default()));
                }
            }
        }
        let mut wait = FIRST_WAIT;
        let mut retries = self.images.options.retries;
        loop {
            let error = match self.attempt(engine, events, &mut output).await {
                Ok(id) => {
                    return Ok(Done {
                        id,
                        took: started.elapsed(),
                        labels: self.labels,
                    });
                }
                Err(error) => error,
            };
            let may_retry = retries > 0 && self.is_worth_retrying(&error);
            let Some(said) = passing_fault(&error, &output).filter(|_| may_retry) else {
                if let Some(path) = output.log.as_ref().and_then(|_| self.log_file()) {
                    mark_failed(&path);
                }
                return Err(self.failure(message(&error), &output));
            };
            retries -= 1;
            events.send(Event::Retrying {
                image: self.name().to_owned(),
                error: said,
                after: wait,
            });
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }

    /// False for a silence of hours: it would be hours again.
    fn is_worth_retrying(&self, error: &EngineError) -> bool {
        let is_silence = matches!(error, EngineError::Stalled { .. });
        match self.silence_limit() {
            SilenceLimit::Default => !is_silence,
            SilenceLimit::Timeout(_) => true,
        }
    }

    fn silence_limit(&self) -> SilenceLimit {
        let timeout = self.images.options.build_timeout;
        timeout.map_or(SilenceLimit::Default, SilenceLimit::Timeout)
    }

    /// Shows a line of the build's output, and keeps it for the log and for the failure's report.
    fn take_line(&self, line: &str, events: &Events<Event>, output: &mut Output) {
        events.send(Event::Line {
            image: self.name().to_owned(),
            line: line.to_owned(),
        });
        if let (Err(error), Some(path)) = (output.add(line.to_owned()), self.log_file()) {
            events.send(Event::LogLost {
                image: self.name().to_owned(),
                path,
                error: error.to_string(),
            });
        }
    }

    async fn attempt(
        &self,
        engine: &dyn Engine,
        events: &Events<Event>,
        output: &mut Output,
    ) -> Result<String, EngineError> {
        output.step = None;
        output.tail.clear();
        let mut progress = engine
            .build_image(self.request(), self.context.tar())
            .await?;
        let mut image = None;
        let limit = self.silence_limit();
        let warn = |since| {
            events.send(Event::Silent {
                image: self.name().to_owned(),
                since,
                limit: limit.time(),
            });
        };
        while let Some(step) = next_progress(progress.next(), limit, SILENCE_WARNING, warn).await? {
            match step? {
                Progress::Line(text) => {
                    for line in printable(&text).split('\n') {
                        self.take_line(line, events, output);
                    }
                }
                Progress::Transfer => {}
                Progress::ImageId(id) => image = Some(id),
            }
        }
        image.ok_or_else(|| EngineError::Build {
            message: "the engine ended the build without an image".to_owned(),
        })
    }

    fn request(&self) -> BuildRequest {
        let options = &self.images.options;
        BuildRequest {
            tags: vec![self.images.graph.nodes[self.index].reference.clone()],
            dockerfile: DOCKERFILE.to_owned(),
            build_args: options.build_args.clone(),
            labels: self.labels.clone(),
            no_cache: !options.cache,
            network: options.network_mode.clone(),
            platform: options.platform.clone(),
            squash: options.squash,
            keep_failed: options.keep,
            buildkit: options.buildkit,
        }
    }

    fn failure(&self, mut message: String, output: &Output) -> Failure {
        if self.images.options.squash && message.contains("experimental mode") {
            message += "; --squash needs \"experimental\": true in Docker's daemon.json";
        }
        if is_full(&message) {
            message += "; the engine's disk is full, and docker system df says of what";
        }
        let instruction = output.step.and_then(|step| self.instruction(step));
        let rebuild_command = || format!("{} '^{}$'", self.images.options.command, self.name());
        Failure {
            image: self.name().to_owned(),
            message,
            // An instruction ran, so the parents are built: the command builds this image alone.
            rebuild_command: instruction.is_some().then(rebuild_command),
            instruction,
            log_tail: output.tail.iter().cloned().collect(),
            log_file: output.log.as_ref().and_then(|_| self.log_file()),
        }
    }

    /// The instruction of a step, and where it came from.
    fn instruction(&self, step: Step) -> Option<FailedInstruction> {
        let instructions = self.images.graph.nodes[self.index].instructions();
        let index = step.index(&instructions)?;
        let instruction = instructions.get(index)?;
        let tree = &self.images.tree;
        let read = |path: PathBuf| {
            let text = slipway_files::read_input(&path).ok()?;
            Some(Source { path, text })
        };
        let template = tree
            .template(self.name())
            .and_then(|inside| read(tree.file(&inside)?.to_owned()))?;
        let at_the_root = tree
            .files()
            .filter(|(inside, _)| !inside.contains('/') && inside.ends_with(".j2"));
        let others: Vec<Source> = self
            .images
            .options
            .template_overrides
            .iter()
            .cloned()
            .chain(at_the_root.map(|(_, path)| path.to_owned()))
            .filter_map(read)
            .collect();
        Some(FailedInstruction {
            text: format!("{} {}", instruction.name, instruction.arguments),
            line: instruction.line,
            template: origin(&instructions, index, &template, &others),
        })
    }
}

/// Waits for the next progress of a build, at most `limit`, and warns of each span of silence. Dropping
/// the build ends it.
async fn next_progress<T>(
    next: impl Future<Output = T>,
    limit: SilenceLimit,
    span: Duration,
    warn: impl Fn(Duration),
) -> Result<T, EngineError> {
    let progress = wait_within(limit.time(), span, next, warn).await;
    progress.ok_or_else(|| limit.error())
}

/// Begins a log, and takes away what said that the one before was of a failure.
fn begin_log(path: &Path) -> io::Result<File> {
    match fs::remove_file(failed_log(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => File::create(path),
    }
}

/// Links a failed build's log under a name that sorts first, as kolla-build does.
/// Without it, the log says the same.
fn mark_failed(path: &Path) {
    if let Some(name) = path.file_name() {
        let _ = symlink(name, failed_log(path));
    }
}

fn failed_log(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("000_FAILED_{name}"))
}

/// Returns the engine's message, without the words that the image's own error has.
fn message(error: &EngineError) -> String {
    match error {
        EngineError::Build { message } => message.clone(),
        EngineError::Stalled { .. } => error.reason(),
        other => other.to_string(),
    }
}

/// The fault, if another attempt may succeed.
fn passing_fault(error: &EngineError, output: &Output) -> Option<String> {
    match error {
        EngineError::Stalled { .. } => Some(message(error)),
        EngineError::Build { .. } => {
            let lines = output.tail.iter().map(String::as_str);
            network_fault::first(lines).map(|line| line.trim().to_owned())
        }
        full if is_full(&full.reason()) => None,
        other => other.is_transient().then(|| other.to_string()),
    }
}

/// True when the engine had no space for an image.
fn is_full(message: &str) -> bool {
    message.contains("no space left on device")
}

/// True for a line of the engine's own book-keeping.
fn is_chatter(line: &str) -> bool {
    line.starts_with(" ---> ") || line.starts_with("Removing intermediate container ")
}

impl Output {
    /// Adds a line. A log that cannot be written is an error once; then the build continues without a
    /// log, because a full disk for logs must not fail it.
    fn add(&mut self, line: String) -> io::Result<()> {
        let logged = match &mut self.log {
            Some(log) => writeln!(log, "{line}"),
            None => Ok(()),
        };
        if logged.is_err() {
            self.log = None;
        }
        if let Some(step) = Step::in_line(&line) {
            self.step = Some(step);
            self.tail.clear();
        } else if !line.trim().is_empty() && !is_chatter(&line) {
            if self.tail.len() == TAIL {
                self.tail.pop_front();
            }
            self.tail.push_back(line);
        }
        logged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_of_the_last_step_and_short() {
        let mut output = Output::default();
        output.add("Step 1/2 : FROM a".to_owned()).unwrap();
        output.add("old".to_owned()).unwrap();
        output.add("Step 2/2 : RUN b".to_owned()).unwrap();
        output.add(" ---> Running in 12".to_owned()).unwrap();
        for number in 0..TAIL + 3 {
            output.add(format!("line {number}")).unwrap();
        }
        assert_eq!(output.step, Some(Step::Classic(2)));
        assert_eq!(output.tail.len(), TAIL);
        assert_eq!(output.tail[0], "line 3");
    }

    #[tokio::test]
    async fn a_silent_build_is_warned_of_and_ended() {
        let warned = std::cell::RefCell::new(Vec::new());
        let [span, limit] = [20, 70].map(Duration::from_millis);
        let limit = SilenceLimit::Timeout(limit);
        let silence = std::future::pending::<()>();
        let ended = next_progress(silence, limit, span, |since| {
            warned.borrow_mut().push(since)
        })
        .await;
        assert!(matches!(ended, Err(EngineError::Stalled { .. })));
        let expected: Vec<Duration> = [20, 40, 60].map(Duration::from_millis).to_vec();
        assert_eq!(warned.take(), expected);
        let ready = std::future::ready(1);
        let progress = next_progress(ready, limit, span, |_| panic!("no silence"));
        assert_eq!(progress.await.unwrap(), 1);
    }

    #[test]
    fn the_error_of_a_silent_build_names_the_origin_of_its_limit() {
        let default = message(&SilenceLimit::Default.error());
        assert!(
            default.starts_with("no answer for 14400 s") && default.contains("default limit"),
            "{default}"
        );
        let timeout = message(&SilenceLimit::Timeout(Duration::from_secs(9)).error());
        assert!(
            timeout.starts_with("no answer for 9 s") && timeout.contains("that --timeout sets"),
            "{timeout}"
        );
    }

    #[test]
    fn a_log_without_room_is_an_error_once() {
        let mut output = Output {
            log: Some(File::options().write(true).open("/dev/full").unwrap()),
            ..Output::default()
        };
        assert!(output.add("one".to_owned()).is_err());
        assert!(output.add("two".to_owned()).is_ok());
        assert_eq!(output.tail, ["one", "two"]);
    }
}
