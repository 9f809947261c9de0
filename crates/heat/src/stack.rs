//! A template with values for its parameters: its resources and outputs are worked out when they
//! are asked for, and once.

mod resource;

use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::budget::Budget;
use crate::error::{Error, Problem, Result, nearest};
use crate::expression::Expression;
use crate::functions::is_enabled;
use crate::parameter::Parameter;
use crate::resolver::Resolver;
use crate::template::{Definition, Output, Template};

pub(crate) use resource::Resource;

/// How deep templates may use templates.
const DEEPEST: usize = 30;

/// How many resources and conditions of one template may wait for one another.
const LONGEST: usize = 500;

/// What an expression may need of the stack: it is looked after where a resource or a condition is
/// worked out, which may be inside another.
const RED_ZONE: usize = 1 << 20;
const MORE_STACK: usize = 4 << 20;

/// Values given to a template's parameters.
pub(crate) type Given = HashMap<String, Arc<Value>>;

/// What the resource that a nested template stands behind says of itself.
pub(crate) type Facade = Map<String, Value>;

/// See the module.
pub(crate) struct Stack<'r> {
    resolver: &'r Resolver,
    budget: Rc<Budget>,
    template: Arc<Template>,
    parameters: HashMap<String, Arc<Value>>,
    conditions: HashMap<String, Cell<Progress>>,
    resources: HashMap<String, Slot<'r>>,
    outputs: HashMap<String, OnceCell<Value>>,
    facade: Facade,
    depth: usize,
    /// How many resources and conditions are being worked out.
    waiting: Cell<usize>,
}

