//! `slipway resolve`.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use heat::process::{self, Inputs, Writing};
use heat::{Content, Resolver, config_files};
use serde_json::{Map, Value, json};

use crate::cli::{Process, Resolve};
use crate::exit::bad_input;
use crate::output::{Level, Output};

/// Prints the outputs of templates; what cannot be resolved is named, the rest is printed.
pub fn run(asked: &Resolve, output: &Output) -> anyhow::Result<()> {
    if let Some(out) = &asked.process.process {
        return process_tree(asked, out, output);
    }
    let resolver = Resolver::open(&asked.templates.templates, &asked.templates.environments)
        .map_err(bad_input)?;
    if let Some(role) = &asked.role {
        let data = resolver
            .role(role, asked.roles.as_deref())
            .map_err(bad_input)?;
        return match &asked.out {
            Some(folder) => write(&config_files(role, &data), folder, output),
            None => output.document(&Value::Object(
                [("role_data".to_owned(), Value::Object(data))]
                    .into_iter()
                    .collect(),
            )),
        };
    }
    let mut names = asked.template.clone();
    for kind in &asked.service {
        match resolver.template_of(kind).map_err(bad_input)? {
            Some(name) => names.push(name),
            None => bail!("{kind} is turned off: the resource registry has OS::Heat::None for it"),
        }
    }
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let mut resolved = Map::new();
    let mut failed = 0;
    for (name, outputs) in resolver.resolve_all(&names) {
        match outputs {
            Ok(outputs) => {
                resolved.insert(name.to_owned(), Value::Object(outputs));
            }
            Err(error) => {
                output.error(&error.into());
                failed += 1;
            }
        }
    }
    output.document(&resolved)?;
    if failed > 0 {
        bail!(
            "{failed} of {} templates could not be resolved",
            names.len()
        );
    }
    Ok(())
}

/// Makes templates of `*.j2.yaml`, and writes the whole tree.
fn process_tree(asked: &Resolve, out: &Path, output: &Output) -> anyhow::Result<()> {
    let Process { networks, safe, .. } = &asked.process;
    let roles = asked.roles.as_deref();
    let templates = &asked.templates.templates;
    let inputs = Inputs::of(templates, roles, networks.as_deref()).map_err(bad_input)?;
    let tree = process::process(templates, &inputs).map_err(bad_input)?;
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
        "{}: {} files, {rendered} of them made from *.j2.yaml",
        out.display(),
        tree.files.len()
    ));
    Ok(())
}

/// Writes files for nobody else's eyes: there are passwords in them.
fn write(files: &[(PathBuf, Content)], folder: &Path, output: &Output) -> anyhow::Result<()> {
    let mut make = std::fs::DirBuilder::new();
    make.recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, content) in files {
        let text = match content {
            Content::Text(text) => text.clone(),
            Content::Yaml(value) => serde_yaml::to_string(&sorted(value))?,
        };
        let path = folder.join(name);
        kolla::write_private(&path, text.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let count = files.len();
    let folder = folder.display();
    output.line(Level::Normal, &format!("{count} files are in {folder}"));
    Ok(())
}

/// With the keys of maps in order, as PyYAML writes them.
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
