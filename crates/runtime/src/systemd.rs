//! Units by which systemd starts containers at boot and again after a failure: Podman has no
//! daemon that would.
//!
//! The units are those of Podman's own generator. Each is called what paunch called it,
//! `tripleo_<container>.service`, and begins with a note on the container it is for: it names that
//! by its id, and so is written again when the container is made anew. A unit that paunch wrote
//! serves as well, for as long as its container stays.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use slipway_service::{Action, ContainerKeys, Key, RestartPolicy};
use tokio::process::Command;

/// Exists where systemd is the first process.
const RUNNING: &str = "/run/systemd/system";

/// The variables that systemctl gets.
const VARIABLES: [&str; 7] = [
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "DBUS_SYSTEM_BUS_ADDRESS",
];

/// The deadline of calls that wait for units: systemd itself ends a unit that takes longer than the
/// unit says, which may be long.
const STOP_OR_START: Duration = Duration::from_secs(3600);

/// The deadline of all other calls.
const QUICK: Duration = Duration::from_secs(120);

/// The time after which a call is reported as waited for, and again after each such time.
const NOTICE: Duration = Duration::from_secs(5);

const PREFIX: &str = "tripleo_";
const NOTE: &str = "# Written by slipway, and again when the container is made anew.";

/// An error of a systemd unit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SystemdError {
    /// Its file, or the directory, cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// The system's own words.
        source: std::io::Error,
    },
    /// Its file cannot be written.
    #[error(transparent)]
    Write(#[from] slipway_files::WriteError),
    /// systemctl failed.
    #[error("systemctl {arguments} failed: {said}")]
    Systemctl {
        /// Its arguments.
        arguments: String,
        /// Its error message.
        said: String,
    },
}

type Result<T, E = SystemdError> = std::result::Result<T, E>;

/// A directory of units, and the systemd that reads it.
#[derive(Clone, Debug)]
pub struct Units {
    dir: PathBuf,
    /// Nothing where systemd does not run.
    systemctl: Option<PathBuf>,
}

/// The container that a unit of ours starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) managed_by: String,
    pub(crate) config_id: String,
    /// The container's id.
    pub(crate) id: String,
}

impl Owner {
    fn note(&self) -> String {
        let Owner {
            managed_by,
            config_id,
            id,
        } = self;
        let lines = [
            ("managed_by", managed_by),
            ("config_id", config_id),
            ("container", id),
        ]
        // In JSON, what could end the line does not.
        .map(|(key, value)| format!("# {key}: {}\n", serde_json::json!(value)));
        format!("{NOTE}\n{}", lines.concat())
    }

    fn read(text: &str) -> Option<Owner> {
        let mut lines = text.lines().skip_while(|line| *line != NOTE).skip(1);
        let mut value = |key: &str| {
            let line = lines.next()?.strip_prefix(&format!("# {key}: "))?;
            serde_json::from_str::<String>(line).ok()
        };
        Some(Owner {
            managed_by: value("managed_by")?,
            config_id: value("config_id")?,
            id: value("container")?,
        })
    }
}

/// The file under a unit's name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Present {
    Nothing,
    Ours(Owner),
    /// A file that somebody else wrote: paunch, most likely.
    Theirs,
    /// A link: to nothing, which is how an operator masks a unit, or to a unit elsewhere.
    Linked,
}

/// The program that wrote a unit.
enum Writer {
    Slipway,
    /// paunch, most likely.
    Other,
}

impl Units {
    /// The units in a directory. Where systemd runs, it reloads the ones that change.
    pub fn new(dir: PathBuf) -> Units {
        Units {
            dir,
            systemctl: Units::are_read_here().then(|| "systemctl".into()),
        }
    }

    #[cfg(test)]
    pub(crate) fn with_systemctl(dir: PathBuf, systemctl: PathBuf) -> Units {
        let systemctl = Some(systemctl);
        Units { dir, systemctl }
    }

    /// Returns `true` when systemd runs here.
    pub fn are_read_here() -> bool {
        Path::new(RUNNING).is_dir()
    }

    /// The name of a container's unit, by its name in the engine.
    pub(crate) fn name(container: &str) -> String {
        format!("{PREFIX}{container}.service")
    }

    fn path(&self, unit: &str) -> PathBuf {
        self.dir.join(unit)
    }

