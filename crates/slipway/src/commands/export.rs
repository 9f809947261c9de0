//! `slipway export`.

use std::path::PathBuf;

use anyhow::Context;
use serde_json::{Map, Value, json};
use slipway_export::ansible::{self, Definitions, Nodes};
use slipway_export::tripleo::{self, Options, TripleoCommon, Undercloud};
use slipway_export::{Site, WrittenProject};
use slipway_heat::Resolver;
use slipway_suggest::count;

use crate::cli::{Export, ExportAs, ExportPlan, ExportServices};
use crate::exit::bad_input;
use crate::output::Output;

/// Writes a project.
pub fn run(args: &Export, output: &Output) -> anyhow::Result<()> {
    match args.form {
        None => of_services(args, &args.services, output),
        Some(ExportAs::Tripleo) => of_plan(args, &args.plan, output),
    }
}

/// Writes a project of service definitions.
fn of_services(args: &Export, own: &ExportServices, output: &Output) -> anyhow::Result<()> {
    let nodes = Nodes::read(&required(own.nodes.clone(), "--nodes")?).map_err(bad_input)?;
    let definitions = Definitions::read(&own.services).map_err(bad_input)?;
    let options = ansible::Options {
        binary: match &own.binary {
            Some(binary) => std::path::absolute(binary).map_err(bad_input)?,
            None => std::env::current_exe().context("cannot find the path of this program")?,
        },
        hiera: hiera(&own.hiera).map_err(bad_input)?,
    };
    if !options.binary.is_file() {
        let text = format!("--binary {}: no such file", options.binary.display());
        return Err(bad_input(anyhow::anyhow!(text)));
    }
    let project = ansible::project(&nodes, &definitions, &options).map_err(bad_input)?;
    let written = project.write(&Site::open(&args.out)?)?;
    let number = nodes.nodes.len();
    report(
        args,
        json!({"nodes": number}),
        &count(number, "node"),
        written,
        output,
    )
}

/// Reads files of hiera data; later ones win.
fn hiera(paths: &[PathBuf]) -> anyhow::Result<Map<String, Value>> {
    let mut all = Map::new();
    for path in paths {
        let text = slipway_files::read_input(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let read = slipway_yaml::read(&text).map_err(|error| error.in_file(path))?;
        match read.into_value() {
            Value::Object(map) => all.extend(map),
            Value::Null => {}
            _ => anyhow::bail!("{}: expected a map of hiera keys", path.display()),
        }
    }
    Ok(all)
}

/// Writes a plan of TripleO's templates as config-download did.
fn of_plan(args: &Export, plan: &ExportPlan, output: &Output) -> anyhow::Result<()> {
    let templates = required(plan.templates.clone(), "--templates")?;
    let common = required(plan.tripleo_common.clone(), "--tripleo-common")?;
    let sources = plan.sources.find(&templates)?;
    let common = TripleoCommon::open(&common).map_err(bad_input)?;
    let resolver = Resolver::open_with(&templates, &sources).map_err(bad_input)?;
    let resolver = resolver.within(plan.memory);
    let options = Options {
        plan: plan.plan.clone(),
        ssh_user: plan.ansible_ssh_user.clone(),
        undercloud: Undercloud {
            auth_url: plan.auth_url.clone(),
            project_name: plan.project_name.clone(),
            username: plan.username.clone(),
            cacert: plan.cacert.clone(),
        },
    };
    let site = Site::open(&args.out)?;
    let exported = tripleo::project(&resolver, &common, &site, &options).map_err(bad_input)?;
    for deployment in &exported.ignored {
        output.warning(&format!(
            "deployment {deployment} is left out: its server belongs to no role"
        ));
    }
    let written = exported.project.write(&site)?;
    let (servers, deployments) = (exported.servers, exported.deployments);
    let data = json!({"servers": servers, "deployments": deployments});
    let text = format!(
        "{}, {}",
        count(servers, "server"),
        count(deployments, "deployment")
    );
    report(args, data, &text, written, output)
}

/// Prints what was written.
fn report(
    args: &Export,
    mut data: Value,
    text: &str,
    written: WrittenProject,
    output: &Output,
) -> anyhow::Result<()> {
    let WrittenProject {
        changed,
        unchanged,
        removed,
    } = written;
    if output.is_json() {
        data["directory"] = json!(args.out);
        data["changed"] = json!(changed);
        data["unchanged"] = json!(unchanged);
        data["removed"] = json!(removed);
        return output.json(&data);
    }
    output.result(&format!(
        "{}: {text}; {} changed, {unchanged} unchanged, {removed} removed",
        args.out.display(),
        count(changed, "file"),
    ));
    Ok(())
}

/// Returns the value of an option that the command line has checked.
fn required(value: Option<PathBuf>, option: &str) -> anyhow::Result<PathBuf> {
    value.ok_or_else(|| bad_input(anyhow::anyhow!("{option} is missing")))
}
