//! The role of a node: services merged, resolved from templates, or merged already.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use slipway_service::{Role, RoleData, Service};
use slipway_vault::KeyFiles;
use slipway_yaml::Options;

use crate::error::{DeployError, Result};

/// The source of a role, and of the hiera data over it.
#[derive(Clone, Debug)]
pub struct RoleSource {
    /// The declarations.
    pub declarations: Declarations,
    /// The role's name.
    pub role: String,
    /// Files of hiera data over that of the services; later files win.
    pub hiera: Vec<PathBuf>,
    /// The keys of hiera data that is encrypted.
    pub keys: KeyFiles,
}

/// The declarations that make up a role.
#[derive(Clone, Debug)]
pub enum Declarations {
    /// Files, directories of service definitions, or one directory of a merged role.
    Services(Vec<PathBuf>),
    /// Heat templates, which the role is resolved from.
    Templates {
        /// The templates' directory.
        directory: PathBuf,
        /// The files that they are resolved with.
        sources: slipway_heat::Sources,
    },
}

/// Files that a directory of a merged role has, and no directory of services.
const ROLE_FILES: [&str; 2] = ["docker_config.yaml", "service_names.yaml"];

/// Declarations that were read.
pub(crate) enum Loaded {
    /// Services, each by itself.
    Services(Vec<Service>),
    /// A role that is merged already.
    Merged(Box<RoleData>),
}

/// Reads the declarations and merges them into a role.
///
/// # Errors
/// Names the file and what is wrong with it.
pub fn merge_role(source: &RoleSource) -> Result<RoleData> {
    match load(source)? {
        Loaded::Services(services) => {
            Role::merge(&source.role, services).map_err(DeployError::declarations)
        }
        Loaded::Merged(role) => Ok(*role),
    }
}

/// Reads the declarations.
pub(crate) fn load(source: &RoleSource) -> Result<Loaded> {
    match &source.declarations {
        Declarations::Templates { directory, sources } => {
            let resolver = slipway_heat::Resolver::open_with(directory, sources)
                .map_err(DeployError::declarations)?;
            let data = resolver
                .role(&source.role, sources.roles.as_deref())
                .map_err(DeployError::declarations)?;
            merged(&source.role, directory, data)
        }
        Declarations::Services(paths) => match paths.as_slice() {
            [directory] if is_merged(directory) => {
                merged(&source.role, directory, read_parts(directory)?)
            }
            paths => {
                let mut services = Vec::new();
                for path in paths {
                    services.extend(
                        slipway_service::load_dir(path).map_err(DeployError::declarations)?,
                    );
                }
                Ok(Loaded::Services(services))
            }
        },
    }
}

fn is_merged(directory: &Path) -> bool {
    ROLE_FILES.iter().all(|file| directory.join(file).is_file())
}

fn merged(name: &str, path: &Path, data: Map<String, Value>) -> Result<Loaded> {
    let text = Value::Object(data).to_string();
    let role = RoleData::parse(name, path, &text).map_err(DeployError::declarations)?;
    Ok(Loaded::Merged(Box::new(role)))
}

/// Reads the parts of a merged role, a file each.
fn read_parts(directory: &Path) -> Result<Map<String, Value>> {
    let mut data = Map::new();
    for entry in std::fs::read_dir(directory).map_err(cannot_read(directory))? {
        let path = entry.map_err(cannot_read(directory))?.path();
        let (Some(name), Some(extension)) = (
            path.file_stem().and_then(|name| name.to_str()),
            path.extension().and_then(|extension| extension.to_str()),
        ) else {
            continue;
        };
        let value = match extension {
            "pp" => Value::String(read_text(&path)?),
            "yaml" if !name.ends_with("_playbook") => {
                let document = slipway_yaml::read_with(&read_text(&path)?, Options::PYYAML);
                document.map_err(cannot_read(&path))?.into_value()
            }
            _ => continue,
        };
        if data.insert(name.to_owned(), value).is_some() {
            return Err(DeployError::DuplicatePart {
                directory: directory.to_owned(),
                part: name.to_owned(),
            });
        }
    }
    Ok(data)
}

fn read_text(path: &Path) -> Result<String> {
    slipway_files::read_text(path, slipway_files::MAX_TEXT)
        .map_err(|error| cannot_read(path)(error.into_reason()))
}

fn cannot_read<E>(path: &Path) -> impl FnOnce(E) -> DeployError
where
    E: std::error::Error + Send + Sync + 'static,
{
    let path = path.to_owned();
    move |error| DeployError::Read {
        path,
        source: error.into(),
    }
}
