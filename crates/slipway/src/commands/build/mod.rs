//! `slipway build`.

mod again;
mod options;
mod reports;
mod show;
mod sources;
mod summary;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use slipway_engine::{Engine, EngineKind};
use slipway_image::{ImageSet, Options, config};
use slipway_oslo_config::Settings;

use crate::cli;
use crate::engine;
use crate::exit::bad_input;
use crate::output::{Level, Output};
use reports::Report;

/// Renders, and builds what has changed.
pub async fn run(
    asked: cli::Build,
    global: &cli::Global,
    output: &Arc<Output>,
) -> anyhow::Result<()> {
    let (settings, defaults) = options::settings(&asked)?;
    let output = &spoken(&asked, &settings, global, output)?;
    let result = run_as(&asked, &settings, defaults, global, output).await;
    result.and_then(|()| output.all_printed())
}

/// What is printed and said, where the configuration or kolla-build's `-f` says that too.
fn spoken(
    asked: &cli::Build,
    settings: &Settings,
    global: &cli::Global,
    output: &Arc<Output>,
) -> anyhow::Result<Arc<Output>> {
    let flag = |key: &str| settings.flag(key).map_err(bad_input);
    let mut global = global.clone();
    let format = asked
        .options
        .options
        .get("format")
        .and_then(|all| all.last());
    let format = format.filter(|_| !asked.as_kolla_build);
    match format.map(String::as_str) {
        Some("json") => global.format = cli::Format::Json,
        Some(_) => global.format = cli::Format::None,
        None => {}
    }
    match (flag("quiet")?, flag("debug")?) {
        (true, _) => global.quiet = true,
        (false, true) => global.verbose = 2,
        (false, false) if format.is_none() => return Ok(Arc::clone(output)),
        (false, false) => {}
    }
    Ok(Arc::new(Output::new(&global)))
}

async fn run_as(
    asked: &cli::Build,
    settings: &Settings,
    defaults: Options,
    global: &cli::Global,
    output: &Arc<Output>,
) -> anyhow::Result<()> {
    let mut options = options::options(asked, settings, defaults, output)?;
    options::check_reference(&options).map_err(bad_input)?;
    options.command = again::command(asked, global);
    // What is wrong with them counts only when something is built, and after what is worse.
    let sources = sources::sources(settings, options.kolla.as_deref()).map(|sources| {
        options.sources = sources;
    });
    let images = ImageSet::load(options).map_err(bad_input)?;
    let kolla = images.options().kolla.iter();
    let known = kolla.flat_map(|kolla| kolla.sources().keys().map(String::as_str));
    let names: Vec<&str> = images.tree().image_names().chain(known).collect();
    settings
        .check(|section| config::is_known_section(section, &names), &names)
        .map_err(bad_input)?;
    let file = |key: &str| settings.text(key).map_err(bad_input);
    let flag = |key: &str| settings.flag(key).map_err(bad_input);
    if flag("template_only")? {
        let out = images
            .write_templates(&work_dir(settings)?)
            .map_err(bad_input)?;
        output.line(
            Level::Normal,
            &format!("Dockerfiles are generated in {}", out.display()),
        );
        return Ok(());
    }
    if let Some(folder) = file("work_dir")? {
        images.write_all(Path::new(&folder)).map_err(bad_input)?;
    }
    if let Some(path) = file("save_dependency")? {
        let sizes = match connect(settings, global).await {
            Ok(engine) => sizes(&images, engine.as_ref()).await?,
            Err(_) => BTreeMap::new(),
        };
        return show::dot(&images, &sizes, Path::new(&path));
    }
    if flag("list_images")? {
        return show::list(&images, output);
    }
    if flag("list_dependencies")? {
        return show::dependencies(&images, output);
    }
    sources?;
    let reports = Reports::new(asked, settings)?;
    let engine = connect(settings, global).await?;
    if asked.plan {
        return show::plan(&images.plan(engine.as_ref()).await?, output);
    }
    let summary = images
        .build(engine, crate::show::build::events(output))
        .await?;
    let written = reports.write(asked, &summary, output);
    let allowed_to_fail = settings.list("allowed_to_fail").map_err(bad_input)?;
    match (
        summary::conclude(&summary, &allowed_to_fail, output),
        written,
    ) {
        (Ok(()), written) => written,
        (failed, Ok(())) => failed,
        (failed, Err(error)) => {
            output.warning(&format!("{error:#}"));
            failed
        }
    }
}

