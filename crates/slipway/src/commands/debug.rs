//! `slipway debug`: prints or runs one container's config, with changes.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, anyhow};
use futures_util::StreamExt;
use serde_json::{Map, Value, json};
use slipway_engine::{Attached, Engine, Piece};
use slipway_runtime::converge::labels;
use slipway_runtime::spec::{Host, container_spec, secrets};
use slipway_service::{Action, ContainerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::apply;
use crate::cli::{Debug, DebugAction, Global};
use crate::engine;
use crate::engine_command::{EngineCommand, quoted};
use crate::exit::{Ended, bad_input};
use crate::output::{Level, Output};
use slipway_paths::Paths;

mod terminal;

/// Prints or runs one container's config.
pub async fn run(args: Debug, global: &Global, output: &Output) -> anyhow::Result<()> {
    let paths = Paths::new(&args.root.root).map_err(bad_input)?;
    let mut containers = apply::read(&args.file, &paths, args.unknown_keys, output).await?;
    let name = args.container_name.as_str();
    let Some(config) = containers.shift_remove(name) else {
        let names: Vec<&str> = containers.keys().map(String::as_str).collect();
        let there = names.join(", ");
        let message = anyhow!("there is no container {name} in it; there are: {there}");
        return Err(bad_input(message));
    };
    let config = changed(&config, &args).map_err(bad_input)?;
    match args.action {
        DebugAction::DumpJson => dump_json(name, &config, output),
        DebugAction::DumpYaml => {
            output.result(&yaml(&json!({name: config.declared()}))?);
            Ok(())
        }
        _ if config.keys().action == Action::Exec => Err(bad_input(anyhow!(
            "{name} is a command to run in a container, and none itself"
        ))),
        DebugAction::PrintCmd => print_command(&args, &config, global, output).await,
        DebugAction::Run => {
            let engine = engine::connect(global).await?;
            let code = run_here(engine.as_ref(), &args, &config, output).await?;
            match u8::try_from(code).unwrap_or(u8::MAX) {
                0 => Ok(()),
                code => Err(Ended(code).into()),
            }
        }
    }
}

/// Returns the config with the changes of the command line.
fn changed(config: &ContainerConfig, args: &Debug) -> anyhow::Result<ContainerConfig> {
    let mut declared = config.declared().clone();
    if args.interactive || args.shell {
        let foreground = json!({
            "interactive": true, "tty": true, "restart": "no", "detach": false, "remove": true,
        });
        declared.extend(foreground.as_object().cloned().unwrap_or_default());
    }
    if args.shell {
        declared.insert("command".to_owned(), json!("/bin/bash"));
    }
    if !args.user.is_empty() {
        declared.insert("user".to_owned(), json!(args.user));
    }
    if !args.overrides.is_empty() {
        let overrides: Map<String, Value> =
            serde_json::from_str(&args.overrides).context("--overrides is no JSON object")?;
        declared.extend(overrides);
    }
    // Parsed from text, so errors have a place and name the nearest key.
    let text = serde_json::to_string(&declared)?;
    let read =
        ContainerConfig::parse_with(Path::new("the changed config"), &text, args.unknown_keys)?;
    Ok(read.value)
}

fn dump_json(name: &str, config: &ContainerConfig, output: &Output) -> anyhow::Result<()> {
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
    serde::Serialize::serialize(&json!({name: config.declared()}), &mut serializer)?;
    output.result(&String::from_utf8(text)?);
    Ok(())
}

/// Returns YAML with sorted keys, as PyYAML dumps it.
pub fn yaml(value: &Value) -> anyhow::Result<String> {
    fn in_order(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let sorted: BTreeMap<&String, &Value> = map.iter().collect();
                let sorted = sorted.into_iter();
                sorted
                    .map(|(key, value)| (key.clone(), in_order(value)))
                    .collect()
            }
            Value::Array(items) => items.iter().map(in_order).collect(),
            other => other.clone(),
        }
    }
    Ok(slipway_yaml::to_string(&in_order(value))?)
}

