//! A container's configuration as it was written.

use serde::{Deserialize, Serialize};

/// How one container is made: the keys a service definition gives it.
#[derive(Clone, PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct ContainerConfig(pub serde_json::Map<String, serde_json::Value>);
