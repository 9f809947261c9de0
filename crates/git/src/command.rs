//! One git command, with limits on time and output.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::Path;
use std::process::{self, Child, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use slipway_redact::{mask_urls, printable};

use crate::GitError;

/// Variables that reach git: those that say who and where the user is, how the network is
/// reached, and how the user's own git is configured.
const PASSED: [&str; 47] = [
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "DBUS_SESSION_BUS_ADDRESS",
    "GIT_ASKPASS",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_HTTP_PROXY_AUTHMETHOD",
    "GIT_PROXY_SSL_CAINFO",
    "GIT_PROXY_SSL_CERT",
    "GIT_PROXY_SSL_KEY",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_CERT",
    "GIT_SSL_KEY",
    "GIT_SSL_NO_VERIFY",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "KRB5CCNAME",
    "KRB5_CONFIG",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LOGNAME",
    "NO_PROXY",
    "PATH",
    "SSH_AGENT_PID",
    "SSH_ASKPASS",
    "SSH_AUTH_SOCK",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "all_proxy",
    "ftp_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// The largest file that git may write.
const MAX_FILE: u64 = 8 << 30;

/// The longest that git works with a server, however much it says.
const MAX_TIME: Duration = Duration::from_secs(6 * 3600);

/// Output that is kept of a command.
const MAX_OUTPUT: usize = 1 << 20;

/// Lines of git's messages that an error shows.
const SHOWN_LINES: usize = 12;

/// The time that git has to end after it was asked to.
const GRACE: Duration = Duration::from_secs(2);

/// The interval of asking a command that closed its output whether it has ended.
const POLL: Duration = Duration::from_millis(20);

/// A git command. It sees the variables that say who the user is (`HOME`, `USER`, …), how the
/// network is reached (proxies, certificates, ssh's agent) and which configuration is the user's;
/// no other `GIT_*` variable, and nothing else.
pub struct Command {
    action: String,
    command: process::Command,
    timeout: Option<Duration>,
    limit: Duration,
}

/// A piece of a command's output.
enum Output {
    Standard(Vec<u8>),
    Messages(Vec<u8>),
}

impl Command {
    /// Prepares a command. `action` names it in errors.
    pub fn new(action: impl Into<String>) -> Command {
        let mut command = process::Command::new("git");
        command.env_clear().stdin(Stdio::null());
        let passed = |name: &str| PASSED.contains(&name);
        for (name, value) in std::env::vars_os() {
            if name.to_str().is_some_and(passed) {
                command.env(name, value);
            }
        }
        command.env("GIT_TERMINAL_PROMPT", "0");
        Command {
            action: action.into(),
            command,
            timeout: None,
            limit: MAX_TIME,
        }
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Command {
        self.command.args(arguments);
        self
    }

    /// Runs in this directory, which must be a repository itself.
    pub fn in_repository(mut self, directory: &Path) -> Command {
        let mut git_dir = OsString::from("--git-dir=");
        git_dir.push(directory.join(".git"));
        let mut work_tree = OsString::from("--work-tree=");
        work_tree.push(directory);
        self.command.arg(git_dir).arg(work_tree);
        self
    }

    /// Allows these protocols, which git separates with colons.
    pub(crate) fn protocols(mut self, protocols: &str) -> Command {
        self.command.env("GIT_ALLOW_PROTOCOL", protocols);
        self
    }

    /// Ends the command when it says nothing for this long.
    pub fn timeout(mut self, timeout: Duration) -> Command {
        self.timeout = Some(timeout);
        self
    }

    /// Runs the command and returns what it wrote to standard output, up to 1 MiB.
    pub fn run(self) -> Result<String, GitError> {
        let mut kept = Vec::new();
        self.stream(|piece| {
            let room = MAX_OUTPUT.saturating_sub(kept.len());
            kept.extend_from_slice(&piece[..piece.len().min(room)]);
            Ok(())
        })?;
        Ok(String::from_utf8_lossy(&kept).into_owned())
    }

    /// Runs the command and hands its standard output to `receive`. An error of `receive` ends it.
    pub(crate) fn stream(
        mut self,
        mut receive: impl FnMut(&[u8]) -> Result<(), GitError>,
    ) -> Result<(), GitError> {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().map_err(GitError::NotRun)?;
        limit_files(&child);
        let (sender, output) = mpsc::sync_channel(16);
        if let Some(stdout) = child.stdout.take() {
            forward(stdout, sender.clone(), Output::Standard);
        }
        if let Some(stderr) = child.stderr.take() {
            forward(stderr, sender, Output::Messages);
        }
        let mut messages = Vec::new();
        let result = self.follow(&mut child, &output, &mut messages, &mut receive);
        let status = match result {
            Ok(status) => status,
            Err(error) => {
                end(&mut child);
                return Err(error);
            }
        };
        match status.success() {
            true => Ok(()),
            false => Err(GitError::Failed {
                action: self.action,
                message: shown(&messages),
            }),
        }
    }

    /// Receives output until the command ends, or stands still.
    fn follow(
        &self,
        child: &mut Child,
        output: &mpsc::Receiver<Output>,
        messages: &mut Vec<u8>,
        receive: &mut impl FnMut(&[u8]) -> Result<(), GitError>,
    ) -> Result<ExitStatus, GitError> {
        let began = Instant::now();
        loop {
            if began.elapsed() > self.limit {
                return Err(GitError::TooLong {
                    action: self.action.clone(),
                    hours: self.limit.as_secs() / 3600,
                });
            }
            let piece = match self.timeout {
                Some(timeout) => output.recv_timeout(timeout),
                None => output.recv().map_err(mpsc::RecvTimeoutError::from),
            };
            match piece {
                Ok(Output::Standard(bytes)) => receive(&bytes)?,
                Ok(Output::Messages(bytes)) => {
                    messages.extend_from_slice(&bytes);
                    let excess = messages.len().saturating_sub(MAX_OUTPUT);
                    messages.drain(..excess);
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => return Err(self.timed_out()),
            }
        }
        match wait(child, self.timeout)? {
            Some(status) => Ok(status),
            None => Err(self.timed_out()),
        }
    }

    fn timed_out(&self) -> GitError {
        GitError::TimedOut {
            action: self.action.clone(),
            seconds: self.timeout.unwrap_or_default().as_secs(),
        }
    }
}

/// Limits the files that git and its children write. What git starts comes later than this.
fn limit_files(child: &Child) {
    let limit = Rlimit {
        current: Some(MAX_FILE),
        maximum: Some(MAX_FILE),
    };
    // A lower limit that cannot be raised is in force anyway.
    let _ = prlimit(Some(Pid::from_child(child)), Resource::Fsize, limit);
}

/// Sends what comes of a pipe, from a thread of its own, so that a pipe that nobody closes is left
/// behind.
fn forward(
    mut pipe: impl Read + Send + 'static,
    sender: mpsc::SyncSender<Output>,
    wrap: fn(Vec<u8>) -> Output,
) {
    std::thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count) = pipe.read(&mut buffer) {
            if count == 0 || sender.send(wrap(buffer[..count].to_vec())).is_err() {
                return;
            }
        }
    });
}

/// Waits for the end of a command; `None` when it does not end in time.
fn wait(child: &mut Child, timeout: Option<Duration>) -> Result<Option<ExitStatus>, GitError> {
    let Some(timeout) = timeout else {
        return Ok(Some(child.wait()?));
    };
    let began = Instant::now();
    loop {
        match child.try_wait()? {
            Some(status) => return Ok(Some(status)),
            None if began.elapsed() > timeout => return Ok(None),
            None => std::thread::sleep(POLL),
        }
    }
}

/// Ends git and its children: first by asking, so that what is unfinished is removed. The children
/// are in the process group of this process, so that Ctrl-C ends them as well; git alone would
/// leave them behind.
fn end(child: &mut Child) {
    let git = Pid::from_child(child);
    let mut all = vec![git];
    let mut next = 0;
    while let Some(&parent) = all.get(next) {
        all.extend(children(parent));
        next += 1;
    }
    for pid in &all {
        let _ = kill_process(*pid, Signal::TERM);
    }
    if !matches!(wait(child, Some(GRACE)), Ok(Some(_))) {
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// The children of a process.
fn children(parent: Pid) -> Vec<Pid> {
    let pid = parent.as_raw_nonzero();
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let list = list.unwrap_or_default();
    let pids = list.split_whitespace().filter_map(|pid| pid.parse().ok());
    pids.filter_map(Pid::from_raw).collect()
}

/// The last lines of git's messages, without progress, credentials and control characters.
fn shown(messages: &[u8]) -> String {
    let text = String::from_utf8_lossy(messages);
    let lines: Vec<&str> = text
        .split(['\n', '\r'])
        .map(str::trim)
        .filter(|line| !line.is_empty() && !is_progress(line))
        .collect();
    let first = lines.len().saturating_sub(SHOWN_LINES);
    mask_urls(&printable(&lines[first..].join("\n")))
}

fn is_progress(line: &str) -> bool {
    let counts = line.contains("% (") || line.ends_with(", done.");
    counts || line.starts_with("Cloning into ") || line.starts_with("remote: Enumerating ")
}
