//! Template errors, shown with their place.

use std::fmt;
use std::path::PathBuf;

/// An error in a template or an override, with the line it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// The image that was being rendered.
    pub image: String,
    /// The message.
    pub message: String,
    /// The file it is in.
    pub file: PathBuf,
    /// The line, from 1; `None` where the template engine does not know.
    pub line: Option<usize>,
    /// The part of that line that is meant, in characters from 0.
    pub columns: Option<std::ops::Range<usize>>,
    /// The line's text.
    pub text: Option<String>,
    /// The calls and imports that led there, outermost last: `macros.j2:12`.
    pub via: Vec<String>,
}

impl TemplateError {
    /// The message with its place, without the image.
    pub(crate) fn explanation(&self) -> impl fmt::Display {
        Explanation(self)
    }
}

/// A template error as it is shown where the image is known.
struct Explanation<'a>(&'a TemplateError);

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.0;
        f.write_str(&error.message)?;
        let Some(line) = error.line else {
            return write!(f, "\n  --> {}", error.file.display());
        };
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        write!(f, "\n{margin} --> {}:{line}", error.file.display())?;
        if let Some(columns) = &error.columns {
            write!(f, ":{}", columns.start + 1)?;
        }
        if let Some(text) = &error.text {
            write!(f, "\n{margin} |\n{number} | {text}")?;
            if let Some(columns) = &error.columns {
                let marks = "^".repeat(columns.len().max(1));
                write!(f, "\n{margin} | {}{marks}", indent(text, columns.start))?;
            }
        }
        for place in &error.via {
            write!(f, "\n{margin} = from {place}")?;
        }
        Ok(())
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "image {}: {}", self.image, self.explanation())
    }
}

impl std::error::Error for TemplateError {}

/// Whitespace as wide as the line's first characters; tabs stay tabs.
fn indent(text: &str, width: usize) -> String {
    let mut indent: String = text
        .chars()
        .take(width)
        .map(|c| if c == '\t' { '\t' } else { ' ' })
        .collect();
    for _ in indent.chars().count()..width {
        indent.push(' ');
    }
    indent
}
