//! Reads a container's configuration, key by key.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::{ContainerConfig, ContainerKeys, UnknownKeys, tolerant, values};

impl<'de> Deserialize<'de> for ContainerConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let unknown = UnknownKeys::Refused;
        deserializer.deserialize_map(ConfigVisitor { unknown })
    }
}

/// Reads a container's configuration from a mapping.
pub(super) struct ConfigVisitor {
    pub(super) unknown: UnknownKeys,
}

impl<'de> Visitor<'de> for ConfigVisitor {
    type Value = ContainerConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a container's configuration (a mapping)")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ContainerConfig, A::Error> {
        let mut declared = Map::new();
        let mut effective = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            // Checked while the reader is still at this key, so that its error has the key's place.
            let (value, part) = map.next_value_seed(Checked {
                key: &key,
                unknown: self.unknown,
            })?;
            effective.extend(part.map(|part| (key.clone(), part)));
            declared.insert(key, value);
        }
        let keys: ContainerKeys =
            serde_json::from_value(Value::Object(effective)).map_err(de::Error::custom)?;
        keys.check().map_err(de::Error::custom)?;
        Ok(ContainerConfig { declared, keys })
    }
}

/// Reads one key's value, and the part of it that has an effect, and checks that part.
struct Checked<'a> {
    key: &'a str,
    unknown: UnknownKeys,
}

impl<'de> DeserializeSeed<'de> for Checked<'_> {
    type Value = (Value, Option<Value>);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if values::has_nul(&value) {
            return Err(de::Error::custom("a NUL character is in it"));
        }
        let Some(part) = tolerant::effective(self.unknown, self.key, &value) else {
            return Ok((value, None));
        };
        let alone = Value::Object(Map::from_iter([(self.key.to_owned(), part.clone())]));
        match serde_json::from_value::<ContainerKeys>(alone) {
            Ok(_) => Ok((value, Some(part))),
            Err(why) => Err(de::Error::custom(why)),
        }
    }
}
