//! Resources: the template or type behind each, and its attributes.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use compact_str::CompactString;
use indexmap::IndexMap;
use serde_json::{Map, Value};
use slipway_suggest::did_you_mean;

use super::native::{group_attribute, target};
use super::{Facade, ParameterValues, Stack};
use crate::creation::{Birth, SoftwareConfig};
use crate::environment::Target;
use crate::error::{Error, Problem, Result};
use crate::expression::Expression;
use crate::functions::select;
use crate::template::{Definition, Properties, Template};

/// A resource, as far as its attributes are known without a cloud.
pub(crate) enum Resource<'r> {
    /// OS::Heat::None: every attribute is null.
    Nothing,
    /// OS::Heat::Value.
    Value(Value),
    /// A resource whose attributes are preset.
    Known {
        name: String,
        attributes: Map<String, Value>,
    },
    /// A nested template.
    Nested(Box<Stack<'r>>),
    /// OS::Heat::ResourceChain: resources of several types with the same properties.
    Chain(Vec<Resource<'r>>),
    /// A group of resources by name, in a stack that is created.
    Group(IndexMap<String, Resource<'r>>),
    /// A software configuration in a stack that is created.
    Config {
        id: String,
        config: Rc<SoftwareConfig>,
    },
    /// Another resource of a stack that is created, with its reference.
    Made {
        name: String,
        reference: String,
        attributes: Map<String, Value>,
    },
    /// A resource whose attributes only Heat knows.
    Unknown { name: String, kind: String },
}

/// A property; `None` if it is omitted.
pub(super) type Property = (CompactString, Option<Arc<Value>>);

impl<'r> Resource<'r> {
    pub(super) fn new(
        name: &str,
        definition: &Definition,
        stack: &Stack<'r>,
        depth: usize,
    ) -> Result<Self> {
        let kind = definition
            .kind
            .evaluate(stack)
            .map_err(|error| error.at("type"))?;
        let Value::String(kind) = &*kind else {
            let problem = Problem::Declaration("a resource's type must be a string".to_owned());
            return Err(Error::from(problem).at("type"));
        };
        let resolver = stack.resolver();
        let target = target(kind, stack).map_err(|problem| Error::from(problem).at("type"))?;
        match target {
            Target::Type(kind) => match kind.as_str() {
                "OS::Heat::None" => Ok(Self::Nothing),
                "OS::Heat::Value" => value_property(&definition.properties, stack)
                    .map(Self::Value)
                    .map_err(|error| error.at("properties")),
                "OS::Heat::ResourceChain" => Self::chain(&definition.properties, stack, depth)
                    .map_err(|error| error.at("properties")),
                _ => match stack.birth() {
                    Some(birth) => {
                        let properties = properties(&definition.properties, stack)?;
                        Self::native(name, &kind, properties, stack, birth, depth)
                    }
                    None => Ok(Self::Unknown {
                        name: name.to_owned(),
                        kind,
                    }),
                },
            },
            Target::Template(path) => {
                let template = resolver
                    .template(&path)
                    .map_err(|error| error.used().at("type"))?;
                let properties = properties(&definition.properties, stack)?;
                let facade = facade(definition, stack);
                let birth = stack.birth().map(|birth| birth.nested(name, kind));
                Self::nested(stack, template, properties, facade, birth, depth)
            }
        }
    }

    pub(super) fn nested(
        stack: &Stack<'r>,
        template: Arc<Template>,
        properties: Vec<Property>,
        facade: Facade,
        birth: Option<Birth>,
        depth: usize,
    ) -> Result<Self> {
        let values = parameters(&template, properties, stack)?;
        let budget = Rc::clone(stack.budget());
        Stack::new(
            stack.resolver(),
            template,
            values,
            facade,
            budget,
            birth,
            depth + 1,
        )
        .map(|nested| Self::Nested(Box::new(nested)))
        .map_err(Error::used)
    }

    fn chain(declared: &Properties, stack: &Stack<'r>, depth: usize) -> Result<Self> {
        let mut types = Vec::new();
        let mut shared = Vec::new();
        for (name, value) in properties(declared, stack)? {
            match (name.as_str(), value.as_deref()) {
                ("resources", Some(Value::Array(items))) => types.clone_from(items),
                ("resource_properties", Some(Value::Object(map))) => {
                    shared = map
                        .iter()
                        .map(|(name, value)| (name.into(), Some(Arc::new(value.clone()))))
                        .collect();
                }
                ("concurrent", _) | ("resource_properties", None | Some(Value::Null)) => {}
                (name, _) => {
                    let problem = "a chain wants a list of types as resources, and a map as \
                                   resource_properties";
                    return Err(Error::from(Problem::Declaration(problem.to_owned())).at(name));
                }
            }
        }
        types
            .iter()
            .map(|kind| {
                let member = Definition {
                    kind: kind.into(),
                    condition: None,
                    properties: Properties::Each(Vec::new()),
                    metadata: None,
                    update_policy: None,
                    deletion_policy: None,
                    depends_on: Vec::new(),
                };
                Self::member(kind, &member, shared.clone(), stack, depth)
                    .map_err(|error| error.at(kind.as_str().unwrap_or("resources")))
            })
            .collect::<Result<_>>()
            .map(Self::Chain)
    }

    fn member(
        kind: &Value,
        definition: &Definition,
        shared: Vec<Property>,
        stack: &Stack<'r>,
        depth: usize,
    ) -> Result<Self> {
        let name = kind.as_str().unwrap_or_default();
        let resolver = stack.resolver();
        match target(name, stack)? {
            Target::Template(path) => {
                let template = resolver.template(&path).map_err(Error::used)?;
                let birth = stack.birth().map(|birth| birth.nested(name, name));
                Self::nested(stack, template, shared, Facade::new(), birth, depth)
            }
            Target::Type(_) => Self::new(name, definition, stack, depth),
        }
    }

    /// Returns an attribute, or the value at a path in it.
    pub(crate) fn attribute<'a>(
        &'a self,
        name: &str,
        path: &[Cow<'_, Value>],
        stack: &'a Stack<'r>,
    ) -> Result<Cow<'a, Value>> {
        let value = match self {
            Self::Nothing => Cow::Owned(Value::Null),
            Self::Value(value) if name == "value" => Cow::Borrowed(value),
            Self::Value(_) => return Err(no_attribute("OS::Heat::Value", name, ["value"])),
            Self::Known {
                name: resource,
                attributes,
            } => match attributes.get(name) {
                Some(value) => Cow::Borrowed(value),
                None => {
                    let known = attributes.keys().map(String::as_str);
                    return Err(no_attribute(resource, name, known));
                }
            },
            Self::Nested(nested) => match nested.output(name) {
                Some(value) => Cow::Borrowed(value.map_err(Error::used)?),
                None => {
                    return Err(no_attribute(
                        &nested.template().name,
                        name,
                        nested.output_names(),
                    ));
                }
            },
            Self::Config { config, .. } if name == "config" => Cow::Borrowed(&config.config),
            Self::Config { id, .. } => return Err(no_attribute(id, name, ["config"])),
            Self::Made {
                name: resource,
                attributes,
                ..
            } => match attributes.get(name) {
                Some(value) => Cow::Borrowed(value),
                None => {
                    let known = attributes.keys().map(String::as_str);
                    return Err(no_attribute(resource, name, known));
                }
            },
            Self::Group(members) => return group_attribute(members, name, path, stack),
            // The attribute of each of its resources.
            Self::Chain(members) => {
                return members
                    .iter()
                    .map(|member| {
                        let value = member.attribute(name, path, stack)?;
                        Ok(stack.budget().own(value)?)
                    })
                    .collect::<Result<_>>()
                    .map(|values| Cow::Owned(Value::Array(values)));
            }
            Self::Unknown { name, kind } => return Err(unknown_type(name, kind, stack)),
        };
        Ok(select(value, path))
    }

    /// Returns all attributes.
    pub(crate) fn attributes(&self, stack: &Stack<'r>) -> Result<Value> {
        match self {
            Self::Nothing => Ok(Value::Object(Map::new())),
            Self::Value(value) => Ok(Value::Object(
                [("value".to_owned(), stack.budget().copy(value)?)]
                    .into_iter()
                    .collect(),
            )),
            Self::Known { attributes, .. } => {
                let mut all = Map::new();
                for (name, value) in attributes {
                    all.insert(name.clone(), stack.budget().copy(value)?);
                }
                Ok(Value::Object(all))
            }
            Self::Nested(nested) => {
                let mut all = Map::new();
                for name in nested.output_names() {
                    let value = self.attribute(name, &[], stack)?;
                    all.insert(name.to_owned(), stack.budget().own(value)?);
                }
                Ok(Value::Object(all))
            }
            Self::Chain(_) | Self::Group(_) => {
                Err(Problem::Function("a group's attribute must be named".to_owned()).into())
            }
            Self::Config { config, .. } => {
                let config = stack.budget().copy(&config.config)?;
                Ok(Value::Object(
                    [("config".to_owned(), config)].into_iter().collect(),
                ))
            }
            Self::Made { attributes, .. } => {
                Ok(Value::Object(stack.budget().copy_map(attributes)?))
            }
            Self::Unknown { name, kind } => Err(unknown_type(name, kind, stack)),
        }
    }
}

fn no_attribute<'a>(resource: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Error {
    Problem::UnknownAttribute {
        resource: resource.to_owned(),
        name: name.to_owned(),
        nearest: did_you_mean(name, known),
    }
    .into()
}

