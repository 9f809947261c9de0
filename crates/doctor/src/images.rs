//! Checks of images and their registries.

use std::collections::BTreeSet;
use std::sync::Arc;

use slipway_deploy::config_json::find_program;
use slipway_engine::{Engine, has_login, named_registry};

use crate::report::{Check, Status, Subject};

/// The directories in which Puppet's containers look for it.
const PUPPET: [&str; 4] = [
    "/usr/local/bin",
    "/usr/bin",
    "/opt/puppetlabs/bin",
    "/opt/puppetlabs/puppet/bin",
];

/// Checks that each image that generates configuration exists and has Puppet.
pub(crate) async fn puppet(engine: &Arc<dyn Engine>, images: &BTreeSet<String>) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut good = 0;
    for image in images {
        match puppet_in(engine, image).await {
            Some(problem) => checks.push(problem),
            None => good += 1,
        }
    }
    if checks.is_empty() && good > 0 {
        checks.push(Check::good(
            Subject::Puppet,
            match good {
                1 => "in the only image".to_owned(),
                _ => format!("in all {good} images"),
            },
        ));
    }
    checks
}

/// Returns what is wrong with one image.
async fn puppet_in(engine: &Arc<dyn Engine>, image: &str) -> Option<Check> {
    match engine.find_image(image).await {
        Ok(Some(_)) => {}
        Ok(None) => {
            return Some(Check::warning(
                Subject::Puppet,
                format!("{image} is not in the engine"),
                "build it (slipway build), or let deploy pull it",
            ));
        }
        Err(error) => return Some(unknown(image, &error)),
    }
    match find_program(engine, image, &PUPPET, "puppet").await {
        Ok(Some(_)) => None,
        Ok(None) => Some(Check::bad(
            Subject::Puppet,
            Status::Failed,
            format!("{image} has no puppet"),
            "build it with a template override that adds Puppet: slipway build --template-override \
             overrides/puppet.j2",
        )),
        Err(error) => Some(unknown(image, &error)),
    }
}

fn unknown(image: &str, error: &dyn std::error::Error) -> Check {
    let found = format!("{image} cannot be read: {error}");
    Check::warning(Subject::Puppet, found, "look at the engine's log")
}

/// Checks that logins are stored for the registries that images name.
pub(crate) async fn registries(images: &BTreeSet<String>) -> Check {
    let mut without = BTreeSet::new();
    let mut with = BTreeSet::new();
    for image in images {
        let Some(registry) = named_registry(image) else {
            continue;
        };
        match has_login(image).await {
            Ok(true) => with.insert(registry),
            Ok(false) => without.insert(registry),
            Err(error) => {
                let advice = "correct the docker configuration, or log in anew: docker login";
                return Check::warning(Subject::Registry, error.to_string(), advice);
            }
        };
    }
    if without.is_empty() {
        return Check::good(
            Subject::Registry,
            match with.is_empty() {
                true => "no image names a registry".to_owned(),
                false => format!("stored for {}", joined(&with)),
            },
        );
    }
    Check::warning(
        Subject::Registry,
        format!("none stored for {}", joined(&without)),
        "log in (docker login REGISTRY), unless everybody may pull from it",
    )
}

fn joined(registries: &BTreeSet<&str>) -> String {
    registries.iter().copied().collect::<Vec<_>>().join(", ")
}
