//! `slipway build`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use image::{Action, Event, ImageSet, Options, Plan, Summary};
use serde_json::Value;

use crate::cli;
use crate::engine;
use crate::exit::bad_input;
use crate::output::{Level, Output, table};
use crate::share;

const TOPIC: &str = "build";

/// Renders, and builds what has changed.
pub async fn run(
    asked: cli::Build,
    global: &cli::Global,
    output: &Arc<Output>,
) -> anyhow::Result<()> {
    let options = options(&asked)?;
    let images = ImageSet::load(options).map_err(bad_input)?;
    if asked.list_images {
        return list(&images, output);
    }
    if asked.list_dependencies {
        return dependencies(&images, output);
    }
    if asked.template_only {
        let work_dir = asked.work_dir.as_deref().unwrap_or(Path::new("."));
        let out = images.write_templates(work_dir).map_err(bad_input)?;
        output.line(
            Level::Normal,
            &format!("the rendered tree is in {}", out.display()),
        );
        return Ok(());
    }
    let engine = engine::connect(global).await?;
    if asked.plan {
        return print_plan(&images.plan(engine.as_ref()).await?, output);
    }
    let observer = Arc::new(Progress(Arc::clone(output)));
    let summary = images.build(engine, observer).await?;
    conclude(&summary, output)
}

fn options(asked: &cli::Build) -> anyhow::Result<Options> {
    let mut options = Options::new(share::find("images").map_err(bad_input)?);
    options.docker_dirs = asked.docker_dir.clone();
    options.base = asked
        .base
        .parse()
        .map_err(|error: image::UnknownBase| bad_input(error))?;
    options.base_image = asked.base_image.clone();
    options.base_tag = asked.base_tag.clone();
    options.namespace = asked.namespace.clone();
    options.tag = asked.tag.clone();
    options.image_name_prefix = asked.image_name_prefix.clone();
    options.template_overrides = asked.template_override.clone();
    options.regex = asked.regex.clone();
    options.force = asked.rebuild;
    options.cache = !asked.nocache;
    options.network_mode = asked.network_mode.clone();
    options.threads = asked.threads.get();
    options.logs_dir = asked.logs_dir.clone();
    let set_configs = share::kolla_set_configs().map_err(bad_input)?;
    let name = "kolla_set_configs".to_owned();
    options.supplied = BTreeMap::from([("base".to_owned(), BTreeMap::from([(name, set_configs)]))]);
    Ok(options)
}

fn list(images: &ImageSet, output: &Output) -> anyhow::Result<()> {
    if output.is_json() {
        return output.json(&images.names());
    }
    output.result(&images.names().join("\n"));
    Ok(())
}

fn dependencies(images: &ImageSet, output: &Output) -> anyhow::Result<()> {
    let tree = images.dependencies();
    if output.is_json() {
        return output.json(&tree);
    }
    let mut lines = Vec::new();
    draw(&tree, 0, &mut lines);
    output.result(&lines.join("\n"));
    Ok(())
}

fn draw(tree: &Value, depth: usize, lines: &mut Vec<String>) {
    match tree {
        Value::String(name) => lines.push(format!("{}{name}", "  ".repeat(depth))),
        Value::Array(trees) => trees.iter().for_each(|tree| draw(tree, depth, lines)),
        Value::Object(map) => {
            for (name, children) in map {
                lines.push(format!("{}{name}", "  ".repeat(depth)));
                draw(children, depth + 1, lines);
            }
        }
        _ => {}
    }
}

fn print_plan(plan: &Plan, output: &Output) -> anyhow::Result<()> {
    if output.is_json() {
        return output.json(plan);
    }
    let mut rows = vec![["IMAGE", "ACTION", "WHY"].map(str::to_owned).to_vec()];
    rows.extend(plan.decisions.iter().map(|decision| {
        let action = match decision.action {
            Action::Build => "build",
            Action::Keep => "keep",
            Action::Skip => "skip",
        };
        vec![decision.image.clone(), action.to_owned(), decision.why()]
    }));
    output.result(&table(&rows));
    Ok(())
}

fn conclude(summary: &Summary, output: &Output) -> anyhow::Result<()> {
    if output.is_json() {
        output.json(summary)?;
    }
    let (built, unchanged) = (summary.built.len(), summary.unchanged.len());
    let counts = match (built, unchanged) {
        (0, _) if summary.is_success() => {
            format!("nothing has changed: no image built, {unchanged} as they were")
        }
        _ => format!(
            "{built} built, {unchanged} unchanged, {} failed",
            summary.failed.len()
        ),
    };
    output.line(Level::Normal, &counts);
    match summary.failures.as_slice() {
        [] if summary.is_success() => Ok(()),
        [] => bail!("{} images were not built", summary.failed.len()),
        [only] => Err(only.clone()).context("an image could not be built"),
        several => {
            let all: Vec<String> = several.iter().map(ToString::to_string).collect();
            bail!(
                "{} images could not be built\n{}",
                several.len(),
                all.join("\n")
            )
        }
    }
}

struct Progress(Arc<Output>);

impl image::Observer for Progress {
    fn event(&self, event: &Event<'_>) {
        let output = &self.0;
        match event {
            Event::Waiting => output.line(
                Level::Normal,
                "another build of this namespace and tag is running: waiting for it",
            ),
            Event::Pulling { reference } => {
                output.about(Level::Normal, TOPIC, reference, "pulling")
            }
            Event::Started { decision } => output.started(TOPIC, &decision.image, &decision.why()),
            Event::Line { image, line } => {
                output.progress(TOPIC, image, line);
                output.about(Level::Everything, TOPIC, image, line);
            }
            Event::Retrying {
                image,
                error,
                after,
            } => {
                output.warning(&format!(
                    "{image}: {error}; trying again in {} s",
                    after.as_secs()
                ));
            }
            Event::Finished { image, took, .. } => {
                output.finished(
                    TOPIC,
                    image,
                    &format!("built in {:.1} s", took.as_secs_f64()),
                );
            }
            Event::Skipped { decision } => {
                output.about(Level::Normal, TOPIC, &decision.image, &decision.why())
            }
            Event::Failed { failure } => output.finished(TOPIC, &failure.image, "failed"),
            Event::ParentFailed { image, parent } => {
                output.about(
                    Level::Normal,
                    TOPIC,
                    image,
                    &format!("not built, because {parent} was not"),
                );
            }
            _ => {}
        }
    }
}
