//! `slipway export`.

use serde_json::json;
use slipway_export::Site;
use slipway_export::tripleo::{self, Options, TripleoCommon, Undercloud};
use slipway_heat::Resolver;

use crate::cli::{Export, ExportAs, Templates};
use crate::exit::bad_input;
use crate::output::Output;

/// Writes a project.
pub fn run(args: &Export, output: &Output) -> anyhow::Result<()> {
    match args.form {
        ExportAs::Tripleo => as_tripleo(args, output),
    }
}

fn as_tripleo(args: &Export, output: &Output) -> anyhow::Result<()> {
    let Templates { templates, sources } = &args.templates;
    let sources = sources.find(templates)?;
    let common = TripleoCommon::open(&args.tripleo_common).map_err(bad_input)?;
    let resolver = Resolver::open_with(templates, &sources).map_err(bad_input)?;
    let resolver = resolver.within(args.memory);
    let options = Options {
        plan: args.plan.clone(),
        ssh_user: args.ansible_ssh_user.clone(),
        undercloud: Undercloud {
            auth_url: args.auth_url.clone(),
            project_name: args.project_name.clone(),
            username: args.username.clone(),
            cacert: args.cacert.clone(),
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
    if output.is_json() {
        return output.json(&json!({
            "directory": args.out,
            "servers": exported.servers,
            "deployments": exported.deployments,
            "changed": written.changed,
            "unchanged": written.unchanged,
            "removed": written.removed,
        }));
    }
    output.result(&format!(
        "{}: {} servers, {} deployments; {} files changed, {} unchanged, {} removed",
        args.out.display(),
        exported.servers,
        exported.deployments,
        written.changed,
        written.unchanged,
        written.removed
    ));
    Ok(())
}
