//! The model of a config.json.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

/// A config.json: the command of a container, and the files to put in place before it runs.
///
/// The fields are those of Kolla 23.0.0. A missing field stays missing: the serialized config is
/// the declared one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The command line for `/run_command`. It is split into words; no shell reads it.
    #[schemars(length(min = 1))]
    pub command: String,
    /// Files and directories to copy, in this order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_files: Option<Vec<ConfigFile>>,
    /// Directories that must exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directories: Option<Vec<Created>>,
    /// Files that must exist; made empty when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<Created>>,
    /// Owners and modes to set, after everything is copied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<Permission>>,
}

/// One entry of `config_files`: a source and its destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// The source: a path or a glob.
    #[schemars(with = "schema::AbsolutePath")]
    pub source: String,
    /// The destination. With a trailing slash it is the directory that gets a copy of each source.
    #[schemars(with = "schema::AbsolutePath")]
    pub dest: String,
    /// `user` or `user:group`, by name. Needed unless `preserve_properties` is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Owner>")]
    pub owner: Option<String>,
    /// The mode. Needed unless `preserve_properties` is true.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "perm")]
    #[schemars(with = "Option<schema::Perm>")]
    pub perm: Option<String>,
    /// A missing source is not an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
    /// Keep the source's owner, mode, times and extended attributes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preserve_properties: Option<bool>,
    /// Copy into an existing `dest` instead of replacing it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<bool>,
    /// Regular expressions. A source path that matches one of them is not copied. Kolla's own
    /// script does not know this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude: Option<Vec<String>>,
    /// Take `source` literally, not as a glob. Kolla's own script does not know this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_globs: Option<bool>,
}

/// One entry of `directories` or `files`: a path that must exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Created {
    /// The path; globs are not allowed.
    #[schemars(with = "schema::AbsolutePath")]
    pub path: String,
    /// `user` or `user:group`, by name.
    #[schemars(with = "schema::Owner")]
    pub owner: String,
    /// The mode.
    #[serde(with = "required_perm")]
    #[schemars(with = "schema::Perm")]
    pub perm: String,
    /// Also set owner and mode of everything below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurse: Option<bool>,
    /// As in [`Permission::exclude`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude: Option<Vec<String>>,
}

/// One entry of `permissions`: the owner and mode of existing paths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Permission {
    /// A path or a glob. A missing path is not an error.
    #[schemars(with = "schema::AbsolutePath")]
    pub path: String,
    /// `user` or `user:group`, by name.
    #[schemars(with = "schema::Owner")]
    pub owner: String,
    /// The mode; without it only the owner is set.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "perm")]
    #[schemars(with = "Option<schema::Perm>")]
    pub perm: Option<String>,
    /// Also set everything below a directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurse: Option<bool>,
    /// Accepted without effect: a missing path is never an error here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
    /// Regular expressions. With `recurse`, a path that all of them match is left unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude: Option<Vec<String>>,
    /// Take `path` literally, not as a glob. Kolla's own script ignores this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_globs: Option<bool>,
}

/// Reads a mode as Kolla does: three or four octal digits, with or without `0o`.
///
/// ```
/// assert_eq!(slipway_kolla_config::parse_perm("0640"), Some(0o640));
/// assert_eq!(slipway_kolla_config::parse_perm("0o2755"), Some(0o2755));
/// assert_eq!(slipway_kolla_config::parse_perm("u=rw"), None);
/// ```
pub fn parse_perm(perm: &str) -> Option<u32> {
    let digits = perm.strip_prefix("0o").unwrap_or(perm);
    let octal = matches!(digits.len(), 3 | 4) && digits.bytes().all(|b| matches!(b, b'0'..=b'7'));
    octal.then(|| u32::from_str_radix(digits, 8).ok()).flatten()
}

/// Splits an owner as Kolla does: `user` and `user:` stand for `user:user`.
pub(crate) fn user_group(owner: &str) -> (&str, &str) {
    match owner.split_once(':') {
        Some((user, "")) => (user, user),
        Some((user, group)) => (user, group),
        None => (owner, owner),
    }
}

/// Reads a mode, which must be a string. Numbers are an error: YAML 1.1, for example, reads 0600 as 384.
mod required_perm {
    use std::fmt;

    use serde::de::{Deserializer, Visitor};
    use serde::ser::Serializer;

    struct Perm;

    impl Visitor<'_> for Perm {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("an octal mode in quotes, such as \"0600\"")
        }

        fn visit_str<E>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(Perm)
    }

    pub fn serialize<S: Serializer>(perm: &str, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(perm)
    }
}

mod perm {
    use serde::de::{Deserialize, Deserializer};
    use serde::ser::{Serialize, Serializer};

    #[derive(super::Deserialize)]
    struct Perm(#[serde(with = "super::required_perm")] String);

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        let perm = Option::<Perm>::deserialize(deserializer)?;
        Ok(perm.map(|perm| perm.0))
    }

    pub fn serialize<S: Serializer>(
        perm: &Option<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        perm.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_split_as_kolla_splits_them() {
        assert_eq!(user_group("glance"), ("glance", "glance"));
        assert_eq!(user_group("glance:"), ("glance", "glance"));
        assert_eq!(user_group("glance:kolla"), ("glance", "kolla"));
        assert_eq!(user_group("a:b:c"), ("a", "b:c"));
    }

    #[test]
    fn perms_are_octal_or_nothing() {
        for (text, mode) in [
            ("644", 0o644),
            ("0644", 0o644),
            ("1777", 0o1777),
            ("0o755", 0o755),
            ("0o4755", 0o4755),
        ] {
            assert_eq!(parse_perm(text), Some(mode), "{text}");
        }
        for text in ["", "64", "06440", "0x1ff", "0o", "689", " 644", "0O644"] {
            assert_eq!(parse_perm(text), None, "{text}");
        }
    }

    #[test]
    fn missing_keys_stay_missing() {
        let text =
            r#"{"command":"true","config_files":[{"source":"/a","dest":"/b","optional":false}]}"#;
        let config: Config = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&config).unwrap(), text);
    }

    #[test]
    fn a_mode_is_text_and_a_number_is_refused() {
        let with = |perm: &str| {
            let text = format!(r#"{{"path": "/a", "owner": "b", "perm": {perm}}}"#);
            serde_json::from_str::<Permission>(&text).map(|permission| permission.perm)
        };
        assert_eq!(with(r#""0600""#).unwrap().as_deref(), Some("0600"));
        assert_eq!(with("null").unwrap(), None);
        assert!(with("384").unwrap_err().to_string().contains("in quotes"));
    }

    #[test]
    fn a_mode_in_yaml_keeps_its_digits() {
        let text = "{path: /a, owner: b, perm: 0600}";
        let permission: Permission = slipway_yaml::from_str(text).unwrap();
        assert_eq!(permission.perm.as_deref(), Some("0600"));
    }
}
