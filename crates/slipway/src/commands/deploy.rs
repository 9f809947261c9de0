//! `slipway deploy`.

use std::sync::Arc;

use slipway_deploy::{
    ConnectedDeployment, DeployError, Deployment, DeploymentPlan, Event, Events, Options, Recorder,
    lock,
};
use slipway_paths::Paths;
use slipway_service::Step;

use crate::cli::{Deploy, Global};
use crate::engine;
use crate::exit::bad_input;
use crate::output::{Level, Output};
use crate::report_file::ReportFile;
use crate::show;

/// Deploys the node, or shows the plan.
pub async fn run(args: Deploy, global: &Global, output: &Arc<Output>) -> anyhow::Result<()> {
    if let Some(option) = args.nodes.needing_site() {
        return Err(bad_input(anyhow::anyhow!("{option} needs --site")));
    }
    let run = Run::new(&args, output)?;
    let options = args.options();
    if args.rollback {
        return run.roll_back(&options, global).await;
    }
    let deployment =
        Deployment::of_services(&args.services.source()?, &options, run.events.clone())?;
    let steps = args.steps().map_err(bad_input)?;
    let only_looks = args.plan || args.check;
    let _lock = match only_looks {
        true => None,
        false => Some(lock(deployment.paths(), args.lock.on_locked(), &run.events).await?),
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
    run.deploy(&deployment, &steps).await
}

/// One run of the command.
struct Run<'a> {
    args: &'a Deploy,
    output: &'a Output,
    report: Option<ReportFile>,
    recorder: Recorder,
    events: Events<Event>,
}

impl Run<'_> {
    fn new<'a>(args: &'a Deploy, output: &'a Arc<Output>) -> anyhow::Result<Run<'a>> {
        let report = args.report.as_deref();
        let report = report.map(|path| ReportFile::new("report", path));
        let recorder = Recorder::new();
        Ok(Run {
            args,
            output,
            report: report.transpose()?,
            events: recorder.watch(&show::deploy::events(output)),
            recorder,
        })
    }

    /// Deploys what the last good deployment was made from.
    async fn roll_back(&self, options: &Options, global: &Global) -> anyhow::Result<()> {
        let paths = Paths::new(&options.root).map_err(bad_input)?;
        let _lock = lock(&paths, self.args.lock.on_locked(), &self.events).await?;
        let role = &self.args.services.role;
        let rollback = Deployment::of_snapshot(role, options, self.events.clone())?;
        let deployment = rollback.connect(engine::connect(global).await?).await?;
        self.deploy(&deployment, &Step::all().collect::<Vec<_>>())
            .await
    }

    /// Deploys the node, writes the report, and keeps the deployment if it succeeded as a whole.
    async fn deploy(&self, deployment: &ConnectedDeployment, steps: &[Step]) -> anyhow::Result<()> {
        self.output.expect(deployment.items(steps));
        let result = deployment.deploy(steps).await;
        let written = self.write_report(deployment, &result);
        match (result, written) {
            (Ok(summary), written) => {
                if steps.len() == Step::all().count() {
                    deployment.keep_snapshot(self.args.keep).await?;
                }
                show::deploy::summary(&summary, self.output).and(written)
            }
            (Err(error), written) => {
                if let Err(error) = written {
                    self.output.warning(&format!("{error:#}"));
                }
                Err(error.into())
            }
        }
    }

    fn write_report<T>(
        &self,
        deployment: &ConnectedDeployment,
        result: &Result<T, DeployError>,
    ) -> anyhow::Result<()> {
        let Some(file) = &self.report else {
            return Ok(());
        };
        let record = self.recorder.finish(result);
        let record = record.redacted(|text| deployment.redact(text));
        let root = deployment.paths().root().display();
        let title = format!("Deployment of {} under {root}", self.args.services.role);
        file.write(&record.page(&title))
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
