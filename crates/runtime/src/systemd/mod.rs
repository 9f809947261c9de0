//! systemd units that start containers at boot and after a failure. Podman has no daemon to do this.
//!
//! Podman's own generator writes the text of a unit. The name is paunch's:
//! `tripleo_<container>.service`. A unit begins with a note that names its container by its id, so
//! it is written again when the container is created again. A unit that paunch wrote stays in use as
//! long as its container exists.

mod systemctl;
mod text;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use slipway_service::{Action, ContainerKeys, RestartPolicy};
use systemctl::Systemctl;
pub(crate) use text::Owner;
use text::with_keys;

/// The directory that exists where systemd is the first process.
const RUNNING: &str = "/run/systemd/system";

const PREFIX: &str = "tripleo_";

/// An error of a systemd unit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SystemdError {
    /// Its file, or the directory, cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
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
    systemctl: Systemctl,
}

/// The file under a unit's name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Present {
    Nothing,
    Ours(Owner),
    /// A file of another program, usually paunch.
    Theirs,
    /// A symlink: to nothing, with which an operator masks a unit, or to a unit elsewhere.
    Linked,
}

/// The program that wrote a unit.
enum Writer {
    Slipway,
    /// Usually paunch.
    Other,
}

impl Units {
    /// The units in a directory. Where systemd runs, it reloads the ones that change.
    pub fn new(dir: PathBuf) -> Units {
        Units {
            dir,
            systemctl: match Units::are_read_here() {
                true => Systemctl::new("systemctl".into()),
                false => Systemctl::absent(),
            },
        }
    }

    #[cfg(test)]
    pub(crate) fn with_systemctl(dir: PathBuf, systemctl: PathBuf) -> Units {
        let systemctl = Systemctl::new(systemctl);
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
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Present::Nothing);
            }
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
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(units),
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

    /// Returns the unit of a container: our own by the container's id, another program's by its name.
    fn of_container(&self, container: &str, id: &str) -> Result<Option<(String, Writer)>> {
        let mut ours = self.ours()?.into_iter();
        if let Some((unit, _)) = ours.find(|(_, owner)| owner.id == id) {
            return Ok(Some((unit, Writer::Slipway)));
        }
        let unit = Units::name(container);
        let theirs = self.present(&unit)? == Present::Theirs;
        Ok(theirs.then_some((unit, Writer::Other)))
    }

    /// Returns `true` when systemd starts a unit at boot, or when systemd does not run here.
    pub(crate) fn is_enabled(&self, unit: &str) -> bool {
        let Ok(entries) = std::fs::read_dir(&self.dir) else {
            return false;
        };
        let links = entries.flatten().filter(|entry| {
            let name = entry.file_name();
            name.as_encoded_bytes().ends_with(b".wants")
        });
        let mut links = links.map(|wants| wants.path().join(unit));
        self.systemctl.is_absent() || links.any(|link| link.is_symlink())
    }

    /// Writes a unit. Replaces a unit of paunch, and removes its healthcheck.
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

    /// Lets systemd reload its units, and enables and starts these.
    pub(crate) async fn enable(&self, units: &[String]) -> Result<()> {
        if units.is_empty() {
            return Ok(());
        }
        self.systemctl.call("daemon-reload", &[]).await?;
        self.forget_failures(units).await;
        self.systemctl.call("enable", units).await?;
        self.start(units).await
    }

    /// Starts units. systemd takes over containers that already run.
    pub(crate) async fn start(&self, units: &[String]) -> Result<()> {
        match units.is_empty() {
            true => Ok(()),
            false => self.systemctl.call("start", units).await,
        }
    }

    /// Stops the unit of a container before the container is stopped: systemd would start it again.
    /// `container` is the name that the container has when it is not set aside. paunch's units know
    /// only that name. They stop after the container; [`Units::has_stopped`] waits for them.
    pub(crate) async fn stop_of(&self, container: &str, id: &str) -> Result<()> {
        match self.of_container(container, id)? {
            Some((unit, Writer::Slipway)) => self.systemctl.call("stop", &[unit]).await,
            Some((unit, Writer::Other)) => {
                let units = ["--no-block".to_owned(), unit];
                self.systemctl.call("stop", &units).await
            }
            None => Ok(()),
        }
    }

    /// Waits until another program's unit has stopped, after its container has. Until then it may stop
    /// the next container of that name.
    pub(crate) async fn has_stopped(&self, container: &str, id: &str) -> Result<()> {
        match self.of_container(container, id)? {
            Some((unit, Writer::Other)) => self.systemctl.call("stop", &[unit]).await,
            _ => Ok(()),
        }
    }

    /// Starts the unit of a container whose replacement failed and which runs again.
    pub(crate) async fn start_of(&self, container: &str, id: &str) -> Result<()> {
        match self.of_container(container, id)? {
            Some((unit, _)) => self.start(&[unit]).await,
            None => Ok(()),
        }
    }

    /// Removes another program's unit of a removed container. Our own units are removed with those of
    /// their set that have no container any more.
    pub(crate) async fn remove_of(&self, container: &str, id: &str) -> Result<()> {
        match self.of_container(container, id)? {
            Some((unit, Writer::Other)) => self.remove(&unit, false).await,
            _ => Ok(()),
        }
    }

    /// Removes a unit, and the units that paunch may have added for it. With `runs`, its container
    /// continues to run.
    pub(crate) async fn remove(&self, unit: &str, runs: bool) -> Result<()> {
        self.remove_checks(unit).await?;
        if !runs {
            self.systemctl.call("stop", &[unit.to_owned()]).await?;
        }
        self.systemctl.call("disable", &[unit.to_owned()]).await?;
        remove(&self.path(unit))?;
        self.systemctl.call("daemon-reload", &[]).await?;
        self.forget_failures(&[unit.to_owned()]).await;
        Ok(())
    }

    /// Resets the failures of units: systemd counts a killed container as a failure, and does not start
    /// a unit with too many of them. systemctl fails if there was no failure, which is ignored.
    async fn forget_failures(&self, units: &[String]) {
        let _ = self.systemctl.call("reset-failed", units).await;
    }

    /// Removes paunch's units for the healthcheck: Podman runs healthchecks itself.
    async fn remove_checks(&self, unit: &str) -> Result<()> {
        let stem = unit.trim_end_matches(".service");
        for check in [
            format!("{stem}_healthcheck.timer"),
            format!("{stem}_healthcheck.service"),
        ] {
            if self.present(&check)? == Present::Theirs {
                let units = [check.clone()];
                self.systemctl.call("stop", &units).await?;
                self.systemctl.call("disable", &units).await?;
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
}

/// Returns `true` for a container that gets a unit: a long-running one with a restart policy.
pub(crate) fn is_wanted(keys: &ContainerKeys) -> bool {
    keys.action == Action::Run && !keys.is_one_shot() && !keys.remove && restart(keys).is_some()
}

/// Returns a container's restart policy as systemd's `Restart=`. `unless-stopped` becomes `always`:
/// a unit that an operator stops stays stopped until the next boot.
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

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(SystemdError::File {
            path: path.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}
