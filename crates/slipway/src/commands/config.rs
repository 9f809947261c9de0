//! `slipway config`: the config volumes alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use serde_json::json;
use slipway_deploy::{
    ConnectedDeployment, Declarations, Deployment, Event, Events, RoleSource, lock,
};
use slipway_paths::Paths;
use slipway_puppet::{Hashes, Planned, Report, hashed_configs};

use crate::cli::{Config, ContainerCli, Global};
use crate::engine;
use crate::exit::bad_input;
use crate::output::{Level, Output, table};
use crate::show;

/// The lists of entries of container-puppet.py and docker-puppet.py.
const LISTS: [&str; 2] = [
    "/var/lib/container-puppet/container-puppet.json",
    "/var/lib/docker-puppet/docker-puppet.json",
];
const STARTUP_CONFIGS: &str = "/var/lib/tripleo-config/docker-container-startup-config-step_*.json";

/// Generates config volumes, or shows what would be generated.
pub async fn run(args: Config, global: &Global, output: &Arc<Output>) -> anyhow::Result<()> {
    let events = show::deploy::events(output);
    let mut deployment = declared(&args, events.clone())?;
    apply_settings(&mut deployment, &args)?;
    let only_looks = args.plan || args.check;
    let _lock = match only_looks {
        true => None,
        false => Some(lock(deployment.paths(), args.lock.on_locked(), &events).await?),
    };
    let global = engine_asked_for(global, args.container_cli);
    let deployment = deployment.connect(engine::connect(&global).await?)?;
    if only_looks {
        return plan(&deployment, args.check, output).await;
    }
    output.expect(deployment.volumes_to_check());
    let report = deployment.generate().await?;
    hash_startup_configs(&deployment, &args, output)?;
    if output.is_json() {
        output.json(&report)?;
    }
    print_result(&report.into_result()?, args.no_archive, output);
    Ok(())
}

/// Reads the declarations: services, or a list of entries.
fn declared(args: &Config, events: Events<Event>) -> anyhow::Result<Deployment> {
    let options = args.generating.options(&args.root);
    // Services may come from a settings file, where a list is named on the command line.
    if args.file.is_none() && !args.services.is_empty() {
        let source = RoleSource {
            declarations: Declarations::Services(args.services.clone()),
            role: args.role.clone(),
            hiera: args.hiera.clone(),
            keys: args.keys.files(),
        };
        return Ok(Deployment::of_services(&source, &options, events)?);
    }
    if args.file.is_none() && !args.hiera.is_empty() {
        let text = "--hiera goes with --services; with a list of entries, hiera is what \
                    /etc/puppet holds";
        return Err(bad_input(anyhow::anyhow!(text)));
    }
    let list = list(args).map_err(bad_input)?;
    let text = slipway_files::read_input(&list)
        .with_context(|| format!("cannot read {}", list.display()))
        .map_err(bad_input)?;
    let entries = slipway_puppet::parse_entries(&list, &text).map_err(bad_input)?;
    let check_mode = args.check_mode;
    Ok(Deployment::of_entries(
        entries, check_mode, &options, events,
    )?)
}

/// Returns the list of entries: the one that is named, or the first that exists.
fn list(args: &Config) -> anyhow::Result<PathBuf> {
    if let Some(file) = &args.file {
        return Ok(file.clone());
    }
    if let Some(file) = std::env::var_os("CONFIG").filter(|file| !file.is_empty()) {
        return Ok(file.into());
    }
    let paths = Paths::new(&args.root.root)?;
    let lists = LISTS.map(|list| paths.path(list));
    match lists.iter().find(|list| list.is_file()) {
        Some(list) => Ok(list.clone()),
        None => bail!(
            "nothing says what to generate: give --services or --file, set CONFIG, or put the list \
             into {}",
            lists[0].display()
        ),
    }
}

