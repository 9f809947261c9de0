//! Heat's own resource types, in a stack that is created.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use slipway_pyvalue as py;

use super::resource::{Property, Resource};
use super::{Facade, Stack};
use crate::creation::{Birth, Kind, SoftwareConfig};
use crate::environment::Target;
use crate::error::{Error, Problem, Result};
use crate::functions::select;

/// The length of a random string, unless its property says otherwise.
const RANDOM_LENGTH: u64 = 32;

/// Returns the target of a resource type in a stack.
pub(super) fn target(kind: &str, stack: &Stack<'_>) -> Result<Target, Problem> {
    if stack.birth().is_some_and(|birth| birth.is_removed(kind)) {
        return Ok(Target::Type(kind.to_owned()));
    }
    let environment = stack.resolver().environment();
    environment.find(kind, &stack.template().path)
}

impl<'r> Resource<'r> {
    /// Creates a resource of one of Heat's own types.
    pub(super) fn native(
        name: &str,
        kind: &str,
        properties: Vec<Property>,
        stack: &Stack<'r>,
        birth: &Birth,
        depth: usize,
    ) -> Result<Self> {
        let made = |reference: String, attributes: Value| Self::Made {
            name: name.to_owned(),
            reference,
            attributes: match attributes {
                Value::Object(attributes) => attributes,
                _ => Map::new(),
            },
        };
        let config = |kind: Kind, properties| {
            let config = SoftwareConfig::new(kind, &properties, birth.physical_name(name));
            let config = Rc::new(config);
            Self::Config {
                id: birth.add_config(name, Rc::clone(&config)),
                config,
            }
        };
        let deployment = |kind: Kind, properties| {
            let id = birth.add_deployment(name, kind, &properties)?;
            let attributes = json!({
                "deploy_stdout": null, "deploy_stderr": null, "deploy_status_code": null,
            });
            // A deployment that does nothing has no id; its reference is its name.
            Ok(made(id.unwrap_or_else(|| name.to_owned()), attributes))
        };
        match kind {
            "OS::Heat::ResourceGroup" => Self::group(name, &properties, stack, birth, depth),
            "OS::Heat::SoftwareDeployments" | "OS::Heat::SoftwareDeploymentGroup" => {
                let member = "OS::Heat::SoftwareDeployment";
                Self::deployments(name, member, &properties, stack, birth, depth)
            }
            "OS::Heat::StructuredDeployments" | "OS::Heat::StructuredDeploymentGroup" => {
                let member = "OS::Heat::StructuredDeployment";
                Self::deployments(name, member, &properties, stack, birth, depth)
            }
            "OS::Heat::SoftwareConfig" => Ok(config(Kind::Software, owned(&properties))),
            "OS::Heat::StructuredConfig" => Ok(config(Kind::Structured, owned(&properties))),
            // The parts of multipart configurations matter to cloud-init alone.
            "OS::Heat::MultipartMime" | "OS::Heat::CloudConfig" => {
                Ok(config(Kind::Software, Map::new()))
            }
            "OS::Heat::SoftwareDeployment" => deployment(Kind::Software, owned(&properties)),
            "OS::Heat::StructuredDeployment" => deployment(Kind::Structured, owned(&properties)),
            "OS::Heat::DeployedServer" => {
                let server_name = value_of(&properties, "name").and_then(Value::as_str);
                let attributes = json!({
                    "name": server_name.map_or_else(|| birth.physical_name(name), str::to_owned),
                    "os_collect_config": {},
                });
                Ok(made(birth.id(name), attributes))
            }
            "OS::Heat::RandomString" => {
                let length = value_of(&properties, "length").and_then(number);
                let length = usize::try_from(length.unwrap_or(RANDOM_LENGTH)).unwrap_or_default();
                let value = birth.random_string(name, length.min(512));
                Ok(made(value.clone(), json!({ "value": value })))
            }
            _ => Ok(Self::Unknown {
                name: name.to_owned(),
                kind: kind.to_owned(),
            }),
        }
    }

