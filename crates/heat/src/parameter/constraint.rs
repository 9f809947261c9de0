//! Constraints on a parameter's value.

use std::collections::HashMap;
use std::sync::{LazyLock, RwLock};

use serde_json::{Map, Value};
use slipway_pyregex::{Regex, shortened};
use slipway_suggest::did_you_mean;

use super::Kind;
use crate::version::Version;
use slipway_pyvalue as py;

/// The number of patterns that are kept for other templates.
const MOST_KNOWN: usize = 100;

/// One constraint.
#[derive(Debug)]
pub(super) struct Constraint {
    /// The author's description.
    description: Option<String>,
    rule: Rule,
}

#[derive(Debug)]
enum Rule {
    Length(Bounds),
    Range(Bounds),
    Modulo {
        step: f64,
        offset: f64,
    },
    AllowedValues(Vec<Value>, Kind),
    AllowedPattern {
        written: String,
        regex: Regex,
    },
    /// A constraint that only a running cloud can check. It counts as satisfied.
    Custom,
}

#[derive(Debug)]
struct Bounds {
    min: Option<f64>,
    max: Option<f64>,
}

const KEYS: [&str; 7] = [
    "description",
    "length",
    "range",
    "modulo",
    "allowed_values",
    "allowed_pattern",
    "custom_constraint",
];

impl Constraint {
    pub(super) fn parse(declared: &Value, kind: Kind, version: Version) -> Result<Self, String> {
        const KNOWN: &str = "a constraint must be one of length, range, modulo, allowed_values, \
                             allowed_pattern and custom_constraint";
        let declared = declared.as_object().ok_or(KNOWN)?;
        if let Some(key) = declared.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(format!(
                "unknown key {key} of a constraint{}",
                did_you_mean(key, KEYS)
            ));
        }
        let rule = if let Some(bounds) = declared.get("range") {
            fits(matches!(kind, Kind::Number), "range")?;
            Rule::Range(Bounds::parse(bounds)?)
        } else if let Some(bounds) = declared.get("length") {
            fits(
                matches!(kind, Kind::String | Kind::List | Kind::Json),
                "length",
            )?;
            Rule::Length(Bounds::parse(bounds)?)
        } else if let Some(modulo) = declared.get("modulo").filter(|_| version >= Version::Ocata) {
            fits(matches!(kind, Kind::Number), "modulo")?;
            Rule::modulo(modulo)?
        } else if let Some(allowed) = declared.get("allowed_values") {
            fits(!matches!(kind, Kind::Json), "allowed_values")?;
            let allowed = allowed.as_array().ok_or("allowed_values must be a list")?;
            Rule::AllowedValues(allowed.clone(), kind)
        } else if let Some(pattern) = declared.get("allowed_pattern") {
            fits(matches!(kind, Kind::String), "allowed_pattern")?;
            let pattern = pattern.as_str().ok_or("allowed_pattern must be a string")?;
            Rule::AllowedPattern {
                written: pattern.to_owned(),
                regex: read(pattern)?,
            }
        } else if declared.contains_key("custom_constraint") {
            Rule::Custom
        } else {
            return Err(KNOWN.to_owned());
        };
        Ok(Self {
            description: description(declared),
            rule,
        })
    }

    /// Checks a value. The error does not show it: it may be a secret.
    pub(super) fn check(&self, value: &Value) -> Result<(), String> {
        let reason = match &self.rule {
            Rule::Length(bounds) => bounds
                .check(length(value))
                .map(|wanted| format!("its length must be {wanted}")),
            Rule::Range(bounds) => bounds
                .check(py::float(value))
                .map(|wanted| format!("it must be {wanted}")),
            Rule::Modulo { step, offset } => (remainder(py::float(value), *step) != *offset)
                .then(|| format!("it must be a multiple of {step} plus {offset}")),
            Rule::AllowedValues(allowed, kind) => (!allows(allowed, *kind, value)).then(|| {
                let allowed: Vec<_> = allowed.iter().map(py::str).collect();
                format!("it must be one of {}", allowed.join(", "))
            }),
            Rule::AllowedPattern { written, regex } => (!matches_whole(regex, value))
                .then(|| format!("it does not match {}", shortened(written))),
            Rule::Custom => None,
        };
        match reason {
            None => Ok(()),
            Some(reason) => Err(self.description.clone().unwrap_or(reason)),
        }
    }
}

