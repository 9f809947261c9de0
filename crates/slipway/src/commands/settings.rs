//! `slipway settings`.

use clap::CommandFactory;
use serde_json::json;
use slipway_settings::{Kind, Setting, Settings};

use crate::cli::{Cli, Global};
use crate::output::{Level, Output, table};
use crate::settings;

/// Prints the value and the origin of each setting.
pub fn run(global: &Global, output: &Output) -> anyhow::Result<()> {
    let settings = settings::load(global.config.clone())?;
    if output.is_json() {
        let rows = Setting::ALL.iter().map(|&setting| json(setting, &settings));
        return output.json(&rows.collect::<Vec<_>>());
    }
    let heading = ["SETTING", "VALUE", "ORIGIN", "VARIABLE"].map(str::to_owned);
    let rows = Setting::ALL.iter().map(|&setting| row(setting, &settings));
    let rows: Vec<_> = std::iter::once(heading.to_vec()).chain(rows).collect();
    output.result(&table(&rows));
    for file in settings.files() {
        output.line(Level::Verbose, &format!("read {}", file.display()));
    }
    Ok(())
}

fn row(setting: Setting, settings: &Settings) -> Vec<String> {
    let (value, origin) = match settings.get(setting) {
        Some(value) => (value.values().join(":"), value.origin().to_string()),
        None => match default(setting) {
            Some(default) => (default, "default".to_owned()),
            None => ("-".to_owned(), "unset".to_owned()),
        },
    };
    let variable = setting.variable().to_owned();
    vec![setting.name().to_owned(), value, origin, variable]
}

fn json(setting: Setting, settings: &Settings) -> serde_json::Value {
    let value = settings.get(setting);
    let shown = match (value, setting.kind()) {
        (Some(value), Kind::Paths) => json!(value.values()),
        (Some(value), Kind::Text | Kind::Path | Kind::Count) => json!(value.values().first()),
        (None, _) => json!(default(setting)),
    };
    json!({
        "name": setting.name(),
        "value": shown,
        "origin": value.map(|value| value.origin().to_string()),
        "variable": setting.variable(),
    })
}

/// Returns the default of the first option that takes the setting, if it has one.
fn default(setting: Setting) -> Option<String> {
    let (subcommands, id) = *settings::options(setting).first()?;
    let root = Cli::command();
    let command = match subcommands.first() {
        Some(name) => root.find_subcommand(name)?,
        None => &root,
    };
    let arg = command.get_arguments().find(|arg| arg.get_id() == id)?;
    let default = arg.get_default_values().first()?;
    Some(default.to_string_lossy().into_owned())
}
