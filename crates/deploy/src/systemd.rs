//! The location of systemd's units, where they are kept.

use std::path::{Path, PathBuf};

use slipway_engine::Engine;
use slipway_events::Events;
use slipway_runtime::systemd::Units;

use crate::event::Event;

/// The directory in which systemd looks for an administrator's units.
const SYSTEM_UNITS: &str = "/etc/systemd/system";

/// The choice of systemd units for containers with a restart policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UnitFiles {
    /// In systemd's own directory, if systemd runs, the user is root and the root is `/`.
    #[default]
    Automatic,
    /// In this directory.
    Directory(PathBuf),
    /// None.
    Disabled,
}

/// Returns the units to keep. An engine that starts containers at boot itself has none.
pub fn units(
    wanted: &UnitFiles,
    root: &Path,
    engine: &dyn Engine,
    events: &Events<Event>,
) -> Option<Units> {
    engine.unit_generator()?;
    match wanted {
        UnitFiles::Disabled => None,
        UnitFiles::Directory(directory) => Some(Units::new(directory.clone())),
        UnitFiles::Automatic => match obstacle(root) {
            None => Some(Units::new(SYSTEM_UNITS.into())),
            Some(reason) => {
                events.send(Event::NoUnits { reason });
                None
            }
        },
    }
}

/// Returns the reason why containers must not or cannot be started at the host's boot.
fn obstacle(root: &Path) -> Option<&'static str> {
    if !Units::are_read_here() {
        Some("systemd does not run here")
    } else if !rustix::process::geteuid().is_root() {
        Some("that takes root")
    } else if root != Path::new("/") {
        Some("this deployment has a root of its own (--systemd-dir asks for them)")
    } else {
        None
    }
}