    /// The file under a unit's name.
    pub(crate) fn present(&self, unit: &str) -> Result<Present> {
        let path = self.path(unit);
        match std::fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => return Ok(Present::Linked),
            Ok(_) => {}
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(Present::Nothing),
            Err(source) => return Err(SystemdError::File { path, source }),
        }
        let text = match slipway_files::read_input_bytes(&path) {
            Ok(text) => text,
            Err(source) => return Err(SystemdError::File { path, source }),
        };
        let owner = Owner::read(&String::from_utf8_lossy(&text));
        Ok(owner.map_or(Present::Theirs, Present::Ours))
    }

    /// Our units of a set: name → id of the container that it is for.
    pub(crate) fn of_set(
        &self,
        managed_by: &str,
        config_id: &str,
    ) -> Result<BTreeMap<String, String>> {
        let units = self.ours()?.into_iter();
        Ok(units
            .filter(|(_, owner)| owner.managed_by == managed_by && owner.config_id == config_id)
            .map(|(unit, owner)| (unit, owner.id))
            .collect())
    }

    fn ours(&self) -> Result<Vec<(String, Owner)>> {
        let failed = |source| SystemdError::File {
            path: self.dir.clone(),
            source,
        };
        let mut units = Vec::new();
        let entries = match std::fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(units),
            Err(source) => return Err(failed(source)),
        };
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            if let Some(unit) = name.to_str().filter(|name| is_container_unit(name))
                && let Present::Ours(owner) = self.present(unit)?
            {
                units.push((unit.to_owned(), owner));
            }
        }
        Ok(units)
    }

    /// The unit that is for a container: ours by its id, another's by the container's name.
    fn of_container(&self, container: &str, id: &str) -> Result<Option<(String, Writer)>> {
        let mut ours = self.ours()?.into_iter();
        if let Some((unit, _)) = ours.find(|(_, owner)| owner.id == id) {
            return Ok(Some((unit, Writer::Slipway)));
        }
        let unit = Units::name(container);
        let theirs = self.present(&unit)? == Present::Theirs;
        Ok(theirs.then_some((unit, Writer::Other)))
    }

    /// Returns `true` when systemd starts a unit at boot, or does not run here and so cannot have been
    /// asked to.
    pub(crate) fn is_enabled(&self, unit: &str) -> bool {
        let Ok(entries) = std::fs::read_dir(&self.dir) else {
            return false;
        };
        let links = entries.flatten().filter(|entry| {
            let name = entry.file_name();
            name.as_encoded_bytes().ends_with(b".wants")
        });
        let mut links = links.map(|wants| wants.path().join(unit));
        self.systemctl.is_none() || links.any(|link| link.is_symlink())
    }

    /// Writes a unit, over what paunch had there.
    pub(crate) async fn write(
        &self,
        unit: &str,
        owner: &Owner,
        generated: &str,
        keys: &ContainerKeys,
    ) -> Result<()> {
        if self.present(unit)? == Present::Theirs {
            self.remove_checks(unit).await?;
        }
        let path = self.path(unit);
        let text = format!("{}{}", owner.note(), with_keys(generated, unit, keys));
        slipway_files::write_with_mode(&path, text.as_bytes(), 0o644)?;
        Ok(())
    }

    /// Has systemd read the units anew, and see to it that these run, now and after boot.
    pub(crate) async fn enable(&self, units: &[String]) -> Result<()> {
        if units.is_empty() {
            return Ok(());
        }
        self.systemctl("daemon-reload", &[]).await?;
        self.forget_failures(units).await;
        self.systemctl("enable", units).await?;
        self.start(units).await
    }

    /// Starts units. What runs already is taken over.
    pub(crate) async fn start(&self, units: &[String]) -> Result<()> {
        match units.is_empty() {
            true => Ok(()),
            false => self.systemctl("start", units).await,
        }
    }

    /// Stops the unit of a container that is about to be stopped, which systemd would start again.
    /// Takes the name that the container has when it is not set aside. paunch's units know it by
    /// that name alone: they stop once it has stopped, which [`Units::has_stopped`] waits for.
    pub(crate) async fn stop_of(&self, container: &str, id: &str) -> Result<()> {
        match self.of_container(container, id)? {
            Some((unit, Writer::Slipway)) => self.systemctl("stop", &[unit]).await,
            Some((unit, Writer::Other)) => {
                let units = ["--no-block".to_owned(), unit];
                self.systemctl("stop", &units).await
            }
            None => Ok(()),
        }
    }

    /// Waits for the end of another's unit whose container has been stopped. It might stop what has
    /// the container's name next.
    pub(crate) async fn has_stopped(&self, container: &str, id: &str) -> Result<()> {
        match self.of_container(container, id)? {
            Some((unit, Writer::Other)) => self.systemctl("stop", &[unit]).await,
            _ => Ok(()),
        }
    }

    /// Starts the unit of a container that was to be replaced, and is up again.
    pub(crate) async fn start_of(&self, container: &str, id: &str) -> Result<()> {
        match self.of_container(container, id)? {
            Some((unit, _)) => self.start(&[unit]).await,
            None => Ok(()),
        }
    }

    /// Removes another's unit of a container that goes. One of ours goes with those of its set that
    /// have no container any more.
    pub(crate) async fn remove_of(&self, container: &str, id: &str) -> Result<()> {
        match self.of_container(container, id)? {
            Some((unit, Writer::Other)) => self.remove(&unit, false).await,
            _ => Ok(()),
        }
    }

    /// Removes a unit, and all that paunch may have put beside it. What `runs` by it goes on.
    pub(crate) async fn remove(&self, unit: &str, runs: bool) -> Result<()> {
        self.remove_checks(unit).await?;
        if !runs {
            self.systemctl("stop", &[unit.to_owned()]).await?;
        }
        self.systemctl("disable", &[unit.to_owned()]).await?;
        remove(&self.path(unit))?;
        self.systemctl("daemon-reload", &[]).await?;
        self.forget_failures(&[unit.to_owned()]).await;
        Ok(())
    }

    /// A container that was killed counts as failed, and too many failures as not to be started.
    /// That there was none is said as an error.
    async fn forget_failures(&self, units: &[String]) {
        let _ = self.systemctl("reset-failed", units).await;
    }

    /// paunch had a timer run the healthcheck; Podman has its own.
    async fn remove_checks(&self, unit: &str) -> Result<()> {
        let stem = unit.trim_end_matches(".service");
        for check in [
            format!("{stem}_healthcheck.timer"),
            format!("{stem}_healthcheck.service"),
        ] {
            if self.present(&check)? == Present::Theirs {
                let units = [check.clone()];
                self.systemctl("stop", &units).await?;
                self.systemctl("disable", &units).await?;
                remove(&self.path(&check))?;
            }
        }
        let path = self.path(&format!("{unit}.requires"));
        match std::fs::remove_dir_all(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(SystemdError::File { path, source })
            }
            _ => Ok(()),
        }
    }

    async fn systemctl(&self, verb: &str, units: &[String]) -> Result<()> {
        let Some(program) = &self.systemctl else {
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
        let ended = ran.map_err(|why| failed(why.to_string()))?;
        match ended.status.success() {
            true => Ok(()),
            false => Err(failed(
                String::from_utf8_lossy(&ended.stderr).trim().to_owned(),
            )),
        }
    }
}

