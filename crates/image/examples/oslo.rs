//! Reads kolla-build's configuration files, one set after another, with the options of the Kolla at
//! `SLIPWAY_KOLLA`, and prints the values of the options as JSON: `scripts/parity` compares them with
//! oslo.config's. Each argument is files separated by commas; a line of output belongs to each.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, json};
use slipway_image::config::{
    Configuration, OPTIONS, Request, SOURCE_OPTIONS, USER_OPTIONS, Unknown,
};
use slipway_kolla_release::Kolla;
use slipway_oslo_config::{ConfigFiles, Locations, Value};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kolla = std::env::var_os("SLIPWAY_KOLLA").ok_or("set SLIPWAY_KOLLA")?;
    let kolla = Arc::new(Kolla::open(kolla)?);
    for argument in std::env::args().skip(1) {
        let files: Vec<PathBuf> = argument.split(',').map(PathBuf::from).collect();
        match values(&files, &kolla) {
            Ok(values) => println!("{}", serde_json::Value::from(values)),
            Err(error) => println!("{}", json!({ "error": error })),
        }
    }
    Ok(())
}

fn values(files: &[PathBuf], kolla: &Arc<Kolla>) -> Result<Map<String, serde_json::Value>, String> {
    let request = Request {
        files: ConfigFiles::read(files, &Locations::default()).map_err(|e| e.to_string())?,
        kolla: Some(Arc::clone(kolla)),
        unknown: Unknown::PassedOver,
        ..Request::default()
    };
    let configuration = Configuration::load(request).map_err(|error| error.to_string())?;
    let settings = configuration.settings();
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
