//! What is declared: services read and merged into a role, or a role that is merged already.

use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::{Map, Value};
use slipway_service::{Role, RoleData};

use crate::cli::Services;
use crate::exit::bad_input;

/// What is in a folder that holds a merged role, one file for each part, and in no other.
const PARTS: [&str; 2] = ["docker_config.yaml", "service_names.yaml"];

/// Reads and merges the services that were asked for.
pub fn role(asked: &Services) -> anyhow::Result<RoleData> {
    if let Some(templates) = &asked.templates {
        let resolver = slipway_heat::Resolver::open_with(
            templates,
            &asked.environments,
            asked.roles.as_deref(),
        )
        .map_err(bad_input)?;
        let data = resolver
            .role(&asked.role, asked.roles.as_deref())
            .map_err(bad_input)?;
        return merged(&asked.role, templates, data);
    }
    if let [folder] = asked.services.as_slice()
        && PARTS.iter().all(|part| folder.join(part).is_file())
    {
        return merged(&asked.role, folder, parts(folder).map_err(bad_input)?);
    }
    let mut services = Vec::new();
    for path in &asked.services {
        services.extend(slipway_service::load_dir(path).map_err(bad_input)?);
    }
    Role::merge(&asked.role, services).map_err(bad_input)
}

fn merged(name: &str, path: &Path, data: Map<String, Value>) -> anyhow::Result<RoleData> {
    let text = Value::Object(data).to_string();
    RoleData::parse(name, path, &text).map_err(bad_input)
}

/// The parts of a role from their files.
fn parts(folder: &Path) -> anyhow::Result<Map<String, Value>> {
    let mut data = Map::new();
    let shown = folder.display();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {shown}"))? {
        let path = entry
            .with_context(|| format!("cannot read {shown}"))?
            .path();
        let (Some(name), Some(kind)) = (
            path.file_stem().and_then(|name| name.to_str()),
            path.extension().and_then(|kind| kind.to_str()),
        ) else {
            continue;
        };
        let read = || format!("cannot read {}", path.display());
        let value = match kind {
            "pp" => Value::String(std::fs::read_to_string(&path).with_context(read)?),
            "yaml" if !name.ends_with("_playbook") => {
                let text = std::fs::read_to_string(&path).with_context(read)?;
                serde_yaml::from_str(&text).with_context(read)?
            }
            _ => continue,
        };
        let known = data.insert(name.to_owned(), value);
        ensure!(known.is_none(), "{shown} has {name} twice");
    }
    Ok(data)
}