fn unknown_type(resource: &str, kind: &str, stack: &Stack<'_>) -> Error {
    Problem::UnknownType {
        resource: resource.to_owned(),
        kind: kind.to_owned(),
        nearest: did_you_mean(kind, stack.resolver().environment().types()),
    }
    .into()
}

/// Returns the properties that are not omitted.
pub(super) fn properties(declared: &Properties, stack: &Stack<'_>) -> Result<Vec<Property>> {
    match declared {
        Properties::Each(entries) => entries
            .iter()
            .map(|(name, value)| {
                let value = value
                    .evaluate_shared(stack)
                    .map_err(|error| error.at(name).at("properties"))?;
                Ok((name.clone(), value))
            })
            .collect(),
        Properties::Whole(value) => {
            match value.owned(stack).map_err(|error| error.at("properties"))? {
                Value::Object(map) => Ok(map
                    .into_iter()
                    .map(|(name, value)| (name.into(), Some(Arc::new(value))))
                    .collect()),
                Value::Null => Ok(Vec::new()),
                _ => {
                    let problem = Problem::Declaration("the properties must be a map".to_owned());
                    Err(Error::from(problem).at("properties"))
                }
            }
        }
    }
}

/// Converts properties to the nested template's parameters.
fn parameters(
    template: &Template,
    properties: Vec<Property>,
    stack: &Stack<'_>,
) -> Result<ParameterValues> {
    let mut values: ParameterValues = vec![None; template.parameters.len()];
    for (name, value) in properties {
        let Some(value) = value else {
            continue;
        };
        let at = |problem: Problem| Error::from(problem).at(&name).at("properties");
        let Some((index, _, parameter)) = template.parameters.get_full(name.as_str()) else {
            let known = template.parameters.keys().map(CompactString::as_str);
            let nearest = did_you_mean(&name, known);
            return Err(at(Problem::UnknownParameter {
                name: format!("{name} in {}", template.name),
                nearest,
            }));
        };
        let taken = parameter.property(&name, &value).map_err(at)?;
        if !Arc::ptr_eq(&taken, &value) {
            stack.budget().spend_on(&taken).map_err(at)?;
        }
        if let Some(place) = values.get_mut(index) {
            *place = Some(taken);
        }
    }
    Ok(values)
}

fn value_property(declared: &Properties, stack: &Stack<'_>) -> Result<Value> {
    if let Properties::Each(entries) = declared
        && let Some((name, value)) = entries.iter().find(|(name, _)| name == "value")
    {
        return value.owned(stack).map_err(|error| error.at(name));
    }
    Err(Problem::Declaration("a value must have the property value".to_owned()).into())
}

/// Returns the resource's metadata and policies for `resource_facade`; those that cannot be resolved are left out.
fn facade(definition: &Definition, stack: &Stack<'_>) -> Facade {
    let part = |expression: Option<&Expression>, default: Value| match expression {
        None => Some(default),
        Some(expression) => expression.owned(stack).ok(),
    };
    [
        (
            "metadata",
            part(definition.metadata.as_deref(), Value::Object(Map::new())),
        ),
        (
            "update_policy",
            part(
                definition.update_policy.as_deref(),
                Value::Object(Map::new()),
            ),
        ),
        (
            "deletion_policy",
            part(definition.deletion_policy.as_deref(), Value::from("Delete")),
        ),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}
