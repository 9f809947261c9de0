//! YAML and JSON, read within limits, with the line and column of everything.
//!
//! Every file that people write for Slipway is read here: service definitions, container
//! configurations, hiera data, Heat templates, environments. The result is a tree of [`Node`]s, each
//! with its [`Position`], or any type that serde can deserialize. An [`Error`] names the line, the
//! column and the key.
//!
//! ```
//! #[derive(serde::Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Port {
//!     port: u16,
//! }
//! let port: Port = slipway_yaml::from_str("port: 5000\n")?;
//! assert_eq!(port.port, 5000);
//!
//! let error = slipway_yaml::from_str::<Vec<Port>>("- port: 1\n- prot: 2\n").err().unwrap();
//! assert_eq!(error.to_string(), "line 2, column 3: [1].prot: unknown key; known here: port");
//! # Ok::<(), slipway_yaml::Error>(())
//! ```
//!
//! # Schemas
//! YAML 1.1 and YAML 1.2 disagree about what a plain scalar means: `yes`, `0644`, `1:30`. [`Schema`]
//! says which rules apply: those of PyYAML for the files of tools that use it, those of YAML 1.2 for
//! Slipway's own files. Anchors, aliases and merge keys (`<<`) work in both. A key that is no string
//! becomes the string that JSON would have there. Timestamps stay strings.
//!
//! A document that begins with `{` or `[` and is valid JSON is read as JSON, because YAML is not
//! quite a superset of it: only JSON has surrogate pairs such as `\ud83d\ude00` and takes tabs.
//!
//! # Limits
//! A document has at most [`Limits::bytes`] bytes and nests at most [`Limits::depth`] levels deep,
//! which is checked before anything recurses. Its anchors and aliases may copy at most
//! [`Limits::copies`] bytes, so that a small file cannot become a huge value. Beyond these limits,
//! reading fails within milliseconds.

mod builder;
mod deserialize;
mod error;
mod indent;
mod input;
mod json;
mod node;
mod scalar;
mod write;

use serde::de::DeserializeOwned;

pub use error::{Error, FileError, Position, Problem, Step, path_text};
pub use node::{Data, Entries, Node, take};
pub use write::to_string;

/// The rules for a document.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The meaning of plain scalars.
    pub schema: Schema,
    /// The meaning of a key that a map has twice.
    pub duplicates: Duplicates,
    /// The limits.
    pub limits: Limits,
}

impl Options {
    /// The rules of PyYAML: YAML 1.1, and the last of several equal keys wins.
    pub const PYYAML: Options = Options {
        schema: Schema::Yaml11,
        duplicates: Duplicates::LastWins,
        limits: Limits::DEFAULT,
    };
}

/// The meaning of plain scalars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schema {
    /// YAML 1.2: `yes` and `0644` are strings, `0o644` and `1e3` are numbers.
    #[default]
    Core,
    /// YAML 1.1 as PyYAML reads it: `yes` is true, `0644` is 420, `1:30` is 90, `1e3` is a string.
    Yaml11,
}

/// The meaning of a key that a map has twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// It is an error.
    #[default]
    Refused,
    /// The last value counts.
    LastWins,
}

/// The limits of a document.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Number of bytes.
    pub bytes: usize,
    /// Levels of nesting.
    pub depth: usize,
    /// Number of values: scalars, keys among them, lists and maps. One takes some 500 bytes while it is
    /// read.
    pub values: usize,
    /// Number of bytes that anchors and aliases may copy.
    pub copies: usize,
}

impl Limits {
    /// The limits that are enough for every file that people write.
    pub const DEFAULT: Limits = Limits {
        bytes: 64 << 20,
        depth: 100,
        values: 1_000_000,
        copies: 64 << 20,
    };
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::DEFAULT
    }
}

/// Reads one document by the default [`Options`]; an empty one is null.
///
/// # Errors
/// Names the line and the column.
pub fn read(text: &str) -> Result<Node, Error> {
    read_with(text, Options::default())
}

/// Reads one document; an empty one is null.
///
/// # Errors
/// Names the line and the column.
pub fn read_with(text: &str, options: Options) -> Result<Node, Error> {
    check_size(text, options)?;
    // Some editors begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with(['{', '['])
        && let Some(document) = json::read(text, options)?
    {
        return Ok(document);
    }
    builder::check_characters(text)?;
    indent::with_indentation(text, |text| builder::build(text, options))
}

/// Reads one JSON document by the default [`Options`].
///
/// # Errors
/// Names the line and the column. A document that is YAML and not JSON is an error.
pub fn read_json(text: &str) -> Result<Node, Error> {
    let options = Options::default();
    check_size(text, options)?;
    match json::read(text, options)? {
        Some(document) => Ok(document),
        None => Err(json::explain(text)),
    }
}

/// Reads one document as a type, by the default [`Options`].
///
/// # Errors
/// Names the line, the column and the key.
pub fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    from_str_with(text, Options::default())
}

/// Reads one document as a type.
///
/// # Errors
/// Names the line, the column and the key.
pub fn from_str_with<T: DeserializeOwned>(text: &str, options: Options) -> Result<T, Error> {
    read_with(text, options)?.deserialize()
}

fn check_size(text: &str, options: Options) -> Result<(), Error> {
    if text.len() > options.limits.bytes {
        let mib = options.limits.bytes >> 20;
        let message = format!("the document is larger than {mib} MiB");
        return Err(Error::limit(None, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
