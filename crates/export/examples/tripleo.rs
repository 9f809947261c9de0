//! Writes a plan as config-download does: `tripleo TEMPLATES TRIPLEO_COMMON OUT [ENVIRONMENT]...`

use std::path::PathBuf;

use slipway_export::Site;
use slipway_export::tripleo::{self, Options, TripleoCommon, Undercloud};
use slipway_heat::Resolver;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut paths = std::env::args_os().skip(1).map(PathBuf::from);
    let mut next = || paths.next().ok_or("expected TEMPLATES TRIPLEO_COMMON OUT");
    let (templates, common, out) = (next()?, next()?, next()?);
    let environments: Vec<PathBuf> = paths.collect();
    let resolver = Resolver::open(&templates, &environments)?;
    let site = Site::open(&out)?;
    let options = Options {
        plan: "overcloud".to_owned(),
        ssh_user: "tripleo-admin".to_owned(),
        undercloud: Undercloud::default(),
    };
    let exported = tripleo::project(&resolver, &TripleoCommon::open(&common)?, &site, &options)?;
    exported.project.write(&site)?;
    Ok(())
}
