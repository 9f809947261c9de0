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

    fn write_explanation(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let Some(line) = self.line else {
            return write!(f, "\n  --> {}", self.file.display());
        };
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        write!(f, "\n{margin} --> {}:{line}", self.file.display())?;
        if let Some(columns) = &self.columns {
            write!(f, ":{}", columns.start + 1)?;
        }
        if let Some(text) = &self.text {
            write!(f, "\n{margin} |\n{number} | {text}")?;
            if let Some(columns) = &self.columns {
                let marks = "^".repeat(columns.len().max(1));
                write!(f, "\n{margin} | {}{marks}", indent(text, columns.start))?;
            }
        }
        for place in &self.via {
            write!(f, "\n{margin} = from {place}")?;
        }
        Ok(())
    }
}

/// A template error as it is shown where the image is known.
struct Explanation<'a>(&'a TemplateError);

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write_explanation(f)
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "image {}: ", self.image)?;
        self.write_explanation(f)
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