    /// Returns what `get_resource` gives.
    pub(crate) fn reference(&self, name: &str, birth: &Birth) -> Result<Value> {
        Ok(match self {
            Self::Config { id, .. } => Value::from(id.as_str()),
            Self::Made { reference, .. } => Value::from(reference.as_str()),
            Self::Nested(nested) => match nested.output("OS::stack_id") {
                Some(value) => value.map_err(Error::used)?.clone(),
                None => Value::clone(nested.parameter("OS::stack_id")?),
            },
            Self::Nothing
            | Self::Value(_)
            | Self::Known { .. }
            | Self::Chain(_)
            | Self::Group(_)
            | Self::Unknown { .. } => Value::from(birth.physical_name(name)),
        })
    }

    /// Creates a group of resources of one definition. Members are named by numbers.
    fn group(
        name: &str,
        properties: &[Property],
        stack: &Stack<'r>,
        birth: &Birth,
        depth: usize,
    ) -> Result<Self> {
        let wrong = |reason: &str| Error::from(Problem::Declaration(reason.to_owned()));
        let Some(Value::Object(definition)) = value_of(properties, "resource_def") else {
            return Err(wrong("a group needs a map as resource_def").at("properties"));
        };
        let Some(Value::String(kind)) = definition.get("type") else {
            return Err(wrong("resource_def needs a type").at("properties"));
        };
        let declared = definition.get("properties").and_then(Value::as_object);
        let index = value_of(properties, "index_var").and_then(Value::as_str);
        let index = index.unwrap_or("%index%");
        let shared: Vec<Shared> = declared
            .into_iter()
            .flatten()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| Shared {
                name: name.as_str().into(),
                value: Arc::new(value.clone()),
                is_indexed: contains(value, index),
            })
            .collect();
        let count = value_of(properties, "count").and_then(number).unwrap_or(1);
        let removed = removed(value_of(properties, "removal_policies"));
        let names = (0u64..).map(|number| number.to_string());
        let names = names.filter(|name| !removed.contains(name));
        let group = birth.group(name);
        let mut members = IndexMap::new();
        for member in names.take(usize::try_from(count).unwrap_or_default()) {
            let own = shared.iter().map(|property| property.of(&member, index));
            let resource = Self::of_kind(&member, kind, own.collect(), stack, &group, depth);
            members.insert(member.clone(), resource.map_err(|error| error.at(member))?);
        }
        Ok(Self::Group(members))
    }

    /// Creates one deployment for each server. Members are named as the servers are.
    fn deployments(
        name: &str,
        kind: &str,
        properties: &[Property],
        stack: &Stack<'r>,
        birth: &Birth,
        depth: usize,
    ) -> Result<Self> {
        let servers = value_of(properties, "servers").and_then(Value::as_object);
        let shared = properties
            .iter()
            .filter(|(name, value)| name != "servers" && value.as_deref().is_some_and(is_set));
        let group = birth.group(name);
        let mut members = IndexMap::new();
        for (member, server) in servers.into_iter().flatten() {
            let mut own: Vec<Property> = shared.clone().cloned().collect();
            own.push(("server".into(), Some(Arc::new(server.clone()))));
            let resource = Self::of_kind(member, kind, own, stack, &group, depth);
            members.insert(member.clone(), resource.map_err(|error| error.at(member))?);
        }
        Ok(Self::Group(members))
    }

    /// Creates a resource of a type, with these properties.
    fn of_kind(
        name: &str,
        kind: &str,
        properties: Vec<Property>,
        stack: &Stack<'r>,
        birth: &Birth,
        depth: usize,
    ) -> Result<Self> {
        match target(kind, stack)? {
            Target::Template(path) => {
                let template = stack.resolver().template(&path).map_err(Error::used)?;
                let birth = Some(birth.nested(name, kind));
                Self::nested(stack, template, properties, Facade::new(), birth, depth)
            }
            Target::Type(kind) if kind == "OS::Heat::None" => Ok(Self::Nothing),
            Target::Type(kind) => Self::native(name, &kind, properties, stack, birth, depth),
        }
    }
}

/// A property of every member of a group.
struct Shared {
    name: compact_str::CompactString,
    value: Arc<Value>,
    /// True if the value has the variable that stands for the member's name.
    is_indexed: bool,
}

impl Shared {
    fn of(&self, member: &str, index: &str) -> Property {
        let value = match self.is_indexed {
            true => Arc::new(replaced(&self.value, index, member)),
            false => Arc::clone(&self.value),
        };
        (self.name.clone(), Some(value))
    }
}

