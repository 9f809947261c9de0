//! Renders `*.j2.yaml` to templates, as tripleo-heat-templates' `tools/process-templates.py` does.
//!
//! ```no_run
//! use std::path::Path;
//! use slipway_heat::process::{Inputs, Writing, process};
//!
//! let templates = Path::new("tripleo-heat-templates");
//! let inputs = Inputs::of(templates, None, None)?;
//! let tree = process(templates, &inputs)?;
//! slipway_heat::process::write(&tree, Path::new("processed"), Writing::default())?;
//! # Ok::<(), slipway_heat::process::Error>(())
//! ```
//!
//! A `*.role.j2.yaml` becomes a file for each role of roles_data, a `*.network.j2.yaml` one for each
//! enabled network of network_data, any other `*.j2.yaml` one file for all; every other file is copied.
//! Hidden files are skipped, and so are directories behind symlinks.

mod error;
mod inputs;
mod jinja;
mod names;
mod rules;
mod walk;
mod write;

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::{Value, json};
use slipway_pyvalue as py;

pub use error::Error;
pub use inputs::Inputs;
pub use write::{Writing, write};

use inputs::NamedValue;
use walk::Found;

/// A processed tree.
#[derive(Debug, Clone)]
pub struct Tree {
    /// The templates' directory.
    root: PathBuf,
    /// Its directories, relative to it, each after its parent.
    pub directories: Vec<PathBuf>,
    /// Its files, by path.
    pub files: Vec<File>,
}

/// A file of the processed tree.
#[derive(Debug, Clone)]
pub struct File {
    /// Its path, relative to the tree.
    pub path: PathBuf,
    /// Its content.
    pub content: Content,
}

/// The content of a processed file.
#[derive(Debug, Clone)]
pub enum Content {
    /// A copy of this file.
    Copied(PathBuf),
    /// The result of a template.
    Rendered(String),
}

/// A template, its data, and the path of the result.
struct Job<'a> {
    template: &'a Found,
    source: &'a str,
    data: Value,
    path: PathBuf,
}

/// Renders a processed tree in memory. If several templates make the same file, the last wins,
/// in the order of their paths.
pub fn process(root: &Path, inputs: &Inputs) -> Result<Tree, Error> {
    let (directories, found) = walk::walk(root)?;
    let excluded = inputs::excluded(root)?;
    let mut files = Vec::new();
    let mut sources = Vec::new();
    for file in &found {
        match names::kind(&file.path) {
            None => files.push(File {
                path: file.path.clone(),
                content: Content::Copied(file.place.clone()),
            }),
            Some(_) => sources.push((file, read(&file.place)?)),
        }
    }
    let jobs: Vec<Job> = sources
        .iter()
        .flat_map(|(file, source)| jobs(file, source, inputs))
        .filter(|job| names::is_shared(&job.template.path) || !excluded.contains(&job.path))
        .collect();
    let jinja = jinja::Jinja::new(root);
    let rendered: Vec<File> = jobs
        .par_iter()
        .map(|job| {
            let text = jinja.render(&job.template.path, job.source, &job.data)?;
            Ok(File {
                path: job.path.clone(),
                content: Content::Rendered(text),
            })
        })
        .collect::<Result<_, Error>>()?;
    files.extend(rendered);
    Ok(Tree {
        root: root.to_owned(),
        directories,
        files: last_of_each(files),
    })
}

/// Returns the files to render from a template.
fn jobs<'a>(file: &'a Found, source: &'a str, inputs: &Inputs) -> Vec<Job<'a>> {
    let job = |path, data| Job {
        template: file,
        source,
        data,
        path,
    };
    let networks = &inputs.networks;
    match names::kind(&file.path) {
        Some(names::Kind::Role) => {
            let for_role = |role: &NamedValue| {
                let old_name = role
                    .value
                    .get("deprecated_nic_config_name")
                    .filter(|_| inputs.rules.old_names);
                let path = names::of_role(&file.path, &role.name, old_name);
                job(path, role_data(source, role, networks))
            };
            inputs.roles_by_name().map(for_role).collect()
        }
        Some(names::Kind::Network) => {
            let for_network = |network: &NamedValue| {
                job(
                    names::of_network(&file.path, &network.lower()),
                    json!({"network": network.value}),
                )
            };
            inputs.networks_by_name().map(for_network).collect()
        }
        Some(names::Kind::Shared) => {
            let data = json!({"roles": inputs.roles_as_data(), "networks": networks});
            vec![job(names::shared(&file.path), data)]
        }
        None => Vec::new(),
    }
}

/// Older templates write `{{role}}` for a role's name, newer ones `{{role.name}}`.
fn role_data(source: &str, role: &NamedValue, networks: &[Value]) -> Value {
    if source.contains("{{role.name}}") {
        return json!({"role": role.value, "networks": networks});
    }
    let mut data = json!({"role": role.name, "networks": networks});
    if role.value.get("disable_constraints").is_some_and(py::truth) {
        data["disable_constraints"] = json!(true);
    }
    data
}

/// Reads a template's text, with newlines as Python reads them.
fn read(place: &Path) -> Result<String, Error> {
    let bytes = slipway_files::read_input_bytes(place)
        .map_err(|error| Error::file("cannot read", place, error))?;
    let text = String::from_utf8(bytes).map_err(|_| Error::NotText {
        place: place.to_owned(),
    })?;
    Ok(if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text
    })
}

fn last_of_each(files: Vec<File>) -> Vec<File> {
    let by_path: std::collections::BTreeMap<PathBuf, File> = files
        .into_iter()
        .map(|file| (file.path.clone(), file))
        .collect();
    by_path.into_values().collect()
}

#[cfg(test)]
mod tests;
