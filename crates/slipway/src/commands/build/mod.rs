//! `slipway build`: reads the configuration, builds, prints the result.

mod connect;
mod load;
mod repeat;
mod reports;
mod show;
mod summary;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use slipway_engine::Engine;
use slipway_image::config::Configuration;
use slipway_image::{BuildConfig, Ci, ImageSet, Summary};

use crate::cli;
use crate::exit::bad_input;
use crate::output::{Level, Output};
use crate::show::build::events;
use crate::show::kolla_log::KollaLog;
use reports::Reports;

/// Renders the images, and builds those that have changed.
pub async fn run(
    args: cli::Build,
    global: &cli::Global,
    output: &Arc<Output>,
) -> anyhow::Result<()> {
    let configuration = load::configuration(&args, global)?;
    let output = output_for(&args, &configuration.build, global, output);
    let log = KollaLog::new(&configuration.build, &output);
    let command = Command {
        log: args.as_kolla_build.then_some(log),
        args,
        global: global.clone(),
        output,
    };
    let result = command.run(configuration).await;
    result.and_then(|()| command.output.close())
}

/// Loads the images that a build would select.
pub fn load_images(
    args: &cli::Build,
    global: &cli::Global,
    output: &Output,
) -> anyhow::Result<ImageSet> {
    let configuration = load::configuration(args, global)?;
    for warning in &configuration.warnings {
        output.warning(warning);
    }
    let images = ImageSet::load(configuration.build).map_err(bad_input)?;
    for warning in images.unmatched_patterns() {
        output.warning(&warning);
    }
    Ok(images)
}

/// Returns the output, where the configuration or kolla-build's `-f` changes it.
fn output_for(
    args: &cli::Build,
    config: &BuildConfig,
    global: &cli::Global,
    output: &Arc<Output>,
) -> Arc<Output> {
    let mut changed = global.clone();
    let format = args.options.options.get("format");
    let format = format.and_then(|values| values.last());
    let format = format.filter(|_| !args.as_kolla_build);
    match format.map(String::as_str) {
        Some("json") => changed.format = cli::Format::Json,
        Some(_) => changed.format = cli::Format::None,
        None => {}
    }
    match (config.quiet, config.debug) {
        (true, _) => changed.quiet = true,
        (false, true) => changed.verbose = 2,
        (false, false) if format.is_none() => return Arc::clone(output),
        (false, false) => {}
    }
    Arc::new(Output::new(&changed))
}

/// One run of the command.
struct Command {
    args: cli::Build,
    global: cli::Global,
    output: Arc<Output>,
    /// kolla-build's log, where that is imitated.
    log: Option<KollaLog>,
}

impl Command {
    async fn run(&self, configuration: Configuration) -> anyhow::Result<()> {
        if let Some(log) = &self.log {
            log.begin(&configuration.build);
        }
        self.warn(&configuration.warnings);
        // kolla-build lists and renders images of any name.
        if self.args.is_strict() {
            check_names(&configuration.build)?;
        }
        let images = ImageSet::load(configuration.build.clone()).map_err(bad_input)?;
        self.check(&configuration, &images)?;
        let mut config = configuration.build;
        if config.skip_existing && only_lists(&config) {
            let engine = self.connect(&mut config).await?;
            let images = images.without_existing(engine.as_ref()).await?;
            return self.list(&config, &images).await;
        }
        if only_lists(&config) {
            return self.list(&config, &images).await;
        }
        if let Some(directory) = &config.work_dir {
            images.write_all(directory).map_err(bad_input)?;
        }
        check_names(&config)?;
        if let Some(directory) = &self.args.bake {
            let bake = images.bake(directory).await.map_err(bad_input)?;
            return show::bake(&bake, &self.output);
        }
        self.build(config, images).await
    }

    /// Checks what files say of images, and warns of patterns that match none.
    fn check(&self, configuration: &Configuration, images: &ImageSet) -> anyhow::Result<()> {
        let kolla = images.options().kolla.iter();
        let known = kolla.flat_map(|kolla| kolla.sources().keys().map(String::as_str));
        let names: Vec<&str> = images.tree().image_names().chain(known).collect();
        self.warn(&configuration.check(&names).map_err(bad_input)?);
        self.warn(&images.unmatched_patterns());
        Ok(())
    }

    fn warn(&self, warnings: &[String]) {
        for warning in warnings {
            match &self.log {
                Some(log) => log.warning(warning),
                None => self.output.warning(warning),
            }
        }
    }

