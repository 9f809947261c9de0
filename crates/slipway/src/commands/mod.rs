//! One file for each subcommand.

mod apply;
mod build;
mod generated;
mod kolla_config;
mod listing;

use std::sync::Arc;

use anyhow::Context;

use crate::cli::{Cli, Command};
use crate::output::Output;

/// Runs the subcommand the command line names. An interrupt (Ctrl-C) ends it where it is: nothing
/// is left half-written, and the next run goes on from there.
pub fn run(cli: Cli, output: &Arc<Output>) -> anyhow::Result<()> {
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    tokio.block_on(async {
        tokio::select! {
            result = subcommand(cli, output) => result,
            _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted; run it again to go on"),
        }
    })
}

async fn subcommand(cli: Cli, output: &Arc<Output>) -> anyhow::Result<()> {
    let global = &cli.global;
    match cli.command {
        Command::Build(asked) => build::run(asked, global, output).await,
        Command::KollaConfig(asked) => kolla_config::run(&asked, global, output).await,
        Command::Apply(asked) => apply::run(asked, global, output).await,
        Command::Ps(asked) => listing::ps(&asked, global, output).await,
        Command::Delete(asked) => listing::delete(&asked, global, output).await,
        Command::Cleanup(asked) => listing::cleanup(&asked, global, output).await,
        Command::Completions { shell } => generated::completions(shell),
        Command::Man { out } => generated::man(&out, output),
        Command::Config(asked) => crate::deploy::config(asked, global, output).await,
        Command::Deploy(asked) => crate::deploy::deploy(asked, global, output).await,
    }
}
