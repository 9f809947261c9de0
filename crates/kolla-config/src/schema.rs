//! The model as JSON Schema, for editors and other tools that write config.json.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;
use std::borrow::Cow;

/// Returns the JSON Schema of a config.json, which is generated from the model.
/// `docs/reference/config.schema.json` is a copy.
///
/// ```
/// let schema = slipway_kolla_config::schema();
/// assert_eq!(schema["required"], serde_json::json!(["command"]));
/// ```
pub fn schema() -> Value {
    let mut schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<crate::Config>();
    schema.insert(
        "title".to_owned(),
        "config.json of a Kolla container".into(),
    );
    schema.to_value()
}

/// A string of a certain form.
macro_rules! text {
    ($(#[doc = $doc:literal])+ $name:ident, $pattern:literal, $description:literal) => {
        $(#[doc = $doc])+
        pub(crate) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "pattern": $pattern, "description": $description})
            }
        }
    };
}

text!(
    /// A mode that [`crate::parse_perm`] accepts.
    Perm,
    "^(0o)?[0-7]{3,4}$",
    "Three or four octal digits, 0o in front or not."
);
text!(
    /// A path that the checks accept.
    AbsolutePath,
    "^/",
    "An absolute path."
);
text!(
    /// An owner that the checks accept.
    Owner,
    "^[^:]+(:[^:]*)?$",
    "user or user:group, by name."
);

#[cfg(test)]
mod tests {
    use super::*;
    use regex_lite::Regex;

    /// The published copy is that of the model.
    #[test]
    fn the_published_schema_is_the_models() {
        let published = include_str!("../../../docs/reference/config.schema.json");
        assert_eq!(
            format!("{:#}\n", schema()),
            published,
            "write it anew: slipway kolla-config schema > docs/reference/config.schema.json"
        );
    }

    fn pattern(name: &str) -> Regex {
        Regex::new(schema()["$defs"][name]["pattern"].as_str().unwrap()).unwrap()
    }

    proptest::proptest! {
        #[test]
        fn a_mode_by_the_schema_is_one_to_the_model(perm in "(0o|0O)?[0-9a ]{0,5}") {
            let read = crate::parse_perm(&perm).is_some();
            proptest::prop_assert_eq!(pattern("Perm").is_match(&perm), read);
        }

        #[test]
        fn an_owner_by_the_schema_is_one_to_the_checks(owner in "[a:]{0,5}") {
            let entry = serde_json::json!({"path": "/a", "owner": owner});
            let config = serde_json::json!({"command": "true", "permissions": [entry]});
            let config: crate::Config = serde_json::from_value(config).unwrap();
            let fine = crate::check(&config).is_empty();
            proptest::prop_assert_eq!(pattern("Owner").is_match(&owner), fine, "{}", owner);
        }
    }
}
