//! The way in: resolves the templates of a directory with an environment.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, RwLock};

use compact_str::CompactString;
use indexmap::IndexSet;
use rayon::ThreadPool;
use rayon::prelude::*;
use serde_json::{Map, Value};
use slipway_redact::Secrets;
use slipway_suggest::did_you_mean;

use crate::budget::{Budget, MOST_MIB};
use crate::creation::Birth;
use crate::environment::{Environment, Target, absolute, normal, place};
use crate::error::{Error, Problem, Result};
use crate::files::Files;
use crate::parameter::Parameter;
use crate::sources::Sources;
use crate::stack::{Facade, ParameterValues, Stack};
use crate::template::Template;
use slipway_yaml::{Node, Options};
use slipway_yaql as yaql;

/// The registry that TripleO's templates come with.
const REGISTRY: &str = "overcloud-resource-registry-puppet.yaml";

/// The environment that registers the templates in [`DOCKER_SERVICES`], up to Rocky. Later trees have a
/// file of this name that switches back to Docker; it counts only when it is requested.
const DOCKER_ENVIRONMENT: &str = "environments/docker.yaml";
const DOCKER_SERVICES: &str = "docker/services";

/// A file of TripleO's templates in releases whose client, not Heat, merges environment files.
const PLAN: &str = "plan-environment.yaml";

/// The stack that an expression and the calls that lead to it need at most.
const THREAD_STACK: usize = yaql::STACK + (16 << 20);

/// Resolves the templates in a directory. Each file is read once.
pub struct Resolver {
    directory: PathBuf,
    environment: Environment,
    files: Files,
    limit: usize,
    templates: RwLock<HashMap<PathBuf, Result<Arc<Template>>>>,
    expressions: RwLock<HashMap<String, yaql::Expression>>,
    /// Threads, if several templates are to be resolved.
    threads: Option<ThreadPool>,
    /// Parameters without a value, while all of them are collected.
    pub(crate) missing: Mutex<Option<IndexSet<String>>>,
}

impl Resolver {
    /// Opens the templates in `directory` with the environment files that such a directory comes with, then
    /// these. TripleO's unprocessed templates are processed in memory.
    pub fn open(directory: &Path, environments: &[PathBuf]) -> Result<Self> {
        let sources = Sources {
            environments: environments.to_vec(),
            ..Sources::default()
        };
        Self::open_with(directory, &sources)
    }

    /// Does the same, with roles and networks for unprocessed templates.
    pub fn open_with(directory: &Path, sources: &Sources) -> Result<Self> {
        let mut resolver = Self::of_files(directory, sources)?;
        resolver.environment = resolver.read_environments(directory, &sources.environments)?;
        Ok(resolver)
    }

    /// Does the same, and reads these templates at the same time because they will be resolved. An error in one
    /// is reported when it is resolved.
    pub fn open_for(templates: &[&str], directory: &Path, sources: &Sources) -> Result<Self> {
        let Some(threads) = threads() else {
            return Self::open_with(directory, sources);
        };
        let mut resolver = Self::of_files(directory, sources)?;
        let (environment, ()) = threads.join(
            || resolver.read_environments(directory, &sources.environments),
            || {
                each(templates).for_each(|name| {
                    let _ = resolver.template(&resolver.path(name));
                });
            },
        );
        resolver.environment = environment?;
        resolver.threads = Some(threads);
        Ok(resolver)
    }

    fn of_files(directory: &Path, sources: &Sources) -> Result<Self> {
        if !directory.is_dir() {
            let problem = Problem::Unreadable("there is no such directory of templates".to_owned());
            return Err(Error::from(problem).in_template(&directory.display().to_string()));
        }
        let mut resolver = Self::new(directory, Environment::default());
        resolver.files = Files::of(directory, sources)?;
        Ok(resolver)
    }

    fn read_environments(&self, directory: &Path, own: &[PathBuf]) -> Result<Environment> {
        let mut environment = match self.files.is_file(&directory.join(PLAN)) {
            true => Environment::merged_by_client(),
            false => Environment::default(),
        };
        let has_docker_services = directory.join(DOCKER_SERVICES).is_dir();
        let standard = [
            Some(REGISTRY),
            Some(DOCKER_ENVIRONMENT).filter(|_| has_docker_services),
        ];
        for name in standard.into_iter().flatten() {
            let path = directory.join(name);
            if self.files.is_file(&path) {
                environment.load_from(&path, &self.files)?;
            }
        }
        for path in own {
            environment.load_from(path, &self.files)?;
        }
        Ok(environment)
    }

