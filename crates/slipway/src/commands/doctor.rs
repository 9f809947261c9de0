//! `slipway doctor`.

use indexmap::IndexSet;
use slipway_deploy::{Deployment, Events, Options, merge_role};
use slipway_doctor::{Host, Needs, Report, check_engine, check_machine, check_needs, no_engine};
use slipway_engine::EngineError;

use crate::cli::{Doctor, Global};
use crate::engine;
use crate::output::{Output, table};

/// Checks the machine, the engine and the needs of a deployment. Fails if a check fails.
pub async fn run(args: &Doctor, global: &Global, output: &Output) -> anyhow::Result<()> {
    let host = Host::this();
    let needs = needs(args)?;
    let mut checks = Vec::new();
    match engine::connect(global).await {
        Ok(engine) => {
            checks.extend(check_engine(engine.as_ref()).await);
            if let Some(needs) = &needs {
                checks.extend(check_needs(&host, &engine, needs).await);
            }
        }
        Err(error) => match error.downcast_ref::<EngineError>() {
            Some(error) => checks.push(no_engine(error)),
            None => return Err(error),
        },
    }
    checks.extend(check_machine(&host, &args.root.root));
    let report = Report::new(checks);
    print(&report, output)?;
    let failed: Vec<&str> = report.failed().map(|check| check.subject.name()).collect();
    anyhow::ensure!(failed.is_empty(), "not ready: {}", failed.join(", "));
    Ok(())
}

/// Reads the declarations, if there are any.
fn needs(args: &Doctor) -> anyhow::Result<Option<Needs>> {
    let Some(source) = args.source() else {
        return Ok(None);
    };
    let options = Options {
        root: args.root.root.clone(),
        ..Options::default()
    };
    let deployment = Deployment::of_services(&source, &options, Events::ignore())?;
    Ok(Some(Needs::of(&merge_role(&source)?, &deployment.hiera)))
}

fn print(report: &Report, output: &Output) -> anyhow::Result<()> {
    if output.is_json() {
        return output.json(report);
    }
    let mut rows = vec![["CHECK", "STATUS", "FOUND"].map(str::to_owned).to_vec()];
    rows.extend(report.checks.iter().map(|check| {
        let cells = [check.subject.name(), check.status.name(), &check.found];
        cells.map(str::to_owned).to_vec()
    }));
    output.result(&table(&rows));
    // Several images may lack the same.
    let advice: IndexSet<(&str, &str)> = report
        .checks
        .iter()
        .filter_map(|check| Some((check.subject.name(), check.advice.as_deref()?)))
        .collect();
    for (subject, advice) in advice {
        output.result(&format!("\n{subject}: {advice}"));
    }
    Ok(())
}
