//! The subcommands, a file each.

pub mod apply;
mod build;
mod config;
pub mod debug;
mod deploy;
mod doctor;
mod export;
mod generated;
mod graph;
mod hook;
mod images;
mod init;
mod kolla_config;
pub mod listing;
mod resolve;
mod services;
mod settings;
mod site;

use std::sync::Arc;

use anyhow::{Context, anyhow};
use tokio::signal::unix::{SignalKind, signal};

use slipway_conduct::Action;

use crate::cli::{Cli, Command, Format, Images};
use crate::exit::{Interrupted, bad_input};
use crate::output::Output;

/// Runs the subcommand that the command line names. An interrupt (Ctrl-C, SIGTERM) ends it at once:
/// no file is half-written, and the next run resumes.
pub fn run(cli: Cli, output: &Arc<Output>) -> anyhow::Result<()> {
    match &cli.command {
        // It only reads and prints, so an interrupt may end the process itself.
        Command::Resolve(args) if !args.writes() => resolve::run(args, output),
        _ => until_interrupted(subcommand(cli, output)),
    }
}

/// Runs `work` until it is done or an interrupt ends it.
pub fn until_interrupted(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    // One thread beside this one: the work mostly waits, and each thread has a heap of its own.
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let result = tokio.block_on(async {
        // Work that never waits does not poll for interrupts; they then end the process as usual.
        tokio::select! {
            biased;
            result = work => result,
            result = interrupt() => result.and(Err(Interrupted.into())),
        }
    });
    // Do not wait for a thread that still reads standard input.
    tokio.shutdown_background();
    result
}

async fn interrupt() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result.context("cannot listen for Ctrl-C"),
        _ = terminate.recv() => Ok(()),
    }
}

/// Checks that the command can print its result in a format.
fn check_format(format: Format, command: &Command) -> anyhow::Result<()> {
    let printer = match (format, command) {
        (Format::Text | Format::Json | Format::JsonLines | Format::None, _)
        | (Format::Yaml, Command::Resolve(_))
        | (Format::Spdx | Format::Cyclonedx, Command::Images(Images::Sbom(_))) => return Ok(()),
        (Format::Yaml, _) => "only resolve prints YAML",
        (Format::Spdx, _) => "only images sbom prints SPDX",
        (Format::Cyclonedx, _) => "only images sbom prints CycloneDX",
    };
    Err(bad_input(anyhow!(printer)))
}

async fn subcommand(cli: Cli, output: &Arc<Output>) -> anyhow::Result<()> {
    let global = &cli.global;
    check_format(global.format, &cli.command)?;
    match cli.command {
        Command::Build(args) => build::run(args, global, output).await,
        Command::Images(args) => images::run(args, global, output).await,
        Command::KollaConfig(args) => kolla_config::run(&args, global, output).await,
        Command::Resolve(args) => resolve::run(&args, output),
        Command::Apply(args) => apply::run(args, global, output).await,
        Command::Ps(args) => listing::ps(&args, global, output).await,
        Command::Logs(args) => listing::logs(&args, global, output).await,
        Command::Debug(args) => debug::run(args, global, output).await,
        Command::Delete(args) => listing::delete(&args, global, output).await,
        Command::Cleanup(args) => listing::cleanup(&args, global, output).await,
        Command::Export(args) => export::run(&args, output),
        Command::Hook(args) => hook::run(&args, global, output).await,
        Command::Init(args) => init::run(&args, output),
        Command::Services(args) => services::run(&args, output),
        Command::Graph(args) => graph::run(&args, global, output),
        Command::Doctor(args) => doctor::run(&args, global, output).await,
        Command::Settings => settings::run(global, output),
        Command::Completions { shell } => {
            generated::completions(shell, output);
            Ok(())
        }
        Command::Man { out } => generated::man(&out, output),
        Command::Config(args) => config::run(args, global, output).await,
        Command::Deploy(args) => match args.site {
            Some(_) => site::deploy(&args, output).await,
            None => deploy::run(args, global, output).await,
        },
        Command::Update(args) => site::run(&args, Action::Update, output).await,
        Command::Upgrade(args) => site::run(&args, Action::Upgrade, output).await,
        Command::Ffu(args) => site::run(&args, Action::FastForward, output).await,
        Command::Status(args) => site::status(&args, output).await,
    }
}