    /// Opens the templates in `directory` with this environment alone.
    pub fn new(directory: &Path, environment: Environment) -> Self {
        Self {
            directory: absolute(directory),
            environment,
            files: Files::default(),
            limit: MOST_MIB,
            templates: RwLock::default(),
            expressions: RwLock::default(),
            threads: None,
            missing: Mutex::default(),
        }
    }

    /// Limits the memory of a template's values, intermediate ones included, to this many MiB [default:
    /// 512]. More is an error.
    #[must_use]
    pub fn within(mut self, mib: usize) -> Self {
        self.limit = mib;
        self
    }

    /// Returns the environment.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Returns the directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns a template's outputs; its path is relative to the directory.
    pub fn resolve(&self, template: &str) -> Result<Map<String, Value>> {
        self.resolve_with(template, HashMap::new())
    }

    /// Returns a template's outputs, with values for some of its parameters.
    pub fn resolve_with(
        &self,
        template: &str,
        parameters: HashMap<String, Value>,
    ) -> Result<Map<String, Value>> {
        self.outputs(template, parameters)
            .map_err(|error| self.explained(error))
    }

    fn outputs(
        &self,
        template: &str,
        mut parameters: HashMap<String, Value>,
    ) -> Result<Map<String, Value>> {
        let template = self.template(&self.path(template))?;
        if let Some(name) = parameters
            .keys()
            .find(|name| !template.parameters.contains_key(name.as_str()))
        {
            let known = template.parameters.keys().map(CompactString::as_str);
            let problem = Problem::UnknownParameter {
                name: name.clone(),
                nearest: did_you_mean(name, known),
            };
            return Err(Error::from(problem).in_template(&template.name));
        }
        let values: ParameterValues = template
            .parameters
            .keys()
            .map(|name| match parameters.remove(name.as_str()) {
                Some(value) => Some(Arc::new(value)),
                None => self.environment.parameters.get(name.as_str()).cloned(),
            })
            .collect();
        self.stack(template, values).and_then(Stack::into_outputs)
    }

    /// Returns an error with line and column of each place, and without secrets.
    pub(crate) fn explained(&self, error: Error) -> Error {
        let mut documents = HashMap::<String, Option<Node>>::new();
        let error = error.located(|template, path| {
            let document = documents.entry(template.to_owned()).or_insert_with(|| {
                let text = self.files.read(&self.directory.join(template)).ok()?;
                slipway_yaml::read_with(&text, Options::PYYAML).ok()
            });
            document.as_ref()?.position_of(path)
        });
        self.without_secrets(error)
    }

    /// Returns an error without the environment's values of parameters that any template hides.
    fn without_secrets(&self, error: Error) -> Error {
        let mut secrets = Secrets::default();
        if let Ok(templates) = self.templates.read() {
            for template in templates.values().flatten() {
                let parameters = template.parameters.iter();
                for (name, _) in parameters.filter(|(_, parameter)| parameter.is_hidden()) {
                    let Environment {
                        parameters,
                        parameter_defaults,
                        ..
                    } = &self.environment;
                    for values in [parameters, parameter_defaults] {
                        if let Some(value) = values.get(name.as_str()) {
                            secrets.hidden(value);
                        }
                    }
                }
            }
        }
        error.without(&secrets.redactor())
    }

