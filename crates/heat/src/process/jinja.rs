//! Templates rendered with the options that process-templates.py leaves Jinja2.

use std::path::{Path, PathBuf};

use minijinja::{Environment, Error as JinjaError, ErrorKind};
use slipway_jinja::{adapt, bounds};

use super::Error;

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

    /// Renders a template. Included files are searched beside it, then in the tree's root.
    pub fn render(
        &self,
        path: &Path,
        source: &str,
        data: &serde_json::Value,
    ) -> Result<String, Error> {
        let mut environment = Environment::new();
        slipway_jinja::install(&mut environment);
        let directories = [
            self.root.join(path.parent().unwrap_or(Path::new(""))),
            self.root.clone(),
        ];
        environment.set_loader(move |name| included(&directories, name));
        let name = path.to_string_lossy();
        let text = adapted(source).map_err(|(line, message)| Error::Template {
            template: name.to_string(),
            line: Some(line),
            message,
        })?;
        environment
            .render_named_str(&name, &text, slipway_jinja::data(data))
            .map_err(|error| described(&name, &error))
    }
}

/// Returns a template for minijinja, or the line and message of an error that minijinja would not find.
fn adapted(source: &str) -> Result<String, (usize, String)> {
    if let Some(line) = bounds::overgrown(source) {
        return Err((line, bounds::too_many_operators(&format!("line {line}"))));
    }
    let adapted = adapt(source);
    match adapted.mistake {
        Some((at, mistake)) if Environment::new().template_from_str(source).is_ok() => {
            let line = source[..at].matches('\n').count() + 1;
            Err((line, format!("syntax error: {mistake}")))
        }
        _ => Ok(adapted.text),
    }
}

/// Returns a template that another one includes. As in Jinja2, its path cannot leave the directory.
fn included(directories: &[PathBuf], name: &str) -> Result<Option<String>, JinjaError> {
    if name.split('/').any(|part| part == ".." || part.is_empty()) {
        return Ok(None);
    }
    let invalid = |message: String| JinjaError::new(ErrorKind::InvalidOperation, message);
    for directory in directories {
        let place = directory.join(name);
        if place.is_file() {
            let text = super::read(&place).map_err(|error| invalid(error.to_string()))?;
            let text = adapted(&text);
            return text
                .map(Some)
                .map_err(|(line, message)| invalid(format!("{name}, line {line}: {message}")));
        }
    }
    Ok(None)
}

/// Returns the innermost error with its place.
fn described(template: &str, error: &JinjaError) -> Error {
    let mut innermost = error;
    while let Some(inner) =
        std::error::Error::source(innermost).and_then(|inner| inner.downcast_ref::<JinjaError>())
    {
        innermost = inner;
    }
    let message = match innermost.kind() {
        ErrorKind::OutOfFuel => bounds::used_up(),
        kind => innermost
            .detail()
            .map_or_else(|| kind.to_string(), |detail| format!("{kind}: {detail}")),
    };
    Error::Template {
        template: innermost.name().unwrap_or(template).to_owned(),
        line: innermost.line(),
        message,
    }
}
