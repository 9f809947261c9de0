//! Where systemd's units are kept, if they are.

use std::path::Path;

use slipway_engine::{Engine, EngineKind};
use slipway_runtime::systemd::Units;

use crate::cli::Systemd;
use crate::output::{Level, Output};

/// Where systemd looks for what an administrator adds.
const FOLDER: &str = "/etc/systemd/system";

/// The folder that the options name, or systemd's own where that runs. A deployment under another
/// root than `/` is not to start at the host's boot unless that is asked for.
pub fn units(asked: &Systemd, root: &Path, engine: &dyn Engine, output: &Output) -> Option<Units> {
    if asked.no_systemd || engine.info().kind != EngineKind::Podman {
        return None;
    }
    if let Some(folder) = &asked.systemd_dir {
        return Some(Units::new(folder.clone()));
    }
    let why_not = if !Units::are_read_here() {
        "systemd does not run here"
    } else if !rustix::process::geteuid().is_root() {
        "that takes root"
    } else if root != Path::new("/") {
        "this deployment has a root of its own (--systemd-dir asks for them)"
    } else {
        return Some(Units::new(FOLDER.into()));
    };
    let text = format!("no systemd units are written that start containers at boot: {why_not}");
    output.line(Level::Verbose, &text);
    None
}
