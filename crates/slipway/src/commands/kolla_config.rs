//! `slipway kolla-config`.

use anyhow::bail;
use slipway_kolla_config::Config;

use crate::cli::{Global, KollaConfig, KollaConfigCheck};
use crate::declared;
use crate::exit::bad_input;
use crate::kolla_check::{Checked, Report};
use crate::kolla_files::write;
use crate::kolla_image::Images;
use crate::output::{Level, Output};
use slipway_paths::Paths;

/// Writes, checks, or prints the schema.
pub async fn run(asked: &KollaConfig, global: &Global, output: &Output) -> anyhow::Result<()> {
    match asked {
        KollaConfig::Write { services, root } => {
            let role = declared::role(services)?;
            let configs: Vec<(&str, &Config)> = role
                .kolla_config
                .iter()
                .map(|(path, config)| (path.as_str(), config))
                .collect();
            let paths = Paths::new(&root.root).map_err(bad_input)?;
            let written = write(&configs, &paths, output)?;
            output.line(
                Level::Normal,
                &format!("{written} of {} files written", configs.len()),
            );
            Ok(())
        }
        KollaConfig::Schema => output.json(&slipway_kolla_config::schema()),
        KollaConfig::Check(asked) if asked.schema => output.json(&slipway_kolla_config::schema()),
        KollaConfig::Check(asked) => {
            let reports = check(asked, global).await?;
            print(&reports, output)
        }
    }
}

async fn check(asked: &KollaConfigCheck, global: &Global) -> anyhow::Result<Vec<Report>> {
    let paths = Paths::new(&asked.root.root).map_err(bad_input)?;
    let mut services = Vec::new();
    for path in &asked.services {
        services.extend(slipway_service::load_dir(path).map_err(bad_input)?);
    }
    let mut reports = Vec::new();
    let mut checked = Vec::new();
    for file in &asked.files {
        match Config::read(file) {
            Ok(config) => checked.push(Checked::alone(file.display().to_string(), config)),
            Err(error) => reports.push(Report::unreadable(file, &error)),
        }
    }
    checked.extend(Checked::of_services(&services, &paths));
    if asked.image.is_some() || asked.images {
        let engine = crate::engine::connect(global).await?;
        Images::new(engine.as_ref())
            .look_into(&mut checked, asked.image.as_deref())
            .await?;
    }
    reports.extend(checked.iter().flat_map(Checked::reports));
    Ok(reports)
}

/// What was found is the result; an error makes the run fail.
fn print(reports: &[Report], output: &Output) -> anyhow::Result<()> {
    if output.is_json() {
        output.json(&reports)?;
    } else {
        reports
            .iter()
            .for_each(|report| output.result(&report.to_string()));
    }
    let errors = reports.iter().filter(|report| report.is_error()).count();
    let warnings = reports.len() - errors;
    let counts = format!(
        "{}, {}",
        counted(errors, "error"),
        counted(warnings, "warning")
    );
    if errors > 0 {
        bail!(counts);
    }
    output.line(Level::Normal, &counts);
    Ok(())
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
