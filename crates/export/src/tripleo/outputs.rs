//! The outputs of a plan that config-download reads.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::OVERCLOUD;
use crate::error::{Error, Result};

/// The network on which Ansible reaches the servers.
pub(super) const HOST_NETWORK: &str = "ctlplane";

static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);

/// The outputs of a plan.
pub(super) struct Outputs<'a>(&'a Map<String, Value>);

/// A server of a plan.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) role: String,
}

impl<'a> Outputs<'a> {
    pub(super) fn new(outputs: &'a Map<String, Value>) -> Self {
        Self(outputs)
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Returns an output that is a map; a missing output is an empty one.
    pub(super) fn map(&self, name: &str) -> Result<&'a Map<String, Value>> {
        match self.get(name) {
            None => Ok(&EMPTY),
            Some(Value::Object(map)) => Ok(map),
            Some(_) => Err(wrong(name, "expected a map")),
        }
    }

    /// Returns the short names of a role's servers, in their order.
    pub(super) fn host_names(&self, hostnames: &Value) -> Vec<String> {
        let names = hostnames.get(HOST_NETWORK).and_then(Value::as_array);
        let names = names.into_iter().flatten().filter_map(Value::as_str);
        let infix = format!(".{HOST_NETWORK}.");
        names
            .map(|name| name.split(&infix).next().unwrap_or(name).to_lowercase())
            .collect()
    }

    /// Returns the ids of the servers, by role.
    pub(super) fn server_ids(&self) -> Result<&'a Map<String, Value>> {
        let data = self.map("ServerIdData")?;
        match data.get("server_ids") {
            Some(Value::Object(ids)) => Ok(ids),
            _ => Ok(&EMPTY),
        }
    }

    /// Returns the servers by id.
    pub(super) fn servers(&self) -> Result<IndexMap<String, Server>> {
        let ids = self.server_ids()?;
        let mut servers = IndexMap::new();
        for (role, hostnames) in self.map("RoleNetHostnameMap")? {
            let ids = ids.get(role).and_then(Value::as_array);
            let ids = ids.into_iter().flatten().filter_map(Value::as_str);
            for (name, id) in self.host_names(hostnames).into_iter().zip(ids) {
                let role = role.clone();
                servers.insert(id.to_owned(), Server { name, role });
            }
        }
        Ok(servers)
    }
}

pub(super) fn wrong(output: &str, reason: &str) -> Error {
    Error::Output {
        template: OVERCLOUD.to_owned(),
        output: output.to_owned(),
        reason: reason.to_owned(),
    }
}