/// The output of a call of systemctl, or `None` where it does not end in time. A call that takes more
/// than a few seconds is reported.
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

/// Returns `true` for a container that systemd keeps up: one that stays, and whose restart policy
/// wants it up.
pub(crate) fn is_wanted(keys: &ContainerKeys) -> bool {
    keys.action == Action::Run && !keys.is_one_shot() && !keys.remove && restart(keys).is_some()
}

/// A container's restart policy in systemd's words. It has none for `unless-stopped`: what an
/// operator stops by systemctl stays stopped until the next boot either way.
pub(crate) fn restart(keys: &ContainerKeys) -> Option<&'static str> {
    match keys.restart? {
        RestartPolicy::No => None,
        RestartPolicy::OnFailure(_) => Some("on-failure"),
        RestartPolicy::Always | RestartPolicy::UnlessStopped => Some("always"),
    }
}

fn is_container_unit(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(".service")
}

/// The text of a unit: what Podman generated, with the container's name for its id, and with the
/// settings of the container's keys.
fn with_keys(generated: &str, unit: &str, keys: &ContainerKeys) -> String {
    let container = unit.strip_prefix(PREFIX).unwrap_or(unit);
    let container = container.strip_suffix(".service").unwrap_or(container);
    let settings: Vec<(&str, String)> = Key::ALL
        .iter()
        .flat_map(|key| unit_settings(*key, keys))
        .collect();
    let mut text = String::new();
    let mut line = |line: &str| {
        // A value of several lines would be several settings.
        text.push_str(&line.replace(['\n', '\r'], " "));
        text.push('\n');
    };
    let lines = generated.lines().skip_while(|line| line.starts_with('#'));
    for generated in lines {
        match generated.starts_with("Description=") {
            true => line(&format!("Description={container} container")),
            false => line(generated),
        }
        let added = settings.iter().filter(|(section, _)| *section == generated);
        added.for_each(|(_, setting)| line(setting));
    }
    text
}

