//! A template's parameters: their types, defaults and constraints.

mod constraint;

use std::sync::Arc;

use serde_json::{Map, Value};
use slipway_suggest::did_you_mean;
use slipway_yaml::{Data, Node, take};

use crate::error::Problem;
use crate::kind::kind_of;
use slipway_pyvalue as py;

use crate::version::Version;
use constraint::Constraint;

/// A parameter's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    String,
    Number,
    List,
    Json,
    Boolean,
}

/// A parameter as a template declares it.
#[derive(Debug)]
pub(crate) struct Parameter {
    kind: Kind,
    default: Option<Result<Arc<Value>, Box<Problem>>>,
    constraints: Vec<Constraint>,
    /// An error of the default that counts even if the parameter has another value.
    refused: Option<Box<Problem>>,
    hidden: bool,
}

const KEYS: [&str; 9] = [
    "type",
    "description",
    "default",
    "schema",
    "constraints",
    "hidden",
    "label",
    "immutable",
    "tags",
];

/// Number of items that a string with commas may have.
const MOST_ITEMS: usize = 1_000_000;

impl Kind {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "string" => Self::String,
            "number" => Self::Number,
            "comma_delimited_list" => Self::List,
            "json" => Self::Json,
            "boolean" => Self::Boolean,
            _ => return None,
        })
    }

    fn wanted(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Number => "a number",
            Self::List => "a list, or a string with commas",
            Self::Json => "a map or list, or JSON in a string",
            Self::Boolean => "true or false",
        }
    }
}

impl Parameter {
    pub(crate) fn parse(name: &str, declared: Node, version: Version) -> Result<Self, Problem> {
        let wrong = |reason: String| Problem::Declaration(format!("parameter {name}: {reason}"));
        let Data::Map(mut declared) = declared.data else {
            return Err(wrong("it must be a map".to_owned()));
        };
        let mut keys = declared.iter().map(|(key, _)| key.as_str());
        if let Some(key) =
            keys.find(|key| !KEYS.contains(key) || *key == "tags" && version < Version::Queens)
        {
            return Err(wrong(format!(
                "unknown key {key}{}",
                did_you_mean(key, KEYS)
            )));
        }
        let kind = take(&mut declared, "type")
            .and_then(|kind| Kind::parse(kind.as_str()?))
            .ok_or_else(|| {
                wrong(
                    "its type must be string, number, comma_delimited_list, json or boolean"
                        .to_owned(),
                )
            })?;
        let constraints = match take(&mut declared, "constraints").map(|node| node.data) {
            None | Some(Data::Null) => Vec::new(),
            Some(Data::List(list)) => list
                .into_iter()
                .map(|constraint| {
                    Constraint::parse(&constraint.into_value(), kind, version).map_err(wrong)
                })
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(wrong("its constraints must be a list".to_owned())),
        };
        match take(&mut declared, "tags").map(|node| node.data) {
            None | Some(Data::List(_)) => {}
            Some(_) => return Err(wrong("its tags must be a list".to_owned())),
        }
        let mut parameter = Self {
            kind,
            default: None,
            constraints,
            refused: None,
            hidden: take(&mut declared, "hidden").is_some_and(|hidden| is_true(&hidden)),
        };
        if let Some(default) = take(&mut declared, "default").filter(|value| !value.is_null()) {
            let default = parameter
                .take(name, Arc::new(default.into_value()))
                .map_err(|problem| {
                    let reason = format!("its default is not valid: {problem}");
                    Box::new(Problem::Declaration(reason))
                });
            if let Err(problem) = &default
                && (kind == Kind::List || !parameter.constraints.is_empty())
            {
                parameter.refused = Some(problem.clone());
            }
            parameter.default = Some(default);
        }
        Ok(parameter)
    }

    /// Returns whether it has no default.
    pub(crate) fn is_required(&self) -> bool {
        self.default.is_none()
    }

    /// Returns whether its value must not be shown.
    pub(crate) fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// Returns the empty value of its type.
    pub(crate) fn empty(&self) -> Value {
        match self.kind {
            Kind::String => Value::String(String::new()),
            Kind::Number => Value::from(0),
            Kind::List => Value::Array(Vec::new()),
            Kind::Json => Value::Object(Map::new()),
            Kind::Boolean => Value::Bool(false),
        }
    }

    /// Returns the parameter's value: this one, or the default.
    pub(crate) fn value(
        &self,
        name: &str,
        value: Option<Arc<Value>>,
    ) -> Result<Arc<Value>, Problem> {
        if let Some(problem) = &self.refused {
            return Err(Problem::clone(problem));
        }
        match (value.filter(|value| !value.is_null()), &self.default) {
            (Some(value), _) => self.take(name, value),
            (None, Some(Ok(default))) => Ok(Arc::clone(default)),
            (None, Some(Err(problem))) => Err(Problem::clone(problem)),
            (None, None) => Err(Problem::MissingParameter(name.to_owned())),
        }
    }

