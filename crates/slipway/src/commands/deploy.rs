//! `slipway deploy`.

use std::sync::Arc;

use slipway_deploy::{ConnectedDeployment, Deployment, DeploymentPlan, Recorder, lock};
use slipway_service::Step;

use crate::cli::{Deploy, Global};
use crate::engine;
use crate::exit::bad_input;
use crate::output::{Level, Output};
use crate::report_file::ReportFile;
use crate::show;

/// Deploys the node, or shows the plan.
pub async fn run(args: Deploy, global: &Global, output: &Arc<Output>) -> anyhow::Result<()> {
    let report = args.report.as_deref();
    let report = report.map(|path| ReportFile::new("report", path));
    let report = report.transpose()?;
    let recorder = Recorder::new();
    let events = recorder.watch(&show::deploy::events(output));
    let options = args.options();
    let deployment = Deployment::of_services(&args.services.source()?, &options, events.clone())?;
    let steps = args.steps().map_err(bad_input)?;
    let only_looks = args.plan || args.check;
    let _lock = match only_looks {
        true => None,
        false => Some(lock(deployment.paths(), args.lock.on_locked(), &events).await?),
    };
    if args.write_only {
        return write_only(&deployment, output);
    }
    let deployment = deployment.connect(engine::connect(global).await?)?;
    if only_looks {
        let plan = deployment.plan(&steps).await?;
        show::deploy::plan(&plan, output)?;
        return match args.check {
            true => check(&deployment, &plan).await,
            false => Ok(()),
        };
    }
    output.expect(deployment.items(&steps));
    let result = deployment.deploy(&steps).await;
    let written = match report {
        Some(file) => {
            let record = recorder.finish(&result);
            let record = record.redacted(|text| deployment.redact(text));
            let root = deployment.paths().root();
            let title = format!(
                "Deployment of {} under {}",
                args.services.role,
                root.display()
            );
            file.write(&record.page(&title))
        }
        None => Ok(()),
    };
    match (result, written) {
        (Ok(summary), written) => show::deploy::summary(&summary, output).and(written),
        (Err(error), written) => {
            if let Err(error) = written {
                output.warning(&format!("{error:#}"));
            }
            Err(error.into())
        }
    }
}

/// Fails if a config volume or a container is not as declared.
async fn check(deployment: &ConnectedDeployment, plan: &DeploymentPlan) -> anyhow::Result<()> {
    let drift = deployment.drift(plan).await?;
    anyhow::ensure!(drift.is_empty(), "not as declared: {drift}");
    Ok(())
}

fn write_only(deployment: &Deployment, output: &Output) -> anyhow::Result<()> {
    let written = deployment.write_files()?;
    if output.is_json() {
        output.json(&written)?;
    }
    output.line(Level::Normal, &show::deploy::written_summary(written));
    Ok(())
}

impl Deploy {
    /// The steps that the options select.
    fn steps(&self) -> anyhow::Result<Vec<Step>> {
        let (from, to) = match self.step {
            Some(step) => (step, step),
            None => (self.from, self.to),
        };
        anyhow::ensure!(from <= to, "--from {from} is after --to {to}");
        Ok(Step::all()
            .filter(|step| (from..=to).contains(&step.number()))
            .collect())
    }
}
