//! Writes config.json files.

use slipway_events::Events;
use slipway_files::Written;
use slipway_kolla_config::{Config, Severity};
use slipway_paths::Paths;
use slipway_service::RoleData;

use crate::error::{DeployError, Result};
use crate::event::Event;

/// Checks a role's configs, then writes each under the root where its content has changed. Returns
/// the number of files that were created or replaced.
///
/// # Errors
/// A config is invalid or leads out of the root, and nothing was written; or a file cannot be written.
pub fn write(role: &RoleData, paths: &Paths, events: &Events<Event>) -> Result<usize> {
    let configs = &role.kolla_config;
    let count = configs
        .iter()
        .map(|(path, config)| report_findings(path, config, events))
        .sum();
    if count > 0 {
        return Err(DeployError::ConfigJson { count });
    }
    let mut declared = Vec::with_capacity(configs.len());
    for (path, config) in configs {
        let place = role.places.of(&format!("kolla_config.{path}"));
        let place = DeployError::declared_at(place);
        declared.push((paths.declared(path).map_err(place)?, config));
    }
    let mut written = 0;
    for (path, config) in declared {
        match slipway_kolla_config::write(&path, config)? {
            Written::Unchanged => {}
            Written::Created | Written::Changed => {
                written += 1;
                events.send(Event::Wrote { path });
            }
        }
    }
    Ok(written)
}

/// Sends the errors and warnings of one config as events. Returns the number of errors.
fn report_findings(path: &str, config: &Config, events: &Events<Event>) -> usize {
    let findings = slipway_kolla_config::check(config);
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count();
    for finding in findings {
        events.send(Event::ConfigJson {
            path: path.to_owned(),
            finding,
        });
    }
    errors
}
