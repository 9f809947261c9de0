//! `slipway kolla-config`.

use std::sync::Arc;

use anyhow::bail;
use slipway_deploy::config_json::{self, ConfigJson, Problem};
use slipway_deploy::merge_role;
use slipway_kolla_config::Config;
use slipway_paths::Paths;
use slipway_suggest::count;

use crate::cli::{Global, KollaConfig, KollaConfigCheck};
use crate::engine;
use crate::exit::bad_input;
use crate::output::{Level, Output};
use crate::show;

/// Writes config.json files, checks them, or prints their schema.
pub async fn run(args: &KollaConfig, global: &Global, output: &Arc<Output>) -> anyhow::Result<()> {
    match args {
        KollaConfig::Write { services, root } => {
            let role = merge_role(&services.source()?)?;
            let paths = Paths::new(&root.root).map_err(bad_input)?;
            let events = show::deploy::events(output);
            let written = config_json::write(&role, &paths, &events)?;
            output.line(
                Level::Normal,
                &format!("{written} of {} files written", role.kolla_config.len()),
            );
            Ok(())
        }
        KollaConfig::Schema => output.json(&slipway_kolla_config::schema()),
        KollaConfig::Check(args) if args.schema => output.json(&slipway_kolla_config::schema()),
        KollaConfig::Check(args) => print(&check(args, global).await?, output),
    }
}

async fn check(args: &KollaConfigCheck, global: &Global) -> anyhow::Result<Vec<Problem>> {
    let paths = Paths::new(&args.root.root).map_err(bad_input)?;
    let mut services = Vec::new();
    for path in &args.services {
        services.extend(slipway_service::load_dir(path).map_err(bad_input)?);
    }
    let mut problems = Vec::new();
    let mut files = Vec::new();
    for file in &args.files {
        match Config::read(file) {
            Ok(config) => files.push(ConfigJson::alone(file.display().to_string(), config)),
            Err(error) => problems.push(Problem::unreadable(file, &error)),
        }
    }
    files.extend(ConfigJson::of_services(&services, &paths));
    if args.image.is_some() || args.images {
        let engine = engine::connect(global).await?;
        config_json::add_images(&engine, &mut files, args.image.as_deref()).await?;
    }
    problems.extend(files.iter().flat_map(ConfigJson::problems));
    Ok(problems)
}

/// Prints the problems. Fails if one of them is an error.
fn print(problems: &[Problem], output: &Output) -> anyhow::Result<()> {
    if output.is_json() {
        output.json(&problems)?;
    } else {
        problems
            .iter()
            .for_each(|problem| output.result(&problem.to_string()));
    }
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let warnings = problems.len() - errors;
    let counts = format!("{}, {}", count(errors, "error"), count(warnings, "warning"));
    if errors > 0 {
        bail!(counts);
    }
    output.line(Level::Normal, &counts);
    Ok(())
}
