//! Renders one image of an upstream Kolla under each of many overrides, for comparisons with
//! kolla-build's own rendering:
//!
//! ```text
//! cargo run -p slipway-image --example fragments -- PREFIX BASE IMAGE FILE...
//! ```
//!
//! Writes one JSON object: file → `{"text": …}` or `{"error": …}`.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use slipway_image::{BuildConfig, Tree, render_image};
use slipway_kolla_release::Kolla;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().ok_or("PREFIX BASE IMAGE FILE...");
    let kolla = Arc::new(Kolla::open(argument()?)?);
    let (base, image) = (argument()?, argument()?);
    let mut options = BuildConfig::of(kolla, Some(&base))?;
    options.env = std::env::vars().collect();
    let tree = Tree::open(&options.tree, &options.docker_dirs)?;
    let mut results: BTreeMap<String, Value> = BTreeMap::new();
    for file in arguments {
        options.template_overrides = vec![PathBuf::from(&file)];
        let result = match render_image(&tree, &options, &image) {
            Ok(text) => json!({"text": text}),
            Err(error) => json!({"error": error.to_string()}),
        };
        results.insert(file, result);
    }
    println!("{}", serde_json::to_string(&results)?);
    Ok(())
}
