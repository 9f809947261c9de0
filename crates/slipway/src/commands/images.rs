//! `slipway images`: what is in images.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use futures_util::future::try_join;
use jiff::Timestamp;
use slipway_contents::{Contents, Diff, sbom};
use slipway_engine::Engine;
use slipway_suggest::count;

use crate::cli::{self, Format, Images, ImagesDiff, ImagesSbom};
use crate::engine;
use crate::exit::bad_input;
use crate::output::{Level, Output, table};

/// Runs one of the subcommands.
pub async fn run(args: Images, global: &cli::Global, output: &Arc<Output>) -> anyhow::Result<()> {
    match args {
        Images::Diff(args) => diff(&args, global, output).await,
        Images::Sbom(args) => sbom(&args, global, output).await,
    }
}

async fn diff(args: &ImagesDiff, global: &cli::Global, output: &Output) -> anyhow::Result<()> {
    let engine = engine::connect(global).await?;
    let read = |image| read(&engine, image, output);
    let (before, after) = try_join(read(&args.before), read(&args.after)).await?;
    let mut diff = Diff::new(&before, &after);
    if args.packages_only {
        diff.files.clear();
    }
    if output.is_json() {
        return output.json(&diff);
    }
    let packages = diff.packages.iter().map(ToString::to_string);
    let lines: Vec<String> = packages
        .chain(diff.files.iter().map(ToString::to_string))
        .collect();
    if !lines.is_empty() {
        output.result(&lines.join("\n"));
    }
    let counts = match (args.packages_only, diff.packages.len(), diff.files.len()) {
        (true, 1, _) => "1 package differs".to_owned(),
        (true, packages, _) => format!("{packages} packages differ"),
        (false, packages, files) => format!(
            "{} and {} differ",
            count(packages, "package"),
            count(files, "file")
        ),
    };
    output.line(Level::Normal, &counts);
    Ok(())
}

async fn sbom(args: &ImagesSbom, global: &cli::Global, output: &Output) -> anyhow::Result<()> {
    let created = created()?;
    let engine = engine::connect(global).await?;
    let contents = read(&engine, &args.image, output).await?;
    let format = match global.format {
        Format::Spdx => sbom::Format::Spdx,
        Format::Cyclonedx => sbom::Format::CycloneDx,
        Format::Json | Format::JsonLines => return output.json(&contents.packages),
        Format::Text | Format::None | Format::Yaml => {
            output.result(&listing(&contents));
            return Ok(());
        }
    };
    let found = engine.find_image(&args.image).await?;
    let found = found.with_context(|| format!("{}: the image is gone", args.image))?;
    let subject = sbom::Subject {
        reference: &args.image,
        id: &found.id,
        created,
        tool_version: env!("CARGO_PKG_VERSION"),
    };
    output.json(&sbom::document(format, &subject, &contents))
}

/// Reads an image, and warns of what cannot be read.
async fn read(engine: &Arc<dyn Engine>, image: &str, output: &Output) -> anyhow::Result<Contents> {
    let contents = Contents::read(engine, image).await;
    let contents = contents.with_context(|| format!("cannot read image {image}"))?;
    for reason in &contents.unread {
        output.warning(&format!("{image}: {reason}"));
    }
    Ok(contents)
}

/// Returns a table of packages.
fn listing(contents: &Contents) -> String {
    let heading = ["KIND", "NAME", "VERSION", "ARCHITECTURE", "LOCATION"];
    let rows = contents.packages.iter().map(|package| {
        let or_empty = |value: &Option<String>| value.clone().unwrap_or_default();
        vec![
            package.id.kind.to_string(),
            package.id.name.clone(),
            package.version.clone(),
            or_empty(&package.id.architecture),
            or_empty(&package.id.location),
        ]
    });
    let heading = heading.map(str::to_owned).to_vec();
    table(&[heading].into_iter().chain(rows).collect::<Vec<_>>())
}

/// Returns the time of a document: `SOURCE_DATE_EPOCH`, or now.
fn created() -> anyhow::Result<Timestamp> {
    let Some(value) = std::env::var_os("SOURCE_DATE_EPOCH") else {
        return Ok(Timestamp::now());
    };
    let seconds = value.to_str().and_then(|value| value.parse().ok());
    let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.ok_or_else(|| {
        let value = value.display();
        bad_input(anyhow!(
            "SOURCE_DATE_EPOCH={value}: expected seconds since 1970"
        ))
    })
}
