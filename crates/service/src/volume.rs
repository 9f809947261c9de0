//! The name of a config volume.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// The name of a config volume: one directory under the config data prefix.
///
/// It becomes part of paths and of container names, so only what is safe in both is a name:
/// letters, digits, `_`, `.` and `-`, beginning with a letter or a digit.
///
/// ```
/// use slipway_service::ConfigVolume;
/// assert_eq!(ConfigVolume::new("nova_placement")?.as_str(), "nova_placement");
/// assert!(ConfigVolume::new("../../etc").is_err());
/// assert!(ConfigVolume::new("").is_err());
/// assert!(ConfigVolume::new("keystone\n").is_err());
/// # Ok::<(), slipway_service::NotAConfigVolume>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ConfigVolume(String);

/// An invalid name of a config volume.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} cannot name a config volume: {why}")]
pub struct NotAConfigVolume {
    name: String,
    why: &'static str,
}

/// The longest name. It leaves room for the suffixes of files and directories beside a volume.
const LONGEST: usize = 128;

impl ConfigVolume {
    /// Checks a name.
    pub fn new(name: impl Into<String>) -> Result<ConfigVolume, NotAConfigVolume> {
        let name = name.into();
        let why = if name.is_empty() {
            "it is empty"
        } else if name.len() > LONGEST {
            "it is longer than 128 characters"
        } else if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            "it must begin with a letter or a digit"
        } else if !name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
        {
            "it may hold only letters, digits, `_`, `.` and `-`"
        } else if name == "puppet-generated" {
            "the directory of that name holds the generated trees of all volumes"
        } else {
            return Ok(ConfigVolume(name));
        };
        Err(NotAConfigVolume { name, why })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConfigVolume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ConfigVolume {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ConfigVolume, D::Error> {
        ConfigVolume::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
