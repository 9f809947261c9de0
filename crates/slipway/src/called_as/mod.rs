//! Being called under the name of a tool that Slipway replaces, through a link: that tool's command
//! line is what is read then.

mod docker_puppet;
mod kolla_build;
mod paunch;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// Runs as the tool whose name this is; `None` when it is no such name.
pub fn main(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let program = arguments.next()?;
    let name = Path::new(&program).file_name()?.to_str()?;
    match name {
        "kolla-build" => Some(kolla_build::main(arguments)),
        "docker-puppet.py" | "container-puppet.py" => Some(docker_puppet::main(arguments)),
        "paunch" => Some(paunch::main(arguments)),
        _ => None,
    }
}
