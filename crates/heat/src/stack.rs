//! A template with values for its parameters. Its resources and outputs are resolved when they
//! are needed, once.

mod native;
mod properties;
mod resource;

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use compact_str::CompactString;
use serde_json::{Map, Value};
use slipway_redact::Secrets;
use slipway_suggest::did_you_mean;

use crate::budget::Budget;
use crate::creation::Birth;
use crate::error::{Error, Problem, Result};
use crate::expression::Expression;
use crate::functions::is_enabled;
use crate::parameter::Parameter;
use crate::resolver::Resolver;
use crate::template::{Definition, Output, Template};

pub(crate) use resource::Resource;

/// The depth to which templates may use templates.
const DEEPEST: usize = 30;

/// The number of resources and conditions of one template that may wait for one another.
const LONGEST: usize = 500;

/// The stack that an expression may need. It is reserved where a resource or a condition is resolved,
/// which may be inside another one.
const RED_ZONE: usize = 1 << 20;
const MORE_STACK: usize = 4 << 20;

/// Values for a template's parameters, in its order.
pub(crate) type ParameterValues = Vec<Option<Arc<Value>>>;

/// Metadata and policies of the resource that a nested template implements.
pub(crate) type Facade = Vec<(&'static str, Value)>;

/// Parameters that every template has.
const PSEUDO_PARAMETERS: [&str; 2] = ["OS::stack_id", "OS::project_id"];
static NOTHING: LazyLock<Arc<Value>> = LazyLock::new(|| Arc::new(Value::String(String::new())));

/// A template with values for its parameters.
pub(crate) struct Stack<'r> {
    resolver: &'r Resolver,
    budget: Rc<Budget>,
    template: Arc<Template>,
    // Each in the template's order.
    parameters: Vec<Arc<Value>>,
    conditions: Vec<Cell<Progress>>,
    resources: Vec<Slot<'r>>,
    outputs: Vec<OnceCell<Value>>,
    facade: Facade,
    /// The stack's place among those that are created, if it is.
    birth: Option<Birth>,
    depth: usize,
    /// The number of resources and conditions that are being resolved.
    waiting: Cell<usize>,
}

/// A resource once it is known, and whether it is being resolved.
#[derive(Default)]
pub(crate) struct Slot<'r> {
    known: OnceCell<Resource<'r>>,
    busy: Cell<bool>,
}

#[derive(Clone, Copy)]
enum Progress {
    Unknown,
    Busy,
    Known(bool),
}

impl<'r> Stack<'r> {
    /// Returns a template with these values. A parameter without one has that of the environment,
    /// or its default.
    pub(crate) fn new(
        resolver: &'r Resolver,
        template: Arc<Template>,
        mut values: ParameterValues,
        facade: Facade,
        budget: Rc<Budget>,
        birth: Option<Birth>,
        depth: usize,
    ) -> Result<Self> {
        let in_template = |error: Error| error.in_template(&template.name);
        if depth > DEEPEST {
            return Err(in_template(Problem::TooDeep.into()));
        }
        budget
            .spend_on_template(template.declared())
            .map_err(|problem| in_template(problem.into()))?;
        let mut parameters = Vec::with_capacity(template.parameters.len());
        for (index, (name, parameter)) in template.parameters.iter().enumerate() {
            let value = values.get_mut(index).and_then(Option::take).or_else(|| {
                resolver
                    .environment()
                    .parameter_defaults
                    .get(name.as_str())
                    .cloned()
            });
            let value = taken(parameter, name, value, &budget)
                .or_else(|problem| resolver.stand_in(parameter, problem))
                .map_err(|problem| in_template(Error::from(problem).at(name).at("parameters")))?;
            parameters.push(value);
        }
        Ok(Self {
            resolver,
            budget,
            parameters,
            conditions: (0..template.conditions.len())
                .map(|_| Cell::new(Progress::Unknown))
                .collect(),
            resources: (0..template.resources.len())
                .map(|_| Slot::default())
                .collect(),
            outputs: (0..template.outputs.len())
                .map(|_| OnceCell::new())
                .collect(),
            template,
            facade,
            birth,
            depth,
            waiting: Cell::new(0),
        })
    }

