//! Shell completions and man pages, generated from the command line's own definition.

use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;

use crate::cli::Cli;
use crate::output::{Level, Output};

/// Prints a completion script.
pub fn completions(shell: clap_complete::Shell, output: &Output) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "slipway", &mut script);
    output.result(String::from_utf8_lossy(&script).trim_end());
}

/// Writes `slipway.1` and one page for each subcommand to `out`.
pub fn man(out: &Path, output: &Output) -> anyhow::Result<()> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    clap_mangen::generate_to(Cli::command(), out)
        .with_context(|| format!("cannot write man pages to {}", out.display()))?;
    output.line(
        Level::Normal,
        &format!("man pages are in {}", out.display()),
    );
    Ok(())
}