async fn print_command(
    args: &Debug,
    config: &ContainerConfig,
    global: &Global,
    output: &Output,
) -> anyhow::Result<()> {
    // The command is for the engine that answers; none is needed to print it.
    let connected = engine::connect(global).await.ok();
    let found = connected.as_ref().map(|engine| engine.info().name());
    let program = found.or(global.engine_name.as_deref()).unwrap_or("docker");
    let name = match &connected {
        Some(engine) => free_name(engine.as_ref(), &args.container_name).await?,
        None => args.container_name.clone(),
    };
    let redactor = secrets([config], &Host::current()).redactor();
    let env_file = match &args.env_file {
        Some(file) => {
            let spec = container_spec(config, BTreeMap::new(), &Host::current())?;
            let lines: Vec<String> = spec.env.iter().map(|line| format!("{line}\n")).collect();
            if lines.iter().any(|line| line.matches('\n').count() > 1) {
                let message = "the environment has a value of several lines: no file can hold it";
                return Err(bad_input(anyhow!(message)));
            }
            slipway_files::write_private(file, lines.concat().as_bytes())?;
            Some(file.display().to_string())
        }
        None => None,
    };
    let command = EngineCommand {
        program,
        name: &name,
        labels: &all_labels(args, config),
        config,
        env_file: env_file.as_deref(),
    };
    let words = command.words();
    let words: Vec<String> = words.iter().map(|word| redactor.redact(word)).collect();
    if output.is_json() {
        return output.json(&json!({"command": words}));
    }
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    output.result(&words.join(" "));
    Ok(())
}

fn all_labels(args: &Debug, config: &ContainerConfig) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = args.labels.iter().cloned().collect();
    all.extend(labels::identity(
        &args.config_id,
        &args.managed_by,
        &args.container_name,
    ));
    all.insert(labels::CONFIG_DATA.to_owned(), config.config_data());
    all
}

/// Returns the container's name, or a longer one if the engine already has that name.
async fn free_name(engine: &dyn Engine, name: &str) -> anyhow::Result<String> {
    Ok(match engine.find_container(name).await? {
        None => name.to_owned(),
        Some(_) => slipway_runtime::converge::longer_name(name),
    })
}

async fn run_here(
    engine: &dyn Engine,
    args: &Debug,
    config: &ContainerConfig,
    output: &Output,
) -> anyhow::Result<i64> {
    let image = config.keys().image.as_deref().unwrap_or_default();
    if engine.find_image(image).await?.is_none() {
        pull(engine, image, output).await?;
    }
    let spec = container_spec(config, all_labels(args, config), &Host::current());
    let spec = spec.map_err(bad_input)?;
    let name = free_name(engine, &args.container_name).await?;
    let id = engine.create_container(&name, &spec).await?;
    if !config.keys().is_one_shot() {
        engine.start_container(&id).await?;
        output.result(&id);
        return Ok(0);
    }
    let attached = engine.attach(&id).await?;
    let code = in_foreground(engine, &id, attached, spec.tty, spec.interactive).await;
    if config.keys().remove {
        engine.remove_container(&id).await?;
    }
    code
}

async fn pull(engine: &dyn Engine, image: &str, output: &Output) -> anyhow::Result<()> {
    let on_line = |line: String| output.about(Level::Normal, "debug", image, &line);
    slipway_engine::pull(engine, image, &on_line).await?;
    Ok(())
}

/// Starts an attached container, and copies its input and output until it ends.
async fn in_foreground(
    engine: &dyn Engine,
    id: &str,
    attached: Attached,
    tty: bool,
    interactive: bool,
) -> anyhow::Result<i64> {
    let Attached {
        mut output,
        mut input,
    } = attached;
    let _raw = terminal::Raw::enter(tty && interactive)?;
    engine.start_container(id).await?;
    let reading = async {
        if interactive {
            let mut from = tokio::io::stdin();
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut buffer).await {
                input.write_all(&buffer[..count]).await?;
                input.flush().await?;
            }
        }
        input.shutdown().await?;
        std::future::pending::<std::io::Result<()>>().await
    };
    let writing = async {
        while let Some(piece) = output.next().await {
            match piece? {
                Piece::Out(bytes) => {
                    std::io::stdout().write_all(&bytes)?;
                    std::io::stdout().flush()?;
                }
                Piece::Err(bytes) => std::io::stderr().write_all(&bytes)?,
            }
        }
        Ok::<(), anyhow::Error>(())
    };
    let resizing = terminal::follow_size(tty, async |rows, columns| {
        engine.resize(id, rows, columns).await
    });
    tokio::select! {
        written = writing => written?,
        Err(error) = reading => return Err(error).context("cannot write to the container"),
        Err(error) = resizing => return Err(error),
    }
    Ok(engine.wait_container(id).await?)
}

/// Returns the docker command's exit code for this reason that a container did not start.
pub fn exit_code_of(reason: &str) -> u8 {
    if reason.contains("no such file or directory") || reason.contains("not found in $PATH") {
        127
    } else if reason.contains("permission denied") {
        126
    } else {
        125
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_booleans_in_yaml_1_1_are_quoted() {
        let value = json!({"restart": "no", "b": [true, "on"], "a": "note"});
        let text = yaml(&value).unwrap();
        assert_eq!(text, "a: note\nb:\n- true\n- 'on'\nrestart: 'no'\n");
    }
}
