//! Containers that have Puppet loaded, each for several runs of one image, one after another.
//!
//! A run is a fork there, in a file system of its own ([`World`]), and does what a container of
//! its own would have done (`loaded.rb`, `run.sh`). Runs that go on at once are in containers of
//! their own, so that none sees another's processes; of one that came before, no process is left
//! and nothing it wrote can be reached.

use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use rustix::fs::{FileType, Mode, OFlags};
use slipway_engine::{ContainerSpec, Engine, EngineError, LogLine};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixListener;
use tokio::net::unix::pipe::{OpenOptions, Receiver};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use crate::error::Failure;
use crate::run::container::{Removed, patiently};
use crate::run::fork::filesystem::World;
use crate::run::transcript::Transcript;

/// Of the folder of what a run is given: asks for the facts to be found out.
pub const FIND_FACTS: &str = "find-facts";
/// Of the same folder: takes what a run says.
const LOG: &str = "log";
/// Time that loading may take; without Puppet's own, on a machine that has nothing else to do, it
/// is a second.
const LOADING: Duration = Duration::from_secs(120);

/// A container that has Puppet loaded.
pub struct Loaded {
    container: Removed,
    world: World,
    requests: OwnedWriteHalf,
    answers: Lines<BufReader<OwnedReadHalf>>,
    /// Holds its `in/` and `out/`.
    pub staging: TempDir,
}

/// How a run ended.
pub enum Ended {
    /// With this exit code; another run may follow.
    With(i64),
    /// With this exit code, and no other can follow.
    Last(i64),
    /// The container did, for this reason.
    Lost(String),
    /// Before it began: there can be no file system of its own, for this reason.
    Impossible(String),
}

impl Loaded {
    /// Makes and starts a container, and waits until Puppet is loaded in it; or says why it cannot
    /// be used.
    pub async fn start(
        engine: &Arc<dyn Engine>,
        name: &str,
        spec: &ContainerSpec,
        staging: TempDir,
    ) -> Result<Loaded, String> {
        let listener = listen(&staging.path().join("out")).map_err(|error| error.to_string())?;
        let starting = async {
            let id = patiently(|| engine.create_container(name, spec)).await?;
            let container = Removed::when_dropped(engine, id);
            patiently(|| engine.start_container(container.id())).await?;
            let found = engine.find_container(container.id()).await?;
            Ok::<_, EngineError>((container, found))
        };
        let (container, found) = starting.await.map_err(|error| error.to_string())?;
        let connected = async {
            let pid = found.and_then(|found| found.pid).ok_or("it has ended")?;
            let world = World::of(pid, container.id()).await;
            let world = world.map_err(|error| error.to_string())?;
            let (stream, _) = listener.accept().await.map_err(|error| error.to_string())?;
            let (answers, requests) = stream.into_split();
            let mut answers = BufReader::new(answers).lines();
            let said = answers.next_line().await.ok().flatten();
            match said.as_deref() {
                Some("ready") => Ok((world, requests, answers)),
                _ => Err("it has ended".to_owned()),
            }
        };
        let why = tokio::select! {
            connected = connected => match connected {
                Ok((world, requests, answers)) => {
                    return Ok(Loaded { container, world, requests, answers, staging });
                }
                Err(why) => why,
            },
            ended = engine.wait_container(container.id()) => match ended {
                Ok(code) => format!("it ended with {code}"),
                Err(error) => error.to_string(),
            },
            () = tokio::time::sleep(LOADING) => "it does not answer".to_owned(),
        };
        let said = last_words(engine, container.id()).await;
        // Why it cannot be used is known, whatever becomes of it.
        let _ = container.now().await;
        Err(match said {
            Some(said) => format!("{why}: {said}"),
            None => why,
        })
    }

