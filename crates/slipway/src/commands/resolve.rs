//! `slipway resolve`.

mod role_files;

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use anyhow::bail;
use indexmap::IndexSet;
use serde_json::{Value, json};
use slipway_heat::process::{self, Inputs, Writing};
use slipway_heat::{Content, Resolver, config_files};

use crate::cli::{Process, Resolve, Templates};
use crate::exit::bad_input;
use crate::output::{Level, Output};
use slipway_suggest::count;
use slipway_yaml as yaml;

const TOPIC: &str = "resolve";

/// Prints the outputs of templates. Names those that cannot be resolved, and prints the rest.
pub fn run(args: &Resolve, output: &Output) -> anyhow::Result<()> {
    if let Some(out) = &args.process.process {
        return process_tree(args, out, output);
    }
    let Templates { templates, sources } = &args.templates;
    let sources = sources.find(templates)?;
    let named: Vec<_> = args.template.iter().map(String::as_str).collect();
    let roles = sources.roles.as_deref();
    let open = || match args.role {
        Some(_) => Resolver::open_with(templates, &sources),
        None => Resolver::open_for(&named, templates, &sources),
    };
    let directory = templates.display().to_string();
    let resolver = output.during(TOPIC, &directory, "reading the environment", open);
    let resolver = resolver.map_err(bad_input)?;
    if resolver.processed() > 0 {
        let made = count(resolver.processed(), "file");
        output.line(
            Level::Normal,
            &format!("the templates are not processed yet: made {made} of *.j2.yaml, in memory"),
        );
    }
    if let Some(role) = &args.role {
        let merge = || resolver.role(role, roles);
        let data = output.during(TOPIC, role, "merging its services", merge);
        let data = data.map_err(bad_input)?;
        return match &args.out {
            Some(directory) => write(config_files(role, &data), directory, output),
            None => output.document(&Value::Object(
                [("role_data".to_owned(), Value::Object(data))]
                    .into_iter()
                    .collect(),
            )),
        };
    }
    let mut names = args.template.clone();
    for kind in &args.service {
        match resolver.template_of(kind).map_err(bad_input)? {
            Some(name) => names.push(name),
            None => bail!("{kind} is turned off: the resource registry has OS::Heat::None for it"),
        }
    }
    let names: IndexSet<_> = names.iter().map(String::as_str).collect();
    let names: Vec<_> = names.into_iter().collect();
    let as_yaml = output.is_yaml();
    output.expect(names.len());
    let parts = resolver.resolve_each(&names, |name, resolve| {
        let outputs = output.during(TOPIC, name, "resolving", resolve)?;
        let document = Value::Object(
            [(name.to_owned(), Value::Object(outputs))]
                .into_iter()
                .collect(),
        );
        anyhow::Ok(match as_yaml {
            true => yaml::to_string(&document)?,
            false => json_of(&document)?,
        })
    });
    // The process ends soon; freeing the memory first takes time for nothing.
    std::mem::forget(resolver);
    let mut resolved = Vec::with_capacity(parts.len());
    let mut failed = 0;
    for part in parts {
        match part {
            Ok(text) => resolved.push(text),
            Err(error) => {
                output.error(&error);
                failed += 1;
            }
        }
    }
    output.result_of(joined(&resolved, as_yaml));
    if failed > 0 {
        bail!(
            "{failed} of {} templates could not be resolved",
            names.len()
        );
    }
    Ok(())
}

