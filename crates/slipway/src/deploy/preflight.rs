//! What can be known to be missing before anything is touched.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use futures_util::StreamExt;
use slipway_engine::Progress;
use slipway_service::Step;

use super::deployment::Deployment;
use crate::output::Level;

/// Makes sure that every image is there that the role names, pulling those that are not.
pub async fn images(deployment: &Deployment) -> anyhow::Result<()> {
    let engine = deployment.engine()?;
    let mut named = named(deployment);
    let names = named.keys().map(String::as_str);
    let not_there = slipway_runtime::converge::missing_images(engine.as_ref(), names).await?;
    named.retain(|image, _| not_there.contains(image));
    let mut missing = Vec::new();
    for (image, users) in named {
        deployment
            .output
            .about(Level::Normal, "deploy", &image, "pulling");
        let pulled = async {
            let mut lines = engine.pull_image(&image).await?;
            while let Some(line) = lines.next().await {
                if let Progress::Line(line) = line? {
                    deployment
                        .output
                        .about(Level::Verbose, "deploy", &image, &line);
                }
            }
            Ok::<_, slipway_engine::EngineError>(())
        };
        if let Err(error) = pulled.await {
            let users: Vec<String> = users.into_iter().collect();
            missing.push(format!(
                "  {image} (for {}): {}",
                users.join(", "),
                error.reason()
            ));
        }
    }
    if !missing.is_empty() {
        bail!(
            "nothing was changed: these images are not in the engine, and could not be pulled; \
             build them (slipway build) or correct their names:\n{}",
            missing.join("\n")
        );
    }
    Ok(())
}

/// Every image the role names, and what for.
fn named(deployment: &Deployment) -> BTreeMap<String, BTreeSet<String>> {
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let role = &deployment.role;
    for step in Step::all() {
        for (name, config) in deployment.containers(step) {
            if let Some(image) = &config.keys().image {
                named
                    .entry(image.clone())
                    .or_default()
                    .insert(format!("container {name}"));
            }
        }
    }
    let tasks = role.docker_puppet_tasks.values().flatten();
    for entry in role.puppet_config.iter().chain(tasks) {
        if let Some(volume) = entry
            .config_volume
            .as_ref()
            .filter(|_| !entry.config_image.is_empty())
        {
            named
                .entry(entry.config_image.clone())
                .or_default()
                .insert(format!("config volume {volume}"));
        }
    }
    named
}