fn contains(value: &Value, text: &str) -> bool {
    match value {
        Value::String(string) => string.contains(text),
        Value::Array(items) => items.iter().any(|item| contains(item, text)),
        Value::Object(map) => map.values().any(|item| contains(item, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn replaced(value: &Value, text: &str, by: &str) -> Value {
    match value {
        Value::String(string) => Value::String(string.replace(text, by)),
        Value::Array(items) => items.iter().map(|item| replaced(item, text, by)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, item)| (key.clone(), replaced(item, text, by)))
            .collect(),
        scalar => scalar.clone(),
    }
}

/// Returns the names of the members that removal policies take away.
fn removed(policies: Option<&Value>) -> Vec<String> {
    let policies = policies.and_then(Value::as_array).into_iter().flatten();
    let lists = policies.filter_map(|policy| policy.get("resource_list")?.as_array());
    lists.flatten().map(py::str).collect()
}

/// Returns an attribute of a group: `refs`, `attributes`, `resource.NAME…`, or a list of an attribute
/// of each member.
pub(super) fn group_attribute<'a, 'r>(
    members: &'a IndexMap<String, Resource<'r>>,
    name: &str,
    path: &[Cow<'_, Value>],
    stack: &'a Stack<'r>,
) -> Result<Cow<'a, Value>> {
    let of_each = |attribute: &str, path: &[Cow<'_, Value>]| {
        members
            .iter()
            .map(|(name, member)| {
                let value = member.attribute(attribute, path, stack)?;
                Ok((name.clone(), stack.budget().own(value)?))
            })
            .collect::<Result<Map<String, Value>>>()
    };
    let references = || {
        let birth = stack.birth();
        let all = members.iter().filter_map(|(name, member)| {
            Some(member.reference(name, birth?).map(|id| (name.clone(), id)))
        });
        all.collect::<Result<Map<String, Value>>>()
    };
    if let Some(rest) = name.strip_prefix("resource.") {
        let (member, attribute) = match rest.split_once('.') {
            Some((member, attribute)) => (member, Some(attribute)),
            None => (rest, None),
        };
        let found = members.get(member);
        return match (found, attribute, path) {
            (None, ..) => Ok(Cow::Owned(Value::Null)),
            (Some(found), Some(attribute), path) => found.attribute(attribute, path, stack),
            (Some(found), None, [attribute, path @ ..]) => {
                found.attribute(attribute.as_str().unwrap_or_default(), path, stack)
            }
            (Some(_), None, []) => Ok(Cow::Owned(references()?.remove(member).unwrap_or_default())),
        };
    }
    Ok(match (name, path) {
        ("refs", path) => {
            let all = references()?.into_iter().map(|(_, id)| id).collect();
            select(Cow::Owned(all), path)
        }
        ("refs_map", path) => select(Cow::Owned(Value::Object(references()?)), path),
        ("removed_rsrc_list", _) => Cow::Owned(Value::Array(Vec::new())),
        ("attributes", [attribute, path @ ..]) => {
            let attribute = attribute.as_str().unwrap_or_default();
            Cow::Owned(Value::Object(of_each(attribute, path)?))
        }
        ("deploy_stdouts", path) => select(
            Cow::Owned(Value::Object(of_each("deploy_stdout", &[])?)),
            path,
        ),
        ("deploy_stderrs", path) => select(
            Cow::Owned(Value::Object(of_each("deploy_stderr", &[])?)),
            path,
        ),
        ("deploy_status_codes", path) => {
            let codes = of_each("deploy_status_code", &[])?;
            select(Cow::Owned(Value::Object(codes)), path)
        }
        (attribute, path) => {
            let all = of_each(attribute, path)?
                .into_iter()
                .map(|(_, value)| value);
            Cow::Owned(all.collect())
        }
    })
}

fn value_of<'a>(properties: &'a [Property], name: &str) -> Option<&'a Value> {
    let found = properties.iter().find(|(known, _)| known == name);
    found?.1.as_deref().filter(|value| is_set(value))
}

fn is_set(value: &Value) -> bool {
    !value.is_null()
}

fn owned(properties: &[Property]) -> Map<String, Value> {
    let set = properties.iter().filter_map(|(name, value)| {
        let value = value.as_deref().filter(|value| is_set(value))?;
        Some((name.to_string(), value.clone()))
    });
    set.collect()
}

fn number(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_f64().map(|number| number as u64))
        .or_else(|| value.as_str()?.trim().parse().ok())
}