/// Returns a document as JSON. Each thread reuses one buffer, so most memory is allocated once.
fn json_of(document: &Value) -> anyhow::Result<String> {
    thread_local! {
        static GROWING: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    GROWING.with_borrow_mut(|growing| {
        growing.clear();
        serde_json::to_writer_pretty(&mut *growing, document)?;
        Ok(std::str::from_utf8(growing)?.to_owned())
    })
}

/// Joins documents of one key each into one document, in pieces.
fn joined(documents: &[String], as_yaml: bool) -> Vec<&str> {
    let Some((last, others)) = documents.split_last() else {
        return vec!["{}"];
    };
    if as_yaml {
        let others = others.iter().map(String::as_str);
        return others.chain([last.trim_end()]).collect();
    }
    let mut pieces = Vec::with_capacity(2 * documents.len() + 1);
    for document in documents {
        pieces.push(if pieces.is_empty() { "{\n" } else { ",\n" });
        let entry = document.strip_prefix("{\n").unwrap_or(document);
        pieces.push(entry.strip_suffix("\n}").unwrap_or(entry));
    }
    pieces.push("\n}");
    pieces
}

/// Processes `*.j2.yaml`, and writes the whole tree.
fn process_tree(args: &Resolve, out: &Path, output: &Output) -> anyhow::Result<()> {
    let Process { safe, .. } = &args.process;
    let Templates { templates, sources } = &args.templates;
    let sources = sources.find(templates)?;
    let inputs = Inputs::of(
        templates,
        sources.roles.as_deref(),
        sources.networks.as_deref(),
    )
    .map_err(bad_input)?;
    let directory = templates.display().to_string();
    let process = || process::process(templates, &inputs);
    let tree = output.during(TOPIC, &directory, "processing *.j2.yaml", process);
    let tree = tree.map_err(bad_input)?;
    process::write(&tree, out, Writing { safe: *safe })?;
    let rendered = tree
        .files
        .iter()
        .filter(|file| matches!(file.content, process::Content::Rendered(_)))
        .count();
    if output.is_json() {
        return output
            .json(&json!({"folder": out, "files": tree.files.len(), "rendered": rendered}));
    }
    output.result(&format!(
        "{}: {}, {rendered} of them made from *.j2.yaml",
        out.display(),
        count(tree.files.len(), "file")
    ));
    Ok(())
}

/// Writes a role as config-download does.
fn write(files: Vec<(PathBuf, Content)>, directory: &Path, output: &Output) -> anyhow::Result<()> {
    let mut texts = Vec::with_capacity(files.len());
    for (name, content) in files {
        let text = match content {
            Content::Text(text) => text,
            Content::Yaml(value) => yaml::to_string(&sorted(&value))?,
        };
        texts.push((name.display().to_string(), text));
    }
    let shown = directory.display();
    role_files::write(&texts, directory, || {
        output.line(
            Level::Normal,
            &format!("waiting for another run that writes into {shown}"),
        );
    })?;
    let files = count(texts.len(), "file");
    output.line(Level::Normal, &format!("{files} written to {shown}"));
    Ok(())
}

/// Sorts the keys of maps, as PyYAML writes them.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let entries = entries.into_iter();
            Value::Object(
                entries
                    .map(|(key, item)| (key.clone(), sorted(item)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_needs_a_role() {
        use clap::Parser;
        let parse = |line: &str| crate::cli::Cli::try_parse_from(line.split(' '));
        assert!(parse("slipway resolve --templates t --role Controller --out o").is_ok());
        assert!(parse("slipway resolve --templates t --out o a.yaml").is_err());
        assert!(parse("slipway resolve --templates t --out o --service OS::A").is_err());
    }

    #[test]
    fn joined_documents_equal_a_single_one() {
        let all = json!({"a": {"x": [1, "}\n"]}, "b": {}, "c": {"y": null}});
        let one = |(key, value): (&String, &Value)| json!({ key.as_str(): value });
        let parts: Vec<_> = all.as_object().unwrap().iter().map(one).collect();
        let json: Vec<_> = parts
            .iter()
            .map(|part| serde_json::to_string_pretty(part).unwrap())
            .collect();
        assert_eq!(
            joined(&json, false).concat(),
            serde_json::to_string_pretty(&all).unwrap()
        );
        let texts: Vec<_> = parts
            .iter()
            .map(|part| yaml::to_string(part).unwrap())
            .collect();
        assert_eq!(
            joined(&texts, true).concat(),
            yaml::to_string(&all).unwrap().trim_end()
        );
        assert_eq!(joined(&[], false), ["{}"]);
    }
}