    /// Returns the stack of a template that no other template uses.
    pub(crate) fn stack(
        &self,
        template: Arc<Template>,
        values: ParameterValues,
    ) -> Result<Stack<'_>> {
        self.stack_with(template, values, None)
    }

    /// Returns the stack of a template that no other template uses; with a birth, the stack is created.
    pub(crate) fn stack_with(
        &self,
        template: Arc<Template>,
        values: ParameterValues,
        birth: Option<Birth>,
    ) -> Result<Stack<'_>> {
        let budget = Rc::new(Budget::new(self.limit));
        Stack::new(self, template, values, Facade::new(), budget, birth, 0)
    }

    /// Returns the outputs of several templates, or their errors, in this order.
    pub fn resolve_all<'a>(
        &self,
        templates: &[&'a str],
    ) -> Vec<(&'a str, Result<Map<String, Value>>)> {
        self.resolve_each(templates, |template, resolve| (template, resolve()))
    }

    /// Returns the results of `take` for several templates, in this order. Several threads call it. It gets
    /// a template, and the function that resolves it.
    pub fn resolve_each<'a, T: Send>(
        &self,
        templates: &[&'a str],
        take: impl Fn(&'a str, &dyn Fn() -> Result<Map<String, Value>>) -> T + Send + Sync,
    ) -> Vec<T> {
        let resolve = || {
            each(templates)
                .map(|template| take(template, &|| self.resolve(template)))
                .collect()
        };
        let own = self.threads.is_none().then(threads).flatten();
        match self.threads.as_ref().or(own.as_ref()) {
            Some(threads) => threads.install(resolve),
            None => resolve(),
        }
    }

    /// Returns the template behind a resource type, relative to the directory if it is below it; `None` for
    /// OS::Heat::None.
    pub fn template_of(&self, kind: &str) -> Result<Option<String>> {
        match self.environment.find(kind, &self.directory.join("x"))? {
            Target::Template(path) => Ok(Some(self.name(&path))),
            Target::Type(name) if name == "OS::Heat::None" => Ok(None),
            Target::Type(name) => {
                let nearest = did_you_mean(&name, self.environment.types());
                let reason = format!("the resource registry has no {name}{nearest}");
                Err(Problem::Declaration(reason).into())
            }
        }
    }

    fn path(&self, template: &str) -> PathBuf {
        normal(&self.directory.join(template))
    }

    /// Returns the path relative to the directory if it is below it, otherwise the path itself.
    fn name(&self, path: &Path) -> String {
        path.strip_prefix(&self.directory)
            .unwrap_or(path)
            .display()
            .to_string()
    }

    /// Returns the number of files that were rendered from `*.j2.yaml`.
    pub fn processed(&self) -> usize {
        self.files.made()
    }

    /// Returns whether the directory has a file.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.files.is_file(&self.directory.join(path))
    }

    /// Returns a stand-in for the value of a parameter that has none, while all of them are collected.
    pub(crate) fn stand_in(
        &self,
        parameter: &Parameter,
        problem: Problem,
    ) -> Result<Arc<Value>, Problem> {
        if let Problem::MissingParameter(name) = &problem
            && let Ok(mut missing) = self.missing.lock()
            && let Some(missing) = &mut *missing
        {
            missing.insert(name.clone());
            return Ok(Arc::new(parameter.empty()));
        }
        Err(problem)
    }

    pub(crate) fn template(&self, path: &Path) -> Result<Arc<Template>> {
        if let Ok(templates) = self.templates.read()
            && let Some(known) = templates.get(path)
        {
            return known.clone();
        }
        let template = self.read(path);
        if let Ok(mut templates) = self.templates.write() {
            // Another thread may have read it in the meantime.
            return templates.entry(path.to_owned()).or_insert(template).clone();
        }
        template
    }

    fn read(&self, path: &Path) -> Result<Arc<Template>> {
        let name = self.name(path);
        self.files
            .read(path)
            .map_err(|error| Error::from(Problem::Unreadable(error.to_string())))
            .and_then(|text| {
                // Heat's client removes whitespace from a template's end before it reads it, so a block
                // scalar there ends without a newline.
                Template::parse(path.to_owned(), name.clone(), text.trim_end())
            })
            .map(Arc::new)
            .map_err(|error| error.in_template(&name))
    }

    /// Returns a file that a template includes.
    pub(crate) fn file(&self, template: &Template, path: &str) -> Result<String, String> {
        let path = place(&template.path, path);
        self.files.read(&path).map_err(|error| error.to_string())
    }

    /// Evaluates an expression on data. Each expression is parsed once.
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

/// Returns threads whose stacks are large enough for expressions, if threads can be started.
fn threads() -> Option<ThreadPool> {
    let threads = rayon::ThreadPoolBuilder::new().stack_size(THREAD_STACK);
    threads.build().ok()
}

/// Hands out templates one by one to the next free thread: some take a hundred times as long as
/// others.
fn each<'a>(templates: &[&'a str]) -> impl IndexedParallelIterator<Item = &'a str> {
    templates.par_iter().copied().with_max_len(1)
}