/// Applies the settings that only this subcommand has.
fn apply_settings(deployment: &mut Deployment, args: &Config) -> anyhow::Result<()> {
    if let Some(volume) = args.config_volume.as_ref().and_then(|only| only.0.clone()) {
        deployment.select_volume(volume)?;
    }
    let settings = &mut deployment.settings;
    if let Some(prefix) = &args.config_volume_prefix {
        let prefix = std::path::absolute(prefix).map_err(bad_input)?;
        let paths = settings.paths.clone();
        settings.paths = paths.with_config_data(&prefix).map_err(bad_input)?;
    }
    if let Some(logs) = &args.log_dir {
        let logs = std::path::absolute(logs).map_err(bad_input)?;
        settings.paths = settings.paths.clone().with_logs(&logs);
    }
    if !args.mount_host_puppet {
        settings.host_modules = None;
    }
    settings.no_archive = args.no_archive;
    settings.net_host = args.net_host;
    settings.step = args.step;
    settings.check_mode = args.check_mode;
    settings.diff = args.diff;
    settings.force = args.force;
    settings.wait = !args.lock.no_wait;
    Ok(())
}

/// Applies `--container-cli`, unless `--host` names an engine.
fn engine_asked_for(global: &Global, kind: Option<ContainerCli>) -> Global {
    let mut global = global.clone();
    if kind == Some(ContainerCli::Podman) && global.host.is_none() {
        let own =
            std::env::var_os("XDG_RUNTIME_DIR").filter(|_| !rustix::process::getuid().is_root());
        let directory = own.map_or(PathBuf::from("/run"), PathBuf::from);
        let socket = directory.join("podman/podman.sock");
        global.host = Some(format!("unix://{}", socket.display()));
    }
    global
}

async fn plan(
    deployment: &ConnectedDeployment,
    check: bool,
    output: &Output,
) -> anyhow::Result<()> {
    let planned = deployment.plan_volumes().await?;
    if output.is_json() {
        output.json(&json!({"volumes": planned}))?;
    } else if !planned.is_empty() {
        output.result(&plan_table(&planned));
    }
    let due: Vec<&str> = planned
        .iter()
        .filter(|planned| planned.why.is_some())
        .map(|planned| planned.name.as_str())
        .collect();
    if check && !due.is_empty() {
        bail!("not as declared: {}", due.join(", "));
    }
    Ok(())
}

fn plan_table(planned: &[Planned]) -> String {
    let row = |planned: &Planned| {
        let (action, why) = match &planned.why {
            Some(why) => ("generate", why.as_str()),
            None => ("keep", "unchanged"),
        };
        vec![planned.name.clone(), action.to_owned(), why.to_owned()]
    };
    let heading = ["CONFIG VOLUME", "ACTION", "WHY"]
        .map(str::to_owned)
        .to_vec();
    let rows: Vec<_> = std::iter::once(heading)
        .chain(planned.iter().map(row))
        .collect();
    table(&rows)
}

/// Adds each config volume's hash to the environment of the containers that mount it, in the
/// containers' configs beside a list of entries, or in those that a pattern names.
fn hash_startup_configs(
    deployment: &ConnectedDeployment,
    args: &Config,
    output: &Output,
) -> anyhow::Result<()> {
    let pattern = match &args.startup_config_pattern {
        Some(pattern) => std::path::absolute(pattern)?,
        None if args.services.is_empty() => deployment.paths().path(STARTUP_CONFIGS),
        None => return Ok(()),
    };
    let hashes = Hashes::of(deployment.paths());
    let written = hashed_configs(&pattern.to_string_lossy(), &hashes)?;
    let name = |path: &Path| path.display().to_string();
    for path in written {
        let text = "written with the hashes of config volumes";
        output.about(Level::Normal, "config", &name(&path), text);
    }
    Ok(())
}

fn print_result(report: &Report, no_archive: bool, output: &Output) {
    let summary_line = show::puppet::summary_line(report, "config volume");
    let skipped =
        |run: &slipway_puppet::RunReport| matches!(run.outcome, slipway_puppet::Outcome::Skipped);
    let text = match report.runs.iter().all(skipped) {
        true => format!("nothing has changed: {summary_line}"),
        false if no_archive => format!("{summary_line}; nothing was kept (--no-archive)"),
        false => summary_line,
    };
    output.line(Level::Normal, &text);
}
