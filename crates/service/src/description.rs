//! The description of a service for people: its steps, its images, and its hiera keys.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{PuppetConfig, Service, Step};

/// A service, described.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// The service's name.
    pub name: String,
    /// The meaning of the service, from its metadata.
    pub description: Option<String>,
    /// The steps in which it has containers or tasks.
    pub steps: BTreeSet<Step>,
    /// The images of its containers and Puppet runs.
    pub images: BTreeSet<String>,
    /// The config volume that it generates.
    pub config_volume: Option<String>,
    /// The hiera keys that it sets or describes, by name.
    pub hiera: BTreeMap<String, HieraKey>,
}

/// A hiera key of a service.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HieraKey {
    /// The type of the value.
    #[serde(rename = "type")]
    pub kind: HieraType,
    /// The value that the service sets; a key without one must be set by the deployment.
    pub default: Option<Value>,
    /// The meaning of the key, from the service's metadata.
    pub description: Option<String>,
}

/// The type of a hiera key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HieraType {
    /// A string.
    String,
    /// A number.
    Number,
    /// true or false.
    Boolean,
    /// A list.
    List,
    /// A mapping.
    Mapping,
    /// An IP address.
    Address,
    /// A secret of letters and digits.
    Password,
    /// A secret of 32 bytes in URL-safe base64.
    FernetKey,
}

impl HieraType {
    /// Returns the name, as metadata has it.
    pub fn name(self) -> &'static str {
        match self {
            HieraType::String => "string",
            HieraType::Number => "number",
            HieraType::Boolean => "boolean",
            HieraType::List => "list",
            HieraType::Mapping => "mapping",
            HieraType::Address => "address",
            HieraType::Password => "password",
            HieraType::FernetKey => "fernet_key",
        }
    }

    /// Returns the type of a value.
    fn of(value: &Value) -> HieraType {
        match value {
            Value::Null | Value::String(_) => HieraType::String,
            Value::Bool(_) => HieraType::Boolean,
            Value::Number(_) => HieraType::Number,
            Value::Array(_) => HieraType::List,
            Value::Object(_) => HieraType::Mapping,
        }
    }
}

/// A key in `metadata.hiera`.
#[derive(Deserialize)]
struct Documented {
    #[serde(rename = "type")]
    kind: HieraType,
    description: Option<String>,
}

impl Service {
    /// Describes the service. Its `metadata` may have a `description`, and under `hiera` a type and a
    /// description of each key.
    ///
    /// ```
    /// use slipway_service::{HieraType, Service};
    ///
    /// let service = Service::parse("a.yaml".as_ref(), "
    /// service_name: a
    /// config_settings: {a::workers: 2}
    /// metadata:
    ///   description: An example
    ///   hiera:
    ///     a_password: {type: password, description: Password of a}
    /// ")?;
    /// let description = service.describe();
    /// assert_eq!(description.hiera["a::workers"].kind, HieraType::Number);
    /// assert_eq!(description.hiera["a_password"].default, None);
    /// # Ok::<(), slipway_service::ServiceError>(())
    /// ```
    pub fn describe(&self) -> Description {
        Description {
            name: self.service_name.clone(),
            description: self.metadata["description"].as_str().map(str::to_owned),
            steps: self.steps(),
            images: self.images(),
            config_volume: self
                .puppet_config
                .as_ref()
                .and_then(|entry| entry.config_volume.as_ref())
                .map(ToString::to_string),
            hiera: self.hiera_keys(),
        }
    }

    fn steps(&self) -> BTreeSet<Step> {
        let containers = self.docker_config.iter();
        let containers = containers.filter(|(_, containers)| !containers.0.is_empty());
        let tasks = self.docker_puppet_tasks.iter();
        let tasks = tasks.filter(|(_, tasks)| !tasks.is_empty());
        let steps = containers.map(|(step, _)| *step);
        steps.chain(tasks.map(|(step, _)| *step)).collect()
    }

    fn images(&self) -> BTreeSet<String> {
        let containers = self.docker_config.values().flat_map(|step| step.0.values());
        let containers = containers.filter_map(|container| container.keys().image.clone());
        let tasks = self.docker_puppet_tasks.values().flatten();
        let runs: Vec<&PuppetConfig> = self.puppet_config.iter().chain(tasks).collect();
        let runs = runs.into_iter().map(|run| run.config_image.clone());
        containers
            .chain(runs)
            .filter(|image| !image.is_empty())
            .collect()
    }

    fn hiera_keys(&self) -> BTreeMap<String, HieraKey> {
        let settings = self.config_settings.iter().map(|(key, value)| {
            let hiera = HieraKey {
                kind: HieraType::of(value),
                default: Some(value.clone()),
                description: None,
            };
            (key.clone(), hiera)
        });
        let mut keys: BTreeMap<String, HieraKey> = settings.collect();
        let documented = self.metadata["hiera"].as_object().into_iter().flatten();
        for (key, value) in documented {
            // metadata is free-form: what has another form there is no description.
            let Ok(documented) = Documented::deserialize(value) else {
                continue;
            };
            let default = keys.remove(key).and_then(|set| set.default);
            let hiera = HieraKey {
                kind: documented.kind,
                default,
                description: documented.description,
            };
            keys.insert(key.clone(), hiera);
        }
        keys
    }
}
