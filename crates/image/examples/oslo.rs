//! Reads kolla-build's configuration files, one set after another, and prints what the options
//! are worth, as JSON: what scripts/parity compares with oslo.config. Each argument is files with
//! commas between them; a line of output belongs to each.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::path::PathBuf;

use serde_json::{Map, json};
use slipway_image::config::{OPTIONS, SCHEMA, SOURCE_OPTIONS, USER_OPTIONS};
use slipway_oslo_config::{ConfigFiles, Locations, Settings, Value};

/// Defaults of Kolla 23.0.0 that values may refer to.
const OF_KOLLA: [(&str, &str, &str); 6] = [
    ("DEFAULT", "namespace", "kolla"),
    ("DEFAULT", "tag", "2026.2-rocky-10"),
    (
        "DEFAULT",
        "maintainer",
        "Kolla Project (https://launchpad.net/kolla)",
    ),
    ("DEFAULT", "openstack_branch", "stable-2026.2"),
    ("nova-base", "type", "url"),
    (
        "nova-base",
        "location",
        "$tarballs_base/openstack/nova/nova-${openstack_branch}.tar.gz",
    ),
];

fn main() {
    for argument in std::env::args().skip(1) {
        let files: Vec<PathBuf> = argument.split(',').map(PathBuf::from).collect();
        match worth(&files) {
            Ok(values) => println!("{}", serde_json::Value::from(values)),
            Err(error) => println!("{}", json!({ "error": error })),
        }
    }
}

fn worth(files: &[PathBuf]) -> Result<Map<String, serde_json::Value>, String> {
    let files = ConfigFiles::read(files, &Locations::default()).map_err(|e| e.to_string())?;
    let mut settings = Settings::new(SCHEMA, Default::default(), Default::default(), files);
    for (section, key, text) in OF_KOLLA {
        settings.set_default(section, key, text);
    }
    let mut values = Map::new();
    for (section, options) in [
        ("DEFAULT", OPTIONS),
        ("nova-base", SOURCE_OPTIONS),
        ("nova-user", USER_OPTIONS),
    ] {
        for option in options {
            let value = settings.get_in(section, &option.key());
            let value = match value.map_err(|error| error.to_string())? {
                Value::None => serde_json::Value::Null,
                Value::Text(text) => json!(text),
                Value::Bool(flag) => json!(flag),
                Value::Int(number) => json!(number),
                Value::List(items) => json!(items),
                Value::Dict(pairs) => pairs.into_iter().map(|(k, v)| (k, json!(v))).collect(),
            };
            values.insert(format!("{section}.{}", option.key()), value);
        }
    }
    Ok(values)
}
