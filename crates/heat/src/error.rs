//! Errors of templates: the reason, its place, and the templates that led there.

use std::fmt;

use slipway_redact::Redactor;
use slipway_yaml::{Position, Step};

/// A `Result` whose error is [`struct@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason, the place in a template, and the templates that led there.
#[derive(Debug, Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    problem: Problem,
    /// Innermost first.
    frames: Vec<Frame>,
    /// Further parameters without a value.
    others: Vec<String>,
}

/// A place in one template.
#[derive(Debug, Clone, Default)]
struct Frame {
    template: String,
    /// Line and column, once they have been looked up.
    position: Option<Position>,
    /// Innermost first.
    path: Vec<String>,
}

/// The reason for an [`struct@Error`].
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// The processing of the templates failed.
    #[error("the templates are not processed yet, and processing failed: {0}")]
    Processing(String),
    /// It is not YAML.
    #[error("{}", .0.message())]
    Syntax(slipway_yaml::Error),
    /// It is YAML, but not a template.
    #[error("not a template: {0}")]
    NotATemplate(String),
    /// A declaration is invalid.
    #[error("{0}")]
    Declaration(String),
    /// A parameter without a default has no value.
    #[error("parameter {0} has no value and no default: give it one under parameter_defaults")]
    MissingParameter(String),
    /// A parameter is unknown.
    #[error("there is no parameter {name}{nearest}")]
    UnknownParameter {
        /// As written.
        name: String,
        /// A hint, or nothing.
        nearest: String,
    },
    /// A value does not have the type of its parameter.
    #[error("parameter {name}: expected {wanted}, found {found}")]
    WrongType {
        /// The parameter.
        name: String,
        /// The wanted type.
        wanted: &'static str,
        /// The type of the value.
        found: String,
    },
    /// A value violates a constraint of its parameter.
    #[error("parameter {name}: {reason}")]
    Constraint {
        /// The parameter.
        name: String,
        /// The constraint's description, or its condition.
        reason: String,
    },
    /// A resource is unknown, or its condition is false.
    #[error("there is no resource {name}{nearest}")]
    UnknownResource {
        /// As written.
        name: String,
        /// A hint, or nothing.
        nearest: String,
    },
    /// An attribute of a resource is unknown.
    #[error("resource {resource} has no attribute {name}{nearest}")]
    UnknownAttribute {
        /// The resource.
        resource: String,
        /// As written.
        name: String,
        /// A hint, or nothing.
        nearest: String,
    },
    /// The attributes of a resource of this type are known only to a cloud.
    #[error(
        "resource {resource} is a {kind}, whose attributes only Heat knows: map the type to a \
         template in the resource registry{nearest}"
    )]
    UnknownType {
        /// The resource.
        resource: String,
        /// Its type.
        kind: String,
        /// A hint, or nothing.
        nearest: String,
    },
    /// A reference is circular.
    #[error("{0} depends on itself")]
    Circular(String),
    /// Templates are nested too deeply.
    #[error("templates are nested too deeply here")]
    TooDeep,
    /// The values of one template need too much memory.
    #[error(
        "with this value, the template's values take more than {0} MiB: a value may contain itself, or \
         repeat too often"
    )]
    TooLarge(usize),
    /// A condition is unknown, or is not a condition.
    #[error("{0}")]
    Condition(String),
    /// An argument of a function is invalid.
    #[error("{0}")]
    Function(String),
    /// A YAQL expression cannot be parsed or evaluated.
    #[error("{0}")]
    Yaql(String),
}

impl Error {
    /// Returns the reason, without its place.
    pub fn problem(&self) -> &Problem {
        &self.0.problem
    }

    /// Returns the template that has the error.
    pub fn template(&self) -> &str {
        self.0.frames.first().map_or("", |frame| &frame.template)
    }

    /// Returns the path inside that template, such as `outputs.role_data.value`.
    pub fn path(&self) -> String {
        self.0.frames.first().map_or(String::new(), Frame::path)
    }

    /// Adds a step to the path, from the inside out.
    pub(crate) fn at(mut self, step: impl fmt::Display) -> Self {
        if let Some(frame) = self.0.frames.last_mut() {
            frame.path.push(step.to_string());
        }
        self
    }

