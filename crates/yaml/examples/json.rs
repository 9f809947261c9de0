//! Prints YAML documents as JSON, one a line: `cargo run --example json -- FILE...`. An error is
//! printed as a string that begins with `error: `. It reads as PyYAML does.

#![allow(clippy::print_stdout)] // It is a program.

fn main() {
    for path in std::env::args().skip(1) {
        println!("{}", document(&path));
    }
}

fn document(path: &str) -> serde_json::Value {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return format!("error: {error}").into(),
    };
    match slipway_yaml::read_with(&text, slipway_yaml::Options::PYYAML) {
        Ok(document) => document.into_value(),
        Err(error) => format!("error: {error}").into(),
    }
}
