//! A container's configuration as it was declared.
//!
//! The keys and what they mean are those of paunch 7.0.4 with docker. The declaration itself is
//! kept too, in its order and its forms, because a running container's label records it and a later
//! run compares the two.
//!
//! Differences from paunch:
//!
//! * A key that is not known, or whose value is of the wrong type, is an error. paunch ignores it,
//!   or docker fails half-way. Called as paunch, Slipway warns of unknown keys and continues
//!   ([`UnknownKeys::PassedOver`]).
//! * `stop_grace_period` may be a text such as `1m30s`; paunch hands docker a fraction, which it
//!   refuses. Times of a healthcheck may be plain seconds.
//! * The strings `"true"` and `"false"`, which Heat makes of booleans, are booleans; paunch
//!   takes any text that is not empty for true.
//! * `start_order` and `exit_codes` may be written as strings or as numbers with a zero fraction
//!   (`"1"`, `1.0`); paunch compares strings with numbers, and never finds them equal.
//! * Podman runs a healthcheck as the container's user. paunch had systemd run it, as root.
//! * `pids_limit` counts, and a healthcheck has `start_period`; paunch has the one for podman only
//!   and not the other. A healthcheck's `test` may be a list in the engine's form.
//! * Of what paunch left to do, these keys of Compose's first version count: `cgroup_parent`,
//!   `cpu_quota`, `devices`, `dns`, `dns_search`, `domainname`, `entrypoint`, `expose`, `labels`,
//!   `log_driver`, `log_opt`, `mem_reservation`, `ports`, `read_only`, `shm_size`,
//!   `stdin_open`, `ulimits` and `working_dir`; and of later ones `init`, `sysctls` and `tmpfs`.
//!   paunch records them and does nothing about them.
//! * `depends_on` and `systemd_exec_flags` are for the units of containers that systemd starts.
//!   `check_interval` is accepted and recorded, and changes nothing: the healthcheck has an interval.
//!   So is a `test` that stands outside of a healthcheck, as TripleO 8 has one.

use std::fmt;
use std::path::Path;

use indexmap::IndexMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

mod compose;
mod host_paths;
mod keys;
mod read;
mod tolerant;
mod values;

pub use compose::{Device, Port, PublishedPort};
pub use keys::{Action, ContainerKeys, Healthcheck, Key};
pub use tolerant::{Tolerated, UnknownKeys};
pub use values::{Command, EnvVar, RestartPolicy, Ulimit, VolumeMount};

/// The configuration of one container: checked keys, and the declaration that they come from.
///
/// ```
/// use slipway_service::ContainerConfig;
///
/// let mut keystone: ContainerConfig = serde_json::from_str(r#"{
///     "image": "kolla/keystone:1",
///     "net": "host",
///     "volumes": ["/var/lib/kolla:/var/lib/kolla:ro"],
///     "environment": ["KOLLA_CONFIG_STRATEGY=COPY_ALWAYS"]
/// }"#)?;
/// keystone.relocate(|path| Ok::<_, std::convert::Infallible>(format!("/try{path}"))).unwrap();
/// keystone.set_env("TRIPLEO_CONFIG_HASH", "12ab");
///
/// assert_eq!(keystone.keys().volumes[0].source.as_deref(), Some("/try/var/lib/kolla"));
/// assert_eq!(keystone.declared()["environment"][1], "TRIPLEO_CONFIG_HASH=12ab");
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// `Debug` shows the image and the names of the keys: environment and commands carry passwords.
#[derive(Clone, PartialEq)]
pub struct ContainerConfig {
    declared: Map<String, Value>,
    keys: ContainerKeys,
}

impl ContainerConfig {
    /// Checks a declaration.
    ///
    /// # Errors
    /// Names the key and what is wrong with it.
    pub fn new(declared: Map<String, Value>) -> Result<ContainerConfig, serde_json::Error> {
        serde_json::from_value(Value::Object(declared))
    }

    /// Reads one container's configuration from YAML or JSON.
    ///
    /// # Errors
    /// Names file, line and key.
    pub fn parse(path: &Path, text: &str) -> crate::Result<ContainerConfig> {
        Ok(ContainerConfig::parse_with(path, text, UnknownKeys::Refused)?.value)
    }

    /// Reads configurations by container name from YAML or JSON.
    ///
    /// # Errors
    /// Names file, line, container and key.
    pub fn parse_all(path: &Path, text: &str) -> crate::Result<IndexMap<String, ContainerConfig>> {
        Ok(ContainerConfig::parse_all_with(path, text, UnknownKeys::Refused)?.value)
    }

    /// The checked keys.
    pub fn keys(&self) -> &ContainerKeys {
        &self.keys
    }

    /// The declaration, in its order.
    pub fn declared(&self) -> &Map<String, Value> {
        &self.declared
    }

    /// The declaration as text for the `config_data` label, byte for byte what Python's
    /// `json.dumps` writes, which is what paunch puts there.
    pub fn config_data(&self) -> String {
        slipway_pyvalue::json::dumps(&Value::Object(self.declared.clone()))
    }

    /// Sets an environment variable, in the form in which the environment is declared.
    pub fn set_env(&mut self, name: &str, value: &str) {
        let declared = self
            .declared
            .entry("environment")
            .or_insert_with(|| Value::Array(Vec::new()));
        if declared.is_null() {
            *declared = Value::Array(Vec::new());
        }
        match declared {
            Value::Object(map) => {
                map.insert(name.to_owned(), Value::from(value));
            }
            Value::Array(list) => {
                list.retain(|item| {
                    item.as_str()
                        .is_none_or(|text| values::env_name(text) != name)
                });
                list.push(Value::from(format!("{name}={value}")));
            }
            _ => {}
        }
        let environment = &mut self.keys.environment;
        environment.retain(|variable| variable.name != name);
        environment.push(EnvVar {
            name: name.to_owned(),
            value: Some(value.to_owned()),
        });
        if self
            .declared
            .get("environment")
            .is_some_and(Value::is_object)
        {
            self.keys.environment.sort_by(|a, b| a.name.cmp(&b.name));
        }
    }
}

impl Serialize for ContainerConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.declared.serialize(serializer)
    }
}

impl fmt::Debug for ContainerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&String> = self.declared.keys().collect();
        f.debug_struct("ContainerConfig")
            .field("image", &self.keys.image)
            .field("declares", &keys)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
