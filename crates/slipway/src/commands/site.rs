//! `slipway deploy --site`, `update`, `upgrade`, `ffu` and `status`: the nodes of an exported project.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, ensure};
use slipway_conduct::{Action, ConductError, Options, Site, Summary, conduct};

use crate::cli::{Deploy, OnSite, Status};
use crate::exit::bad_input;
use crate::output::Output;
use crate::report_file::ReportFile;
use crate::show;

/// Brings up the nodes of a project, or shows the plan.
pub async fn deploy(args: &Deploy, output: &Arc<Output>) -> anyhow::Result<()> {
    let site = args.site.as_deref().context("--site is missing")?;
    let work = Work {
        site,
        options: args.nodes.options(Action::Deploy),
        plan: args.plan,
        report: args.report.as_deref(),
        waits: !args.lock.no_wait,
    };
    work.run(output).await
}

/// Runs another action on the nodes of a project, or shows the plan.
pub async fn run(args: &OnSite, action: Action, output: &Arc<Output>) -> anyhow::Result<()> {
    let work = Work {
        site: &args.site,
        options: args.run.options(action),
        plan: args.plan,
        report: args.report.as_deref(),
        waits: !args.lock.no_wait,
    };
    work.run(output).await
}

/// Prints the state of each node.
pub async fn status(args: &Status, output: &Arc<Output>) -> anyhow::Result<()> {
    let events = show::site::events(output);
    let site = Site::open(&args.site, !args.lock.no_wait, &events);
    let site = site.await.map_err(input_error)?;
    let ansible = args.nodes.ansible();
    let nodes = slipway_conduct::status(&site, &args.nodes.limit, &ansible, &events);
    let nodes = nodes.await.map_err(input_error)?;
    show::site::status(&nodes, output)
}

/// An action, as the command line asks for it.
struct Work<'a> {
    site: &'a Path,
    options: Options,
    plan: bool,
    report: Option<&'a Path>,
    waits: bool,
}

impl Work<'_> {
    async fn run(&self, output: &Arc<Output>) -> anyhow::Result<()> {
        let report = self.report.map(|path| ReportFile::new("report", path));
        let report = report.transpose()?;
        let events = show::site::events(output);
        let site = Site::open(self.site, self.waits, &events);
        let site = site.await.map_err(input_error)?;
        if self.plan {
            let plan = slipway_conduct::plan(&site, &self.options, &events).await;
            let plan = plan.map_err(input_error)?;
            show::site::plan(&plan, output)?;
            let failed: Vec<&str> = plan.failed.keys().map(String::as_str).collect();
            ensure!(failed.is_empty(), "no plan of {}", failed.join(", "));
            return Ok(());
        }
        let summary = conduct(&site, &self.options, &events).await;
        let summary = summary.map_err(input_error)?;
        if let Some(report) = &report {
            let name = self.options.action.name();
            report.write(&summary.page(&format!("{name} of {}", site.path().display())))?;
        }
        show::site::summary(&summary, output)?;
        result(&summary)
    }
}

/// Fails if a node failed.
fn result(summary: &Summary) -> anyhow::Result<()> {
    match summary.is_success() {
        true => Ok(()),
        false => Err(anyhow!(
            "{} failed on {}; when the cause is mended, go on with --resume",
            summary.action.name(),
            summary.failed.join(", ")
        )),
    }
}

fn input_error(error: ConductError) -> anyhow::Error {
    match error.is_invalid_input() {
        true => bad_input(error),
        false => error.into(),
    }
}
