//! The command lines of the replaced tools. A symlink to the binary that has a tool's name selects
//! that tool's command line.

mod docker_cmd;
mod docker_puppet;
mod kolla_build;
mod paunch;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// Runs as the tool whose name the binary was called by; `None` for any other name.
pub fn main(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let program = arguments.next()?;
    let name = Path::new(&program).file_name()?.to_str()?;
    match name {
        "kolla-build" => Some(kolla_build::main(arguments)),
        "docker-puppet.py" | "container-puppet.py" => Some(docker_puppet::main(arguments)),
        "hook-docker-cmd.py" | "docker-cmd" => Some(docker_cmd::hook(arguments)),
        "50-heat-config-docker-cmd" => Some(docker_cmd::cleanup(arguments)),
        "paunch" => Some(paunch::main(arguments)),
        _ => None,
    }
}
