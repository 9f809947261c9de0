//! What is declared: services read and merged into a role.

use service::{Role, RoleData};

use crate::cli::Services;
use crate::exit::bad_input;

/// Reads and merges the services that were asked for.
pub fn role(asked: &Services) -> anyhow::Result<RoleData> {
    let mut services = Vec::new();
    for path in &asked.services {
        services.extend(service::load_dir(path).map_err(bad_input)?);
    }
    Role::merge(&asked.role, services).map_err(bad_input)
}
