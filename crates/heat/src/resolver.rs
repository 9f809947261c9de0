//! Templates in a directory, with an environment: the way in.

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
/// file of this name that turns back to Docker, which counts only when it is asked for.
const DOCKER_ENVIRONMENT: &str = "environments/docker.yaml";
const DOCKER_SERVICES: &str = "docker/services";

/// TripleO's templates have this file where its client merges environment files, rather than Heat.
const PLAN: &str = "plan-environment.yaml";

/// The stack that an expression takes at most, and the calls that lead to it.
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
    /// Parameters without a value, while it is asked for all of them.
    pub(crate) missing: Mutex<Option<IndexSet<String>>>,
}

impl Resolver {
    /// The templates in `directory`, with the environment files that such a directory comes with and
    /// those given, in that order. TripleO's templates that are not processed yet are, in memory.
    pub fn open(directory: &Path, environments: &[PathBuf]) -> Result<Self> {
        let sources = Sources {
            environments: environments.to_vec(),
            ..Sources::default()
        };
        Self::open_with(directory, &sources)
    }

    /// The same, with roles and networks for templates that are not processed yet.
    pub fn open_with(directory: &Path, sources: &Sources) -> Result<Self> {
        let mut resolver = Self::of_files(directory, sources)?;
        resolver.environment = resolver.read_environments(directory, &sources.environments)?;
        Ok(resolver)
    }

    /// The same, where these templates are to be resolved: they are read meanwhile. What is wrong
    /// with one is told when it is resolved.
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

    /// The templates in `directory`, with this environment alone.
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

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A template's outputs; its path is relative to the directory.
    pub fn resolve(&self, template: &str) -> Result<Map<String, Value>> {
        self.resolve_with(template, HashMap::new())
    }

    /// A template's outputs, with values for some of its parameters.
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
        let given: ParameterValues = template
            .parameters
            .keys()
            .map(|name| match parameters.remove(name.as_str()) {
                Some(value) => Some(Arc::new(value)),
                None => self.environment.parameters.get(name.as_str()).cloned(),
            })
            .collect();
        self.stack(template, given).and_then(Stack::into_outputs)
    }

    /// An error with line and column of each place, and without secrets.
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

    /// An error that does not tell what the environment gives parameters that some template hides.
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

    /// A template that nothing uses.
    pub(crate) fn stack(
        &self,
        template: Arc<Template>,
        given: ParameterValues,
    ) -> Result<Stack<'_>> {
        self.stack_with(template, given, None)
    }

    /// A template that nothing uses; with a birth, its stack is created.
    pub(crate) fn stack_with(
        &self,
        template: Arc<Template>,
        given: ParameterValues,
        birth: Option<Birth>,
    ) -> Result<Stack<'_>> {
        let budget = Rc::new(Budget::new(self.limit));
        Stack::new(self, template, given, Facade::new(), budget, birth, 0)
    }

    /// Returns the outputs of several templates, or their errors, in the given order.
    pub fn resolve_all<'a>(
        &self,
        templates: &[&'a str],
    ) -> Vec<(&'a str, Result<Map<String, Value>>)> {
        self.resolve_each(templates, |template, outputs| (template, outputs))
    }

    /// Returns what `take` makes of the outputs of several templates, in the order given; it is called by
    /// several threads.
    pub fn resolve_each<'a, T: Send>(
        &self,
        templates: &[&'a str],
        take: impl Fn(&'a str, Result<Map<String, Value>>) -> T + Send + Sync,
    ) -> Vec<T> {
        let resolve = || {
            each(templates)
                .map(|template| take(template, self.resolve(template)))
                .collect()
        };
        let own = self.threads.is_none().then(threads).flatten();
        match self.threads.as_ref().or(own.as_ref()) {
            Some(threads) => threads.install(resolve),
            None => resolve(),
        }
    }

    /// The template behind a resource type, relative to the directory if it is below it; nothing
    /// for OS::Heat::None.
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

    /// A file below the directory, or where it is.
    fn name(&self, path: &Path) -> String {
        path.strip_prefix(&self.directory)
            .unwrap_or(path)
            .display()
            .to_string()
    }

    /// Returns the number of files that were made of `*.j2.yaml`.
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
            // Another thread may have read it meanwhile.
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

    /// A file that a template includes.
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

/// Threads with stacks that expressions need not add to, if there can be any.
fn threads() -> Option<ThreadPool> {
    let threads = rayon::ThreadPoolBuilder::new().stack_size(THREAD_STACK);
    threads.build().ok()
}

/// Templates one by one: the next goes to whoever is free, as one takes a hundred times as long as
/// another.
fn each<'a>(templates: &[&'a str]) -> impl IndexedParallelIterator<Item = &'a str> {
    templates.par_iter().copied().with_max_len(1)
}