    /// Prints or writes the output that was requested instead of a build.
    async fn list(&self, config: &BuildConfig, images: &ImageSet) -> anyhow::Result<()> {
        images.all_rendered().map_err(bad_input)?;
        if config.template_only {
            let written = images.write_templates(&work_dir(config)?);
            let directory = written.map_err(bad_input)?;
            match &self.log {
                Some(log) => log.templates_written(&directory),
                None => self.output.line(
                    Level::Normal,
                    &format!("Dockerfiles are generated in {}", directory.display()),
                ),
            }
            return Ok(());
        }
        if let Some(directory) = &config.work_dir {
            images.write_all(directory).map_err(bad_input)?;
        }
        if let Some(file) = &config.save_dependency {
            let sizes = match self.connect(&mut config.clone()).await {
                Ok(engine) => sizes(images, engine.as_ref()).await?,
                Err(_) => BTreeMap::new(),
            };
            show::dot(images, &sizes, file)?;
            if let Some(log) = &self.log {
                log.dependencies_written(file);
            }
            return Ok(());
        }
        match config.list_images {
            true => show::list(images, &self.output),
            false => show::dependencies(images, &self.output),
        }
    }

    async fn build(&self, mut config: BuildConfig, images: ImageSet) -> anyhow::Result<()> {
        let reports = Reports::new(&self.args, &config)?;
        let engine = self.connect(&mut config).await.inspect_err(|error| {
            if let Some(log) = &self.log {
                log.no_engine(error);
            }
        })?;
        let images = images.with_buildkit(config.buildkit);
        if self.args.plan {
            let plan = images.plan(engine.as_ref()).await?;
            return show::plan(&plan, &config.allowed_to_fail, &self.output);
        }
        if let Some(format) = self.args.export_pipeline {
            return self
                .export_pipeline(format, &config, &images, engine.as_ref())
                .await;
        }
        let events = match &self.log {
            Some(log) => log.events(&images),
            None => events(&self.output),
        };
        if self.log.is_none() {
            self.output.expect(images.names().len());
        }
        let summary = images.build(engine, events).await?;
        self.conclude(&config, &summary, &reports)
    }

    /// Prints the pipeline of the images that would be built.
    async fn export_pipeline(
        &self,
        format: cli::PipelineFormat,
        config: &BuildConfig,
        images: &ImageSet,
        engine: &dyn Engine,
    ) -> anyhow::Result<()> {
        let command = repeat::job_command(&self.args, &self.global, config).map_err(bad_input)?;
        let plan = images.plan(engine).await?;
        show::conclude(&plan, &config.allowed_to_fail)?;
        let ci = match format {
            cli::PipelineFormat::Gitlab => Ci::GitLab,
            cli::PipelineFormat::Github => Ci::GitHub,
        };
        let pipeline = images.pipeline(&plan, ci, &command);
        self.output.result(pipeline.trim_end());
        Ok(())
    }

    /// Prints the summary. The error is that of images, before that of reports.
    fn conclude(
        &self,
        config: &BuildConfig,
        summary: &Summary,
        reports: &Reports,
    ) -> anyhow::Result<()> {
        match &self.log {
            Some(log) if config.summary => {
                log.summary(summary, &config.allowed_to_fail);
                log.info(summary::counts(summary));
            }
            Some(_) => {}
            None => summary::print(summary, &config.allowed_to_fail, &self.output),
        }
        let written = reports.write(&self.args, summary, &self.output);
        match (summary::conclude(summary, &config.allowed_to_fail), written) {
            (Ok(()), written) => written,
            (failed, Ok(())) => failed,
            (failed, Err(error)) => {
                self.warn(&[format!("{error:#}")]);
                failed
            }
        }
    }

    /// Connects to the engine. BuildKit is left out with Podman, as kolla-build does.
    async fn connect(&self, config: &mut BuildConfig) -> anyhow::Result<Arc<dyn Engine>> {
        let engine = connect::connect(config, &self.global).await?;
        if config.buildkit && !connect::has_buildkit(engine.as_ref()) {
            let message = "buildkit: Podman, which answers, has no BuildKit";
            if self.args.is_strict() {
                return Err(bad_input(anyhow!("{message}; leave it out")));
            }
            self.warn(&[format!("{message}: its own builder builds")]);
            config.buildkit = false;
        }
        Ok(engine)
    }
}

/// Returns whether something is requested in place of a build.
fn only_lists(config: &BuildConfig) -> bool {
    config.template_only
        || config.save_dependency.is_some()
        || config.list_images
        || config.list_dependencies
}

fn check_names(config: &BuildConfig) -> anyhow::Result<()> {
    config
        .check_names()
        .map_err(|error| bad_input(anyhow!(error)))
}

/// Returns the directory of the rendered tree; kolla-build makes one when none is named.
fn work_dir(config: &BuildConfig) -> anyhow::Result<PathBuf> {
    match &config.work_dir {
        Some(directory) => Ok(directory.clone()),
        None => {
            let made = tempfile::Builder::new().prefix("kolla-").tempdir();
            let made = made.context("cannot make a directory for the rendered tree")?;
            Ok(made.keep())
        }
    }
}

/// Returns the sizes of the images that the engine has, by name.
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
