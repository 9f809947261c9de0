//! `slipway init`.

use serde_json::json;
use slipway_init::{Options, create};
use slipway_suggest::count;

use crate::cli::Init;
use crate::exit::bad_input;
use crate::output::{Level, Output};
use crate::share;

/// Makes a deployment to begin with.
pub fn run(args: &Init, output: &Output) -> anyhow::Result<()> {
    let library = match &args.from {
        Some(library) => library.clone(),
        None => share::find("services").map_err(bad_input)?,
    };
    let options = Options {
        services: args.services.clone(),
        root: std::path::absolute(&args.root)?,
        values: args.values.clone(),
    };
    let created = create(&args.directory, &library, &options).map_err(bad_input)?;
    if output.is_json() {
        return output.json(&json!({
            "settings": created.settings,
            "services": created.services,
            "secrets": created.secrets,
            "missing": created.missing,
        }));
    }
    let summary = format!(
        "{} and {} in {}",
        count(created.services.len(), "service"),
        count(created.secrets.len(), "new secret"),
        args.directory.display()
    );
    output.line(Level::Normal, &summary);
    if !created.missing.is_empty() {
        let hiera = args.directory.join("hiera.yaml");
        let text = format!("set in {}: {}", hiera.display(), created.missing.join(", "));
        output.warning(&text);
    }
    let settings = created.settings.display();
    output.line(
        Level::Normal,
        &format!("next: slipway deploy --config {settings}"),
    );
    Ok(())
}
