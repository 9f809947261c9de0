//! Reads a config.json into the model. Errors name their place.

use std::path::{Path, PathBuf};

use slipway_files::{ReadError, read_text};
use slipway_suggest::{hint, nearest};

use crate::Config;

/// The size of the largest config.json. Thousands of entries need far less.
pub(crate) const MAX_SIZE: u64 = 16 << 20;

/// An invalid config.json.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The file is larger than any config.json needs to be.
    #[error("{}: larger than {MAX_SIZE} bytes, which no config.json needs to be", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
    },
    /// The text is not JSON, or not a config.json.
    #[error("{}:{line}:{column}: {}{message}{}", file.display(), at(path), hint(suggestion.as_ref()))]
    Invalid {
        /// The file.
        file: PathBuf,
        /// The place in it, such as `config_files[0].owner`; empty for the whole.
        path: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// The problem.
        message: String,
        /// The nearest valid key, for an unknown key.
        suggestion: Option<String>,
    },
}

fn at(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!("{path}: ")
    }
}

impl Config {
    /// Reads a config.json from `file`.
    pub fn read(file: &Path) -> Result<Config, ParseError> {
        let text = read_text(file, MAX_SIZE).map_err(|error| match error {
            ReadError::TooLarge { path, .. } => ParseError::TooLarge { file: path },
            error => ParseError::Read {
                file: file.to_owned(),
                source: error.into_reason(),
            },
        })?;
        Config::from_json(&text, file)
    }

    /// Reads a config.json from its text; `file` is its name in errors.
    pub fn from_json(text: &str, file: &Path) -> Result<Config, ParseError> {
        let mut json = serde_json::Deserializer::from_str(text);
        let parsed = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| (nameless_root(error.path().to_string()), error.into_inner()));
        let ended = |config| {
            json.end()
                .map(|()| config)
                .map_err(|error| (String::new(), error))
        };
        parsed
            .and_then(ended)
            .map_err(|(path, error)| invalid(file, path, &error))
    }
}

/// serde_path_to_error calls the whole document `.`.
fn nameless_root(path: String) -> String {
    if path == "." { String::new() } else { path }
}

fn invalid(file: &Path, path: String, error: &serde_json::Error) -> ParseError {
    let text = error.to_string();
    // serde_json ends its messages with the place, which has its own fields here.
    let message = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(message, _)| message);
    ParseError::Invalid {
        file: file.to_owned(),
        path,
        line: error.line(),
        column: error.column(),
        suggestion: nearest_key(message),
        message: message.to_owned(),
    }
}

/// Returns the nearest valid key to the unknown one in serde's message, which lists them.
fn nearest_key(message: &str) -> Option<String> {
    let mut names = message
        .strip_prefix("unknown field ")?
        .split('`')
        .skip(1)
        .step_by(2);
    let typed = names.next()?;
    nearest(typed, names).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Config::from_json(text, Path::new("keystone.json"))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_mistyped_key_is_named_with_its_place_and_the_nearest_right_one() {
        let text = "{\"command\": \"true\",\n \"config_files\": [\n  {\"source\": \"/a\", \"dest\": \"/b\", \"ownr\": \"c\"}]}";
        let error = error(text);
        assert!(error.starts_with("keystone.json:3:"), "{error}");
        assert!(
            error.contains("config_files[0].ownr: unknown field `ownr`"),
            "{error}"
        );
        assert!(error.ends_with("; did you mean owner?"), "{error}");
    }

    #[test]
    fn a_key_like_no_other_gets_no_suggestion() {
        assert!(!error(r#"{"command": "true", "zzzzzzzz": 1}"#).contains("did you mean"));
    }

    #[test]
    fn wrong_types_and_missing_keys_have_a_place() {
        assert!(error(r#"{"command": ["true"]}"#).contains("command: invalid type: sequence"));
        assert!(
            error(r#"{"command": "true", "permissions": [{"path": "/a"}]}"#)
                .contains("permissions[0]: missing field `owner`")
        );
        assert!(
            error("{}").starts_with("keystone.json:1:2: missing field `command`"),
            "{}",
            error("{}")
        );
    }

    #[test]
    fn text_after_the_end_is_an_error() {
        assert!(error(r#"{"command": "true"} x"#).contains("trailing characters"));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Config::read(Path::new("/nonexistent/config.json"))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("/nonexistent/config.json: cannot be read"),
            "{error}"
        );
    }
}