impl Rule {
    fn modulo(declared: &Value) -> Result<Self, String> {
        const SHAPE: &str = "modulo must have a step and an offset, whole numbers of one sign, of \
                             which the step is the larger";
        let declared = declared.as_object().ok_or(SHAPE)?;
        if declared.keys().any(|key| key != "step" && key != "offset") {
            return Err(SHAPE.to_owned());
        }
        let whole = |key| number(declared.get(key)).filter(|number| number.fract() == 0.0);
        match (whole("step"), whole("offset")) {
            (Some(step), Some(offset)) if offset.abs() < step.abs() && step * offset >= 0.0 => {
                Ok(Self::Modulo { step, offset })
            }
            _ => Err(SHAPE.to_owned()),
        }
    }
}

/// Returns the remainder with the sign of the divisor, as in Python.
fn remainder(number: f64, step: f64) -> f64 {
    let remainder = number % step;
    if remainder != 0.0 && (remainder < 0.0) != (step < 0.0) {
        remainder + step
    } else {
        remainder
    }
}

/// Returns a compiled pattern that matches from the start of a string. Templates share a few patterns, so
/// each is compiled once.
fn read(pattern: &str) -> Result<Regex, String> {
    static KNOWN: LazyLock<RwLock<HashMap<String, Regex>>> = LazyLock::new(RwLock::default);
    if let Ok(known) = KNOWN.read()
        && let Some(regex) = known.get(pattern)
    {
        return Ok(regex.clone());
    }
    let regex = slipway_pyregex::compile(&format!(r"\A(?:{pattern})"))
        .map_err(|error| format!("allowed_pattern cannot be read: {error}"))?;
    if let Ok(mut known) = KNOWN.write()
        && known.len() < MOST_KNOWN
    {
        known.insert(pattern.to_owned(), regex.clone());
    }
    Ok(regex)
}

fn fits(fits: bool, name: &str) -> Result<(), String> {
    if fits {
        return Ok(());
    }
    Err(format!("{name} is no constraint for its type"))
}

fn description(declared: &Map<String, Value>) -> Option<String> {
    match declared.get("description") {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

fn number(value: Option<&Value>) -> Option<f64> {
    match value? {
        Value::String(text) => py::number(text).map(|number| py::float(&number)),
        number @ Value::Number(_) => Some(py::float(number)),
        _ => None,
    }
}

impl Bounds {
    fn parse(declared: &Value) -> Result<Self, String> {
        const SHAPE: &str = "it must have a min, a max, or both, which are numbers";
        let declared = declared.as_object().ok_or(SHAPE)?;
        if declared.keys().any(|key| key != "min" && key != "max") {
            return Err(SHAPE.to_owned());
        }
        let bound = |key| match declared.get(key) {
            None | Some(Value::Null) => Ok(None),
            given => number(given).map(Some).ok_or(SHAPE),
        };
        match (bound("min")?, bound("max")?) {
            (None, None) => Err(SHAPE.to_owned()),
            (min, max) => Ok(Self { min, max }),
        }
    }

    /// Returns the message for a number outside the bounds.
    fn check(&self, number: f64) -> Option<String> {
        let inside =
            self.min.is_none_or(|min| number >= min) && self.max.is_none_or(|max| number <= max);
        if inside {
            return None;
        }
        Some(match (self.min, self.max) {
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) => format!("{min} or more"),
            (None, Some(max)) => format!("{max} or less"),
            (None, None) => String::new(),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "no value is that long")]
fn length(value: &Value) -> f64 {
    (match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(map) => map.len(),
        _ => 0,
    }) as f64
}

fn allows(allowed: &[Value], kind: Kind, value: &Value) -> bool {
    let is_allowed = |value: &Value| {
        allowed.iter().any(|allowed| match kind {
            Kind::String => py::str(allowed) == py::str(value),
            Kind::Number => match (number(Some(allowed)), value) {
                (Some(allowed), Value::Number(_) | Value::Bool(_)) => allowed == py::float(value),
                _ => py::equal(allowed, value),
            },
            Kind::Boolean => boolean(&py::str(allowed)) == value.as_bool(),
            Kind::List | Kind::Json => py::equal(allowed, value),
        })
    };
    match (kind, value) {
        (Kind::List, Value::Array(items)) => items.iter().all(is_allowed),
        _ => is_allowed(value),
    }
}

fn matches_whole(pattern: &Regex, value: &Value) -> bool {
    let Value::String(text) = value else {
        return false;
    };
    // A match that takes too long counts as no match.
    matches!(pattern.find(text), Ok(Some(found)) if found.end() == text.len())
}

/// Reads a string that means true or false.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "1" | "t" | "true" | "on" | "y" | "yes" => Some(true),
        "0" | "f" | "false" | "off" | "n" | "no" => Some(false),
        _ => None,
    }
}
