//! `slipway kolla-config`.

use std::path::PathBuf;

use anyhow::bail;
use kolla::Config;

use crate::cli::KollaConfig;
use crate::declared;
use crate::exit::bad_input;
use crate::kolla_files::{report, write};
use crate::layout::Layout;
use crate::output::{Level, Output};

/// Writes or checks.
pub fn run(asked: &KollaConfig, output: &Output) -> anyhow::Result<()> {
    match asked {
        KollaConfig::Write { services, root } => {
            let role = declared::role(services)?;
            let configs: Vec<(&str, &Config)> = role
                .kolla_config
                .iter()
                .map(|(path, config)| (path.as_str(), config))
                .collect();
            let layout = Layout::new(&root.root).map_err(bad_input)?;
            let written = write(&configs, &layout, output)?;
            output.line(
                Level::Normal,
                &format!("{written} of {} files written", configs.len()),
            );
            Ok(())
        }
        KollaConfig::Check { files, services } => check(files, services, output),
    }
}

fn check(files: &[PathBuf], services: &[PathBuf], output: &Output) -> anyhow::Result<()> {
    let mut errors = 0;
    for file in files {
        let config = Config::read(file).map_err(bad_input)?;
        errors += report(&file.display().to_string(), &config, output);
    }
    for path in services {
        for service in service::load_dir(path).map_err(bad_input)? {
            for (file, config) in &service.kolla_config {
                errors += report(file, config, output);
            }
        }
    }
    if errors > 0 {
        bail!("{errors} errors");
    }
    output.line(Level::Normal, "no errors");
    Ok(())
}
