//! YAML for whoever reads it: by version 1.2 a text such as `no` needs no quotes, and by version 1.1,
//! which Ansible and Puppet read, it is no text without them.

use serde_json::Value;

/// What stands for a quote until it is written.
const MARK: &str = "__yaml_1_1__";

/// Truths of YAML 1.1, and its two signs.
const WORDS: [&str; 14] = [
    "yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF", "=", "<<",
];

/// A value as YAML that says the same in both versions.
pub fn to_string(value: &Value) -> Result<String, serde_yaml::Error> {
    Ok(serde_yaml::to_string(&marked(value))?.replace(MARK, "'"))
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

/// Whether version 1.1 may take a text for a truth, a number or a date.
fn is_ambiguous(text: &str) -> bool {
    let of_numbers = |c: char| c.is_ascii_hexdigit() || "xob_:.+-TtZz ".contains(c);
    WORDS.contains(&text)
        || text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
            && text.contains(|c: char| c.is_ascii_digit())
            && text.chars().all(of_numbers)
            && text.trim_end() == text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_stay_texts_in_both_versions() {
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
        assert_eq!(serde_yaml::from_str::<Value>(&text).unwrap(), value);
    }
}
