//! Checks that come before anything is touched.

use std::collections::{BTreeMap, BTreeSet};

use slipway_engine::EngineError;
use slipway_service::Step;

use crate::deployment::{ConnectedDeployment, Deployment};
use crate::error::{DeployError, Result};
use crate::event::Event;

/// Pulls every image of the role that the engine does not have.
pub(crate) async fn images(connected: &ConnectedDeployment) -> Result<()> {
    let mut users = image_users(&connected.deployment);
    let names = users.keys().map(String::as_str);
    let absent =
        slipway_runtime::converge::missing_images(connected.engine.as_ref(), names).await?;
    users.retain(|image, _| absent.contains(image));
    let mut missing = Vec::new();
    for (image, users) in users {
        if let Err(error) = pull(connected, &image).await {
            let users: Vec<String> = users.into_iter().collect();
            missing.push(format!(
                "  {image} (for {}): {}",
                users.join(", "),
                error.reason()
            ));
        }
    }
    match missing.is_empty() {
        true => Ok(()),
        false => Err(DeployError::MissingImages { missing }),
    }
}

async fn pull(connected: &ConnectedDeployment, image: &str) -> Result<(), EngineError> {
    let events = &connected.deployment.events;
    let image = image.to_owned();
    events.send(Event::Pulling {
        image: image.clone(),
    });
    let on_line = |line| {
        let image = image.clone();
        events.send(Event::PullLine { image, line });
    };
    let engine = connected.engine.as_ref();
    slipway_engine::pull(engine, &image, &on_line)
        .await
        .map(drop)
}

/// Returns every image of the role, with the containers and config volumes that use it.
pub(crate) fn image_users(deployment: &Deployment) -> BTreeMap<String, BTreeSet<String>> {
    let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut add = |image: &str, user: String| {
        users.entry(image.to_owned()).or_default().insert(user);
    };
    let role = &deployment.role;
    for step in Step::all() {
        for (name, config) in deployment.containers(step) {
            if let Some(image) = &config.keys().image {
                add(image, format!("container {name}"));
            }
        }
    }
    let tasks = role.docker_puppet_tasks.values().flatten();
    for entry in role.puppet_config.iter().chain(tasks) {
        match &entry.config_volume {
            Some(volume) if !entry.config_image.is_empty() => {
                add(&entry.config_image, format!("config volume {volume}"));
            }
            _ => {}
        }
    }
    users
}