/// The lines that a key adds to a unit, each with its section.
fn unit_settings(key: Key, keys: &ContainerKeys) -> Vec<(&'static str, String)> {
    match key {
        Key::DependsOn => {
            let units = keys.depends_on.iter();
            let names = units.map(|unit| unit.strip_suffix(".service").unwrap_or(unit));
            names
                .map(|name| ("[Unit]", format!("Wants={name}.service")))
                .collect()
        }
        Key::SystemdExecFlags => {
            let flags = keys.systemd_exec_flags.iter().flatten();
            flags
                .map(|(name, value)| {
                    let value = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    ("[Service]", format!("{name}={value}"))
                })
                .collect()
        }
        // Podman's generator is asked for these.
        Key::Restart | Key::StopGracePeriod => Vec::new(),
        // The container has them.
        Key::Image
        | Key::Action
        | Key::StartOrder
        | Key::ExitCodes
        | Key::Command
        | Key::Detach
        | Key::Environment
        | Key::EnvFile
        | Key::Healthcheck
        | Key::Interactive
        | Key::Tty
        | Key::Net
        | Key::Ipc
        | Key::Pid
        | Key::Uts
        | Key::Privileged
        | Key::Remove
        | Key::User
        | Key::GroupAdd
        | Key::Volumes
        | Key::VolumesFrom
        | Key::LogTag
        | Key::CpuShares
        | Key::MemLimit
        | Key::MemswapLimit
        | Key::MemSwappiness
        | Key::SecurityOpt
        | Key::StopSignal
        | Key::Hostname
        | Key::ExtraHosts
        | Key::CpusetCpus
        | Key::CapAdd
        | Key::CapDrop
        | Key::Ulimit
        | Key::PidsLimit
        | Key::CgroupParent
        | Key::CpuQuota
        | Key::Devices
        | Key::Dns
        | Key::DnsSearch
        | Key::Domainname
        | Key::Entrypoint
        | Key::Expose
        | Key::Init
        | Key::Labels
        | Key::LogDriver
        | Key::LogOpt
        | Key::MemReservation
        | Key::Ports
        | Key::ReadOnly
        | Key::ShmSize
        | Key::StdinOpen
        | Key::Sysctls
        | Key::Tmpfs
        | Key::Ulimits
        | Key::WorkingDir
        | Key::ConfigVolume
        | Key::CheckInterval
        | Key::Test => Vec::new(),
    }
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(SystemdError::File {
            path: path.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Units whose systemctl is this script.
    fn units(dir: &tempfile::TempDir, script: &str) -> Units {
        let program = dir.path().join("systemctl");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        Units::with_systemctl(dir.path().to_owned(), program)
    }

    #[tokio::test(start_paused = true)]
    async fn a_systemctl_that_hangs_is_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let units = units(&dir, "exec sleep 1000.25");
        for (verb, seconds) in [("enable", 120), ("stop", 3600)] {
            let begin = tokio::time::Instant::now();
            let given_up = units
                .systemctl(verb, &["tripleo_a.service".to_owned()])
                .await;
            assert_eq!(begin.elapsed().as_secs(), seconds);
            assert_eq!(
                given_up.unwrap_err().to_string(),
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
        let units = units(&dir, "env >\"${0%/*}/environment\"");
        units.systemctl("daemon-reload", &[]).await.unwrap();
        let environment = std::fs::read_to_string(dir.path().join("environment")).unwrap();
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
        assert!(environment.contains("PATH=") && !environment.contains("CARGO"));
    }
}
