//! The config.json files of a deployment: checked, then written.

use anyhow::anyhow;
use slipway_files::Written;
use slipway_kolla_config::{Config, Severity};

use crate::exit::bad_input;
use crate::output::{Level, Output};
use slipway_paths::Paths;

/// Checks configs by path, then writes each under the paths's root. Gives how many were new or
/// had changed.
pub fn write(configs: &[(&str, &Config)], paths: &Paths, output: &Output) -> anyhow::Result<usize> {
    let findings = configs
        .iter()
        .map(|(path, config)| report(path, config, output))
        .sum::<usize>();
    if findings > 0 {
        return Err(bad_input(anyhow!(
            "{findings} errors in config.json declarations; nothing was written"
        )));
    }
    let mut count = 0;
    for (path, config) in configs {
        let path = paths.path(path);
        match slipway_kolla_config::write(&path, config)? {
            Written::Unchanged => {}
            Written::Created | Written::Changed => {
                count += 1;
                output.line(Level::Verbose, &format!("wrote {}", path.display()));
            }
        }
    }
    Ok(count)
}

/// Prints what is wrong with one; gives the number of errors.
pub fn report(path: &str, config: &Config, output: &Output) -> usize {
    let findings = slipway_kolla_config::check(config);
    for finding in &findings {
        output.line(Level::Quiet, &format!("{path}: {finding}"));
    }
    findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count()
}
