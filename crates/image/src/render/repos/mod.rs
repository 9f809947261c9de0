//! Package repositories in images: `handle_repos` and `cleanup_repos`.
//!
//! `repos.yaml` has a section for each package type, distribution and architecture. A section maps
//! short names to repositories; templates enable them by these names. Up to release 20 a name stands
//! for a repository that the distribution already has, or for one line of an apt source. From
//! release 21 on it stands for a file that is written into the image.

mod files;
mod names;

use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use minijinja::value::{Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value};
use serde::Deserialize;

use super::published::lookup;
use crate::config::BuildConfig;
use crate::error::Result;
use crate::tree::Tree;
use slipway_files::AtPath;
use slipway_jinja::{bind, bounds};
use slipway_kolla_release::Base;
use slipway_kolla_release::{Release, Repos};

/// The content of `repos.yaml`: section → repository → its keys.
type File = IndexMap<String, IndexMap<String, Repository>>;

/// One repository of a section.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Repository {
    /// The whole line.
    Line(String),
    /// Its keys.
    Keys(IndexMap<String, Scalar>),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Flag(bool),
    Number(i64),
    Text(String),
}

impl Repository {
    fn key(&self, key: &str) -> Option<&Scalar> {
        match self {
            Repository::Line(_) => None,
            Repository::Keys(keys) => keys.get(key),
        }
    }

    /// Returns the value of a key as a string; `None` when it is missing or false in Python.
    fn get(&self, key: &str) -> Option<String> {
        let text = match self.key(key)? {
            Scalar::Flag(false) | Scalar::Number(0) => return None,
            Scalar::Flag(true) => "True".to_owned(),
            Scalar::Number(number) => number.to_string(),
            Scalar::Text(text) => text.clone(),
        };
        (!text.is_empty()).then_some(text)
    }

    /// Returns the value of a required key as a string, which may be empty.
    fn require(&self, key: &str, repository: &str) -> Result<String, Error> {
        match self.key(key) {
            Some(Scalar::Text(text)) => Ok(text.clone()),
            Some(_) => self.get(key).ok_or_else(|| missing(key, repository)),
            None => Err(missing(key, repository)),
        }
    }

    fn is(&self, key: &str) -> bool {
        self.get(key).is_some()
    }
}

fn missing(key: &str, repository: &str) -> Error {
    invalid(format!(
        "repository {repository} has no {key} in repos.yaml"
    ))
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// The repositories of the release or tree, and those of the user's `repos_yaml`.
#[derive(Clone, Debug)]
pub(crate) struct Repositories {
    style: Option<Repos>,
    defaults: File,
    in_use: File,
    is_overridden: bool,
    section: &'static str,
}

impl Repositories {
    /// Reads the release's or the tree's file, and the user's.
    pub(crate) fn read(
        release: &Release,
        tree: &Tree,
        options: &BuildConfig,
    ) -> Result<Repositories> {
        let files = &release.repos_files;
        let tag = options.base_tag();
        let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| tag.starts_with(prefix));
        let for_version = match options.base {
            Base::Centos if starts(&["stream10"]) => files.el10.as_deref(),
            Base::Rocky if starts(&["10"]) => files.el10.as_deref(),
            _ if starts(&["24.04", "noble"]) => files.noble.as_deref(),
            _ => None,
        };
        let release_file = for_version.or(files.common.as_deref());
        let defaults = release_file.or_else(|| tree.file("repos.yaml"));
        let defaults = defaults.map(parse).transpose()?.unwrap_or_default();
        let user = options
            .repos_yaml
            .as_deref()
            .filter(|_| files.may_be_overridden);
        let mut in_use = defaults.clone();
        if let Some(path) = user {
            let file = parse(path)?;
            if release.repos != Some(Repos::FilesWithCleanup) {
                in_use = File::new();
            }
            for (section, repositories) in file {
                in_use.entry(section).or_default().extend(repositories);
            }
        }
        let section = match &options.kolla {
            Some(kolla) => kolla.section(options.base, &tag),
            None => options.base.name(),
        };
        Ok(Repositories {
            style: release.repos,
            defaults,
            in_use,
            is_overridden: user.is_some(),
            section,
        })
    }
}

/// Adds `handle_repos` and `cleanup_repos` to an environment.
pub(crate) fn install(repositories: &Arc<Repositories>, env: &mut Environment<'static>) {
    let Some(style) = repositories.style else {
        return;
    };
    let all = Arc::clone(repositories);
    env.add_function(
        "handle_repos",
        move |state: &State, args: Rest<ValueOrKwargs>| {
            let [names, mode] = bind("handle_repos", args, ["reponames", "mode"])?;
            let names = sequence(state, &names.unwrap_or_default())?;
            let mode = mode.unwrap_or_default();
            let mode = mode
                .as_str()
                .ok_or_else(|| invalid("handle_repos needs a mode".to_owned()))?;
            match style {
                Repos::Lines => names::handle(state, &all, &names, mode, None),
                Repos::Sources { has_arch } => {
                    names::handle(state, &all, &names, mode, Some(has_arch))
                }
                Repos::Files | Repos::FilesWithCleanup => {
                    files::Platform::of(state, &all).handle(&names, mode)
                }
            }
        },
    );
    if style == Repos::FilesWithCleanup {
        let all = Arc::clone(repositories);
        env.add_function("cleanup_repos", move |state: &State| {
            files::Platform::of(state, &all).cleanup()
        });
    }
}

fn sequence(state: &State, names: &Value) -> Result<Vec<String>, Error> {
    match names.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            let names = bounds::texts(state, names)?;
            // Each repository becomes several lines.
            state.consume_fuel(16 * names.len() as u64)?;
            Ok(names)
        }
        other => Err(invalid(format!(
            "handle_repos needs a list of repositories, found a {other}"
        ))),
    }
}

fn text(state: &State, name: &str) -> String {
    let value = lookup(state, name);
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn parse(path: &Path) -> Result<File> {
    let text = slipway_files::read_input(path).at(path)?;
    let file = slipway_yaml::from_str_with(&text, slipway_yaml::Options::PYYAML);
    Ok(file.map_err(|error| error.in_file(path))?)
}

/// Returns the shell commands that write these lines to a file.
fn write_commands(lines: &[String], file: &str) -> String {
    let commands = lines.iter().enumerate().map(|(index, line)| {
        let redirect = if index == 0 { ">" } else { ">>" };
        format!("echo '{line}' {redirect}{file}")
    });
    commands.collect::<Vec<_>>().join(" && ")
}
