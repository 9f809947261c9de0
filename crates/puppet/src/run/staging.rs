//! The input of a run in a container: a directory that is mounted read-only.

use std::io::Write as _;
use std::path::Path;

use slipway_service::Hiera;

use crate::error::{At, Result};
use crate::files::{self, Staging};
use crate::input::hiera::{CONTAINER_LEVEL, to_json};
use crate::input::merge::Run;
use crate::plan::Planner;
use crate::run::cache::Cached;
use crate::run::container::{OUT, SCRIPTS};
use crate::session::RunOptions;

/// The start of the names of the directories for runs on the host.
pub const HOST_PREFIX: &str = ".host-";

/// Makes a directory beside the volumes, with `in/`, which holds what a run is given, and an empty
/// `out/`.
pub fn prepare(
    planner: &Planner<'_>,
    run: &Run,
    first: &Hiera,
    options: &RunOptions,
    facts: Option<&[u8]>,
) -> Result<Staging> {
    let puppet = planner.puppet;
    let directory = puppet.settings.paths.staging();
    let staging = Staging::new_in(&directory, &format!("{}.", run.volume))?;
    let (input, output) = (staging.path().join("in"), staging.path().join("out"));
    files::private_dir(&input)?;
    files::private_dir(&output)?;
    let put = |name: &str, content: &[u8]| -> Result<()> {
        let path = input.join(name);
        files::create(&path)?.write_all(content).at("write", &path)
    };
    for (script, text) in SCRIPTS {
        put(script, text.as_bytes())?;
    }
    // On one line with the manifest's first, so that Puppet's line numbers stay right.
    let manifest = format!("include slipway::packages; {}\n", run.manifest);
    put("config.pp", manifest.as_bytes())?;
    put("tags", run.puppet_tags.as_bytes())?;
    put(&format!("{CONTAINER_LEVEL}.json"), &to_json(first))?;
    if let Some(facts) = facts {
        put(Cached::Facts.file(), facts)?;
    }
    if !options.net_host {
        put("hostname", planner.hostname.as_bytes())?;
    }
    if puppet.hiera.decided_by().is_none() {
        let hiera = puppet.hiera.recording_config(
            CONTAINER_LEVEL,
            Path::new("/etc/puppet/hieradata"),
            &Path::new(OUT).join("lookups"),
        );
        put("hiera.yaml", &hiera)?;
    } else if puppet.settings.check_mode {
        put("check-mode", &[])?;
    }
    if options.archive {
        put("archive", &[])?;
    }
    Ok(staging)
}
