//! The needs of a deployment: images and ports.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use slipway_engine::Engine;
use slipway_puppet::Hieradata;
use slipway_service::RoleData;

use crate::host::Host;
use crate::report::Check;
use crate::{images, machine, ports};

/// The images and ports that a deployment's declarations need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The images that generate configuration with Puppet.
    pub config_images: BTreeSet<String>,
    /// All images.
    pub images: BTreeSet<String>,
    /// The ports, and the hiera key or the container that names each.
    pub ports: BTreeMap<u16, String>,
    /// A service has a manifest for the host.
    pub has_host_manifest: bool,
}

impl Needs {
    /// Returns the needs of a role. Hiera data of the deployment wins over that of the services.
    pub fn of(role: &RoleData, hiera: &Hieradata) -> Needs {
        let entries = role.puppet_config.iter();
        let tasks = role.docker_puppet_tasks.values().flatten();
        let config_images: BTreeSet<String> = entries
            .chain(tasks)
            .map(|entry| entry.config_image.clone())
            .filter(|image| !image.is_empty())
            .collect();
        let mut images = config_images.clone();
        let mut ports = BTreeMap::new();
        for containers in role.docker_config.values() {
            for (name, config) in &containers.0 {
                let keys = config.keys();
                images.extend(keys.image.clone());
                let published = keys.ports.iter().filter_map(|port| port.host);
                ports.extend(published.map(|port| (port, format!("the container {name}"))));
            }
        }
        for (key, value) in &role.hiera() {
            let value = hiera.get(key).unwrap_or(value);
            add_ports(key, key, value, &mut ports);
        }
        Needs {
            config_images,
            images,
            ports,
            has_host_manifest: !role.step_config.trim().is_empty(),
        }
    }
}

/// Adds the ports of a hiera key: numbers whose own key is or ends in `port`.
fn add_ports(top: &str, key: &str, value: &Value, ports: &mut BTreeMap<u16, String>) {
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(inner, value)| add_ports(top, inner, value, ports)),
        Value::Number(_) | Value::String(_) if names_port(key) => {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            if let Ok(port @ 1..) = text.parse::<u16>() {
                ports.insert(port, top.to_owned());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {}
    }
}

fn names_port(key: &str) -> bool {
    let last = key.rsplit("::").next().unwrap_or(key);
    last == "port" || last.ends_with("_port")
}

/// Checks what a deployment needs of the machine and the engine.
pub async fn check_needs(host: &Host, engine: &Arc<dyn Engine>, needs: &Needs) -> Vec<Check> {
    let mut checks = images::puppet(engine, &needs.config_images).await;
    checks.push(images::registries(&needs.images).await);
    if engine.info().is_local() {
        checks.push(ports::check(host, &needs.ports));
        if needs.has_host_manifest {
            checks.push(machine::host_puppet(host));
        }
    }
    checks
}