    pub(crate) fn resolver(&self) -> &'r Resolver {
        self.resolver
    }

    pub(crate) fn budget(&self) -> &Rc<Budget> {
        &self.budget
    }

    pub(crate) fn template(&self) -> &Template {
        &self.template
    }

    /// Returns the stack's place among those that are created, if it is.
    pub(crate) fn birth(&self) -> Option<&Birth> {
        self.birth.as_ref()
    }

    /// Returns true if the template has the resource and its condition is true.
    pub(crate) fn is_created(&self, name: &str) -> Result<bool> {
        match self.template.resources.get(name) {
            Some(definition) => self
                .enabled(definition.condition.as_deref())
                .map_err(|error| self.here(error.at("condition").at(name).at("resources"))),
            None => Ok(false),
        }
    }

    /// Returns `metadata` and the like of the resource that this template implements.
    pub(crate) fn facade(&self, name: &str) -> Option<&Value> {
        let mut all = self.facade.iter();
        all.find_map(|(known, value)| (*known == name).then_some(value))
    }

    pub(crate) fn parameter(&self, name: &str) -> Result<&Arc<Value>> {
        let index = self.template.parameters.get_index_of(name);
        let known = index.and_then(|index| self.parameters.get(index));
        let known = known.or_else(|| self.birth.as_ref()?.pseudo_parameter(name));
        // This stack was not created in a cloud, so it has neither an id nor a project.
        let known = known.or_else(|| PSEUDO_PARAMETERS.contains(&name).then(|| &*NOTHING));
        known.ok_or_else(|| {
            let known = self.template.parameters.keys().map(CompactString::as_str);
            Problem::UnknownParameter {
                name: name.to_owned(),
                nearest: did_you_mean(name, known),
            }
            .into()
        })
    }

    /// Returns whether a condition is true.
    pub(crate) fn condition(&self, name: &str) -> Result<bool> {
        let found = self.template.conditions.get_full(name);
        let Some((progress, definition)) = found
            .and_then(|(index, _, definition)| Some((self.conditions.get(index)?, definition)))
        else {
            let known = self.template.conditions.keys().map(CompactString::as_str);
            let hint = did_you_mean(name, known);
            return Err(Problem::Condition(format!("there is no condition {name}{hint}")).into());
        };
        match progress.get() {
            Progress::Known(value) => Ok(value),
            Progress::Busy => Err(Problem::Circular(format!("condition {name}")).into()),
            Progress::Unknown => {
                progress.set(Progress::Busy);
                let value = self.deeper(|| self.find_condition(name, definition));
                progress.set(match &value {
                    Ok(value) => Progress::Known(*value),
                    Err(_) => Progress::Unknown,
                });
                value
            }
        }
    }

    fn find_condition(&self, name: &str, definition: &Expression) -> Result<bool> {
        // The path starts anew at the condition, whatever led to it.
        match definition.evaluate(self) {
            Ok(value) => value.as_bool().ok_or_else(|| {
                Problem::Condition(format!("condition {name} is neither true nor false")).into()
            }),
            Err(error) => Err(self.here(error.at(name).at("conditions")).used()),
        }
    }

    /// Names this template in an error and masks its hidden parameters.
    fn here(&self, error: Error) -> Error {
        let mut secrets = Secrets::default();
        let parameters = self.template.parameters.values().zip(&self.parameters);
        for (_, value) in parameters.filter(|(parameter, _)| parameter.is_hidden()) {
            secrets.hidden(value);
        }
        error
            .in_template(&self.template.name)
            .without(&secrets.redactor())
    }

    /// Resolves a resource or a condition that another one needs.
    fn deeper<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        if self.waiting.get() >= LONGEST {
            let reason =
                format!("more than {LONGEST} resources and conditions wait for one another");
            return Err(Problem::Declaration(reason).into());
        }
        self.waiting.set(self.waiting.get() + 1);
        let result = stacker::maybe_grow(RED_ZONE, MORE_STACK, work);
        self.waiting.set(self.waiting.get() - 1);
        result
    }

    /// Returns a resource's definition, if it exists and its condition is true.
    pub(crate) fn find_resource(&self, name: &str) -> Result<(&Slot<'r>, &Definition)> {
        let found = self.template.resources.get_full(name);
        let found =
            found.and_then(|(index, _, definition)| Some((self.resources.get(index)?, definition)));
        let enabled = match found {
            None => None,
            Some((slot, definition)) => self
                .enabled(definition.condition.as_deref())?
                .then_some((slot, definition)),
        };
        enabled.ok_or_else(|| {
            let known = self.template.resources.keys().map(CompactString::as_str);
            Problem::UnknownResource {
                name: name.to_owned(),
                nearest: did_you_mean(name, known.filter(|known| *known != name)),
            }
            .into()
        })
    }

    fn enabled(&self, condition: Option<&Expression>) -> Result<bool> {
        match condition {
            None => Ok(true),
            Some(condition) => is_enabled(&*condition.evaluate(self)?, self),
        }
    }

    pub(crate) fn resource(&self, name: &str) -> Result<&Resource<'r>> {
        let (slot, definition) = self.find_resource(name)?;
        if let Some(resource) = slot.known.get() {
            return Ok(resource);
        }
        if slot.busy.replace(true) {
            return Err(Problem::Circular(format!("resource {name}")).into());
        }
        let found = self.deeper(|| Resource::new(name, definition, self, self.depth));
        slot.busy.set(false);
        let found = found.map_err(|error| self.here(error.at(name).at("resources")).used())?;
        Ok(slot.known.get_or_init(|| found))
    }

    /// Returns an output's value, if the output exists.
    pub(crate) fn output(&self, name: &str) -> Option<Result<&Value>> {
        let (index, _, definition) = self.template.outputs.get_full(name)?;
        let known = self.outputs.get(index)?;
        if let Some(value) = known.get() {
            return Some(Ok(value));
        }
        Some(
            self.find_output(definition)
                .map(|value| known.get_or_init(|| value))
                .map_err(|error| self.here(error.at(name).at("outputs"))),
        )
    }

    fn find_output(&self, definition: &Output) -> Result<Value> {
        let enabled = self
            .enabled(definition.condition.as_ref())
            .map_err(|error| error.at("condition"))?;
        if !enabled {
            return Ok(Value::Null);
        }
        definition
            .value
            .owned(self)
            .map_err(|error| error.at("value"))
    }

    pub(crate) fn output_names(&self) -> impl Iterator<Item = &str> {
        self.template.outputs.keys().map(CompactString::as_str)
    }

    /// Returns all outputs.
    pub(crate) fn into_outputs(self) -> Result<Map<String, Value>> {
        for name in self.template.outputs.keys() {
            if let Some(Err(error)) = self.output(name) {
                return Err(error);
            }
        }
        let names = self.template.outputs.keys().cloned();
        let values = self.outputs.into_iter().map(OnceCell::into_inner);
        Ok(names
            .zip(values)
            .filter_map(|(name, value)| Some((name.into(), value?)))
            .collect())
    }
}

/// Returns a parameter's value. A converted value counts against the budget.
fn taken(
    parameter: &Parameter,
    name: &str,
    value: Option<Arc<Value>>,
    budget: &Budget,
) -> Result<Arc<Value>, Problem> {
    let converted = parameter.value(name, value.clone())?;
    if value.is_some_and(|value| !Arc::ptr_eq(&value, &converted)) {
        budget.spend_on(&converted)?;
    }
    Ok(converted)
}
