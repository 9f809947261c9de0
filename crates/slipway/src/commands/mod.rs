//! One file for each subcommand.

mod apply;
mod build;
mod generated;
mod kolla_config;
mod listing;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::sync::Notify;

use crate::cli::{Cli, Command};
use crate::exit;
use crate::output::Output;

/// Runs the subcommand the command line names. An interrupt (Ctrl-C) ends it where it is: nothing
/// is left half-written, and the next run goes on from there.
pub fn run(cli: Cli, output: &Arc<Output>) -> anyhow::Result<()> {
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let interrupt = Arc::new(Notify::new());
    tokio.spawn(hear_interrupt(Arc::clone(&interrupt), Arc::clone(output)));
    let result = tokio.block_on(async {
        tokio::select! {
            result = subcommand(cli, output) => result,
            () = interrupt.notified() => Err(interrupted()),
        }
    });
    tokio.shutdown_timeout(PATIENCE);
    result
}

/// How long what is under way may take to come to a stop after an interrupt.
const PATIENCE: Duration = Duration::from_secs(1);

/// Tells of an interrupt. Ends the process when that changes nothing: what waits for standard
/// input does not hear of it.
async fn hear_interrupt(interrupt: Arc<Notify>, output: Arc<Output>) {
    if tokio::signal::ctrl_c().await.is_ok() {
        interrupt.notify_one();
        tokio::time::sleep(PATIENCE).await;
        let error = interrupted();
        output.error(&error);
        std::process::exit(exit::status(&error).into());
    }
}

fn interrupted() -> anyhow::Error {
    anyhow!("interrupted; run it again to go on")
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
        Command::Completions { shell } => {
            generated::completions(shell, output);
            Ok(())
        }
        Command::Man { out } => generated::man(&out, output),
        Command::Config(asked) => crate::deploy::config(asked, global, output).await,
        Command::Deploy(asked) => crate::deploy::deploy(asked, global, output).await,
    }
}