    /// Runs Puppet with what a folder's `in/` holds.
    pub async fn run(
        &mut self,
        staging: &Path,
        transcript: &mut Transcript<'_>,
    ) -> Result<Ended, Failure> {
        if let Err(impossible) = self.world.put(staging).await {
            return Ok(Ended::Impossible(impossible.to_string()));
        }
        let ended = match self.follow(staging, transcript).await {
            Ok(ended) => ended?,
            Err(error) => return Ok(Ended::Lost(error.to_string())),
        };
        Ok(match (self.world.take_away().await, ended) {
            (Err(_), Ended::With(code)) => Ended::Last(code),
            (_, ended) => ended,
        })
    }

    async fn follow(
        &mut self,
        staging: &Path,
        transcript: &mut Transcript<'_>,
    ) -> std::io::Result<Result<Ended, Failure>> {
        let path = staging.join("in").join(LOG);
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )?;
        // Open for both, it does not end before there is a writer.
        let mut log = Log {
            pipe: OpenOptions::new().read_write(true).open_receiver(&path)?,
            line: Vec::new(),
        };
        self.requests.write_all(b"run\n").await?;
        let answer = loop {
            tokio::select! {
                ready = log.pipe.readable() => {
                    ready?;
                    if let Err(failure) = log.take(transcript) {
                        return Ok(Err(failure));
                    }
                }
                answer = self.answers.next_line() => break answer?,
            }
        };
        // Whatever was running has ended, and so has what it said.
        let mut taken = log.take(transcript);
        if taken.is_ok() && !log.line.is_empty() {
            taken = log.end(transcript);
        }
        if let Err(failure) = taken {
            return Ok(Err(failure));
        }
        Ok(Ok(understood(answer.as_deref())))
    }

    /// Ends it.
    pub async fn remove(self) -> Result<(), EngineError> {
        // It ends by itself when this is closed, and is then the sooner removed.
        drop((self.requests, self.answers));
        self.container.now().await
    }
}

fn understood(answer: Option<&str>) -> Ended {
    let lost = || Ended::Lost("the container that has Puppet loaded has ended".to_owned());
    let Some(code) = answer.and_then(|answer| answer.strip_prefix("exit ")) else {
        return lost();
    };
    let (code, last) = match code.strip_suffix(" last") {
        Some(code) => (code, true),
        None => (code, false),
    };
    match (code.parse(), last) {
        (Ok(code), false) => Ended::With(code),
        (Ok(code), true) => Ended::Last(code),
        (Err(_), _) => lost(),
    }
}

/// What a run says.
struct Log {
    pipe: Receiver,
    /// The beginning of a line.
    line: Vec<u8>,
}

impl Log {
    /// Takes all that is there.
    fn take(&mut self, transcript: &mut Transcript<'_>) -> Result<(), Failure> {
        let mut buffer = [0; 16 * 1024];
        while let Ok(length @ 1..) = self.pipe.try_read(&mut buffer) {
            for byte in &buffer[..length] {
                match byte {
                    b'\n' => self.end(transcript)?,
                    byte => self.line.push(*byte),
                }
            }
        }
        Ok(())
    }

    fn end(&mut self, transcript: &mut Transcript<'_>) -> Result<(), Failure> {
        let line = String::from_utf8_lossy(&self.line).into_owned();
        self.line.clear();
        Ok(transcript.line(&line)?)
    }
}

/// Listens in a folder, whose path may be longer than a socket's can be.
fn listen(folder: &Path) -> std::io::Result<UnixListener> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::open(folder, flags, Mode::empty())?;
    let number = std::os::fd::AsRawFd::as_raw_fd(&folder.as_fd());
    UnixListener::bind(format!("/proc/self/fd/{number}/control"))
}

async fn last_words(engine: &Arc<dyn Engine>, id: &str) -> Option<String> {
    let mut lines = engine.logs(id, Some(1), false).await.ok()?;
    let (LogLine::Out(line) | LogLine::Err(line)) = lines.next().await?.ok()?;
    Some(line.trim_end().to_owned()).filter(|line| !line.is_empty())
}
