//! Environment files: which template stands behind a resource type, and values for parameters.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::{Error, Problem, Result, nearest};
use crate::files::Files;
use crate::yaml;

type ByName<T> = HashMap<String, T, foldhash::fast::RandomState>;

/// Environment files, one after the other: the last wins.
#[derive(Debug, Default, Clone)]
pub struct Environment {
    types: ByName<Target>,
    /// Those whose names end in a star, without it.
    prefixes: Vec<(String, Target)>,
    pub(crate) parameter_defaults: ByName<Arc<Value>>,
    pub(crate) parameters: ByName<Arc<Value>>,
}

/// What a resource type stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Template(PathBuf),
    /// Another type, or one of Heat's own.
    Type(String),
}

const SECTIONS: [&str; 6] = [
    "resource_registry",
    "parameter_defaults",
    "parameters",
    "parameter_merge_strategies",
    "event_sinks",
    "encrypted_param_names",
];

/// How many types may stand for one another in a row.
const MOST_ALIASES: usize = 20;

impl Environment {
    /// Adds an environment file; paths in its resource registry are relative to it.
    pub fn load(&mut self, path: &Path) -> Result<()> {
        self.load_from(path, &Files::default())
    }

    pub(crate) fn load_from(&mut self, path: &Path, files: &Files) -> Result<()> {
        let name = path.display().to_string();
        let text = files
            .read(path)
            .map_err(|error| Error::from(Problem::Unreadable(error.to_string())))
            .map_err(|error| error.in_template(&name))?;
        self.take(&text, path)
            .map_err(|error| error.in_template(&name))
    }

    fn take(&mut self, text: &str, path: &Path) -> Result<()> {
        let sections = match yaml::parse(text).map_err(Problem::Syntax)? {
            Value::Null => return Ok(()),
            Value::Object(sections) => sections,
            _ => {
                return Err(Problem::Declaration("an environment must be a map".to_owned()).into());
            }
        };
        for (key, section) in sections {
            let section = match section {
                Value::Null => continue,
                Value::Object(section) => section,
                Value::Array(_) if key == "encrypted_param_names" || key == "event_sinks" => {
                    continue;
                }
                _ => {
                    let problem = Problem::Declaration("it must be a map".to_owned());
                    return Err(Error::from(problem).at(key));
                }
            };
            match key.as_str() {
                "resource_registry" => self.register(section, path),
                "parameter_defaults" => insert(&mut self.parameter_defaults, section),
                "parameters" => insert(&mut self.parameters, section),
                key if SECTIONS.contains(&key) => {}
                key => {
                    let reason = format!("unknown section {key}{}", nearest(key, SECTIONS));
                    return Err(Problem::Declaration(reason).into());
                }
            }
        }
        Ok(())
    }

    fn register(&mut self, registry: Map<String, Value>, path: &Path) {
        for (name, target) in registry {
            // Hooks and what is for single resources of a stack are no types.
            if let Value::String(target) = target {
                let target = if is_template(&target) {
                    Target::Template(place(path, &target))
                } else {
                    Target::Type(target)
                };
                if let Some(prefix) = name.strip_suffix('*') {
                    self.prefixes.retain(|(known, _)| known != prefix);
                    self.prefixes.push((prefix.to_owned(), target.clone()));
                }
                self.types.insert(name, target);
            }
        }
    }

    /// Gives a parameter a value, at every level.
    pub fn set_default(&mut self, name: &str, value: Value) {
        self.parameter_defaults
            .insert(name.to_owned(), Arc::new(value));
    }

    /// What a type, as a template at `from` writes it, stands for.
    pub(crate) fn find(&self, kind: &str, from: &Path) -> Result<Target, Problem> {
        if is_template(kind) {
            return Ok(Target::Template(place(from, kind)));
        }
        let mut kind = kind;
        for _ in 0..MOST_ALIASES {
            match self.registered(kind) {
                None => return Ok(Target::Type(kind.to_owned())),
                Some(Target::Type(next)) if next == kind => {
                    return Ok(Target::Type(kind.to_owned()));
                }
                Some(Target::Type(next)) => kind = next,
                Some(template) => return Ok(template.clone()),
            }
        }
        Err(Problem::Circular(format!("resource type {kind}")))
    }

    fn registered(&self, kind: &str) -> Option<&Target> {
        self.types.get(kind).or_else(|| {
            // A registered name may end in a star; the longest one wins.
            self.prefixes
                .iter()
                .filter(|(prefix, _)| kind.starts_with(prefix))
                .max_by_key(|(prefix, _)| prefix.len())
                .map(|(_, target)| target)
        })
    }

    /// The types that there are.
    pub(crate) fn types(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }
}

fn insert(into: &mut ByName<Arc<Value>>, section: Map<String, Value>) {
    into.extend(
        section
            .into_iter()
            .map(|(name, value)| (name, Arc::new(value))),
    );
}

pub(crate) fn is_template(name: &str) -> bool {
    name.ends_with(".yaml") || name.ends_with(".template")
}

/// Where a path leads that is written in the file at `from`.
pub(crate) fn place(from: &Path, path: &str) -> PathBuf {
    let path = path.strip_prefix("file://").unwrap_or(path);
    normal(&from.parent().unwrap_or(Path::new("")).join(path))
}

/// Without `.` and `..`.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(normal.components().next_back(), Some(Component::Normal(_))) =>
            {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}
