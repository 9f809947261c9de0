//! Writes a config.json where a container will find it.

use std::path::Path;

use serde_json::Value;
use slipway_files::{WriteError, Written, write_private};
use slipway_pyvalue::json::Dumps;

use crate::Config;

/// Writes `config` to `path`, readable by its owner only.
///
/// A reader of `path` finds the old text or the new one, whole. A missing directory is made.
pub fn write(path: &Path, config: &Config) -> Result<Written, WriteError> {
    write_private(path, to_nice_json(config).as_bytes())
}

/// Returns `config` as Ansible's `to_nice_json` writes it: four spaces, sorted keys, ASCII, no
/// newline at the end.
///
/// ```
/// let config: slipway_kolla_config::Config = serde_json::from_str(r#"{"command": "é", "config_files": []}"#)?;
/// assert_eq!(
///     slipway_kolla_config::to_nice_json(&config),
///     "{\n    \"command\": \"\\u00e9\",\n    \"config_files\": []\n}",
/// );
/// # Ok::<_, serde_json::Error>(())
/// ```
pub fn to_nice_json(config: &Config) -> String {
    // The model has string keys and no numbers: serializing it cannot fail.
    nice_json(serde_json::to_value(config).unwrap_or_default())
}

/// Returns any value in the same form.
pub fn nice_json(mut value: Value) -> String {
    value.sort_all_objects();
    dumps(&value)
}

/// Returns Python's `json.dumps(value, indent=4)`.
pub(crate) fn dumps(value: &Value) -> String {
    let options = Dumps {
        indent: Some(" ".repeat(4)),
        ..Dumps::default()
    };
    options.text(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(command: &str) -> Config {
        Config {
            command: command.to_owned(),
            config_files: None,
            directories: None,
            files: None,
            permissions: None,
        }
    }

    #[test]
    fn the_text_is_the_same_as_python_writes() {
        let text =
            r#"{"permissions": [{"path": "/a", "owner": "b", "recurse": true}], "command": "c"}"#;
        let config: Config = serde_json::from_str(text).unwrap();
        let expected = concat!(
            "{\n    \"command\": \"c\",\n    \"permissions\": [\n        {\n            \"owner\": \"b\",\n",
            "            \"path\": \"/a\",\n            \"recurse\": true\n        }\n    ]\n}"
        );
        assert_eq!(to_nice_json(&config), expected);
    }

    #[test]
    fn characters_outside_of_printable_ascii_are_escaped() {
        let text = to_nice_json(&config("a\u{7f}ü😀\n\u{1}\"\\/"));
        assert_eq!(
            text,
            "{\n    \"command\": \"a\\u007f\\u00fc\\ud83d\\ude00\\n\\u0001\\\"\\\\/\"\n}"
        );
    }

    #[test]
    fn a_config_is_written_privately() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("config_files/keystone.json");
        assert_eq!(write(&path, &config("a")).unwrap(), Written::Created);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "{\n    \"command\": \"a\"\n}");
    }
}
