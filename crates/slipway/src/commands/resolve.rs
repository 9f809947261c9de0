//! `slipway resolve`.

use std::path::Path;

use anyhow::bail;
use heat::Resolver;
use heat::process::{Content, Inputs, Writing};
use serde_json::{Map, Value, json};

use crate::cli::{Process, Resolve, Templates};
use crate::exit::bad_input;
use crate::output::Output;

/// Prints the outputs of templates; what cannot be resolved is named, the rest is printed.
pub fn run(asked: &Resolve, output: &Output) -> anyhow::Result<()> {
    if let Some(out) = &asked.process.process {
        return process(asked, out, output);
    }
    let resolver = open(&asked.templates)?;
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
fn process(asked: &Resolve, out: &Path, output: &Output) -> anyhow::Result<()> {
    let Process {
        roles,
        networks,
        safe,
        ..
    } = &asked.process;
    let templates = &asked.templates.templates;
    let inputs = Inputs::of(templates, roles.as_deref(), networks.as_deref()).map_err(bad_input)?;
    let tree = heat::process::process(templates, &inputs).map_err(bad_input)?;
    heat::process::write(&tree, out, Writing { safe: *safe })?;
    let rendered = tree
        .files
        .iter()
        .filter(|file| matches!(file.content, Content::Rendered(_)))
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

/// The templates in a folder with the environment files that were asked for.
pub fn open(asked: &Templates) -> anyhow::Result<Resolver> {
    Resolver::open(&asked.templates, &asked.environments).map_err(bad_input)
}
