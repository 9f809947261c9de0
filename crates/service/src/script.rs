//! Scripts on the host, which a service's containers mount.

use std::fmt;

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::lenient;

/// Scripts by the name of their file.
pub type Scripts = IndexMap<ScriptName, Script>;

/// A script, or another file that containers mount.
///
/// ```
/// let script: slipway_service::Script = slipway_yaml::from_str("content: '#!/bin/sh'\nmode: '0700'")?;
/// assert_eq!(script.mode, 0o700);
/// assert!(slipway_yaml::from_str::<slipway_service::Script>("content: ''\nmode: u+x").is_err());
/// # Ok::<(), slipway_yaml::Error>(())
/// ```
///
/// `Debug` does not show the text: it may hold passwords.
#[derive(Clone, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields, expecting = "a script (a mapping)")]
pub struct Script {
    /// The text.
    #[serde(deserialize_with = "lenient::or_default")]
    pub content: String,
    /// The file mode; 0600 if it is missing.
    #[serde(
        default = "private",
        deserialize_with = "mode",
        serialize_with = "octal"
    )]
    pub mode: u32,
}

/// The name of a script's file, which is directly in the scripts' directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ScriptName(String);

impl ScriptName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for ScriptName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if matches!(name.as_str(), "" | "." | "..") || name.contains(['/', '\0']) {
            let message = format!("{name:?} cannot name a script: it must be a file's name alone");
            return Err(serde::de::Error::custom(message));
        }
        Ok(ScriptName(name))
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("mode", &format_args!("{:04o}", self.mode))
            .finish_non_exhaustive()
    }
}

fn private() -> u32 {
    0o600
}

/// Reads octal digits as a string, as service definitions have them, or their number.
fn mode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "octal digits as a text, such as '0700'")]
    enum Mode {
        Digits(String),
        Number(u32),
        Nothing(()),
    }
    let wrong = || serde::de::Error::custom("must be octal digits as a text, such as '0700'");
    let mode = match Mode::deserialize(deserializer)? {
        Mode::Digits(digits) if digits.is_empty() => private(),
        Mode::Digits(digits) => u32::from_str_radix(&digits, 8).map_err(|_| wrong())?,
        Mode::Number(0) | Mode::Nothing(()) => private(),
        Mode::Number(bits) => bits,
    };
    if mode > 0o7777 {
        return Err(wrong());
    }
    Ok(mode)
}

fn octal<S: Serializer>(mode: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{mode:04o}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_as_ansible_reads_them() {
        let mode = |text: &str| {
            slipway_yaml::from_str::<Script>(&format!("{{content: x, mode: {text}}}"))
                .map(|script| script.mode)
                .map_err(|error| error.to_string())
        };
        for (text, expected) in [
            ("'0700'", 0o700),
            ("'755'", 0o755),
            ("0644", 0o644),
            ("448", 0o700),
            ("null", 0o600),
            ("''", 0o600),
        ] {
            assert_eq!(mode(text), Ok(expected), "{text}");
        }
        for text in ["u+x", "'0800'", "'77777'", "[7]", "-1", "true"] {
            assert!(mode(text).unwrap_err().contains("such as '0700'"), "{text}");
        }
        assert_eq!(
            slipway_yaml::from_str::<Script>("content:").unwrap().mode,
            0o600
        );
    }

    #[test]
    fn names_stay_in_their_directory() {
        for name in ["../../etc/shadow", "a/b", "..", ".", ""] {
            let text = format!("{name:?}: {{content: x}}");
            let error = slipway_yaml::from_str::<Scripts>(&text).unwrap_err();
            assert!(error.to_string().contains("a file's name alone"), "{name}");
        }
    }

    #[test]
    fn debug_shows_no_text() {
        let script: Script = slipway_yaml::from_str("content: secret").unwrap();
        assert_eq!(format!("{script:?}"), "Script { mode: 0600, .. }");
    }
}