/// What is to be left of a build, besides images.
struct Reports {
    timeline: Option<Report>,
    /// Whether there is to be a summary as JSON, and the file for it.
    has_summary: bool,
    summary: Option<Report>,
}

impl Reports {
    fn new(asked: &cli::Build, settings: &Settings) -> anyhow::Result<Reports> {
        let text = |key: &str| settings.text(key).map_err(bad_input);
        let is_wanted = settings.flag("summary").map_err(bad_input)?;
        let has_summary = is_wanted && text("format")?.as_deref() != Some("none");
        let timeline = asked.timeline.as_deref();
        let summary = text("summary_json_file")?.filter(|_| has_summary);
        let summary = summary.as_deref().map(Path::new);
        Ok(Reports {
            timeline: timeline
                .map(|path| Report::new("timeline", path))
                .transpose()?,
            has_summary,
            summary: summary
                .map(|path| Report::new("summary-json-file", path))
                .transpose()?,
        })
    }

    fn write(
        &self,
        asked: &cli::Build,
        summary: &slipway_image::Summary,
        output: &Output,
    ) -> anyhow::Result<()> {
        let timeline = self.timeline.as_ref();
        let drawn = timeline.map_or(Ok(()), |report| report.write(&summary.timeline()));
        if !self.has_summary {
            return drawn;
        }
        let written = match &self.summary {
            Some(report) => report.write(&summary::indented(summary)?),
            None => Ok(()),
        };
        if self.summary.is_none() && asked.as_kolla_build {
            output.result(&summary::line(summary)?);
        }
        if output.is_json() {
            output.json(summary)?;
        }
        drawn.and(written)
    }
}

/// Where the rendered tree is left; kolla-build makes a folder when none is named.
fn work_dir(settings: &Settings) -> anyhow::Result<PathBuf> {
    match settings.text("work_dir").map_err(bad_input)? {
        Some(folder) => Ok(PathBuf::from(folder)),
        None => {
            let folder = tempfile::Builder::new().prefix("kolla-").tempdir();
            Ok(folder.context("cannot make a folder for the tree")?.keep())
        }
    }
}

/// Connects to the kind of engine that was asked for.
async fn connect(settings: &Settings, global: &cli::Global) -> anyhow::Result<Arc<dyn Engine>> {
    let wanted = match settings.is_given("engine") {
        true => settings.text("engine").map_err(bad_input)?,
        false => None,
    };
    let mut global = global.clone();
    let is_of_podman = wanted.as_deref() == Some("podman") && global.host.is_none();
    if is_of_podman {
        global.host = settings.text("podman_base_url").map_err(bad_input)?;
    }
    let connected = engine::connect(&global).await;
    let engine = match is_of_podman {
        true => connected.context("--engine podman: it is looked for at --podman_base_url")?,
        false => connected?,
    };
    let kind = match engine.info().kind {
        EngineKind::Docker => "docker",
        EngineKind::Podman => "podman",
    };
    match wanted {
        Some(wanted) if wanted != kind => Err(bad_input(anyhow!(
            "--engine {wanted} was asked for, and {kind} answers at {}; --host names another",
            engine.info().address
        ))),
        _ if kind == "podman" && settings.flag("buildkit").map_err(bad_input)? => Err(bad_input(
            anyhow!("--buildkit: Podman, which answers, has no BuildKit; leave it out"),
        )),
        _ => Ok(engine),
    }
}

/// The sizes of the images that the engine has, by name.
async fn sizes(images: &ImageSet, engine: &dyn Engine) -> anyhow::Result<BTreeMap<String, u64>> {
    let listed = engine
        .list_images(&[])
        .await
        .context("cannot list images")?;
    let sizes = images.names().into_iter().filter_map(|name| {
        let reference = images.options().reference(name);
        let found = listed
            .iter()
            .find(|image| image.tags.contains(&reference))?;
        Some((name.to_owned(), found.size))
    });
    Ok(sizes.collect())
}
