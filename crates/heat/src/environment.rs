//! Environment files: the templates of resource types, and values for parameters.

mod merge;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};
use slipway_suggest::did_you_mean;
use slipway_yaml::{Options, read_with};

use crate::error::{Error, Problem, Result};
use crate::files::Files;

use merge::{Said, Strategies, Strategy};

type ByName<T> = HashMap<String, T, foldhash::fast::RandomState>;

/// The content of environment files; the last wins.
#[derive(Debug, Default, Clone)]
pub struct Environment {
    types: ByName<Target>,
    /// Types whose names end in a star, without the star, sorted.
    prefixes: BTreeMap<String, String>,
    pub(crate) parameter_defaults: ByName<Arc<Value>>,
    pub(crate) parameters: ByName<Arc<Value>>,
    strategies: Strategies,
}

/// The target of a resource type.
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

/// The maximum length of a chain of types that stand for one another.
const MOST_ALIASES: usize = 20;

impl Environment {
    /// Returns an environment whose files are merged as TripleO's client does, up to the release that left
    /// it to Heat.
    pub(crate) fn merged_by_client() -> Self {
        let mut environment = Self::default();
        environment.strategies.standard = Strategy::Client;
        environment
    }

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
        self.take(&text, &absolute(path)).map_err(|error| {
            let document = read_with(&text, Options::PYYAML).ok();
            error
                .in_template(&name)
                .located(|_, path| document.as_ref()?.position_of(path))
        })
    }

    fn take(&mut self, text: &str, path: &Path) -> Result<()> {
        let sections = match crate::read_value(text).map_err(Problem::Syntax)? {
            Value::Null => return Ok(()),
            Value::Object(sections) => sections,
            _ => {
                return Err(Problem::Declaration("an environment must be a map".to_owned()).into());
            }
        };
        let said = match sections.get("parameter_merge_strategies") {
            Some(Value::Object(section)) => {
                Said::of(section).map_err(|error| error.at("parameter_merge_strategies"))?
            }
            _ => Said::default(),
        };
        for (key, section) in sections {
            if !SECTIONS.contains(&key.as_str()) {
                let reason = match key.as_str() {
                    "heat_template_version" => "this is a template, and no environment".to_owned(),
                    key => format!("unknown section {key}{}", did_you_mean(key, SECTIONS)),
                };
                return Err(Problem::Declaration(reason).into());
            }
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
            let strategies = &mut self.strategies;
            match key.as_str() {
                "resource_registry" => self.register(section, path),
                "parameter_defaults" => {
                    strategies.merge(&mut self.parameter_defaults, section, &said)
                }
                "parameters" => strategies.merge(&mut self.parameters, section, &said),
                _ => Ok(()),
            }
            .map_err(|error| error.at(key))?;
        }
        Ok(())
    }

    fn register(&mut self, registry: Map<String, Value>, path: &Path) -> Result<()> {
        for (name, target) in registry {
            match target {
                Value::String(target) => self.register_type(name, target, path),
                // A client removes the type here.
                Value::Null if self.strategies.standard == Strategy::Client => {
                    if let Some(prefix) = name.strip_suffix('*') {
                        self.prefixes.remove(prefix);
                    }
                    self.types.remove(&name);
                }
                Value::Null => {}
                Value::Object(section) if name == "resources" => {
                    single_resources(section).map_err(|error| error.at(name))?;
                }
                _ => {
                    let problem = "it must be a template or the name of a type";
                    return Err(Error::from(Problem::Declaration(problem.to_owned())).at(name));
                }
            }
        }
        Ok(())
    }

    fn register_type(&mut self, name: String, target: String, path: &Path) {
        let is_template = is_template(&target);
        if let Some(prefix) = name.strip_suffix('*') {
            // Heat does not look for a template there.
            match is_template {
                true => self.prefixes.remove(prefix),
                false => self.prefixes.insert(prefix.to_owned(), target.clone()),
            };
        }
        let target = match is_template {
            true => Target::Template(place(path, &target)),
            false => Target::Type(target),
        };
        self.types.insert(name, target);
    }

    /// Sets a parameter's default at every level.
    pub fn set_default(&mut self, name: &str, value: Value) {
        self.parameter_defaults
            .insert(name.to_owned(), Arc::new(value));
    }

    /// Returns the default of a parameter at every level, if the environment has one.
    pub fn default_of(&self, name: &str) -> Option<&Value> {
        self.parameter_defaults.get(name).map(Arc::as_ref)
    }

    /// Returns the target of a type that the template at `from` names.
    pub(crate) fn find(&self, kind: &str, from: &Path) -> Result<Target, Problem> {
        if is_template(kind) {
            return Ok(Target::Template(place(from, kind)));
        }
        let mut kind = Cow::Borrowed(kind);
        for _ in 0..MOST_ALIASES {
            match self.registered(&kind) {
                None => return Ok(Target::Type(kind.into_owned())),
                Some(Target::Type(next)) if next == *kind => return Ok(Target::Type(next)),
                Some(Target::Type(next)) => kind = Cow::Owned(next),
                Some(template) => return Ok(template),
            }
        }
        Err(Problem::Circular(format!("resource type {kind}")))
    }

    /// Names that end in a star come before others, as in Heat: the shortest first.
    fn registered(&self, kind: &str) -> Option<Target> {
        let by_prefix = self.prefixes.iter().find_map(|(prefix, target)| {
            let rest = kind.strip_prefix(prefix.as_str())?;
            let stands = target != kind;
            stands.then(|| match target.strip_suffix('*') {
                Some(other) => format!("{other}{rest}"),
                None => target.clone(),
            })
        });
        match by_prefix {
            Some(kind) => Some(Target::Type(kind)),
            None => self.types.get(kind).cloned(),
        }
    }

    /// Returns the registered types.
    pub(crate) fn types(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }
}

