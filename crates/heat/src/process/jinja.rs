//! Jinja2 with the options that process-templates.py leaves it, by minijinja.
//!
//! The differences of minijinja, and what this module does about each:
//!
//! 1. **Python's methods** on strings and maps, by minijinja-contrib.
//! 2. **Escaping** by a template's name, which Jinja2 does only when told to: off.
//! 3. **Lists and maps change in place**, and what an included template sets stays in it, by
//!    [`mutable`].
//! 4. **Lists and maps are printed** as Python prints them, by [`print`].
//! 5. **`int`** takes what is no number for its default, by [`int`].
//! 6. **Filters and tests of minijinja's own** are unknown, as they are to Jinja2.
//!
//! Remaining differences: a pair that `items` gives is printed as a list; and some filters for texts that
//! people read (`wordwrap`, `filesizeformat`, `urlize`, …) are unknown.

use std::path::{Path, PathBuf};

use minijinja::value::{Rest, ValueKind};
use minijinja::{
    AutoEscape, Environment, Error as JinjaError, ErrorKind, Output, State, UndefinedBehavior,
    Value,
};

use super::{Error, mutable};

/// Renders templates of one tree.
pub(super) struct Jinja {
    root: PathBuf,
}

impl Jinja {
    pub fn new(root: &Path) -> Self {
        Jinja {
            root: root.to_owned(),
        }
    }

    /// Renders a template. What it includes is looked for beside it, then in the tree's root.
    pub fn render(
        &self,
        path: &Path,
        source: &str,
        data: &serde_json::Value,
    ) -> Result<String, Error> {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_undefined_behavior(UndefinedBehavior::Lenient);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.set_formatter(print);
        mutable::install(&mut environment);
        environment.add_filter("int", int);
        for filter in ["bool", "split", "lines", "chain", "zip"] {
            environment.remove_filter(filter);
        }
        for test in ["safe", "int", "startingwith", "endingwith"] {
            environment.remove_test(test);
        }
        environment.remove_global("debug");
        let folders = [
            self.root.join(path.parent().unwrap_or(Path::new(""))),
            self.root.clone(),
        ];
        environment.set_loader(move |name| included(&folders, name));
        let name = path.to_string_lossy();
        environment
            .render_named_str(&name, &mutable::adapt(source), value(data))
            .map_err(|error| described(&name, &error))
    }
}

/// Data as templates see it.
fn value(data: &serde_json::Value) -> Value {
    match data {
        serde_json::Value::Null => Value::from(()),
        serde_json::Value::Bool(value) => Value::from(*value),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::from(number),
            (None, Some(number)) => Value::from(number),
            (None, None) => Value::from(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => mutable::list(items.iter().map(value).collect()),
        serde_json::Value::Object(entries) => mutable::map(
            entries
                .iter()
                .map(|(key, item)| (Value::from(key.as_str()), value(item)))
                .collect(),
        ),
    }
}

/// A template that another one includes. As in Jinja2, its path cannot leave the folder.
fn included(folders: &[PathBuf], name: &str) -> Result<Option<String>, JinjaError> {
    if name.split('/').any(|part| part == ".." || part.is_empty()) {
        return Ok(None);
    }
    for folder in folders {
        let place = folder.join(name);
        if place.is_file() {
            let text = super::read(&place);
            return text
                .map(|text| Some(mutable::adapt(&text)))
                .map_err(|error| JinjaError::new(ErrorKind::InvalidOperation, error.to_string()));
        }
    }
    Ok(None)
}

/// The innermost error: where it is, and what it is.
fn described(template: &str, error: &JinjaError) -> Error {
    let mut innermost = error;
    while let Some(inner) =
        std::error::Error::source(innermost).and_then(|inner| inner.downcast_ref::<JinjaError>())
    {
        innermost = inner;
    }
    let message = innermost.detail().map_or_else(
        || innermost.kind().to_string(),
        |detail| format!("{}: {detail}", innermost.kind()),
    );
    Error::Template {
        template: innermost.name().unwrap_or(template).to_owned(),
        line: innermost.line(),
        message,
    }
}

/// Prints a value as Python's `str` does.
fn print(out: &mut Output, _: &mut State, value: &Value) -> Result<(), JinjaError> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => {
            let mut text = String::new();
            represent(value, &mut text)?;
            out.write_str(&text)
        }
        _ => write!(out, "{value}"),
    }
    .map_err(JinjaError::from)
}

/// Python's `repr`.
fn represent(value: &Value, out: &mut String) -> Result<(), JinjaError> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            out.push('[');
            for (index, item) in value.try_iter()?.enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                represent(&item, out)?;
            }
            out.push(']');
        }
        ValueKind::Map => {
            out.push('{');
            for (index, key) in value.try_iter()?.enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                represent(&key, out)?;
                out.push_str(": ");
                represent(&value.get_item(&key)?, out)?;
            }
            out.push('}');
        }
        ValueKind::Undefined => out.push_str("Undefined"),
        _ => match value.as_str() {
            Some(text) => slipway_pyvalue::repr::quote(out, text)?,
            None => out.push_str(&value.to_string()),
        },
    }
    Ok(())
}

/// `int(default=0, base=10)`: an integer, from a number or its text, else the default.
fn int(value: &Value, rest: Rest<Value>) -> Result<Value, JinjaError> {
    let default = || rest.first().cloned().unwrap_or_else(|| Value::from(0));
    let base = rest
        .get(1)
        .and_then(Value::as_usize)
        .and_then(|base| u32::try_from(base).ok())
        .unwrap_or(10);
    if let Some(text) = value.as_str() {
        let digits = text.trim();
        let whole = (2..=36)
            .contains(&base)
            .then(|| i64::from_str_radix(digits, base).ok())
            .flatten();
        let number = || {
            digits
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
        };
        return Ok(whole
            .map(Value::from)
            .or_else(|| number().map(truncated))
            .unwrap_or_else(default));
    }
    Ok(match value.kind() {
        ValueKind::Bool => Value::from(i64::from(value.is_true())),
        ValueKind::Number if value.is_integer() => value.clone(),
        ValueKind::Number => f64::try_from(value.clone()).map_or_else(|_| default(), truncated),
        _ => default(),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "an integer beyond 64 bits is nobody's"
)]
fn truncated(number: f64) -> Value {
    Value::from(number as i64)
}
