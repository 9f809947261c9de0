//! The service definitions, as text and as data.

use std::path::{Path, PathBuf};

use slipway_service::{Role, RoleData, Service, definition_files};

use crate::error::{Error, Result};
use crate::site::reading;

/// Service definitions, in the order in which they are merged.
#[derive(Debug)]
pub struct Definitions(Vec<Definition>);

/// One definition.
#[derive(Debug)]
pub(super) struct Definition {
    service: Service,
    text: String,
}

impl Definition {
    /// The service's name.
    pub(super) fn name(&self) -> &str {
        &self.service.service_name
    }

    /// The definition as it is written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

impl Definitions {
    /// Reads files, and the `*.yaml` and `*.yml` files of directories, sorted by name.
    ///
    /// # Errors
    /// A file cannot be read, or is no definition.
    pub fn read(paths: &[PathBuf]) -> Result<Self> {
        let mut definitions: Vec<Definition> = Vec::new();
        for path in paths {
            let files = definition_files(path).map_err(|source| reading(path, source))?;
            for file in files {
                let text =
                    slipway_files::read_input(&file).map_err(|source| reading(&file, source))?;
                let service = Service::parse(&file, &text)?;
                check_name(&file, &service.service_name)?;
                definitions.push(Definition { service, text });
            }
        }
        Ok(Self(definitions))
    }

    /// Returns the definitions of a role: those with these names, in the order of the definitions, or all.
    pub(super) fn of_role(&self, role: &str, names: Option<&[String]>) -> Result<Vec<&Definition>> {
        let Some(names) = names else {
            return Ok(self.0.iter().collect());
        };
        let is_known = |name: &&String| self.0.iter().any(|known| known.name() == *name);
        if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
            return Err(Error::UnknownService {
                role: role.to_owned(),
                service: unknown.clone(),
            });
        }
        let is_chosen =
            |definition: &&Definition| names.iter().any(|name| name == definition.name());
        Ok(self.0.iter().filter(is_chosen).collect())
    }
}

/// Merges definitions into a role.
pub(super) fn merge(role: &str, definitions: &[&Definition]) -> Result<RoleData> {
    let services = definitions.iter();
    let services = services.map(|definition| definition.service.clone());
    Ok(Role::merge(role, services.collect())?)
}

/// Checks that a service's name can name its file.
fn check_name(path: &Path, name: &str) -> Result<()> {
    match name.contains('/') || name.starts_with('.') {
        false => Ok(()),
        true => Err(Error::Definition {
            path: path.to_owned(),
            reason: format!("service_name: {name}: a name of a file is expected, without /"),
        }),
    }
}
