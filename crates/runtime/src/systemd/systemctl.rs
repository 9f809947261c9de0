//! Calls of systemctl.

use std::ffi::OsStr;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use tokio::process::Command;

use super::{Result, SystemdError};

/// The environment variables that systemctl gets.
const VARIABLES: [&str; 7] = [
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "DBUS_SYSTEM_BUS_ADDRESS",
];

/// The deadline of calls that wait for units. systemd itself ends a unit that exceeds its own timeout,
/// which may be long.
const STOP_OR_START: Duration = Duration::from_secs(3600);

/// The deadline of all other calls.
const QUICK: Duration = Duration::from_secs(120);

/// The interval at which a call that has not ended is reported.
const NOTICE: Duration = Duration::from_secs(5);

/// The program systemctl, where systemd runs.
#[derive(Clone, Debug)]
pub(super) struct Systemctl {
    program: Option<PathBuf>,
}

impl Systemctl {
    pub(super) fn new(program: PathBuf) -> Systemctl {
        Systemctl {
            program: Some(program),
        }
    }

    /// The systemctl of a machine where systemd does not run.
    pub(super) fn absent() -> Systemctl {
        Systemctl { program: None }
    }

    pub(super) fn is_absent(&self) -> bool {
        self.program.is_none()
    }

    /// Calls systemctl. Does nothing where systemd does not run.
    pub(super) async fn call(&self, verb: &str, units: &[String]) -> Result<()> {
        let Some(program) = &self.program else {
            return Ok(());
        };
        let arguments: Vec<&OsStr> = std::iter::once(verb)
            .chain(units.iter().map(String::as_str))
            .map(OsStr::new)
            .collect();
        let failed = |said: String| SystemdError::Systemctl {
            arguments: [verb, &units.join(" ")].join(" ").trim().to_owned(),
            said,
        };
        let mut command = Command::new(program);
        command.args(arguments).kill_on_drop(true);
        command
            .env_clear()
            .envs(VARIABLES.iter().filter_map(|name| {
                let value = std::env::var_os(name)?;
                Some((*name, value))
            }));
        let limit = match verb {
            "start" | "stop" => STOP_OR_START,
            _ => QUICK,
        };
        let ran = in_time(verb, units, limit, command.output()).await;
        let ran = ran.ok_or_else(|| {
            let seconds = limit.as_secs();
            let unit = units.last().map_or("", String::as_str);
            failed(format!(
                "no end in {seconds} s; look at `systemctl status {unit}` and `journalctl -u {unit}`"
            ))
        })?;
        let ended = ran.map_err(|error| failed(error.to_string()))?;
        match ended.status.success() {
            true => Ok(()),
            false => Err(failed(
                String::from_utf8_lossy(&ended.stderr).trim().to_owned(),
            )),
        }
    }
}

/// Waits for a call of systemctl; `None` if it does not end in time. A call that takes more than a few
/// seconds is reported.
async fn in_time<T>(
    verb: &str,
    units: &[String],
    limit: Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    let begin = tokio::time::Instant::now();
    let end = begin + limit;
    tokio::pin!(work);
    loop {
        let pause = NOTICE.min(end - tokio::time::Instant::now());
        match tokio::time::timeout(pause, &mut work).await {
            Ok(done) => return Some(done),
            Err(_) if tokio::time::Instant::now() >= end => return None,
            Err(_) => tracing::warn!(
                verb,
                units = units.join(" "),
                seconds = begin.elapsed().as_secs(),
                limit = limit.as_secs(),
                "waiting for systemctl"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Returns a systemctl that is this script.
    fn systemctl(dir: &tempfile::TempDir, script: &str) -> Systemctl {
        let program = dir.path().join("systemctl");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        Systemctl::new(program)
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_systemctl_times_out() {
        let dir = tempfile::tempdir().unwrap();
        let systemctl = systemctl(&dir, "exec sleep 1000.25");
        for (verb, seconds) in [("enable", 120), ("stop", 3600)] {
            let begin = tokio::time::Instant::now();
            let failed = systemctl
                .call(verb, &["tripleo_a.service".to_owned()])
                .await;
            assert_eq!(begin.elapsed().as_secs(), seconds);
            assert_eq!(
                failed.unwrap_err().to_string(),
                format!(
                    "systemctl {verb} tripleo_a.service failed: no end in {seconds} s; look at \
                     `systemctl status tripleo_a.service` and `journalctl -u tripleo_a.service`"
                )
            );
        }
    }

    #[tokio::test]
    async fn systemctl_gets_a_chosen_environment() {
        let dir = tempfile::tempdir().unwrap();
        let systemctl = systemctl(&dir, "env >\"${0%/*}/environment\"");
        systemctl.call("daemon-reload", &[]).await.unwrap();
        let environment = std::fs::read_to_string(dir.path().join("environment")).unwrap();
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
        assert!(environment.contains("PATH=") && !environment.contains("CARGO"));
    }
}