/// Checks the section for single resources of a stack: hooks and restricted actions. A
/// type for a single resource is an error.
fn single_resources(section: Map<String, Value>) -> Result<()> {
    for (name, value) in section {
        match value {
            value if name == "hooks" => all_of(&value, &HOOKS),
            value if name == "restricted_actions" => all_of(&value, &RESTRICTED_ACTIONS),
            Value::Object(section) => single_resources(section),
            Value::Null => Ok(()),
            _ => {
                let reason = "a type for one resource alone is not supported: map it in the \
                              resource registry itself";
                Err(Problem::Declaration(reason.to_owned()).into())
            }
        }
        .map_err(|error| error.at(name))?;
    }
    Ok(())
}

const HOOKS: [&str; 6] = [
    "pre-create",
    "pre-update",
    "pre-delete",
    "post-create",
    "post-update",
    "post-delete",
];
const RESTRICTED_ACTIONS: [&str; 2] = ["update", "replace"];

/// Checks that a value is one of the known ones, or a list of them.
fn all_of(value: &Value, known: &[&'static str]) -> Result<()> {
    let items = value.as_array().map(Vec::as_slice);
    for item in items.unwrap_or(std::slice::from_ref(value)) {
        let text = item.as_str().unwrap_or_default();
        if !known.contains(&text) {
            let hint = did_you_mean(text, known.iter().copied());
            let reason = format!("it must be one of {}{hint}", known.join(", "));
            return Err(Problem::Declaration(reason).into());
        }
    }
    Ok(())
}

pub(crate) fn is_template(name: &str) -> bool {
    name.ends_with(".yaml") || name.ends_with(".template")
}

/// Returns the target of a path that is written in the file at `from`.
pub(crate) fn place(from: &Path, path: &str) -> PathBuf {
    let path = path.strip_prefix("file://").unwrap_or(path);
    normal(&from.parent().unwrap_or(Path::new("")).join(path))
}

/// Makes a path absolute.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    normal(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// Removes `.` and `..` from a path.
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
