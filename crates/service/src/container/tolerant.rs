//! Configurations as paunch reads them: keys that it does not know have no effect.

use std::path::Path;

use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::{Map, Value};
use slipway_yaml::Step;

use super::ContainerConfig;
use super::keys::{HEALTHCHECK_KEYS, Key};
use super::read::ConfigVisitor;
use crate::error::ServiceError;
use crate::load::{Source, key, unreadable};

/// The treatment of keys that no container configuration has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownKeys {
    /// An unknown key is an error.
    #[default]
    Refused,
    /// An unknown key has no effect. It stays in the declaration, which the container's label records.
    PassedOver,
}

/// Configurations, and the unknown keys that they hold.
#[derive(Debug)]
pub struct Tolerated<T> {
    /// The configurations.
    pub value: T,
    /// One error for each unknown key, with its place and the nearest known name. Empty where unknown
    /// keys are refused.
    pub unknown_keys: Vec<ServiceError>,
}

impl ContainerConfig {
    /// Reads one container's configuration from YAML or JSON.
    ///
    /// # Errors
    /// Names file, line and key.
    pub fn parse_with(
        path: &Path,
        text: &str,
        unknown: UnknownKeys,
    ) -> crate::Result<Tolerated<ContainerConfig>> {
        let source = Source::read(path, text)?;
        let value = match unknown {
            UnknownKeys::Refused => source.parse()?,
            UnknownKeys::PassedOver => source.parse::<Tolerant>()?.0,
        };
        let unknown_keys = unknown_keys(&source, &[], &value);
        Ok(Tolerated {
            value,
            unknown_keys,
        })
    }

    /// Reads configurations by container name from YAML or JSON.
    ///
    /// # Errors
    /// Names file, line, container and key.
    pub fn parse_all_with(
        path: &Path,
        text: &str,
        unknown: UnknownKeys,
    ) -> crate::Result<Tolerated<IndexMap<String, ContainerConfig>>> {
        let source = Source::read(path, text)?;
        let all = match unknown {
            UnknownKeys::Refused => {
                let all: Option<crate::Containers> = source.parse()?;
                all.map(|all| all.0)
            }
            UnknownKeys::PassedOver => {
                let all: Option<IndexMap<String, Tolerant>> = source.parse()?;
                all.map(|all| {
                    let configs = all.into_iter().map(|(name, config)| (name, config.0));
                    configs.collect()
                })
            }
        };
        let nothing = || {
            // A truncated file would delete every container.
            let message = "nothing in it; an empty set is written {}".to_owned();
            unreadable(path, None, message)
        };
        let value: IndexMap<String, ContainerConfig> = all.ok_or_else(nothing)?;
        let unknown_keys = value
            .iter()
            .flat_map(|(name, config)| unknown_keys(&source, &[key(name)], config))
            .collect();
        Ok(Tolerated {
            value,
            unknown_keys,
        })
    }
}

/// A configuration that may have unknown keys.
struct Tolerant(ContainerConfig);

impl<'de> Deserialize<'de> for Tolerant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tolerant, D::Error> {
        let visitor = ConfigVisitor {
            unknown: UnknownKeys::PassedOver,
        };
        deserializer.deserialize_map(visitor).map(Tolerant)
    }
}

/// Returns the part of a key's value that has an effect, if any.
pub(super) fn effective(unknown: UnknownKeys, key: &str, value: &Value) -> Option<Value> {
    match (unknown, Key::by_name(key), value) {
        (UnknownKeys::Refused, ..) => Some(value.clone()),
        (UnknownKeys::PassedOver, None, _) => None,
        (UnknownKeys::PassedOver, Some(Key::Healthcheck), Value::Object(checks)) => {
            let known = checks.iter().filter(|(key, _)| is_of_healthcheck(key));
            let known = known.map(|(key, value)| (key.clone(), value.clone()));
            Some(Value::Object(known.collect::<Map<_, _>>()))
        }
        (UnknownKeys::PassedOver, Some(_), _) => Some(value.clone()),
    }
}

fn is_of_healthcheck(key: &str) -> bool {
    HEALTHCHECK_KEYS.contains(&key)
}

/// Returns an error for each unknown key of a configuration at this path of its file.
fn unknown_keys(source: &Source, path: &[Step], config: &ContainerConfig) -> Vec<ServiceError> {
    let at = |keys: &[&str]| -> Vec<Step> {
        let keys = keys.iter().copied().map(key);
        path.iter().cloned().chain(keys).collect()
    };
    let declared = config.declared();
    let own = declared.keys().filter(|name| Key::by_name(name).is_none());
    let own = own.map(|name| {
        let known = Key::ALL.iter().map(|key| key.name());
        source.unknown_key(&at(&[name]), name, known)
    });
    let health = Key::Healthcheck.name();
    let checks = declared.get(health).and_then(Value::as_object);
    let checks = checks.into_iter().flat_map(Map::keys);
    let checks = checks
        .filter(|name| !is_of_healthcheck(name))
        .map(|name| source.unknown_key(&at(&[health, name]), name, HEALTHCHECK_KEYS));
    own.chain(checks).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a:\n  image: i\n  enviroment: [A=1]\n  x: {y: 1}\n\
                        \x20 healthcheck: {test: t, intervall: 3}\nb:\n  image: j\n";

    #[test]
    fn unknown_keys_are_kept_and_named() {
        let read =
            ContainerConfig::parse_all_with(Path::new("s.yaml"), TEXT, UnknownKeys::PassedOver);
        let read = read.unwrap();
        let a = &read.value["a"];
        assert!(a.keys().environment.is_empty());
        assert_eq!(a.keys().healthcheck.as_ref().unwrap().test.len(), 2);
        assert_eq!(
            a.config_data(),
            r#"{"image": "i", "enviroment": ["A=1"], "x": {"y": 1}, "healthcheck": {"test": "t", "intervall": 3}}"#
        );
        let named: Vec<String> = read.unknown_keys.iter().map(ToString::to_string).collect();
        assert_eq!(
            named,
            [
                "s.yaml:3:3: a.enviroment: unknown key; did you mean `environment`?",
                "s.yaml:4:3: a.x: unknown key",
                "s.yaml:5:26: a.healthcheck.intervall: unknown key; did you mean `interval`?",
            ]
        );
        let one = "image: i\nimag: j\n";
        let one = ContainerConfig::parse_with(Path::new("o"), one, UnknownKeys::PassedOver);
        assert_eq!(one.unwrap().unknown_keys.len(), 1);
    }

    #[test]
    fn invalid_values_of_known_keys_are_errors_all_the_same() {
        let text = "a:\n  image: i\n  tty: 4\n";
        for unknown in [UnknownKeys::Refused, UnknownKeys::PassedOver] {
            let read = ContainerConfig::parse_all_with(Path::new("s.yaml"), text, unknown);
            let error = read.unwrap_err().to_string();
            assert!(error.starts_with("s.yaml:3:"), "{error}");
        }
        let read = ContainerConfig::parse_all_with(Path::new("s"), TEXT, UnknownKeys::Refused);
        assert!(read.is_err());
    }

    #[test]
    fn the_keys_of_a_healthcheck_are_those_that_it_reads() {
        for name in HEALTHCHECK_KEYS {
            let text = format!("image: i\nhealthcheck: {{{name}: 1}}\n");
            let text = text.replace("test: 1", "test: t");
            ContainerConfig::parse(Path::new("c"), &text).unwrap();
        }
    }
}
