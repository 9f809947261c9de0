//! Renders many templates with the same data, for comparisons with Jinja2 itself:
//!
//! ```text
//! cargo run -p slipway-jinja --example render -- DATA.json <TEMPLATES.json
//! ```
//!
//! Reads a JSON object of templates from standard input; writes name → `{"text": …}` or
//! `{"error": …}`.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::collections::BTreeMap;

use minijinja::{Environment, Value};
use serde_json::json;

fn data(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Array(items) => slipway_jinja::list(items.iter().map(data).collect()),
        serde_json::Value::Object(entries) => slipway_jinja::dict(
            entries
                .iter()
                .map(|(key, value)| (Value::from(key.as_str()), data(value))),
        ),
        serde_json::Value::Null => Value::from(()),
        serde_json::Value::Bool(value) => Value::from(*value),
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(number) => Value::from(number),
            None => Value::from(number.as_f64().unwrap_or_default()),
        },
    }
}

fn rendered(name: &str, source: &str, context: &serde_json::Value) -> Result<String, String> {
    let adapted = slipway_jinja::adapt(source);
    if std::env::var_os("SHOW_ADAPTED").is_some() {
        println!("{name}: {}", adapted.text);
    }
    if let Some((_, mistake)) = adapted.mistake {
        return Err(format!("syntax error: {mistake}"));
    }
    let mut env = Environment::new();
    slipway_jinja::install(&mut env);
    // The values of one template must not be seen changed by the next.
    let variables = context.as_object().into_iter().flatten();
    let variables = variables.map(|(name, value)| (name.as_str(), data(value)));
    env.render_named_str(name, &adapted.text, Value::from_pairs(variables))
        .map_err(|error| format!("{error:#}"))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("DATA.json")?;
    let context: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let templates: BTreeMap<String, String> = serde_json::from_reader(std::io::stdin())?;
    let mut results = BTreeMap::new();
    for (name, source) in &templates {
        let result = match rendered(name, source, &context) {
            Ok(text) => json!({"text": text}),
            Err(error) => json!({"error": error}),
        };
        results.insert(name, result);
    }
    println!("{}", serde_json::to_string(&results)?);
    Ok(())
}