    /// Converts a value to the parameter's type and checks its constraints.
    fn take(&self, name: &str, value: Arc<Value>) -> Result<Arc<Value>, Problem> {
        let wrong = |found: &Value| Problem::WrongType {
            name: name.to_owned(),
            wanted: self.kind.wanted(),
            found: described(found).to_owned(),
        };
        let value = match convert(self.kind, &value) {
            Some(Converted::Same) => value,
            Some(Converted::To(converted)) => Arc::new(converted),
            None => return Err(wrong(&value)),
        };
        for constraint in &self.constraints {
            constraint
                .check(&value)
                .map_err(|reason| Problem::Constraint {
                    name: name.to_owned(),
                    reason,
                })?;
        }
        Ok(value)
    }

    /// Converts a property's value to the value of the nested template's parameter.
    pub(crate) fn property(&self, name: &str, value: &Arc<Value>) -> Result<Arc<Value>, Problem> {
        let wrong = || Problem::WrongType {
            name: name.to_owned(),
            wanted: self.kind.wanted(),
            found: match (self.kind, &**value) {
                (Kind::List, Value::Array(_)) => {
                    "a list whose items are not all strings".to_owned()
                }
                _ => described(value).to_owned(),
            },
        };
        let converted = match (self.kind, &**value) {
            (Kind::String, Value::String(_))
            | (Kind::Json, Value::Object(_) | Value::String(_)) => {
                return Ok(Arc::clone(value));
            }
            (Kind::String, Value::Null) => Value::String(String::new()),
            (Kind::String, Value::Bool(_)) => Value::String(py::str(&**value)),
            (Kind::String, Value::Number(number)) if !number.is_f64() => {
                Value::String(number.to_string())
            }
            (Kind::Number, Value::Null) => Value::from(0),
            (Kind::Number, Value::Number(_) | Value::Bool(_)) => return Ok(Arc::clone(value)),
            (Kind::Number, Value::String(text)) => py::number(text).ok_or_else(wrong)?,
            (Kind::Json, Value::Null) => Value::Object(Map::new()),
            (Kind::Json, Value::Array(_)) => return Ok(Arc::clone(value)),
            (Kind::List, Value::Null) => Value::String(String::new()),
            (Kind::List, Value::String(_)) => return Ok(Arc::clone(value)),
            (Kind::List, Value::Array(items)) => joined(items).ok_or_else(wrong)?,
            (Kind::Boolean, Value::Null) => Value::Bool(false),
            (Kind::Boolean, Value::Bool(_)) => return Ok(Arc::clone(value)),
            (Kind::Boolean, Value::String(text)) => match text.to_lowercase().as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => return Err(wrong()),
            },
            _ => return Err(wrong()),
        };
        Ok(Arc::new(converted))
    }
}

fn is_true(value: &Node) -> bool {
    match &value.data {
        Data::Bool(value) => *value,
        Data::Text(text) => constraint::boolean(text).unwrap_or(false),
        _ => false,
    }
}

/// Joins a list as Heat's comma_delimited_list does. Maps in it have their own form.
fn joined(items: &[Value]) -> Option<Value> {
    let parts: Vec<String> = if let Some(Value::Object(_)) = items.first() {
        let mut parts = Vec::new();
        for (index, item) in items.iter().enumerate() {
            for (key, value) in item.as_object()? {
                parts.push(format!(".member.{index}.{key}={}", py::str(value)));
            }
        }
        parts
    } else {
        items
            .iter()
            .map(|item| match item {
                Value::Null => Some(String::new()),
                Value::String(text) => Some(text.clone()),
                _ => None,
            })
            .collect::<Option<_>>()?
    };
    Some(Value::String(parts.join(",")))
}

enum Converted {
    Same,
    To(Value),
}

/// Converts a value to a type, if it can be converted.
fn convert(kind: Kind, value: &Value) -> Option<Converted> {
    Some(match (kind, value) {
        (Kind::String, Value::String(_)) => Converted::Same,
        (Kind::String, other) => Converted::To(Value::String(py::str(other))),
        (Kind::Number, Value::Number(_) | Value::Bool(_)) => Converted::Same,
        (Kind::Number, Value::String(text)) => Converted::To(py::number(text)?),
        (Kind::List, Value::Array(items)) => {
            if items.iter().all(Value::is_string) {
                Converted::Same
            } else {
                let items = items.iter().map(|item| Value::String(py::str(item)));
                Converted::To(Value::Array(items.collect()))
            }
        }
        (Kind::List, Value::String(text)) if text.is_empty() => {
            Converted::To(Value::Array(Vec::new()))
        }
        (Kind::List, Value::String(text)) => {
            if text.matches(',').count() >= MOST_ITEMS {
                return None;
            }
            Converted::To(Value::Array(text.split(',').map(Value::from).collect()))
        }
        (Kind::Json, Value::String(text)) if text.is_empty() => Converted::Same,
        (Kind::Json, Value::String(text)) => Converted::To(py::from_json(text)?),
        (Kind::Json, _) => Converted::Same,
        (Kind::Boolean, Value::Bool(_)) => Converted::Same,
        (Kind::Boolean, Value::String(_) | Value::Number(_)) => {
            Converted::To(Value::Bool(constraint::boolean(&py::str(value))?))
        }
        _ => return None,
    })
}

/// Returns the kind of a value. The value itself may be a secret.
fn described(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "another string",
        other => kind_of(other),
    }
}