    /// Names the template of the path so far.
    pub(crate) fn in_template(mut self, template: &str) -> Self {
        if let Some(frame) = self.0.frames.last_mut() {
            template.clone_into(&mut frame.template);
        }
        self
    }

    /// Masks secrets in the message and in its place.
    pub(crate) fn without(mut self, redactor: &Redactor) -> Self {
        let mask = |text: &mut String| *text = redactor.redact(text);
        self.0.problem.each_text(mask);
        for frame in &mut self.0.frames {
            frame.path.iter_mut().for_each(mask);
        }
        self
    }

    /// Looks up line and column of each place. `find` gets a template and the path inside it.
    pub(crate) fn located(
        mut self,
        mut find: impl FnMut(&str, &[Step]) -> Option<Position>,
    ) -> Self {
        for frame in &mut self.0.frames {
            if frame.position.is_none() {
                let path: Vec<Step> = frame.path.iter().rev().map(|step| step_of(step)).collect();
                frame.position = find(&frame.template, &path);
            }
        }
        self
    }

    /// Names further parameters without a value.
    pub(crate) fn with_others(mut self, others: Vec<String>) -> Self {
        self.0.others = others;
        self
    }

    /// Continues the path in the template that uses this one.
    pub(crate) fn used(mut self) -> Self {
        self.0.frames.push(Frame::default());
        self
    }
}

impl Problem {
    /// Returns all strings that may come from a template or its values.
    fn each_text(&mut self, mut change: impl FnMut(&mut String)) {
        match self {
            Self::Syntax(_) | Self::TooDeep | Self::TooLarge(_) => {}
            Self::Unreadable(text)
            | Self::Processing(text)
            | Self::NotATemplate(text)
            | Self::Declaration(text)
            | Self::MissingParameter(text)
            | Self::Circular(text)
            | Self::Condition(text)
            | Self::Function(text)
            | Self::Yaql(text) => change(text),
            Self::WrongType {
                name, found: text, ..
            }
            | Self::Constraint { name, reason: text }
            | Self::UnknownParameter {
                name,
                nearest: text,
            }
            | Self::UnknownResource {
                name,
                nearest: text,
            } => {
                change(name);
                change(text);
            }
            Self::UnknownAttribute {
                resource,
                name,
                nearest,
            }
            | Self::UnknownType {
                resource,
                kind: name,
                nearest,
            } => {
                change(resource);
                change(name);
                change(nearest);
            }
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        let position = match &problem {
            Problem::Syntax(error) => error.position(),
            _ => None,
        };
        let frame = Frame {
            position,
            ..Frame::default()
        };
        Self(Box::new(Inner {
            problem,
            frames: vec![frame],
            others: Vec::new(),
        }))
    }
}

/// Reads a step of a path: `[0]` is an item, anything else a key.
fn step_of(step: &str) -> Step {
    let index = step
        .strip_prefix('[')
        .and_then(|step| step.strip_suffix(']'))
        .and_then(|index| index.parse().ok());
    match index {
        Some(index) => Step::Item(index),
        None => Step::Key(step.to_owned()),
    }
}

impl Frame {
    /// Returns the template, with line and column where they are known.
    fn place(&self) -> String {
        match self.position {
            Some(Position { line, column }) => format!("{}:{line}:{column}", self.template),
            None => self.template.clone(),
        }
    }

    fn path(&self) -> String {
        let mut path = String::new();
        for step in self.path.iter().rev() {
            if !path.is_empty() && !step.starts_with('[') {
                path.push('.');
            }
            path.push_str(step);
        }
        path
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut frames = self.0.frames.iter();
        if let Some(first) = frames.next() {
            if !first.template.is_empty() {
                write!(f, "{}: ", first.place())?;
            }
            let path = first.path();
            if !path.is_empty() {
                write!(f, "{path}: ")?;
            }
        }
        write!(f, "{}", self.0.problem)?;
        for frame in frames {
            write!(f, "\n  used by {}", frame.place())?;
            let path = frame.path();
            if !path.is_empty() {
                write!(f, ": {path}")?;
            }
        }
        if !self.0.others.is_empty() {
            write!(
                f,
                "\n  these have none either: {}",
                self.0.others.join(", ")
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
