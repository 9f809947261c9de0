//! YAML that means the same to readers of both versions.
//!
//! By YAML 1.2 a string such as `no` or `1:30` needs no quotes. By YAML 1.1, which Ansible, Puppet and
//! PyYAML read, it is not a string without them.

use serde_json::Value;

use crate::error::{Error, Problem};

/// Stands for a quote until the document is written.
const MARK: &str = "__yaml_1_1__";

/// Booleans of YAML 1.1, and its two signs.
const WORDS: [&str; 14] = [
    "yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF", "=", "<<",
];

/// Returns a value as a YAML document.
///
/// ```
/// let value = serde_json::json!({"answer": "no", "time": "1:30", "port": 80});
/// assert_eq!(slipway_yaml::to_string(&value)?, "answer: 'no'\ntime: '1:30'\nport: 80\n");
/// # Ok::<(), slipway_yaml::Error>(())
/// ```
///
/// # Errors
/// None for a value that has been read from a document.
pub fn to_string(value: &Value) -> Result<String, Error> {
    let text = serde_yaml::to_string(&marked(value))
        .map_err(|error| Error::without_place(Problem::Value(error.to_string())))?;
    Ok(text.replace(MARK, "'"))
}

fn marked(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(marked).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, item)| (marked_text(key), marked(item)))
            .collect(),
        Value::String(text) => Value::String(marked_text(text)),
        other => other.clone(),
    }
}

fn marked_text(text: &str) -> String {
    if is_ambiguous(text) {
        format!("{MARK}{text}{MARK}")
    } else {
        text.to_owned()
    }
}

/// Returns whether version 1.1 may take a string for a boolean, a number or a date.
fn is_ambiguous(text: &str) -> bool {
    let in_numbers = |c: char| c.is_ascii_hexdigit() || "xob_:.+-TtZz ".contains(c);
    WORDS.contains(&text)
        || text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
            && text.contains(|c: char| c.is_ascii_digit())
            && text.chars().all(in_numbers)
            && text.trim_end() == text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Options, read, read_with};

    #[test]
    fn strings_stay_strings_in_both_versions() {
        let value = json!({
            "off": ["no", "Off", "note", "true", "~", ""],
            "n": [false, 1, "1", "0644", "1_000", "1:30", "0b11", "2018-03-02", "1e3", "-.5", "- 1", "10 "],
        });
        let text = to_string(&value).unwrap();
        assert_eq!(
            text,
            "'off':\n- 'no'\n- 'Off'\n- note\n- 'true'\n- '~'\n- ''\nn:\n- false\n- 1\n- '1'\n- '0644'\n- '1_000'\n\
             - '1:30'\n- '0b11'\n- '2018-03-02'\n- '1e3'\n- '-.5'\n- '- 1'\n- '10 '\n"
        );
        assert_eq!(read(&text).unwrap().into_value(), value);
        let as_pyyaml = read_with(&text, Options::PYYAML).unwrap();
        assert_eq!(as_pyyaml.into_value(), value);
    }
}