/// A resource once it is known, and whether it is being worked out.
#[derive(Default)]
struct Slot<'r> {
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
    /// A template with the values given; a parameter that gets none has that of the environment,
    /// or its default.
    pub(crate) fn new(
        resolver: &'r Resolver,
        template: Arc<Template>,
        mut given: Given,
        facade: Facade,
        budget: Rc<Budget>,
        depth: usize,
    ) -> Result<Self> {
        let in_template = |error: Error| error.in_template(&template.name);
        if depth > DEEPEST {
            return Err(in_template(Problem::TooDeep.into()));
        }
        budget
            .spend_on_template(template.declared())
            .map_err(|problem| in_template(problem.into()))?;
        let mut parameters = HashMap::with_capacity(template.parameters.len() + 2);
        for (name, parameter) in &template.parameters {
            let value = given
                .remove(name)
                .or_else(|| resolver.environment().parameter_defaults.get(name).cloned());
            let value = taken(parameter, name, value, &budget)
                .map_err(|problem| in_template(Error::from(problem).at(name).at("parameters")))?;
            parameters.insert(name.clone(), value);
        }
        if let Some(name) = given.keys().next() {
            let known = template.parameters.keys().map(String::as_str);
            return Err(in_template(
                Problem::UnknownParameter {
                    name: name.clone(),
                    nearest: nearest(name, known),
                }
                .into(),
            ));
        }
        for pseudo in ["OS::stack_id", "OS::project_id"] {
            parameters.insert(pseudo.to_owned(), Arc::new(Value::String(String::new())));
        }
        Ok(Self {
            resolver,
            budget,
            parameters,
            conditions: keyed(template.conditions.keys(), || Cell::new(Progress::Unknown)),
            resources: keyed(template.resources.keys(), Slot::default),
            outputs: keyed(template.outputs.keys(), OnceCell::new),
            template,
            facade,
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

    /// What a resource that this template stands behind says under `metadata` and the like.
    pub(crate) fn facade(&self, name: &str) -> Option<&Value> {
        self.facade.get(name)
    }

    pub(crate) fn parameter(&self, name: &str) -> Result<&Arc<Value>> {
        self.parameters.get(name).ok_or_else(|| {
            let known = self.parameters.keys().map(String::as_str);
            Problem::UnknownParameter {
                name: name.to_owned(),
                nearest: nearest(name, known),
            }
            .into()
        })
    }

    /// Whether a condition, by its name, is true.
    pub(crate) fn condition(&self, name: &str) -> Result<bool> {
        let (Some(progress), Some(definition)) = (
            self.conditions.get(name),
            self.template.conditions.get(name),
        ) else {
            let known = self.template.conditions.keys().map(String::as_str);
            let hint = nearest(name, known);
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
        // The path starts anew: it is that of the condition, not of what asked for it.
        match definition.evaluate(self) {
            Ok(value) => value.as_bool().ok_or_else(|| {
                Problem::Condition(format!("condition {name} is neither true nor false")).into()
            }),
            Err(error) => Err(error
                .at(name)
                .at("conditions")
                .in_template(&self.template.name)
                .used()),
        }
    }

    /// Works out what something else waits for.
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

    /// A resource's definition, if it is there and its condition is true.
    pub(crate) fn find_resource(&self, name: &str) -> Result<&Definition> {
        let enabled = match self.template.resources.get(name) {
            None => None,
            Some(definition) => self
                .enabled(definition.condition.as_ref())?
                .then_some(definition),
        };
        enabled.ok_or_else(|| {
            let known = self.template.resources.keys().map(String::as_str);
            Problem::UnknownResource {
                name: name.to_owned(),
                nearest: nearest(name, known.filter(|known| *known != name)),
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
        let definition = self.find_resource(name)?;
        let Some(slot) = self.resources.get(name) else {
            return Err(Problem::UnknownResource {
                name: name.to_owned(),
                nearest: String::new(),
            }
            .into());
        };
        if let Some(resource) = slot.known.get() {
            return Ok(resource);
        }
        if slot.busy.replace(true) {
            return Err(Problem::Circular(format!("resource {name}")).into());
        }
        let found = self.deeper(|| Resource::new(name, definition, self, self.depth));
        slot.busy.set(false);
        let found = found.map_err(|error| {
            error
                .at(name)
                .at("resources")
                .in_template(&self.template.name)
                .used()
        })?;
        Ok(slot.known.get_or_init(|| found))
    }

    /// An output's value, if there is such an output.
    pub(crate) fn output(&self, name: &str) -> Option<Result<&Value>> {
        let definition = self.template.outputs.get(name)?;
        let known = self.outputs.get(name)?;
        if let Some(value) = known.get() {
            return Some(Ok(value));
        }
        Some(
            self.find_output(definition)
                .map(|value| known.get_or_init(|| value))
                .map_err(|error| {
                    error
                        .at(name)
                        .at("outputs")
                        .in_template(&self.template.name)
                }),
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
        self.template.outputs.keys().map(String::as_str)
    }

    /// All outputs.
    pub(crate) fn into_outputs(mut self) -> Result<Map<String, Value>> {
        let names: Vec<_> = self.template.outputs.keys().cloned().collect();
        for name in &names {
            if let Some(Err(error)) = self.output(name) {
                return Err(error);
            }
        }
        Ok(names
            .into_iter()
            .filter_map(|name| {
                let value = self.outputs.remove(&name)?.into_inner()?;
                Some((name, value))
            })
            .collect())
    }
}

/// A parameter's value; one that had to be made of what is given counts.
fn taken(
    parameter: &Parameter,
    name: &str,
    given: Option<Arc<Value>>,
    budget: &Budget,
) -> Result<Arc<Value>, Problem> {
    let value = parameter.value(name, given.clone())?;
    if given.is_some_and(|given| !Arc::ptr_eq(&given, &value)) {
        budget.spend_on(&value)?;
    }
    Ok(value)
}

fn keyed<'a, T>(
    names: impl Iterator<Item = &'a String>,
    make: impl Fn() -> T,
) -> HashMap<String, T> {
    names.map(|name| (name.clone(), make())).collect()
}
