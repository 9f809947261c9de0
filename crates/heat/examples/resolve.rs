//! Resolves templates: `resolve DIRECTORY ENVIRONMENT TEMPLATE…`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

fn main() -> Result<(), slipway_heat::Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, environment, templates @ ..] = arguments.as_slice() else {
        eprintln!("usage: resolve DIRECTORY ENVIRONMENT TEMPLATE…");
        std::process::exit(2);
    };
    let resolver =
        slipway_heat::Resolver::open(Path::new(directory), &[PathBuf::from(environment)])?;
    let names: Vec<_> = templates.iter().map(String::as_str).collect();
    let mut resolved = Map::new();
    for (name, outputs) in resolver.resolve_all(&names) {
        match outputs {
            Ok(outputs) => {
                resolved.insert(name.to_owned(), Value::Object(outputs));
            }
            Err(error) => eprintln!("error: {error}"),
        }
    }
    println!("{}", Value::Object(resolved));
    Ok(())
}
