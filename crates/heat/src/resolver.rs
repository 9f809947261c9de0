//! Templates in a folder, with an environment: the way in.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, RwLock};

use rayon::prelude::*;
use serde_json::{Map, Value};

use crate::budget::{Budget, MOST_MIB};
use crate::environment::{Environment, Target, normal, place};
use crate::error::{Error, Problem, Result, nearest};
use crate::stack::{Facade, Given, Stack};
use crate::template::Template;
use crate::yaql;

/// The registry that TripleO's templates come with, and the one that puts their containers in.
const STANDARD_ENVIRONMENTS: [&str; 2] = [
    "overcloud-resource-registry-puppet.yaml",
    "environments/docker.yaml",
];

/// Resolves the templates in a folder. Each file is read once, whatever uses it.
pub struct Resolver {
    folder: PathBuf,
    environment: Environment,
    limit: usize,
    templates: RwLock<HashMap<PathBuf, Result<Arc<Template>>>>,
    expressions: RwLock<HashMap<String, yaql::Expression>>,
}

impl Resolver {
    /// The templates in `folder`, with the environment files that such a folder comes with and
    /// those given, in that order.
    pub fn open(folder: &Path, environments: &[PathBuf]) -> Result<Self> {
        let mut environment = Environment::default();
        for name in STANDARD_ENVIRONMENTS {
            let path = folder.join(name);
            if path.is_file() {
                environment.load(&path)?;
            }
        }
        for path in environments {
            environment.load(path)?;
        }
        Ok(Self::new(folder, environment))
    }

    /// The templates in `folder`, with this environment alone.
    pub fn new(folder: &Path, environment: Environment) -> Self {
        Self {
            folder: normal(folder),
            environment,
            limit: MOST_MIB,
            templates: RwLock::default(),
            expressions: RwLock::default(),
        }
    }

    /// Makes it an error that what a template comes to, and all on the way to it, takes more than so
    /// many MiB. Without this, it is 512.
    #[must_use]
    pub fn within(mut self, mib: usize) -> Self {
        self.limit = mib;
        self
    }

    /// The environment.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A template's outputs; its path is relative to the folder.
    pub fn resolve(&self, template: &str) -> Result<Map<String, Value>> {
        self.resolve_with(template, HashMap::new())
    }

    /// A template's outputs, with values for some of its parameters.
    pub fn resolve_with(
        &self,
        template: &str,
        parameters: HashMap<String, Value>,
    ) -> Result<Map<String, Value>> {
        let template = self.template(&normal(&self.folder.join(template)))?;
        let mut given: Given = self
            .environment
            .parameters
            .iter()
            .filter(|(name, _)| template.parameters.contains_key(*name))
            .map(|(name, value)| (name.clone(), Arc::clone(value)))
            .collect();
        given.extend(
            parameters
                .into_iter()
                .map(|(name, value)| (name, Arc::new(value))),
        );
        let budget = Rc::new(Budget::new(self.limit));
        Stack::new(self, template, given, Facade::new(), budget, 0)?.into_outputs()
    }

    /// The outputs of several templates, or why there are none, in the order given.
    pub fn resolve_all<'a>(
        &self,
        templates: &[&'a str],
    ) -> Vec<(&'a str, Result<Map<String, Value>>)> {
        templates
            .par_iter()
            .map(|template| (*template, self.resolve(template)))
            .collect()
    }

    /// The template behind a resource type, relative to the folder if it is below it; nothing
    /// for OS::Heat::None.
    pub fn template_of(&self, kind: &str) -> Result<Option<String>> {
        match self.environment.find(kind, &self.folder.join("x"))? {
            Target::Template(path) => Ok(Some(self.name(&path))),
            Target::Type(name) if name == "OS::Heat::None" => Ok(None),
            Target::Type(name) => {
                let nearest = nearest(&name, self.environment.types());
                let reason = format!("the resource registry has no {name}{nearest}");
                Err(Problem::Declaration(reason).into())
            }
        }
    }

    /// A file below the folder, or where it is.
    fn name(&self, path: &Path) -> String {
        path.strip_prefix(&self.folder)
            .unwrap_or(path)
            .display()
            .to_string()
    }

    pub(crate) fn template(&self, path: &Path) -> Result<Arc<Template>> {
        if let Ok(templates) = self.templates.read()
            && let Some(known) = templates.get(path)
        {
            return known.clone();
        }
        let template = self.read(path);
        if let Ok(mut templates) = self.templates.write() {
            // Another thread may have read it meanwhile.
            return templates.entry(path.to_owned()).or_insert(template).clone();
        }
        template
    }

    fn read(&self, path: &Path) -> Result<Arc<Template>> {
        let name = self.name(path);
        std::fs::read_to_string(path)
            .map_err(|error| Error::from(Problem::Unreadable(error.to_string())))
            .and_then(|text| Template::parse(path.to_owned(), name.clone(), &text))
            .map(Arc::new)
            .map_err(|error| error.in_template(&name))
    }

    /// A file that a template includes.
    pub(crate) fn file(&self, template: &Template, path: &str) -> Result<String, String> {
        std::fs::read_to_string(place(&template.path, path)).map_err(|error| error.to_string())
    }

    /// What an expression makes of data. Each is read once, whatever uses it.
    pub(crate) fn yaql(&self, text: &str, data: &Value) -> Result<Value> {
        let known = self
            .expressions
            .read()
            .ok()
            .and_then(|expressions| expressions.get(text).cloned());
        let wrong = |error: yaql::Error| Problem::Yaql(error.to_string());
        let expression = match known {
            Some(expression) => expression,
            None => {
                let expression = yaql::Expression::parse(text).map_err(wrong)?;
                if let Ok(mut expressions) = self.expressions.write() {
                    expressions.insert(text.to_owned(), expression.clone());
                }
                expression
            }
        };
        Ok(expression.evaluate(data).map_err(wrong)?)
    }
}
